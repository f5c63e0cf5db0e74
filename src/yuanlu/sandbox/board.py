"""The demo's live board, and the one-line form of it for logs. Headings in Chinese and English."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table

from yuanlu.causes.cause import FAMILY_WORDS
from yuanlu.kernel.clock import local_time
from yuanlu.kernel.money import format_minor
from yuanlu.sandbox.snapshot import UNKNOWN_FAMILY, Snapshot

CNY = "156"
NOTE_CHARACTERS_MAX = 60
KIND_ZH = {
    "reversal": "冲正",
    "void": "撤销",
    "refund": "退货",
    "preauth_void": "预授权撤销",
    "completion_void": "预授权完成撤销",
    "adjustment": "贷记调整",
    "repayment": "补付",
    "compensation": "补偿",
}
KIND_EN = {
    "reversal": "reversal",
    "void": "void",
    "refund": "refund",
    "preauth_void": "void of a pre-authorisation",
    "completion_void": "void of a completion",
    "adjustment": "adjustment",
    "repayment": "repayment",
    "compensation": "compensation",
}
FAMILY_ZH = {family.value: words.zh for family, words in FAMILY_WORDS.items()} | {UNKNOWN_FAMILY: "未归类"}
FAMILY_EN = {family.value: words.en for family, words in FAMILY_WORDS.items()} | {UNKNOWN_FAMILY: "unclassified"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Where the run is: seconds so far, payments per second lately, what is being done."""

    elapsed_s: float
    tps: float
    doing: str


def render(snapshot: Snapshot, moment: Moment, profile_of: Mapping[str, str]) -> RenderableType:
    """The whole board."""
    title = f"原路 Yuanlu · {moment.elapsed_s:.0f} s · {moment.doing}"
    top = Table.grid(padding=(0, 4))
    top.add_row(_numbers(snapshot, moment), _causes(snapshot), _open(snapshot, profile_of))
    top.add_row(
        _named("退回方式 / Given back by", snapshot.by_kind, KIND_ZH, KIND_EN),
        _named("原因归属 / Causes lie", snapshot.by_family, FAMILY_ZH, FAMILY_EN),
    )
    return Panel(Group(top, _events(snapshot)), title=title)


def _numbers(snapshot: Snapshot, moment: Moment) -> Table:
    rows = (
        ("交易 / Transactions", f"{snapshot.transactions:,}"),
        ("每秒 / Per second", f"{moment.tps:.0f}"),
        ("已批准 / Approved", f"{snapshot.count('APPROVED', 'CAPTURED'):,}"),
        ("未扣款 / Declined", f"{snapshot.count('DECLINED'):,}"),
        ("结果未知 / Result unknown", f"{snapshot.count('SEND_INTENT', 'UNKNOWN'):,}"),
        ("冲正中 / Going back to the card", f"{snapshot.count('RETURNING', 'REOPENED'):,}"),
        ("已受理退回 / Return accepted by the host", f"{snapshot.count('RETURNED'):,}"),
        ("原交易未生效 / Original had no effect", f"{snapshot.count('NO_EFFECT'):,}"),
        ("人工处理 / A person is on it", f"{snapshot.count('ESCALATED'):,}"),
        ("在途风险金额 / Money at risk now", format_minor(snapshot.at_risk_minor, CNY)),
    )
    return _two_columns("概况 / Overview", rows)


def _causes(snapshot: Snapshot) -> Table:
    rows = tuple((reason, f"{number:,}") for reason, number in snapshot.causes)
    return _two_columns("原因 / By cause", rows or (("—", ""),))


def _open(snapshot: Snapshot, profile_of: Mapping[str, str]) -> Table:
    rows = tuple(
        (f"{acquirer} ({profile})", f"{snapshot.open_by_acquirer.get(acquirer, 0):,}")
        for acquirer, profile in profile_of.items()
    )
    return _two_columns("未了结 / Open, by host", rows)


def _named(title: str, counts: Mapping[str, int], zh: Mapping[str, str], en: Mapping[str, str]) -> Table:
    """Counts by name, the names in both languages."""
    rows = tuple(
        (f"{zh.get(name, name)} / {en.get(name, name)}", f"{count:,}") for name, count in sorted(counts.items())
    )
    return _two_columns(title, rows or (("—", ""),))


def _two_columns(title: str, rows: tuple[tuple[str, str], ...]) -> Table:
    table = Table(title=title, show_header=False, box=None, title_justify="left", min_width=24)
    table.add_column()
    table.add_column(justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def _events(snapshot: Snapshot) -> Table:
    table = Table(title="最近事件 / Last events", box=None, title_justify="left", show_header=False)
    for event in snapshot.events:
        at = local_time(event.at_us).strftime("%H:%M:%S.%f")[:-3]
        table.add_row(at, event.terminal_id, event.kind, event.note[:NOTE_CHARACTERS_MAX])
    return table


def status_line(snapshot: Snapshot, moment: Moment) -> str:
    """The board in one line, for output that is not a terminal."""
    return (
        f"{moment.elapsed_s:5.1f} s  {moment.doing}: transactions {snapshot.transactions}, "
        f"{moment.tps:.0f}/s, approved {snapshot.count('APPROVED', 'CAPTURED')}, "
        f"declined {snapshot.count('DECLINED')}, unknown {snapshot.count('SEND_INTENT', 'UNKNOWN')}, "
        f"reversing {snapshot.count('RETURNING', 'REOPENED')}, returned {snapshot.count('RETURNED')}, "
        f"no effect {snapshot.count('NO_EFFECT')}, escalated {snapshot.count('ESCALATED')}, "
        f"given back by {_in_short(snapshot.by_kind)}, causes {_in_short(snapshot.by_family)}, "
        f"at risk {format_minor(snapshot.at_risk_minor, CNY)}"
    )


def _in_short(counts: Mapping[str, int]) -> str:
    return " ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "–"
