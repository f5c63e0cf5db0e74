"""Reports: a day's totals, how payments behave, what batches and clearing files came to. Days are Beijing's."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field
from sqlalchemy import Connection

from yuanlu.acquirers.kinds import DEBITS
from yuanlu.causes.taxonomy import CAUSES
from yuanlu.console.api import models
from yuanlu.console.api.caller import Caller, CanReadReports
from yuanlu.console.api.filters import PaymentFilters, micros
from yuanlu.console.api.models import Given, MerchantId, when
from yuanlu.journal.listing import Filter, grouped, totals
from yuanlu.kernel.clock import CHINA
from yuanlu.kernel.identifiers import first_of
from yuanlu.kernel.money import alphabetic
from yuanlu.people.words import CHINESE, ENGLISH, kind_word
from yuanlu.reconciliation.batch import BatchTotals
from yuanlu.reconciliation.clearing_store import ClearingFile
from yuanlu.reconciliation.reporting import cleared_in, files_on, settled_between
from yuanlu.returns.orders import returned_between
from yuanlu.returns.states import State

router = APIRouter(prefix="/reports", tags=["reports"])
DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000
DAYS_MAX, GROUPS_MAX, TERMINALS_NAMED_MAX = 92, 200, 200
STANDS = frozenset({State.APPROVED, State.CAPTURED})
OVER = frozenset({State.DECLINED, State.NO_EFFECT, State.RETURNED})
TITLES = {cause.code: models.Words(zh=cause.title.zh, en=cause.title.en) for cause in CAUSES}


def _a_day(text: str) -> str:
    datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007 - a date alone
    return text


Date = Annotated[
    str,
    AfterValidator(_a_day),
    Field(json_schema_extra={"format": "date"}, examples=["2026-11-23"], min_length=10, max_length=10),
]


class DayFilters(Given):
    """Which day, Beijing time; by default today."""

    date: Date | None = None
    merchant_id: MerchantId | None = None

    def day(self, caller: Caller) -> tuple[str, int]:
        """The date, and when it began, in microseconds since 1970 UTC."""
        named = self.date or f"{when(caller.now_us).astimezone(CHINA):%Y-%m-%d}"
        began = datetime.strptime(named, "%Y-%m-%d").replace(tzinfo=CHINA)
        return named, max(0, int(began.timestamp() * 1_000_000))


class AnalysisFilters(PaymentFilters):
    """Which payments, and what they are counted by. Without `from` it begins today; at most the latest 92 days."""

    by: Literal["cause", "merchant_id", "terminal_id", "acquirer", "state", "kind", "hour"] = "cause"
    limit: Annotated[int, Field(ge=1, le=GROUPS_MAX)] = 50


class SettlementFilters(DayFilters):
    """Which day's batches."""

    expand: Annotated[list[Literal["batches"]], Field(default_factory=list, max_length=1)]


class ClearingFilters(DayFilters):
    """Which settlement date."""

    acquirer: Annotated[str | None, Field(pattern=r"^[0-9A-Za-z_.-]{1,60}$")] = None
    expand: Annotated[list[Literal["files"]], Field(default_factory=list, max_length=1)]


@router.get("/daily")
async def daily_report(caller: CanReadReports, filters: Annotated[DayFilters, Query()]) -> models.Day:
    """What a day's payments came to, by merchant and currency. It changes as money goes back."""
    merchant_id, (named, from_us) = caller.merchant(filters.merchant_id), filters.day(caller)
    sums = await caller.read(lambda c: _sums(c, from_us, from_us + DAY_US, merchant_id))
    return models.Day(date=named, as_of=when(caller.now_us), totals=sums)


