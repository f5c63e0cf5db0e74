"""A terminal's void, refund or completion: which transaction it is about, and whether it may be.

It goes the way of every payment (`flow.purchase`); what is different stands here. The original's route is the
message's route, and a void that comes after the cut-over goes on as a refund by itself.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from yuanlu.acquirers.kinds import KINDS, REFUND, VOID
from yuanlu.acquirers.terms import HostTerms
from yuanlu.causes.evidence import Evidence
from yuanlu.flow.codes import CARD_DIFFERS_CODE, NO_ORIGINAL_CODE
from yuanlu.flow.payment import Desk, Payment, Reference
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.subfields import F60, F61
from yuanlu.journal import transactions
from yuanlu.journal.frames import Direction, unpack
from yuanlu.journal.transactions import Transaction
from yuanlu.kernel.clock import local_time
from yuanlu.kernel.identifiers import TransactionKey
from yuanlu.returns.obstacles import obstacle, same_day
from yuanlu.returns.ways import Link, find_link

NOTHING_KNOWN = Evidence()


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A message about another transaction. `kind` is what goes upstream: a late void goes as a refund.

    `original_batch_no` is the batch under which the host has the original; "" where that is the terminal's own.
    """

    kind: str
    link: Link
    original_batch_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It may not be; `code` is field 39."""

    code: str
    why: str
    about: Evidence = NOTHING_KNOWN
    """Where its original stands, as far as it is known."""


async def examine(desk: Desk, payment: Payment) -> Errand | Refused:
    """Find the original and ask what stands in the way. Nothing is sent or written."""
    link, batch_no = await desk.journal.read(partial(_find, desk=desk, payment=payment))
    if link is None:
        return Refused(code=NO_ORIGINAL_CODE, why="the original is not known here")
    original = link.original
    about = _about(payment, original, desk)
    if payment.account and original.card_token and desk.token(payment) != original.card_token:
        return Refused(code=CARD_DIFFERS_CODE, why="its card is not the original's", about=about)
    terms, now_us = desk.hosts[original.acquirer].terms, desk.clock.wall_us()
    kind = payment.kind
    if kind == VOID and original.kind in KINDS[REFUND].of and not same_day(original, terms, now_us):
        kind = REFUND
    found = obstacle(kind, link, payment.amount, terms, now_us)
    if found is not None:
        return Refused(code=found.code, why=found.why, about=about)
    return Errand(kind=kind, link=link, original_batch_no=batch_no)


def _about(payment: Payment, original: Transaction, desk: Desk) -> Evidence:
    terms, now_us = desk.hosts[original.acquirer].terms, desk.clock.wall_us()
    changed = day_changed(payment.kind, original, terms, now_us)
    return Evidence(original_state=original.state, day_changed=changed)


def day_changed(kind: str, original: Transaction, terms: HostTerms, at_us: int) -> bool:
    """Whether the host's cut-over lies between a payment and its void; other kinds do not depend on the day."""
    return kind == VOID and terms.business_day(original.received_at_us) != terms.business_day(at_us)


def _find(connection: Connection, desk: Desk, payment: Payment) -> tuple[Link | None, str]:
    original = find_original(connection, payment)
    if original is None:
        return None, ""
    return find_link(connection, original.transaction_id), batch_upstream(connection, desk, original)


def batch_upstream(connection: Connection, desk: Desk, original: Transaction) -> str:
    """60.2 of the original as it left for a host that numbers batches itself; "" where terminals number them.

    As it left last: an advice is forwarded again under the number of the day.
    """
    host = desk.hosts.get(original.acquirer)
    if host is None or not host.numbers_batches:
        return ""
    rows = transactions.facts_of(connection, original.key.merchant_id, original.transaction_id)
    sent = [each for row in rows for each in unpack(row.frames) if each.direction is Direction.TO_HOST]
    messages = [host.codec.decode(each.masked) for each in sent]
    named = [m[60] for m in messages if m.has(60) and m.mti == original.key.mti_class]
    return F60.parse(named[-1]).batch_no if named else ""


def find_original(connection: Connection, payment: Payment) -> Transaction | None:
    """By batch and trace number at this terminal, else by the reference number within the merchant."""
    about, kinds = payment.refers_to, KINDS[payment.kind].of
    assert about is not None, "only what refers to another transaction is examined"
    if about.stan:
        known = _by_stan(connection, payment.key, about, kinds)
        named = [each for each in known if not about.rrn or each.rrn in ("", about.rrn)]
        return next((each for each in named if each.kind in kinds), named[0] if named else None)
    found = transactions.find_by_rrn(connection, payment.key.merchant_id, about.rrn, kinds) if about.rrn else None
    elsewhere = found is not None and found.key.terminal_id != payment.key.terminal_id
    return None if elsewhere and payment.kind != REFUND else found


def _by_stan(
    connection: Connection, key: TransactionKey, about: Reference, kinds: Collection[str]
) -> list[Transaction]:
    """What the terminal has under this trace number; a refund may be about a request, or about an advice."""
    found = (
        transactions.find_by_key(
            connection,
            TransactionKey(
                terminal_id=key.terminal_id, merchant_id=key.merchant_id, batch_no=about.batch_no or key.batch_no,
                stan=about.stan, mti_class=mti_class,
            ),
        )
        for mti_class in sorted({KINDS[kind].mti for kind in kinds})
    )  # fmt: skip
    return [each for each in found if each is not None]


def as_refund(message: Message, original: Transaction) -> Message:
    """The void, as a refund of the same: 0220, 60.1 = 25, and field 61 with the original's date alone."""
    changes: dict[int, str | bytes | None] = {37: original.rrn or None}
    if not message.codec.dialect.extended:
        day = local_time(original.received_at_us).strftime("%m%d")
        changes[61] = F61(batch_no="000000", stan="000000", date_mmdd=day).build()
        if message.has(60):
            f60 = F60.parse(message[60])
            changes[60] = KINDS[REFUND].type_code + message[60][2:] if f60.type_code else message[60]
    return message.codec.decode(message.splice(changes, mti=KINDS[REFUND].mti))
