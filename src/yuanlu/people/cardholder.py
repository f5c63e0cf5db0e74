"""What a cardholder can do from the slip: find his payment by its link, complain, and say how it went.

A link is the payment's id, sealed: 128 bits and more that nobody can guess or change, and no table of links. It opens
for as long as refunds are possible. A complaint is a case, or a line in the one that is open.
"""

import base64
import binascii
import secrets

from sqlalchemy import Connection, func, select

from yuanlu.cases.errors import CaseError
from yuanlu.cases.opening import case_number, open_case
from yuanlu.cases.people import Actor
from yuanlu.cases.records import Case, Opening, Severity, Words
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.store import find_case_of
from yuanlu.cases.tables import case_events
from yuanlu.cases.texts import text_of
from yuanlu.journal.transactions import Transaction, get
from yuanlu.journal.unit import Conflict
from yuanlu.journal.visiting import visit
from yuanlu.kernel.clock import SystemClock
from yuanlu.keys.contract import KeyStore
from yuanlu.keys.errors import SealBroken
from yuanlu.people.database import on_database
from yuanlu.returns.steps import next_version, return_fact
from yuanlu.settings import Settings

CONTEXT = "cardholder link"
DAYS_MAX = 180
DAY_US = 86_400_000_000
TOKEN_CHARACTERS_MAX = 200
CARDHOLDER = Actor(name="cardholder", via="slip")
COMPLAINT, FEEDBACK = "CARDHOLDER_COMPLAINT", "CARDHOLDER_FEEDBACK"
QUEUE = "complaints"
SAID_MAX = 10
"""So often a cardholder may write about one payment."""
TRIES = 5


def link_of(keys: KeyStore, transaction_id: str) -> str:
    """The last part of a link's address. Two links of one payment look different, and both are good."""
    return base64.urlsafe_b64encode(keys.seal(transaction_id.encode(), CONTEXT)).decode().rstrip("=")


def opened(keys: KeyStore, link: str) -> str | None:
    """The payment's id; None for a link that is none of ours."""
    if not 0 < len(link) <= TOKEN_CHARACTERS_MAX:
        return None
    try:
        sealed = base64.b64decode(link + "=" * (-len(link) % 4), altchars=b"-_", validate=True)
        return keys.unseal(sealed, CONTEXT).decode()
    except (binascii.Error, ValueError, SealBroken):
        return None


def too_old(payment: Transaction, now_us: int) -> bool:
    """Whether its links have ended."""
    return now_us - payment.received_at_us > DAYS_MAX * DAY_US


@on_database
def complained(settings: Settings, transaction_id: str, text: str) -> Case:
    """A case for what the cardholder says, or a line in the open one. Raises CaseError."""
    said = text_of(text, "your complaint")
    clock, levels = SystemClock(), ServiceLevels(agreements=settings.agreements())
    with visit(settings.store.url, settings.folder, clock) as visitor:
        for _ in range(TRIES):
            now_us = clock.wall_us()
            with visitor.reading() as connection:
                payment = get(connection, transaction_id)
                before = find_case_of(connection, transaction_id)
                if before is not None:
                    _refuse_too_many(connection, before)
            done = open_case(
                _opening(payment, said, now_us), before, number=case_number(now_us, secrets.randbits),
                terms=levels.of(payment.key.merchant_id), now_us=now_us, who=CARDHOLDER,
            )  # fmt: skip
            if not isinstance(visitor.commit(done.facts, done.changes), Conflict):
                return done.case
    raise CaseError("your payment is just being worked on; please send it once more")


def _refuse_too_many(connection: Connection, case: Case) -> None:
    written = connection.execute(
        select(func.count())
        .select_from(case_events)
        .where(case_events.c.case_id == case.case_id, case_events.c.who == CARDHOLDER.name)
    ).scalar_one()
    if written >= SAID_MAX:
        raise CaseError(f"we have your messages; they are in case {case.case_id}")


def _opening(payment: Transaction, said: str, now_us: int) -> Opening:
    return Opening(
        transaction_id=payment.transaction_id, merchant_id=payment.key.merchant_id,
        terminal_id=payment.key.terminal_id, acquirer=payment.acquirer, amount=payment.paid,
        title=Words(zh="持卡人投诉", en="Complaint of the cardholder"), cause=COMPLAINT, severity=Severity.HIGH,
        explanation=Words(zh=f"持卡人留言：{said}", en=f"the cardholder writes: {said}"), queue=QUEUE, since_us=now_us,
    )  # fmt: skip


@on_database
def answered(settings: Settings, transaction_id: str, helpful: bool, text: str) -> None:
    """How it went, in the payment's timeline. Raises CaseError."""
    said = text_of(text, "your words") if text else ""
    clock = SystemClock()
    note = f"{'helpful' if helpful else 'not helpful'}{': ' + said if said else ''}"
    with visit(settings.store.url, settings.folder, clock) as visitor:
        for _ in range(TRIES):
            with visitor.reading() as connection:
                payment = get(connection, transaction_id)
            fact = return_fact(payment, FEEDBACK, clock.now(), note)
            if not isinstance(visitor.commit([fact], [next_version(payment)]), Conflict):
                return
    raise CaseError("your payment is just being worked on; please send it once more")
