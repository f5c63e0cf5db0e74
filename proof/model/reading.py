"""The model's own reader: its memory, its host's books and what its tills wrote down, as the checker's plain data."""

from collections.abc import Sequence

from proof.model.memory import Memory, Values
from proof.records import Evidence, FactRow, LegRow, OrderRow, Posting, Ref, Sent, Shown, Told, TransactionRow
from yuanlu.iso8583.codec import codec_for
from yuanlu.journal.frames import unpack

NO_BATCH = "000000"
"""What the journal calls the batch of a dialect that has none."""


def evidence_of(
    *, profile: str, memory: Memory, postings: Sequence[Posting], sent: Sequence[Sent], told: Sequence[Told],
    at_rest: bool, recovered_alike: bool,
) -> Evidence:  # fmt: skip
    """Everything at rest."""
    tables = memory.tables
    return Evidence(
        profile=profile, at_rest=at_rest, postings=postings, sent=sent, told=told,
        facts=[_fact(row) for row in tables["facts"].values()],
        transactions=[_transaction(row) for row in tables["transactions"].values()],
        moves=memory.moves,
        legs=[_leg(row) for row in tables["legs"].values()],
        orders=[_order(row) for row in tables["orders"].values()],
        watched=frozenset(key[0] for key in tables["watches"]),
        recovered_alike=recovered_alike,
    )  # fmt: skip


def _fact(row: Values) -> FactRow:
    return FactRow(
        subject=row["subject_id"], version=row["version"], writer=row["writer_id"], seq=row["writer_seq"],
        kind=row["kind"], durable_s=row["durable_s"], shown=_shown(row["frames"]),
    )  # fmt: skip


def _shown(frames: bytes) -> tuple[Shown, ...]:
    """The answers to terminals among a fact's frames."""
    if b"t" not in frames:
        return ()
    found = []
    for stored in unpack(frames):
        if stored.direction.value == b"t":
            message = codec_for(stored.dialect).decode(stored.masked)
            found.append(Shown(direction="t", mti=message.mti, stan=message[11], code=message.get(39) or ""))
    return tuple(found)


def _ref(row: Values) -> Ref:
    batch = row["batch_no"]
    return row["terminal_id"], "" if batch == NO_BATCH else batch, row["stan"], row["mti_class"]


def _transaction(row: Values) -> TransactionRow:
    approved = row["approved_minor"]
    return TransactionRow(
        id=row["transaction_id"], ref=_ref(row), kind=row["kind"], state=str(row["state"]), version=row["version"],
        paid_minor=row["amount_minor"] if approved is None else approved, currency=row["currency"],
        about=row["original_id"],
    )  # fmt: skip


def _leg(row: Values) -> LegRow:
    return LegRow(
        id=row["return_id"], transaction=row["transaction_id"], kind=row["kind"], state=str(row["state"]),
        minor=row["amount_minor"], currency=row["currency"], message=row["message_id"],
        case_opened=bool(row["case_opened"]), explanation=row["explanation"],
    )  # fmt: skip


def _order(row: Values) -> OrderRow:
    return OrderRow(
        id=row["order_id"], transaction=row["transaction_id"], state=row["state"], automatic=bool(row["automatic"]),
        maker=row["maker"], checker=row["checker"],
    )  # fmt: skip
