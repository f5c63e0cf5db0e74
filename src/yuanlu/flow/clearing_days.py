"""Settlement dates: a file that does not come, and lines of our terminals that our journal does not have.

No transaction stands for these, so the case is named by acquirer and date. A date has one open case. Each date is
looked at once, when its file should be there: a task of kind "clearing" for each acquirer that expects files, and each
puts the next date's.
"""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

import structlog
from msgspec.structs import replace
from sqlalchemy import Connection, select

from yuanlu.acquirers.terms import HostTerms
from yuanlu.cases.opening import case_number, open_case
from yuanlu.cases.people import GATEWAY, Actor
from yuanlu.cases.records import Case, Opening, Severity, Words
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.store import find_case_of_incident
from yuanlu.cases.writing import Written
from yuanlu.causes.system import clearing_differs
from yuanlu.flow.payment import Desk
from yuanlu.journal import tasks
from yuanlu.journal.tables import tasks as tasks_table
from yuanlu.journal.tables import transactions
from yuanlu.journal.tasks import Claimed, TaskRunner
from yuanlu.journal.unit import Change, Conflict
from yuanlu.kernel.identifiers import first_of
from yuanlu.kernel.money import Money, format_minor
from yuanlu.reconciliation.clearing_store import Stranger, files_of
from yuanlu.returns.obstacles import DAY_US
from yuanlu.returns.policy import SECOND_US

TASK_KIND = "clearing"
QUEUE = "clearing"
NAMED_MAX = 5
CNY = "156"

MISSING_TITLE = Words(zh="清算文件未到", en="A clearing file is missing")
UNKNOWN_TITLE = Words(zh="清算文件中有我方没有的交易", en="The clearing file lists what our journal does not have")

_log = structlog.get_logger("clearing")


def day_name(acquirer: str, day: date) -> str:
    """How its case names a settlement date."""
    return f"clearing {acquirer} {day.isoformat()}"


def find_day_case(connection: Connection, acquirer: str, day: date) -> Case | None:
    """The open case about this settlement date."""
    return find_case_of_incident(connection, day_name(acquirer, day))


def missing(acquirer: str, day: date, merchants: Sequence[str]) -> Opening:
    """The file that did not come; `merchants` are those without one, where others have theirs."""
    whose = f" ({', '.join(merchants[:NAMED_MAX])})" if merchants else ""
    words = Words(
        zh=f"{acquirer} 清算日 {day.isoformat()} 的清算文件未装入{whose}；在途疑账不能了结",
        en=f"the clearing file of {acquirer} for {day.isoformat()} is not loaded{whose}; what waits for it stays open",
    )
    return _opening(acquirer, day, MISSING_TITLE, words, Money(minor=0, currency=CNY), merchants)


def unknown(acquirer: str, day: date, name: str, strangers: Sequence[Stranger]) -> Opening:
    """Lines of terminals of ours that are about no transaction of ours."""
    said = [
        f"{name}:{each.first_line} {each.terminal_id} {each.side.value} "
        f"{each.lines} × {format_minor(each.amount_minor, each.currency)}"
        for each in strangers
    ]
    lines = sum(each.lines for each in strangers)
    words = Words(
        zh=f"{acquirer} 清算日 {day.isoformat()}：本方终端 {lines} 笔在账中没有",
        en=f"{acquirer}, {day.isoformat()}: {lines} lines of our terminals are not in our journal",
    )
    currency = strangers[0].currency
    amount = sum(each.amount_minor for each in strangers if each.currency == currency)
    return _opening(acquirer, day, UNKNOWN_TITLE, words, Money(minor=amount, currency=currency), said)


def _opening(
    acquirer: str, day: date, title: Words, words: Words, amount: Money, evidence: Sequence[str]
) -> Opening:  # fmt: skip
    cause = clearing_differs
    return Opening(
        incident=day_name(acquirer, day), merchant_id="", terminal_id="", acquirer=acquirer, amount=amount,
        title=title, cause=cause.code, severity=Severity(cause.severity.value), explanation=words, queue=QUEUE,
        since_us=0, evidence=tuple(evidence),
    )  # fmt: skip


