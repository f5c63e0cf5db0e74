"""Decisions about money that the machine cannot settle: one person proposes, another approves (invariant I14).

What an approved decision does to the return itself is not decided here. Approving puts a task of kind `decision` (key:
the decision's id, lane: the acquirer) in the same unit. The return engine handles it: it reads the decision
(`store.get_decision`), checks that it still fits what the journal says, and commits its own facts and changes together
with `carried_out` or, when it may no longer be done, `not_carried_out`. Either drops nothing of the task: that is the
handler's.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from yuanlu.cases.errors import CaseError
from yuanlu.cases.ladder import MS_US
from yuanlu.cases.people import GATEWAY, Actor, same_person
from yuanlu.cases.records import Case, Decision, DecisionKind, Event, EventKind, Outcome
from yuanlu.cases.service_levels import Level
from yuanlu.cases.states import CaseState, DecisionState
from yuanlu.cases.store import insert_decision, update_decision
from yuanlu.cases.texts import reference_of, text_of
from yuanlu.cases.work import AWAKE_STATES, MONEY_IN_THE_OPEN, closed
from yuanlu.cases.writing import Entry, Written, watched, written
from yuanlu.contracts import ServiceLevel
from yuanlu.journal import tasks
from yuanlu.kernel.clock import local_time
from yuanlu.kernel.money import Money, format_minor

DECISION_TASK_KIND = "decision"
PAYMENT_STANDS = frozenset({"APPROVED", "CAPTURED"})
"""States in which the merchant keeps the money: only a credit beside the message path makes sense."""


def kinds_allowed(case: Case, money: str) -> tuple[DecisionKind, ...]:
    """What two people may decide now. `money` is the state of the case's transaction; pure."""
    if case.transaction_id is None or case.state not in (CaseState.OPEN, CaseState.IN_HAND):
        return ()
    if money in PAYMENT_STANDS:
        return (DecisionKind.MANUAL_CREDIT,)
    if money not in MONEY_IN_THE_OPEN:
        return ()
    return tuple(kind for kind in DecisionKind if kind is not DecisionKind.SEND_ONCE_MORE or case.may_send_again)


def propose(
    case: Case,
    before: list[Decision],
    money: str,
    who: Actor,
    kind: DecisionKind,
    reason: str,
    terms: ServiceLevel,
    now_us: int,
    *,
    amount: Money | None = None,
    bank_reference: str = "",
) -> Written:
    """The maker's part. `before` is all that was proposed for this case, `amount` less than the case's only for a
    manual credit.
    """
    amount = amount or case.amount
    _refuse_kind(case, money, kind)
    _refuse_amount(case, kind, amount, terms)
    if any(each.state in (DecisionState.PROPOSED, DecisionState.APPROVED) for each in before):
        raise CaseError(f"{case.case_id} has a decision that still waits; only one at a time")
    reference = reference_of(bank_reference)
    if kind is DecisionKind.DECLARE_RETURNED and not reference:
        raise CaseError("to declare it returned, give the bank's reference (--reference)")
    decision = Decision(
        decision_id=f"{case.case_id}-D{len(before) + 1}",
        case_id=case.case_id,
        kind=kind,
        amount=amount,
        bank_reference=reference,
        reason=text_of(reason, "the reason"),
        maker=who.name,
        checker="",
        state=DecisionState.PROPOSED,
        proposed_at_us=now_us,
        expires_at_us=now_us + terms.decision_ms * MS_US,
    )
    entry = Entry(kind=EventKind.DECISION_PROPOSED, text=_words(decision))
    last = [insert_decision(decision), *watched(case, decision, terms, now_us)]
    return written(case, case, who, [entry], now_us, last=last)


def _refuse_kind(case: Case, money: str, kind: DecisionKind) -> None:
    allowed = kinds_allowed(case, money)
    if kind in allowed:
        return
    if case.transaction_id is None:
        raise CaseError(f"{case.case_id} is about no payment of ours, so no money can be moved")
    if kind is DecisionKind.SEND_ONCE_MORE and money in MONEY_IN_THE_OPEN and not case.may_send_again:
        raise CaseError("this host's profile does not allow one more reversal: it might pay twice")
    names = ", ".join(each.value for each in allowed) or "nothing"
    raise CaseError(f"not possible now (case {case.state.value}, money {money}); allowed: {names}")


def _refuse_amount(case: Case, kind: DecisionKind, amount: Money, terms: ServiceLevel) -> None:
    if amount.currency != case.amount.currency:
        raise CaseError(f"{amount} is of another currency than the case ({case.amount})")
    if not 0 < amount.minor <= case.amount.minor:
        raise CaseError(f"{amount} is not within 0 … {case.amount}, what the case is about")
    if amount != case.amount and kind is not DecisionKind.MANUAL_CREDIT:
        raise CaseError(f"{kind.value} is about the whole {case.amount}; only a manual credit can be a part")
    if amount.minor > terms.manual_minor_max and case.level is not Level.MANAGER:
        limit = format_minor(terms.manual_minor_max, amount.currency)
        raise CaseError(f"{amount} is above {limit}: escalate the case to the manager first")


