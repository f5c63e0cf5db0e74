"""What people report about terminals and declare about payments: read, build, commit beside the gateway."""

import secrets
from collections.abc import Callable

from sqlalchemy import Connection

from yuanlu.acquirers.terms import HostTerms
from yuanlu.cases.people import Actor
from yuanlu.cases.records import Words
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.texts import reference_of
from yuanlu.causes.evidence import Break, HandedOver
from yuanlu.fleet.observations import Kind, ObservationWrong, Told, told
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
from yuanlu.journal.transactions import Transaction, search
from yuanlu.journal.unit import Conflict, Fact
from yuanlu.journal.visiting import Visitor, visit
from yuanlu.kernel.card_numbers import has_card_number
from yuanlu.kernel.clock import SystemClock
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.people.database import on_database
from yuanlu.settings import Settings
from yuanlu.terminals import read_terminals

KIND_WORDS: dict[str, Words] = {
    Kind.RESTARTED: Words(zh="终端重启", en="Restarted"),
    Kind.READ_FAILED: Words(zh="读卡失败次数", en="Failed card reads"),
    Kind.CARD_REMOVED: Words(zh="过早拔卡", en="Card removed early"),
    Kind.CHIP_REFUSED: Words(zh="芯片拒绝交易", en="Chip refused"),
    Kind.SLIP_FAILED: Words(zh="签购单未打印", en="Slip not printed"),
    Kind.HARDWARE_FAULT: Words(zh="硬件故障", en="Hardware fault"),
    Kind.SIGNAL: Words(zh="信号强度（%）", en="Signal, %"),
    Kind.BATTERY: Words(zh="电量（%）", en="Battery, %"),
    Kind.SOFTWARE_OUTDATED: Words(zh="软件版本过旧", en="Software outdated"),
    Kind.TAMPERED: Words(zh="疑似被拆改", en="Perhaps tampered with"),
    Kind.MOVED: Words(zh="不在登记地点", en="Not where it belongs"),
    Kind.TEST_TERMINAL: Words(zh="测试终端", en="Test terminal"),
    Kind.HANDED_OVER: Words(zh="商品或现金已交付", en="Goods or cash handed over"),
    Kind.CLEARING: Words(zh="清算文件不符", en="Clearing file differs"),
}
"""What is observed, for people."""

TOLD_BY = {
    "terminal": Words(zh="终端", en="the terminal"),
    "gateway": Words(zh="网关", en="the gateway"),
}
"""Who observed it and is no person."""

TRIES = 5
Build = Callable[[Connection, Transaction, Declaration], Declared]


@on_database
def reported(
    settings: Settings, terminal_id: str, kind: str, value: str, who: Actor, *, stan: str, batch: str
) -> tuple[Told, int]:
    """Something about a terminal, and how many payments it concerns. Raises ObservationWrong."""
    what, clock = told(kind, value), SystemClock()
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
        return what, _told(visitor, clock, report)


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
def clearing(settings: Settings, what: str, how: str, reference: str, who: Actor) -> tuple[Transaction, str]:
    """How the clearing file differs about a payment; that payment and the reference as kept. Raises
    DeclarationRefused.
    """
    if how not in set(Break):
        raise DeclarationRefused(f'"{how}": say {", ".join(Break)}')
    named = reference_of(reference)
    if not named:
        raise DeclarationRefused("say where it stands: --reference FILE/LINE")
    found, _ = _declared(settings, what, who, lambda _, found, by: clearing_differs(found, Break(how), named, by))
    return found, named


@on_database
def handed_over(settings: Settings, what: str, given: str, who: Actor) -> tuple[Transaction, Declared]:
    """Goods or cash went out although the payment does not stand. Raises DeclarationRefused."""
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

    return _declared(settings, what, who, build)


def _declared(settings: Settings, what: str, who: Actor, build: Build) -> tuple[Transaction, Declared]:
    """Read, build and commit; again when the payment changed meanwhile."""
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