def _sums(connection: Connection, from_us: int, to_us: int, merchant_id: str) -> list[models.Totals]:
    sums: dict[tuple[str, str], models.Totals] = {}
    for row in totals(connection, from_us, to_us, merchant_id):
        if row.kind in DEBITS:
            place = (row.merchant_id, row.currency)
            _count(sums.setdefault(place, _nothing(*place)), row.state, row.many, row.minor)
    for row in returned_between(connection, first_of(from_us), first_of(to_us), merchant_id):
        found = sums.get((row.merchant_id, row.currency))
        if found is not None:
            found.returned_minor += row.minor
            found.charged_minor -= row.minor if row.state in STANDS else 0
    return list(sums.values())


def _nothing(merchant_id: str, currency: str) -> models.Totals:
    return models.Totals(
        merchant_id=merchant_id, currency=alphabetic(currency), payments=0, charged_minor=0, returned_minor=0,
        open_minor=0, open=0,
    )  # fmt: skip


def _count(sums: models.Totals, state: str, many: int, minor: int) -> None:
    sums.payments += many
    if state in STANDS:
        sums.charged_minor += minor
    elif state not in OVER:
        sums.open_minor, sums.open = sums.open_minor + minor, sums.open + many


@router.get("/analysis")
async def analysis(caller: CanReadReports, filters: Annotated[AnalysisFilters, Query()]) -> models.Analysis:
    """Payments counted by what they have in common, as the console's analysis does: most first, by currency."""
    wanted = _filter(caller, filters)
    groups = await caller.read(lambda c: grouped(c, wanted, filters.by, filters.limit))
    return models.Analysis(
        by=filters.by, begins_at=when(wanted.since_us), ends_at=when(wanted.until_us), as_of=when(caller.now_us),
        groups=[
            models.Group(
                key=each.key, title=_title(filters.by, each.key), currency=alphabetic(each.currency),
                payments=each.number, abnormal=each.abnormal, amount_minor=each.minor,
            )
            for each in groups
        ],
    )  # fmt: skip


def _filter(caller: Caller, given: AnalysisFilters) -> Filter:
    merchant_id = caller.merchant(given.merchant_id)
    until_us = micros(given.to, caller.now_us + HOUR_US)
    since_us = micros(given.from_, DayFilters().day(caller)[1])
    terminals = (given.terminal_id,) if given.terminal_id else _terminals_of(caller, merchant_id)
    return Filter(
        since_us=max(since_us, until_us - DAYS_MAX * DAY_US), until_us=until_us, merchant_id=merchant_id,
        terminal_ids=terminals, acquirer=given.acquirer or "", states=given.states, causes=given.causes,
        kinds=(given.kind,) if given.kind else (), abnormal=given.abnormal, response_code=given.response_code or "",
        amount_from=given.amount_from, amount_to=given.amount_to,
    )  # fmt: skip


def _terminals_of(caller: Caller, merchant_id: str) -> tuple[str, ...]:
    """The merchant's terminals, by whose index its payments are found; () when they are too many to name."""
    listed = caller.console.terminals.values()
    found = tuple(each.terminal_id for each in listed if merchant_id and each.merchant_id == merchant_id)
    return found if len(found) <= TERMINALS_NAMED_MAX else ()


def _title(by: str, key: str) -> models.Words | None:
    if by == "kind":
        return models.Words(zh=kind_word(key, CHINESE), en=kind_word(key, ENGLISH))
    return TITLES.get(key) if by == "cause" else None


@router.get("/settlement")
async def settlement(caller: CanReadReports, filters: Annotated[SettlementFilters, Query()]) -> models.Settlement:
    """What the terminals' batches of a day came to: their totals beside ours, and how many differences were found."""
    merchant_id, (named, from_us) = caller.merchant(filters.merchant_id), filters.day(caller)
    rows = await caller.read(lambda c: settled_between(c, from_us, from_us + DAY_US, merchant_id))
    days: dict[tuple[str, str], models.SettledDay] = {}
    for row in rows:
        place = (row.merchant_id, alphabetic(row.currency))
        day = days.setdefault(place, _no_batches(*place))
        day.batches, day.agreed, day.findings = day.batches + 1, day.agreed + row.agreed, day.findings + row.findings
        _add(day.ours, _sides(row, "ours_"))
        _add(day.theirs, _sides(row, "theirs_"))
    shown = [_batch(row) for row in rows] if "batches" in filters.expand else None
    merchants = [days[place] for place in sorted(days)]
    return models.Settlement(date=named, as_of=when(caller.now_us), merchants=merchants, batches=shown)


