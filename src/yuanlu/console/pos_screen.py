"""What the virtual POS shows about a payment: one phase, from what the till was told and what the journal says since.

Pure: the page asks, this decides. Wording: the design's §6, messages 1 to 3.
"""

from enum import StrEnum

from msgspec import Struct
from sqlalchemy import Connection

from yuanlu.cases.records import Case
from yuanlu.cases.store import find_case_of
from yuanlu.causes.cause import Cause
from yuanlu.causes.taxonomy import CAUSES
from yuanlu.journal.transactions import Transaction, find_by_key
from yuanlu.till.records import TillPayment, TillState, Undo
from yuanlu.till.store import about, find_by_request

CAUSE_OF = {cause.code: cause for cause in CAUSES}


class Phase(StrEnum):
    """Where the cashier stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    DECLINED = "declined"
    UNKNOWN = "unknown"
    """Being reversed; nobody charges again."""
    RETURNED = "returned"
    """The acquirer has accepted the return: charge again."""
    NO_EFFECT = "no_effect"
    """It never took effect: charge again."""
    WITH_PEOPLE = "with_people"
    NOT_SENT = "not_sent"


AGAIN = frozenset({Phase.DECLINED, Phase.RETURNED, Phase.NO_EFFECT, Phase.NOT_SENT})
"""A new payment of the same amount from the same customer may be taken."""
MOVING = frozenset({Phase.WAITING, Phase.UNKNOWN})
"""More will be known by itself."""


class Screen(Struct, frozen=True, kw_only=True):
    """Everything that the page of one payment needs."""

    payment: TillPayment
    transaction: Transaction | None
    phase: Phase
    cause: Cause | None
    case: Case | None
    given_back: list[TillPayment]


def phase_of(payment: TillPayment, transaction: Transaction | None) -> Phase:
    """The phase. The journal knows more than the till was told, as soon as it knows the payment."""
    if payment.state is TillState.SENT:
        return Phase.WAITING
    if payment.state is TillState.NOT_SENT:
        return Phase.NOT_SENT
    state = transaction.state if transaction is not None else ""
    match state:
        case "RETURNED":
            return Phase.RETURNED
        case "NO_EFFECT":
            return Phase.NO_EFFECT
        case "ESCALATED":
            return Phase.WITH_PEOPLE
    if payment.state is TillState.DECLINED:
        return Phase.DECLINED
    if payment.state is TillState.APPROVED and payment.undo is Undo.NO and state in ("APPROVED", "CAPTURED"):
        return Phase.APPROVED
    return Phase.UNKNOWN


def screen_of(connection: Connection, tenant: str, key: str) -> Screen | None:
    """The screen of the payment that was asked for under this key; None when there is none yet."""
    payment = find_by_request(connection, tenant, key)
    if payment is None:
        return None
    transaction = find_by_key(connection, payment.transaction_key)
    case = None if transaction is None else find_case_of(connection, transaction.transaction_id)
    return Screen(
        payment=payment,
        transaction=transaction,
        phase=phase_of(payment, transaction),
        cause=None if transaction is None else CAUSE_OF.get(transaction.cause),
        case=case,
        given_back=about(connection, payment.payment_id),
    )


def sentences(text: str) -> list[str]:
    """Guidance as steps: a sentence each, in either language."""
    steps: list[str] = []
    for part in text.replace("。", "。\n").replace(". ", ".\n").split("\n"):
        if part.strip():
            steps.append(part.strip())
    return steps
