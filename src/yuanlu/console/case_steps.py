"""What the machine is doing about a case, and what a person does now: sentences chosen by the state of the money.

The order is that of every text here: query first, give back only what is charged, a second person, the end.
"""

from yuanlu.access.roles import Right
from yuanlu.cases.records import BATCH, TERMINAL, DecisionKind
from yuanlu.cases.states import CaseState, DecisionState
from yuanlu.console.asked import Asked
from yuanlu.people.case_reading import Whole
from yuanlu.people.figures import amount_text
from yuanlu.returns.orders import OrderState
from yuanlu.returns.states import State


def doing(asked: Asked, whole: Whole) -> list[str]:
    """What happens without anybody's doing."""
    payment, said = whole.payment, []
    if payment is not None:
        said = _of_machine(asked, whole, State(payment.state))
    decision = whole.decision
    if decision is not None and decision.state is DecisionState.APPROVED:
        said.append(asked.say("Two people have decided; the gateway carries it out now."))
    for order in whole.orders:
        if order.state is OrderState.RUNNING:
            said.append(asked.say("A return of {amount} is under way.", amount=amount_text(order.amount)))
    if not said:
        said.append(asked.say("Nothing: this waits for a person."))
    return said


def _of_machine(asked: Asked, whole: Whole, state: State) -> list[str]:
    live = None if whole.link is None else whole.link.live
    match state:
        case State.RETURNING | State.REOPENED:
            sent = 0 if live is None else live.attempts
            return [
                asked.say("The reversal is being sent until the host answers: {n} so far.", n=sent),
                asked.say("When the host accepts it, this case closes itself."),
            ]
        case State.SEND_INTENT | State.UNKNOWN:
            return [asked.say("The host is being asked for the outcome. The payment is never sent again.")]
        case State.RETURNED:
            return [asked.say("The host has accepted the return. The clearing file will confirm it.")]
        case State.NO_EFFECT | State.DECLINED:
            return [asked.say("Nothing was charged, so nothing goes back.")]
        case State.ESCALATED | State.APPROVED | State.CAPTURED:
            return []


def to_do(asked: Asked, whole: Whole) -> list[str]:
    """What a person does now, step by step."""
    case, payment, decision = whole.case, whole.payment, whole.decision
    if case.state is CaseState.CLOSED:
        return [asked.say("Nothing. Open it again if something new became known.")]
    if decision is not None and decision.state is DecisionState.PROPOSED:
        if whole.proposed_by(asked.who.name):
            return [asked.say("Wait for your colleague: somebody else has to approve what you proposed.")]
        return [
            asked.say("Compare the proposal with the evidence and the bank's reference."),
            asked.say("Approve it, or refuse it with a reason, before it expires."),
        ]
    if payment is None:
        return _without_payment(asked, case.incident)
    if whole.is_open:
        return _in_the_open(asked, whole)
    if whole.gives_back and payment.state in (State.APPROVED, State.CAPTURED):
        return [
            asked.say("Compare the slip and the terminal's batch: was this return meant?"),
            asked.say("If it was not, ask the customer for the money: nothing is charged to a card from here."),
            asked.say("Then close the case with its outcome."),
        ]
    if payment.state in (State.APPROVED, State.CAPTURED):
        return [
            asked.say("Compare the slip, the goods and the payments beside it: was the customer charged too much?"),
            asked.say("If so, request a return: amount and original card are filled in. A colleague approves it."),
            asked.say("If the payment is right, close the case as: the payment stands."),
        ]
    return [asked.say("The money is settled. Close the case with its outcome.")]


def _in_the_open(asked: Asked, whole: Whole) -> list[str]:
    allowed, payment = whole.allowed, whole.payment
    if payment is not None and payment.rrn:
        ask = asked.say("Query first: ask the bank with the reference numbers on this page. Do not refund by hand.")
    else:
        ask = asked.say(
            "Query first: there is no reference number, so ask the bank with the terminal, the trace no., the time and "
            "the amount. Do not refund by hand."
        )
    if not allowed:
        return [ask]
    if not asked.may(Right.PROPOSE):
        return [
            ask,
            asked.say("Write down what the bank answers, and give the case to finance: they propose what follows."),
            asked.say("If it looks like a technical fault, hand it over to technical support."),
        ]
    steps = [ask, asked.say("If the bank says returned, or never charged, propose just that, with its reference.")]
    if DecisionKind.SEND_ONCE_MORE in allowed:
        steps.append(asked.say("If the bank says charged, propose to send the reversal once more."))
    else:
        steps.append(asked.say("If the bank says charged, propose a manual credit to the original account."))
    steps.append(asked.say("A colleague approves. The case closes itself when it is carried out."))
    return steps


def _without_payment(asked: Asked, name: str) -> list[str]:
    if name.startswith(BATCH):
        return [
            asked.say("Compare the terminal's printed batch with the lines below."),
            asked.say("For each payment that only the terminal has, ask the acquirer; then close with the outcome."),
        ]
    if name.startswith(TERMINAL):
        return [
            asked.say("Look at the terminal and its latest payments; ask the shop who used it."),
            asked.say("If it may have been tampered with, report it on the terminal's page and take it out of use."),
        ]
    return [
        asked.say("Find out whether it is over; hold new sales while it is not."),
        asked.say("Its payments go back by themselves as soon as the place answers again."),
    ]