def _batch(row: Any) -> models.Batch:
    return models.Batch(
        terminal_id=row.terminal_id, merchant_id=row.merchant_id, batch_no=row.batch_no, acquirer=row.acquirer,
        state=row.state, agreed=bool(row.agreed), currency=alphabetic(row.currency), ours=_sides(row, "ours_"),
        theirs=_sides(row, "theirs_"), findings=row.findings, opened_at=when(row.opened_at_us),
        closed_at=models.maybe_when(row.closed_at_us),
    )  # fmt: skip


def _no_batches(merchant_id: str, currency: str) -> models.SettledDay:
    return models.SettledDay(
        merchant_id=merchant_id, currency=currency, batches=0, agreed=0, findings=0, ours=_no_sides(),
        theirs=_no_sides(),
    )  # fmt: skip


def _no_sides() -> models.Sides:
    return models.Sides(debit_count=0, debit_minor=0, credit_count=0, credit_minor=0)


def _sides(row: Any, prefix: str = "") -> models.Sides:
    return models.Sides(**{name: getattr(row, prefix + name) for name in models.Sides.model_fields})


def _add(sides: models.Sides, more: models.Sides) -> None:
    for name in models.Sides.model_fields:
        setattr(sides, name, getattr(sides, name) + getattr(more, name))


@router.get("/clearing")
async def clearing(caller: CanReadReports, filters: Annotated[ClearingFilters, Query()]) -> models.Clearing:
    """What the clearing files of a settlement date say by merchant, and how much of it is no transaction of ours."""
    merchant_id, (named, _) = caller.merchant(filters.merchant_id), filters.day(caller)
    known = {name for name in caller.console.settings.acquirers if filters.acquirer in (None, name)}

    def query(connection: Connection) -> tuple[list[ClearingFile], list[models.ClearedDay]]:
        files = files_on(connection, known, date.fromisoformat(named))
        return files, _cleared((file, cleared_in(connection, file, merchant_id)) for file in files)

    files, merchants = await caller.read(query)
    shown = [_file(each) for each in files if merchant_id in ("", each.merchant_id)]
    return models.Clearing(
        date=named, as_of=when(caller.now_us), merchants=merchants, files=shown if "files" in filters.expand else None
    )


def _cleared(read: Iterable[tuple[ClearingFile, list[Any]]]) -> list[models.ClearedDay]:
    days: dict[tuple[str, str, str], models.ClearedDay] = {}
    for file, rows in read:
        for row in rows:
            place = (row.merchant_id, file.acquirer, alphabetic(row.currency))
            day = days.setdefault(place, _nothing_cleared(*place))
            _add(day.totals, _one_side(row.side, row.many, row.minor))
            _add(day.unmatched, _one_side(row.side, row.foreign, row.foreign_minor))
    return [days[place] for place in sorted(days)]


def _nothing_cleared(merchant_id: str, acquirer: str, currency: str) -> models.ClearedDay:
    return models.ClearedDay(
        merchant_id=merchant_id, acquirer=acquirer, currency=currency, totals=_no_sides(), unmatched=_no_sides()
    )


def _one_side(side: str, many: int, minor: int) -> models.Sides:
    return _no_sides().model_copy(update={f"{side}_count": many, f"{side}_minor": minor})


def _file(file: ClearingFile) -> models.ClearingFile:
    counted: BatchTotals = file.totals
    return models.ClearingFile(
        id=file.file_id, acquirer=file.acquirer, merchant_id=file.merchant_id or None, name=file.name,
        lines=file.lines, totals=_sides(counted), loaded_at=when(file.loaded_at_us), loaded_by=file.loaded_by,
    )  # fmt: skip
