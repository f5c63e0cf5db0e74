"""What people report about terminals and declare about payments: read, build, commit beside the gateway."""

import secrets
from collections.abc import Callable

from sqlalchemy import Connection

from yuanlu.acquirers.terms import HostTerms
from yuanlu.cases.people import Actor
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.texts import reference_of
from yuanlu.causes.evidence import Break, HandedOver
from yuanlu.cli.casework import actor
from yuanlu.cli.database import on_database
from yuanlu.cli.words import CHINESE, language_of
from yuanlu.fleet.observations import ObservationWrong, told
from yuanlu.fleet.reporting import Report, considered
from yuanlu.flow.observing import OBSERVED, in_words
from yuanlu.flow.testimony import (
    Declaration,
    DeclarationRefused,
    Declared,
    Terms,
    clearing_differs,
    goods_handed_over,
)
from yuanlu.gateway.terminals import read_terminals
from yuanlu.journal.transactions import Transaction, search
from yuanlu.journal.unit import Conflict, Fact
from yuanlu.journal.visiting import Visitor, visit
from yuanlu.kernel.card_numbers import has_card_number
from yuanlu.kernel.clock import SystemClock
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.settings import Settings

TRIES = 5
Build = Callable[[Connection, Transaction, Declaration], Declared]


@on_database
def reported(
    settings: Settings, terminal_id: str, kind: str, value: str, name: str, lang: str, *, stan: str, batch: str
) -> str:
    """Something about a terminal, and how many payments it concerns. Raises ObservationWrong or CaseError."""
    who, what, clock = actor(name), told(kind, value), SystemClock()
    if has_card_number(value):
        raise ObservationWrong("this looks like a card number; card numbers are not kept")
    terminal = read_terminals(settings.path(settings.gateway.terminals), settings.acquirers).get(terminal_id)
    if terminal is None:
        raise ObservationWrong(f'"{terminal_id}" is no terminal of {settings.gateway.terminals}')
    report = Report(
        merchant_id=terminal.merchant_id, terminal_id=terminal_id, told=(what,), told_by=who.name, stan=stan,
        batch_no=batch,
    )  # fmt: skip
    with visit(settings.store.url, settings.folder, clock) as visitor:
        concerned = _told(visitor, clock, report)
    said = what.kind.value + (f" {what.value}" if what.value != "1" else "")
    if language_of(lang) == CHINESE:
        return f"{terminal_id}  已记录：{said}；涉及交易 {concerned} 笔"
    return f"{terminal_id}  recorded: {said}; payments concerned: {concerned}"


def _told(visitor: Visitor, clock: SystemClock, report: Report) -> int:
    now_us, identifiers = clock.wall_us(), IdentifierSource(clock, secrets.randbits)
    with visitor.reading() as connection:
        outcome = considered(connection, report, now_us)
    if report.stan and not outcome.about:
        raise ObservationWrong(f"{report.terminal_id} has no payment with trace number {report.stan}")
    fact = Fact(
        merchant_id=report.merchant_id, subject_id=identifiers.new(), version=1, kind=OBSERVED, at_us=now_us,
        terminal_id=report.terminal_id, note=in_words(report, outcome),
    )  # fmt: skip
    done = visitor.commit([fact], outcome.changes(identifiers.new, now_us))
    if isinstance(done, Conflict):  # only what the database forbids: the rows are new, and the tasks are put
        raise ObservationWrong(f"it was not recorded: {done.reason}")
    return len(outcome.concerned)


@on_database
def clearing(settings: Settings, what: str, how: str, reference: str, name: str, lang: str) -> str:
    """How the clearing file differs about a payment. Raises DeclarationRefused or CaseError."""
    if how not in set(Break):
        raise DeclarationRefused(f'"{how}": say {", ".join(Break)}')
    named = reference_of(reference)
    if not named:
        raise DeclarationRefused("say where it stands: --reference FILE/LINE")
    found, _ = _declared(settings, what, name, lambda _, found, by: clearing_differs(found, Break(how), named, by))
    if language_of(lang) == CHINESE:
        return f"{found.transaction_id}  已记录：与清算文件不符（{how}），{named}"
    return f"{found.transaction_id}  recorded: the clearing file differs ({how}), {named}"


@on_database
def handed_over(settings: Settings, what: str, given: str, name: str, lang: str) -> str:
    """Goods or cash went out although the payment does not stand. Raises DeclarationRefused or CaseError."""
    if given not in set(HandedOver):
        raise DeclarationRefused(f'"{given}": say {" or ".join(HandedOver)}')

    def build(connection: Connection, found: Transaction, by: Declaration) -> Declared:
        acquirer = settings.acquirers.get(found.acquirer)
        if acquirer is None:
            raise DeclarationRefused(f"the payment's acquirer, {found.acquirer}, is not in the configuration")
        host = HostTerms(name=found.acquirer, settings=acquirer)
        agreements = settings.agreements()
        terms = Terms(host=host, agreements=agreements, levels=ServiceLevels(agreements=agreements))
        return goods_handed_over(connection, found, HandedOver(given), terms, by)

    found, done = _declared(settings, what, name, build)
    assert done.order is not None, "the order stands in the declaration's own commit"
    order, chinese = done.order, language_of(lang) == CHINESE
    waits = f"yuanlu return approve {order.order_id} --as NAME"
    if chinese:
        head = "已记录" if done.changes else "此前已声明，未作变动"
        return f"{found.transaction_id}  {head}；工单 {done.case_id}；补付 {order.amount} {order.state}，复核：{waits}"
    head = "recorded" if done.changes else "declared before, nothing changed"
    return f"{found.transaction_id}  {head}; case {done.case_id}; re-payment of {order.amount} {order.state}: {waits}"


def _declared(settings: Settings, what: str, name: str, build: Build) -> tuple[Transaction, Declared]:
    """Read, build and commit; again when the payment changed meanwhile."""
    who: Actor = actor(name)
    clock = SystemClock()
    identifiers = IdentifierSource(clock, secrets.randbits)
    with visit(settings.store.url, settings.folder, clock) as visitor:
        for _ in range(TRIES):
            by = Declaration(who=who, now=clock.now(), new_id=identifiers.new, random_bits=secrets.randbits)
            with visitor.reading() as connection:
                found = _payment(connection, what)
                done = build(connection, found, by)
            if not done.changes or not isinstance(visitor.commit(done.facts, done.changes), Conflict):
                return found, done
    raise DeclarationRefused("the payment keeps changing; try again")


def _payment(connection: Connection, what: str) -> Transaction:
    everything = search(connection, what)
    found = [each for each in everything if not each.original_id] or everything
    if not found:
        raise DeclarationRefused(f'"{what}" is no payment: give its id, its reference number (RRN) or TERMINAL+STAN')
    if len(found) > 1:
        ids = ", ".join(each.transaction_id for each in found)
        raise DeclarationRefused(f'"{what}" names {len(found)} payments; give the id: {ids}')
    return found[0]
