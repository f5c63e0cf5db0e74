"""What the commands of `yuanlu clearing` show, in Chinese and English. Reads beside the gateway."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import islice

from msgspec import Struct
from sqlalchemy import Connection

from yuanlu.acquirers.terms import HostTerms
from yuanlu.flow.clearing import Look, look
from yuanlu.flow.clearing_reading import read_known, window
from yuanlu.kernel.clock import local_time
from yuanlu.kernel.money import format_minor
from yuanlu.people.database import on_database, reading
from yuanlu.people.words import CHINESE, language_of
from yuanlu.reconciliation.clearing import ClearingWrong
from yuanlu.reconciliation.clearing_match import Files, Verdict
from yuanlu.reconciliation.clearing_store import (
    ClearingFile,
    files_of,
    latest_files,
    listed_about,
    named_in,
    strangers_in,
)
from yuanlu.settings import Settings

IDS_AT_ONCE = 1_000
DIFFERING_MAX = 100
IN_ORDER = frozenset({Verdict.MATCHED, Verdict.DOUBTFUL, Verdict.WAITS})

VERDICTS = {
    Verdict.MATCHED: ("相符", "agree"),
    Verdict.DOUBTFUL: ("存疑，待次日文件", "doubtful, waits for the next file"),
    Verdict.WAITS: ("在途，待其了结", "under way, or in no file by their nature"),
    Verdict.ONLY_OURS: ("我方有、对方无（短款）", "ours, and in no file"),
    Verdict.ONLY_THEIRS: ("对方有、我方无（长款）", "charged, and not held so by us"),
    Verdict.AMOUNT_DIFFERS: ("金额不符", "another amount"),
    Verdict.TWICE: ("重复", "twice"),
    Verdict.ENDS_RETURNED: ("有借有贷，已退回", "in doubt, debit and credit: returned"),
    Verdict.ENDS_NO_EFFECT: ("均无，未生效", "in doubt, in no file: no effect"),
    Verdict.TOOK_EFFECT: ("只有一边，已生效", "in doubt, taken and not given back"),
}


class Done(Struct, frozen=True, kw_only=True):
    """What came of loading a file. `new` is False for one that was loaded before; `matched` lines are about ours.

    `ours_unknown` lines are of terminals of ours and about no payment of ours, `foreign` of other terminals. `verdicts`
    counts what was followed up, `orders` the orders that the file closed.
    """

    file: ClearingFile
    new: bool
    matched: int
    ours_unknown: int
    foreign: int
    verdicts: Counter[Verdict]
    orders: int


def terms_of(settings: Settings, acquirer: str) -> HostTerms:
    """The acquirer's terms. Raises ClearingWrong for one that is not configured."""
    if acquirer not in settings.acquirers:
        raise ClearingWrong(f"--acquirer {acquirer}: there are {', '.join(settings.acquirers)}")
    return HostTerms(name=acquirer, settings=settings.acquirers[acquirer])


