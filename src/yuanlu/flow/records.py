"""The rows that the flow writes: transactions, facts, masked frames."""

from msgspec.structs import replace

from yuanlu.acquirers.material import account_bytes
from yuanlu.acquirers.terms import PARTIAL_APPROVAL
from yuanlu.flow.payment import Desk, Payment
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.masking import masked
from yuanlu.journal.frames import Direction, pack
from yuanlu.journal.transactions import SET_OUTCOME, SET_STATE, Transaction
from yuanlu.journal.unit import Change, Conflict, Fact
from yuanlu.returns.states import State
from yuanlu.returns.steps import next_version, sealing_context

Unit = tuple[list[Fact], list[Change]]
"""What is committed together."""

HostWords = tuple[str, str, str, int | None]
"""Response code, retrieval reference number, authorisation, and the amount approved where it is not all."""


def received(
    desk: Desk, payment: Payment, upstream: Message, *, host: str = "", kind: str = "", original_id: str = ""
) -> Transaction:
    """The transaction as it begins. `upstream` is the request as it goes to the host: a reversal repeats that one."""
    transaction_id = desk.identifiers.new()
    now_us = desk.clock.wall_us()
    by_card = payment.message.has(2) or payment.message.has(35)
    card = payment.account if by_card else ""  # else it is a QR code, or nothing
    return Transaction(
        transaction_id=transaction_id,
        key=payment.key,
        acquirer=host or payment.acquirer,
        kind=kind or payment.kind,
        state=State.SEND_INTENT,
        version=1,
        amount=payment.amount,
        card_token=desk.token(payment),
        card_bin=payment.card_bin,
        card_last4=card[-4:],
        sealed=desk.keys.seal(account_bytes(upstream, card), sealing_context(transaction_id)),
        received_at_us=now_us,
        changed_at_us=now_us,
        original_id=original_id,
    )


def frame(direction: Direction, message: Message) -> bytes:
    """One masked frame for a fact."""
    return pack(direction, message.codec.dialect.name, masked(message))


def asked_frame(payment: Payment) -> bytes:
    """What the terminal asked; nothing for a request that is our own."""
    return b"" if payment.order_id else frame(Direction.FROM_TERMINAL, payment.message)


def reply_frame(request: Message, reply: bytes | None) -> bytes:
    """Our own answer, masked; nothing for silence."""
    return b"" if reply is None else frame(Direction.TO_TERMINAL, request.codec.decode(reply))


def fact(desk: Desk, transaction: Transaction, kind: str, *, version: int, note: str = "", frames: bytes = b"") -> Fact:
    """One fact of a transaction."""
    return Fact(
        merchant_id=transaction.key.merchant_id,
        subject_id=transaction.transaction_id,
        version=version,
        kind=str(kind),  # a plain string, see `as_row`
        at_us=desk.clock.wall_us(),
        terminal_id=transaction.key.terminal_id,
        note=note,
        frames=frames,
    )


def to_outcome(desk: Desk, after: Transaction, *, was: Transaction) -> Change:
    """The state with the host's words, from version `was` to version `after`."""
    words = (after.response_code, after.rrn, after.auth_code, after.approved_minor)
    return outcome(desk, was, after.state, after.version, after.reason, words)


def outcome(desk: Desk, was: Transaction, state: str, version: int, reason: str, words: HostWords) -> Change:
    """The state with the host's code, reference number and authorisation."""
    return Change(
        statement=SET_OUTCOME,
        row=(str(state), version, reason, *words, desk.clock.wall_us(), was.transaction_id, was.version),
    )


def to_state(desk: Desk, was: Transaction, state: str, version: int, reason: str) -> Change:
    """Another state, or the same with another version."""
    return Change(
        statement=SET_STATE,
        row=(state, version, reason, desk.clock.wall_us(), was.transaction_id, was.version),
    )


def with_host_words(transaction: Transaction, answer: Message | None, code: str) -> Transaction:
    """The host's reference number, authorisation and code, as far as it gave them."""
    if answer is None:
        return replace(transaction, response_code=code)
    response_code, rrn, auth_code, approved_minor = host_words(answer, code)
    return replace(
        transaction, response_code=response_code, rrn=rrn, auth_code=auth_code, approved_minor=approved_minor
    )


def host_words(answer: Message | None, code: str) -> HostWords:
    """What the host said, as far as it gave it; field 4 counts where the approval is partial (domain trap T14)."""
    if answer is None:
        return code, "", "", None
    said = _lenient(answer, 39) or code
    amount = _lenient(answer, 4) if said == PARTIAL_APPROVAL else ""
    return said, _lenient(answer, 37).strip(), _lenient(answer, 38).strip(), int(amount) if amount else None


def _lenient(message: Message, number: int) -> str:
    try:
        return message.get(number) or ""
    except DecodeError:
        return ""


async def note(
    desk: Desk,
    transaction: Transaction,
    kind: str,
    text: str,
    frames: bytes,
    *,
    changes: tuple[Change, ...] = (),
) -> bool:
    """A fact that changes no state; False when the transaction changed meanwhile."""
    row = fact(desk, transaction, kind, version=transaction.version + 1, note=text, frames=frames)
    return not isinstance(await desk.journal.commit([row], [next_version(transaction), *changes]), Conflict)


async def event(
    desk: Desk, merchant_id: str, terminal_id: str, kind: str, text: str, frames: bytes, *,
    changes: tuple[Change, ...] = (),
) -> None:  # fmt: skip
    """A fact that belongs to no transaction: a frame of a known terminal, and our answer."""
    row = Fact(
        merchant_id=merchant_id,
        subject_id=desk.identifiers.new(),
        version=1,
        kind=kind,
        at_us=desk.clock.wall_us(),
        terminal_id=terminal_id,
        note=text,
        frames=frames,
    )
    await desk.journal.commit([row], changes)