def approve(
    case: Case, decision: Decision | None, money: str, who: Actor, terms: ServiceLevel, now_us: int, remark: str = ""
) -> Written:
    """The checker's yes. It becomes due for the return engine in the same unit."""
    decision = _proposed(case, decision)
    if same_person(decision.maker, who.name):
        raise CaseError(f"{decision.maker} proposed this; a second person has to approve it")
    if now_us >= decision.expires_at_us:
        raise CaseError(f"the proposal expired at {local_time(decision.expires_at_us):%Y-%m-%d %H:%M}; propose again")
    _refuse_kind(case, money, decision.kind)
    approved = replace(decision, state=DecisionState.APPROVED, checker=who.name, decided_at_us=now_us)
    entry = Entry(kind=EventKind.DECISION_APPROVED, text=_words(decision, remark))
    work = tasks.put(DECISION_TASK_KIND, decision.decision_id, case.acquirer, now_us)
    last = [work, *watched(case, approved, terms, now_us)]
    return written(case, case, who, [entry], now_us, first=[update_decision(approved, decision.state)], last=last)


def refuse(case: Case, decision: Decision | None, who: Actor, reason: str, now_us: int) -> Written:
    """The checker's no, or the maker's own withdrawal. Nothing moves."""
    decision = _proposed(case, decision)
    withdrawn = same_person(decision.maker, who.name)
    refused = replace(
        decision, state=DecisionState.REFUSED, checker="" if withdrawn else who.name, decided_at_us=now_us
    )
    said = f"{'withdrawn: ' if withdrawn else ''}{text_of(reason, 'the reason to refuse')}"
    entry = Entry(kind=EventKind.DECISION_REFUSED, text=_words(decision, said))
    return written(case, case, who, [entry], now_us, first=[update_decision(refused, decision.state)])


def expire(case: Case, decision: Decision, now_us: int) -> Written:
    """Nobody answered in time."""
    expired = replace(decision, state=DecisionState.EXPIRED, decided_at_us=now_us)
    entry = Entry(kind=EventKind.DECISION_EXPIRED, text=_words(decision))
    return written(case, case, GATEWAY, [entry], now_us, first=[update_decision(expired, decision.state)])


def carried_out(case: Case, decision: Decision, now_us: int, note: str, *, closes_as: Outcome | None = None) -> Written:
    """For the return engine's unit: the decision is done; with `closes_as` the case is, too, since the money is
    settled by the same unit.
    """
    done = replace(decision, state=DecisionState.CARRIED_OUT, carried_out_at_us=now_us)
    entries = [Entry(kind=EventKind.DECISION_CARRIED_OUT, text=_words(decision, note))]
    after = case
    if closes_as is not None and case.state is not CaseState.CLOSED:
        after, end = closed(case, closes_as, person_needed=True, remark="", now_us=now_us)
        entries.append(end)
    return written(case, after, GATEWAY, entries, now_us, first=[update_decision(done, decision.state)])


def not_carried_out(case: Case, decision: Decision, now_us: int, why: str) -> Written:
    """For the return engine's unit: what was approved may not be done any more. The case stays open."""
    refused = replace(decision, state=DecisionState.REFUSED)
    entry = Entry(kind=EventKind.DECISION_REFUSED, text=_words(decision, why))
    return written(case, case, GATEWAY, [entry], now_us, first=[update_decision(refused, decision.state)])


def settled(case: Case, decision: Decision | None, outcome: Outcome, now_us: int, note: str) -> Written:
    """For the unit by which the machine itself settles the money: the case closes, a waiting decision is overtaken."""
    if case.state not in (*AWAKE_STATES, CaseState.SNOOZED):
        raise CaseError(f"{case.case_id} is {case.state.value} already")
    entries, first = [], []
    if decision is not None:
        proposed = decision.state is DecisionState.PROPOSED
        state = DecisionState.EXPIRED if proposed else DecisionState.REFUSED
        kind = EventKind.DECISION_EXPIRED if proposed else EventKind.DECISION_REFUSED
        first.append(update_decision(replace(decision, state=state), decision.state))
        entries.append(Entry(kind=kind, text=_words(decision, "overtaken: the money is settled")))
    after, end = closed(case, outcome, person_needed=False, remark=note, now_us=now_us)
    return written(case, after, GATEWAY, [*entries, end], now_us, first=first)


def _proposed(case: Case, decision: Decision | None) -> Decision:
    if decision is None or decision.state is not DecisionState.PROPOSED:
        raise CaseError(f"{case.case_id} has no proposal that waits; it has expired, or was answered")
    return decision


def _words(decision: Decision, remark: str = "") -> str:
    """The decision in a line of the timeline."""
    reference = f", reference {decision.bank_reference}" if decision.bank_reference else ""
    said = text_of(remark, "the remark") if remark else decision.reason
    return f"{decision.decision_id} {decision.kind.value} {decision.amount}{reference}: {said}"


def answer_to(decision: Decision, events: Sequence[Event]) -> str:
    """What the second person said to it, by the case's timeline; "" when he said nothing, or has not answered."""
    before = _words(decision).removesuffix(decision.reason)
    answers = (EventKind.DECISION_APPROVED, EventKind.DECISION_REFUSED)
    found = (each.text for each in events if each.kind in answers and each.text.startswith(before))
    said = next(found, before).removeprefix(before)
    return "" if said == decision.reason else said
