"""What the journal shows of one abnormal transaction, as the evidence that `causes` looks at. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from msgspec.structs import replace
from sqlalchemy import Connection

from yuanlu.acquirers.iso8583_host import inquiry_state
from yuanlu.acquirers.kinds import KINDS, REFUND, VOID
from yuanlu.acquirers.outcome import Doubt
from yuanlu.acquirers.terms import APPROVALS
from yuanlu.causes.evidence import RECENT_MAX, Break, Evidence, Recent, Terminal, TerminalReversal, Unsent, Voice
from yuanlu.causes.history import KEYING_CODES
from yuanlu.causes.network import HAD_IT
from yuanlu.fleet.health import AFTER_US, Moment, Seen, clearing, handed_over, read_seen, terminal_health
from yuanlu.flow.around import Around
from yuanlu.flow.linked import day_changed
from yuanlu.flow.purchase import TOO_LATE
from yuanlu.flow.recovery import CRASHED
from yuanlu.iso8583.codec import Message, codec_for
from yuanlu.iso8583.errors import DecodeError
from yuanlu.journal.frames import Direction, StoredFrame, unpack
from yuanlu.journal.transactions import Transaction, beside, facts_of, first_request, get
from yuanlu.kernel.clock import day_began_us
from yuanlu.reconciliation.batch import FindingKind
from yuanlu.reconciliation.store import finding_about
from yuanlu.returns.states import State
from yuanlu.returns.steps import TERMINAL_GONE
from yuanlu.returns.ways import find_link

NEARBY_US = 3_600_000_000
NEARBY_MAX = RECENT_MAX
LATE = "late answer "
KEYED = "01"
"""Field 22 begins so when the card number was typed in."""
BREAKS = {
    FindingKind.ONLY_OURS: Break.ONLY_OURS,
    FindingKind.ONLY_THEIRS: Break.ONLY_THEIRS,
    FindingKind.REVERSED_BUT_UPLOADED: Break.ONLY_THEIRS,
    FindingKind.OTHER_AMOUNT: Break.AMOUNT_DIFFERS,
    FindingKind.DUPLICATE: Break.TWICE,
}
"""What a finding of the terminal's batch says to `causes`."""

Member = TypeVar("Member", Doubt, Unsent)


INQUIRY_ANSWER = "0610"
DEFINITE = HAD_IT | {"DECLINED"}
STATES = frozenset(state.value for state in State)
ANSWERED = frozenset({State.APPROVED, State.CAPTURED, State.DECLINED})
"""The terminal was told, and nothing contradicts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A transaction, what happened to it, and what it looks like."""

    transaction: Transaction
    rows: Sequence[Any]
    evidence: Evidence
    seen: Seen


def read_story(connection: Connection, transaction_id: str, around: Around) -> Story:
    """Everything about one transaction, read together."""
    found = get(connection, transaction_id)
    rows = facts_of(connection, found.key.merchant_id, transaction_id)
    evidence = _of_original(connection, _evidence(connection, found, rows), found, around)
    own = evidence.terminal_reversal is not None or evidence.terminal_gone or evidence.after_deadline
    moment = _moment(found, rows, own=own, around=around)
    seen = read_seen(connection, moment)
    line = around.lines.about(found.key.terminal_id, found.received_at_us)
    terminal = replace(
        terminal_health(seen, moment), repeats=evidence.terminal.repeats, reconnects=line.reconnects,
        mac_failures=line.mac_failures,
    )  # fmt: skip
    evidence = replace(evidence, terminal=terminal, handed_over=handed_over(seen), clearing=clearing(seen))
    return Story(transaction=found, rows=rows, evidence=evidence, seen=seen)


def _evidence(connection: Connection, found: Transaction, rows: Sequence[Any]) -> Evidence:
    kinds = [row.kind for row in rows]
    stored = [(row.kind, each) for row in rows for each in unpack(row.frames)]
    answered = [kind for kind, each in stored if each.direction is Direction.FROM_HOST and kind != "LATE_ANSWER"]
    link = find_link(connection, found.transaction_id)
    differs = finding_about(connection, found.transaction_id)
    near = [each for each in beside(connection, found, NEARBY_US, NEARBY_MAX) if not _linked(found, each)]
    entry_mode = _field(stored[0][1], 22) if stored else ""
    keyed = _keyed(connection, near) if entry_mode[:2] == KEYED else frozenset()
    notes = [row.note for row in rows]
    return Evidence(
        kind=found.kind,
        state=found.state,
        amount=found.amount,
        card_token=found.card_token,
        entry_mode=entry_mode,
        response_code=found.response_code,
        voice=Voice.HOST if answered else Voice.OURS,
        unauthenticated="declined without a MAC" in notes,
        doubt=_member(Doubt, notes),
        unsent=_member(Unsent, [found.reason]),
        after_deadline=TOO_LATE in notes,
        terminal_gone=TERMINAL_GONE in notes,
        gateway_crashed=CRASHED in notes,
        customer_confirming="PENDING" in kinds,
        reopened=State.REOPENED in kinds,
        late_code=next((note.removeprefix(LATE)[:2] for note in notes if note.startswith(LATE)), ""),
        inquiry_state=_inquired([each for _, each in stored]),
        terminal=Terminal(repeats=kinds.count("REPEAT")),
        terminal_reversal=_own_reversal(found, rows),
        recent=tuple(_recent(found, each, keyed) for each in near),
        voided=any(leg.state is State.RETURNED and leg.message_id for leg in link.legs),
        batch=BREAKS.get(differs.kind) if differs is not None else None,
    )


