"""Records as the API gives them: one function for each kind of thing, and nothing secret in any of them."""

from typing import Any

from yuanlu.cases.records import Case as CaseRecord
from yuanlu.cases.records import Event as CaseEvent
from yuanlu.causes.cause import Guidance
from yuanlu.causes.taxonomy import find_cause
from yuanlu.console.api import models
from yuanlu.console.api.models import maybe_when, when
from yuanlu.incidents.records import Incident
from yuanlu.journal.transactions import Transaction
from yuanlu.kernel.money import Money, alphabetic
from yuanlu.people.positions import Position, position_of
from yuanlu.people.words import ALL_KINDS, CHINESE, ENGLISH, case_word
from yuanlu.returns.orders import Order
from yuanlu.terminals import Terminal


def money(amount: Money) -> models.Money:
    """An amount."""
    return models.Money(minor=amount.minor, currency=alphabetic(amount.currency))


def words(given: Any) -> models.Words:
    """A text in both languages, of whichever package."""
    return models.Words(zh=given.zh, en=given.en)


def position_words(position: Position) -> models.Words:
    """A money position in both languages."""
    return models.Words(zh=position.zh, en=position.en)


def cause(code: str) -> models.Cause | None:
    """A cause with its guidance; None while none is known."""
    if not code:
        return None
    found = find_cause(code)
    if found is None:
        return models.Cause(code=code, title=models.Words(zh=code, en=code), cashier=None, cardholder=None)
    said = found.guidance
    return models.Cause(
        code=code, title=words(found.title), cashier=words(said.cashier), cardholder=words(said.cardholder)
    )


def guidance_of(code: str) -> Guidance | None:
    """What a cause has people told."""
    found = find_cause(code)
    return None if found is None else found.guidance


def transaction(found: Transaction, *, confirmed: bool = False, waits: bool = False) -> models.Transaction:
    """A transaction; `confirmed` by a clearing file, `waits` for a second person."""
    position = position_of(found.state, confirmed=confirmed, waits=waits)
    return models.Transaction(
        id=found.transaction_id,
        merchant_id=found.key.merchant_id,
        terminal_id=found.key.terminal_id,
        acquirer=found.acquirer,
        kind=found.kind,
        state=found.state,
        position=position.key,
        position_text=position_words(position),
        amount=money(found.amount),
        approved=None if found.approved_minor is None else money(found.paid),
        card=models.Card(bin=found.card_bin, last4=found.card_last4),
        response_code=found.response_code or None,
        rrn=found.rrn or None,
        auth_code=found.auth_code or None,
        batch_no=found.key.batch_no,
        stan=found.key.stan,
        original_id=found.original_id or None,
        cause=cause(found.cause),
        received_at=when(found.received_at_us),
        changed_at=when(found.changed_at_us),
    )


def fact(row: Any) -> models.Event:
    """A fact of a transaction's timeline. Its note may name evidence, never a card."""
    zh, en = ALL_KINDS.get(row.kind, (row.kind, row.kind))
    return models.Event(at=when(row.at_us), kind=row.kind, title=models.Words(zh=zh, en=en), note=row.note)


def order(found: Order) -> models.Return:
    """An order to give money back."""
    return models.Return(
        id=found.order_id,
        transaction_id=found.transaction_id,
        kind=found.kind,
        amount=money(found.amount),
        state=found.state.value,
        reason=found.reason,
        explanation=found.explanation,
        maker=found.maker,
        checker=found.checker or None,
        reference=found.reference or None,
        proposed_at=when(found.proposed_at_us),
        expires_at=when(found.expires_at_us),
        decided_at=maybe_when(found.decided_at_us),
        closed_at=maybe_when(found.closed_at_us),
    )


def case(found: CaseRecord, events: list[CaseEvent] | None = None) -> models.Case:
    """A case, with its timeline where it is wanted."""
    return models.Case(
        id=found.case_id,
        transaction_id=found.transaction_id,
        incident=found.incident or None,
        merchant_id=found.merchant_id,
        terminal_id=found.terminal_id,
        amount=money(found.amount),
        title=words(found.title),
        explanation=words(found.explanation),
        cause=found.cause,
        severity=found.severity.value,
        state=found.state.value,
        level=found.level.name,
        queue=found.queue,
        owner=found.owner or None,
        deadline_at=when(found.deadline_at_us),
        opened_at=when(found.opened_at_us),
        changed_at=when(found.changed_at_us),
        closed_at=maybe_when(found.closed_at_us),
        outcome=found.outcome or None,
        version=found.version,
        timeline=None if events is None else [_event(each) for each in events],
    )


def _event(found: CaseEvent) -> models.Event:
    kind = found.kind.fact
    title = models.Words(zh=case_word(kind, CHINESE), en=case_word(kind, ENGLISH))
    return models.Event(at=when(found.at_us), kind=kind, title=title, note=f"{found.who}: {found.text}")


def incident(found: Incident) -> models.Incident:
    """An incident as it stands."""
    return models.Incident(
        id=found.incident_id,
        kind=found.kind.value,
        scope=found.scope.kind.value,
        scope_name=found.scope.name or None,
        state=found.state.value,
        reason=found.reason,
        holds_sales=found.holds_sales,
        transactions=found.report.transactions,
        terminals=found.report.terminals,
        returned=found.report.returned,
        open=found.report.open,
        began_at=when(found.began_at_us),
        declared_at=when(found.declared_at_us),
        ended_at=maybe_when(found.ended_at_us),
    )


def terminal(found: Terminal) -> models.Terminal:
    """A terminal of the list."""
    return models.Terminal(
        id=found.terminal_id, merchant_id=found.merchant_id, acquirer=found.acquirer, region=found.region or None
    )