def day_of(text: str) -> date:
    """A date as people write it. Raises ClearingWrong."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ClearingWrong(f'"{text}" is no date; write it like 2026-11-23') from None


def loaded_text(done: Done, lang: str) -> str:
    """What came of a file."""
    n, file = 0 if language_of(lang) == CHINESE else 1, done.file
    head = (("已装入", "loaded") if done.new else ("此前已装入，未重复", "loaded before, nothing twice"))[n]
    lines = [f"{file.name}  {file.acquirer}  {file.day.isoformat()}  {head}", _totals(file, n)]
    strangers = (
        f"账中没有：本方终端 {done.ours_unknown} 笔，其他终端 {done.foreign} 笔",
        f"not in our journal: {done.ours_unknown} lines of our terminals, {done.foreign} of others",
    )
    lines.append(strangers[n])
    if done.orders:
        lines.append((f"了结人工退款指令 {done.orders} 笔", f"orders closed: {done.orders}")[n])
    lines += [f"{VERDICTS[each][n]}: {count}" for each, count in done.verdicts.items()]
    return "\n".join(lines)


def _totals(file: ClearingFile, n: int) -> str:
    totals = file.totals
    debits, credited = format_minor(totals.debit_minor, "156"), format_minor(totals.credit_minor, "156")
    return (
        f"借记 {totals.debit_count} 笔 {debits}，贷记 {totals.credit_count} 笔 {credited}",
        f"{totals.debit_count} debits of {debits}, {totals.credit_count} credits of {credited}",
    )[n]


@on_database
def files_text(settings: Settings, lang: str) -> str:
    """The loaded files, newest first."""
    n = 0 if language_of(lang) == CHINESE else 1
    with reading(settings) as connection:
        found = latest_files(connection)
    head = ("清算日  收单方  商户  文件  笔数  装入时间  装入人", "date  acquirer  merchant  file  lines  loaded  by")[
        n
    ]
    rows = [
        f"{file.day.isoformat()}  {file.acquirer}  {file.merchant_id or '*'}  {file.name}  {file.lines}  "
        f"{local_time(file.loaded_at_us):%Y-%m-%d %H:%M}  {file.loaded_by}"
        for file in found
    ]
    return "\n".join([head, *rows])


@on_database
def day_text(settings: Settings, acquirer: str, day: str, lang: str) -> str:
    """How a settlement date stands, as the files that are loaded now say. Raises ClearingWrong."""
    n, terms, on = 0 if language_of(lang) == CHINESE else 1, terms_of(settings, acquirer), day_of(day)
    names: list[str] = []
    with reading(settings) as connection:
        files = files_of(connection, acquirer, on, on)
    while True:
        with reading(settings) as connection:
            page = window(connection, terms, on.toordinal(), names[-1] if names else "")
        if not page:
            break
        names += page
    counts: Counter[Verdict] = Counter()
    differing: list[str] = []
    left = iter(sorted(set(names)))
    while some := list(islice(left, IDS_AT_ONCE)):
        with reading(settings) as connection:
            looks = _looks(connection, terms, on, some)
        counts.update(each.verdict for each in looks)
        differing += [_line(each, n) for each in looks if each.verdict not in IN_ORDER]
    return "\n".join([*_head(settings, files, on, n), *_buckets(counts, n), *_cut(differing, n)])


def _looks(connection: Connection, terms: HostTerms, on: date, names: Sequence[str]) -> list[Look]:
    """The transactions of this settlement date beside what the files say."""
    known = [each for each in read_known(connection, terms, names) if each.holding.first_day == on.toordinal()]
    wanted = {each.holding.transaction_id for each in known} | {each.holding.partner for each in known}
    lines = listed_about(connection, wanted - {""})
    there = files_of(connection, terms.name, on, date.max)
    files = Files(loaded=frozenset((file.day.toordinal(), file.merchant_id) for file in there))
    return [
        look(each, lines.get(each.holding.transaction_id, ()), lines.get(each.holding.partner, ()), files)
        for each in known
    ]


def _head(settings: Settings, files: Sequence[ClearingFile], on: date, n: int) -> list[str]:
    if not files:
        return [(f"{on.isoformat()}  没有装入清算文件", f"{on.isoformat()}  no clearing file is loaded")[n]]
    said = []
    for file in files:
        with reading(settings) as connection:
            others = sum(each.lines for each in strangers_in(connection, file.file_id))
            ours = len(named_in(connection, [file.file_id]))
        said.append(f"{file.name}  {file.merchant_id or '*'}  {_totals(file, n)}")
        about = (
            f"涉及我方交易 {ours} 笔，账中没有的 {others} 行",
            f"about {ours} payments of ours; {others} lines about none",
        )
        said.append(about[n])
    return said


def _buckets(counts: Counter[Verdict], n: int) -> list[str]:
    return [f"{VERDICTS[each][n]}: {counts[each]}" for each in Verdict if counts[each]]


def _line(at: Look, n: int) -> str:
    ours = at.known.ours
    where = ", ".join(line.reference for line in at.lines) or "-"
    money = format_minor(ours.amount_minor, ours.currency)
    return f"{ours.transaction_id}  {ours.terminal_id}+{ours.stan}  {money}  {VERDICTS[at.verdict][n]}  {where}"


def _cut(lines: Iterable[str], n: int) -> list[str]:
    shown = list(lines)
    more = len(shown) - DIFFERING_MAX
    return shown if more <= 0 else [*shown[:DIFFERING_MAX], (f"另有 {more} 笔", f"and {more} more")[n]]