def _moment(found: Transaction, rows: Sequence[Any], *, own: bool, around: Around) -> Moment:
    """How long the terminal waited: until it was answered, or as long as it says when it heard nothing (`own`)."""
    told = [] if own else [row.at_us for row in rows if _tells(row)]
    return Moment(
        terminal_id=found.key.terminal_id,
        transaction_id=found.transaction_id,
        at_us=found.received_at_us,
        waited_until_us=told[0] if told else found.received_at_us + AFTER_US,
        in_order=found.state in ANSWERED,
        day_began_us=day_began_us(found.received_at_us) if around.signs_in else 0,
    )


def _tells(row: Any) -> bool:
    return any(each.direction is Direction.TO_TERMINAL for each in unpack(row.frames))


def _of_original(connection: Connection, evidence: Evidence, found: Transaction, around: Around) -> Evidence:
    """Of a void or refund: where its original stood when it was asked for, and whether the host's day had changed."""
    if not found.original_id:
        return evidence
    original = get(connection, found.original_id)
    rows = facts_of(connection, original.key.merchant_id, original.transaction_id)
    before = [row.kind for row in rows if row.kind in STATES and row.at_us <= found.received_at_us]
    terms = around.terms.get(original.acquirer)
    kind = VOID if found.kind == REFUND and found.key.mti_class == KINDS[VOID].mti else found.kind
    return replace(
        evidence,
        kind=kind,  # as it was asked for: a void that came too late went on as a refund
        original_state=before[-1] if before else "",
        day_changed=terms is not None and day_changed(kind, original, terms, found.received_at_us),
    )


def _member(kind: type[Member], texts: Sequence[str]) -> Member | None:
    """The first text that is one of these reasons."""
    values = {each.value: each for each in kind}
    return next((values[text] for text in texts if text in values), None)


def _inquired(stored: Sequence[StoredFrame]) -> str:
    """What the host said when asked: that it had the payment, whenever it said so, else its last definite word."""
    said = []
    for each in stored:
        if each.direction is Direction.FROM_HOST:
            message = _message(each)
            if message is not None and message.mti == INQUIRY_ANSWER and (state := inquiry_state(message)) in DEFINITE:
                said.append(state)
    return next((state for state in said if state in HAD_IT), said[-1] if said else "")


def _own_reversal(found: Transaction, rows: Sequence[Any]) -> TerminalReversal | None:
    """The terminal's 0400, if it sent one."""
    for row in rows:
        if row.kind not in ("TOMBSTONE", "RETURN_INTENT", "JOINED"):
            continue
        asked = [each for each in unpack(row.frames) if each.direction is Direction.FROM_TERMINAL]
        if asked:
            return TerminalReversal(
                reason=_field(asked[0], 39),
                after_ms=max(0, (row.at_us - found.received_at_us) // 1000),
                original_unseen=row.kind == "TOMBSTONE",
            )
    return None


def _linked(found: Transaction, other: Transaction) -> bool:
    """Whether one is about the other, or both about the same: these are no neighbours, but one story."""
    about = {found.transaction_id, found.original_id} - {""}
    return other.transaction_id in about or other.original_id in about


def _keyed(connection: Connection, near: Sequence[Transaction]) -> frozenset[str]:
    """Which of the neighbours that were declined for their card data had their number typed in."""
    wrong = (each for each in near if each.response_code in KEYING_CODES)
    return frozenset(each.transaction_id for each in wrong if _field(first_request(connection, each), 22)[:2] == KEYED)


def _recent(found: Transaction, other: Transaction, keyed: frozenset[str]) -> Recent:
    return Recent(
        card_token=other.card_token,
        amount=other.amount,
        ago_s=(found.received_at_us - other.received_at_us) // 1_000_000,
        kind=other.kind,
        state=other.state,
        response_code=other.response_code if other.response_code not in APPROVALS else "",
        keyed=other.transaction_id in keyed,
    )


def _message(stored: StoredFrame) -> Message | None:
    try:
        return codec_for(stored.dialect).decode(stored.masked)
    except DecodeError:
        return None


def _field(stored: StoredFrame, number: int) -> str:
    message = _message(stored)
    try:
        return "" if message is None else message.get(number) or ""
    except DecodeError:
        return ""
