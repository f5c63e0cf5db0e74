"""What a person declares about one payment: goods or cash handed over, or how the clearing file differs.

Builders of one unit each, for the command line beside the gateway: what was said, its fact in the payment's timeline,
and what follows from it stand in one commit. A declaration stops no return (`docs/returns.md` §4).
"""

from collections.abc import Callable
from dataclasses import replace

from msgspec import Struct
from msgspec.structs import replace as structs_replace
from sqlalchemy import Connection

from yuanlu.acquirers.kinds import BALANCE, KINDS
from yuanlu.acquirers.terms import HostTerms
from yuanlu.cases.opening import case_number, open_case
from yuanlu.cases.people import Actor
from yuanlu.cases.records import Opening, Severity, Words
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.store import find_case_of
from yuanlu.causes.evidence import CHARGED_STATES, Break, HandedOver
from yuanlu.causes.operator import handed_over_while_returning
from yuanlu.contracts import Agreements
from yuanlu.fleet.observations import Kind, Observation
from yuanlu.fleet.store import insert_observation, of_payment
from yuanlu.flow.observing import OBSERVED
from yuanlu.journal import tasks
from yuanlu.journal.transactions import Transaction
from yuanlu.journal.unit import Change, Fact
from yuanlu.kernel.clock import Moment
from yuanlu.kernel.errors import YuanluError
from yuanlu.kernel.identifiers import return_id
from yuanlu.returns.decision import REPAYMENT, Decision, Facts, Wish, decide
from yuanlu.returns.orders import Order, find_order
from yuanlu.returns.proposing import proposal_rows, proposed
from yuanlu.returns.steps import next_version, return_fact
from yuanlu.returns.ways import find_link

QUEUE = "returns"
ORIGIN = "handed over"
_WHAT = {
    HandedOver.GOODS: Words(zh="已交货", en="goods went out"),
    HandedOver.CASH: Words(zh="已退现金", en="cash went out"),
}


class DeclarationRefused(YuanluError):
    """What was declared does not fit the payment; the text says why."""


class Terms(Struct, frozen=True, kw_only=True):
    """What a declaration goes by: the host's terms, and what is agreed with the merchants."""

    host: HostTerms
    agreements: Agreements
    levels: ServiceLevels


class Declaration(Struct, frozen=True, kw_only=True):
    """Who declares, and when; `new_id` names rows, `random_bits` the case."""

    who: Actor
    now: Moment
    new_id: Callable[[], str]
    random_bits: Callable[[int], int]


class Declared(Struct, frozen=True, kw_only=True):
    """What to commit. Nothing, when it was declared before; `order` is the re-payment, where there is one."""

    facts: tuple[Fact, ...] = ()
    changes: tuple[Change, ...] = ()
    order: Order | None = None
    case_id: str = ""


def clearing_differs(found: Transaction, how: Break, reference: str, by: Declaration) -> Declared:
    """The acquirer's clearing file differs about this payment; `reference` names file and line."""
    said = f"clearing {how.value}, {reference}"
    facts, changes = _said(found, Kind.CLEARING, how.value, said, by)
    return Declared(facts=tuple(facts), changes=(*changes, tasks.examine(found.transaction_id, by.now.wall_us)))


def goods_handed_over(
    connection: Connection, found: Transaction, what: HandedOver, terms: Terms, by: Declaration
) -> Declared:
    """The payment does not stand, and the cashier gave goods or cash: a case, and a re-payment that waits for a second
    person. Raises DeclarationRefused. Said again, it changes nothing.
    """
    order_id = return_id(found.transaction_id, Kind.HANDED_OVER.value, 1)
    before = [each for each in of_payment(connection, found.transaction_id) if each.kind is Kind.HANDED_OVER]
    if before:
        return _again(connection, found, before[0], what, order_id)
    _refuse_what_stands(found)
    reason = _WHAT[what].en + " although the payment does not stand"
    facts, changes = _said(found, Kind.HANDED_OVER, what.value, f"{what.value} handed over", by)
    link = find_link(connection, found.transaction_id)
    after = replace(link, original=structs_replace(link.original, version=found.version + 1))
    wish = Wish(amount=found.paid, kind=REPAYMENT, person=True, reason=reason)
    agreed = terms.agreements.of(found.key.merchant_id)
    known = Facts(link=after, terms=terms.host, agreed=agreed, automatic_today_minor=0, now_us=by.now.wall_us)
    decision = decide(known, wish)
    assert isinstance(decision, Decision), "a re-payment is paid by contract: nothing stands in its way"
    order = proposed(decision, wish, after, by.who.name, order_id, ORIGIN, by.now)
    more, rows = proposal_rows(order, after, by.now)
    case = open_case(
        _opening(found, what, terms.host), find_case_of(connection, found.transaction_id),
        number=case_number(by.now.wall_us, by.random_bits), terms=terms.levels.of(found.key.merchant_id),
        now_us=by.now.wall_us, who=by.who,
    )  # fmt: skip
    looked = tasks.examine(found.transaction_id, by.now.wall_us)
    return Declared(
        facts=(*facts, *more, *case.facts), changes=(*changes, *rows, *case.changes, looked), order=order,
        case_id=case.case.case_id,
    )  # fmt: skip


def _said(found: Transaction, kind: Kind, value: str, text: str, by: Declaration) -> tuple[list[Fact], list[Change]]:
    """The declaration in the payment's timeline, and its row."""
    row = Observation(
        merchant_id=found.key.merchant_id, terminal_id=found.key.terminal_id, transaction_id=found.transaction_id,
        at_us=by.now.wall_us, kind=kind, value=value, told_by=by.who.name,
    )  # fmt: skip
    fact = return_fact(found, OBSERVED, by.now, f"{by.who.name}: {text}")
    return [fact], [next_version(found), insert_observation(by.new_id(), row)]


def _again(
    connection: Connection, found: Transaction, before: Observation, what: HandedOver, order_id: str
) -> Declared:
    if before.value != what.value:
        raise DeclarationRefused(f"{before.told_by} has declared {before.value} for this payment already")
    case = find_case_of(connection, found.transaction_id)
    return Declared(order=find_order(connection, order_id), case_id=case.case_id if case is not None else "")


def _refuse_what_stands(found: Transaction) -> None:
    if found.kind == BALANCE or (found.kind in KINDS and KINDS[found.kind].gives_back):
        raise DeclarationRefused(f"a {found.kind} is no payment; nothing was sold with it")
    if found.state in CHARGED_STATES:
        raise DeclarationRefused(f"the payment stands ({found.state}): the shop is paid, nothing has to be paid again")
    if found.state == "SEND_INTENT":
        raise DeclarationRefused("its outcome is not known yet; ask again in a minute")


def _opening(found: Transaction, what: HandedOver, host: HostTerms) -> Opening:
    cause, said = handed_over_while_returning, _WHAT[what]
    return Opening(
        transaction_id=found.transaction_id,
        merchant_id=found.key.merchant_id,
        terminal_id=found.key.terminal_id,
        acquirer=found.acquirer,
        amount=found.paid,
        title=Words(zh=cause.title.zh, en=cause.title.en),
        cause=cause.code,
        severity=Severity(cause.severity.value),
        explanation=Words(
            zh=f"{said.zh}，这笔付款却不成立；补付待第二人复核",
            en=f"{said.en}, and the payment does not stand; a re-payment waits for a second person",
        ),
        queue=QUEUE,
        since_us=found.received_at_us,
        may_send_again=host.profile.repeats,
    )