def opened(
    opening: Opening, before: Case | None, levels: ServiceLevels, random_bits: Callable[[int], int], now_us: int,
    who: Actor = GATEWAY,
) -> Written:  # fmt: skip
    """The rows by which a settlement date has its case."""
    number = case_number(now_us, random_bits)
    since = replace(opening, since_us=now_us)
    return open_case(since, before, number=number, terms=levels.of(""), now_us=now_us, who=who)


def without_file(connection: Connection, terms: HostTerms, day: int) -> list[str] | None:
    """None when nothing of this day waits for a file; else the merchants that have none, [] for all of them."""
    on = date.fromordinal(day)
    files = files_of(connection, terms.name, on, on)
    if any(not file.merchant_id for file in files):
        return None
    query = select(transactions.c.merchant_id).where(
        transactions.c.transaction_id > first_of(terms.day_began_us(day)),
        transactions.c.transaction_id < first_of(terms.day_began_us(day + 1)),
        transactions.c.acquirer == terms.name,
    )  # fmt: skip
    if not files:
        return [] if connection.execute(query.limit(1)).first() is not None else None
    left = set(connection.execute(query.distinct()).scalars()) - {file.merchant_id for file in files}
    return sorted(left) or None


class ClearingDays:
    """Looks whether files come; one per gateway."""

    def __init__(self, desk: Desk, levels: ServiceLevels, random_bits: Callable[[int], int]) -> None:
        self._desk = desk
        self._levels = levels
        self._random_bits = random_bits
        self._terms = {name: host.terms for name, host in desk.hosts.items() if host.terms.settings.clearing_after_days}
        self.runner = TaskRunner(
            kind=TASK_KIND, lanes=dict.fromkeys(self._terms, 1), journal=desk.journal, clock=desk.clock,
            handle=self.look,
        )  # fmt: skip

    async def begin(self) -> None:
        """The first date of an acquirer that expects files from now on is today's; later ones follow by themselves."""
        waiting = select(tasks_table.c.lane).where(tasks_table.c.kind == TASK_KIND)
        begun = set(await self._desk.journal.read(lambda c: c.execute(waiting).scalars().all()))
        now_us = self._desk.clock.wall_us()
        first = [
            self._due(terms, terms.business_day(now_us)) for name, terms in self._terms.items() if name not in begun
        ]
        if first:
            await self._desk.journal.commit([], first)

    def _due(self, terms: HostTerms, day: int) -> Change:
        return tasks.put(TASK_KIND, f"{terms.name} {day}", terms.name, self._due_us(terms, day))

    def _due_us(self, terms: HostTerms, day: int) -> int:
        return terms.day_began_us(day + 1) + terms.settings.clearing_after_days * DAY_US

    async def look(self, task: Claimed) -> None:
        """Is the file of this date there: the handler of the task."""
        terms, day = self._terms[task.lane], int(task.key.rpartition(" ")[2])
        due_us, now_us = self._due_us(terms, day), self._desk.clock.wall_us()
        if now_us < due_us:  # a restart brings every task forward
            await self._desk.journal.commit([], [tasks.move(task, self.runner.now_us() + due_us - now_us)])
            return
        merchants, before = await self._desk.journal.read(partial(_read, terms=terms, day=day))
        facts, changes = [], [self._due(terms, day + 1), tasks.drop(task)]
        if merchants is not None:
            opening = missing(terms.name, date.fromordinal(day), merchants)
            written = opened(opening, before, self._levels, self._random_bits, now_us)
            facts, changes = [*written.facts], [*written.changes, *changes]
            _log.warning("a clearing file is missing", acquirer=terms.name, date=date.fromordinal(day).isoformat())
        if isinstance(await self._desk.journal.commit(facts, changes), Conflict):
            await self._desk.journal.commit([], [tasks.move(task, self.runner.now_us() + SECOND_US)])
        self.runner.nudge(task.lane)


def _read(connection: Connection, terms: HostTerms, day: int) -> tuple[list[str] | None, Case | None]:
    return without_file(connection, terms, day), find_day_case(connection, terms.name, date.fromordinal(day))
