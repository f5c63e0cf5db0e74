"""`yuanlu status`, `show` and `config check`: short reads beside the gateway, in words."""

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import DatabaseError

from yuanlu.cases.tables import cases
from yuanlu.cli.contract_text import contract_lines
from yuanlu.cli.notification_work import line, notification_lines
from yuanlu.db.choosing import database_name, reading
from yuanlu.db.errors import StoreError
from yuanlu.db.types import total
from yuanlu.incidents.tables import ACTIVE, incidents
from yuanlu.iso8583.codec import codec_for
from yuanlu.iso8583.masking import describe
from yuanlu.journal.frames import unpack
from yuanlu.journal.tables import transactions as transactions_table
from yuanlu.journal.transactions import Transaction, facts_of, search
from yuanlu.kernel.clock import local_time
from yuanlu.kernel.errors import YuanluError
from yuanlu.kernel.money import format_minor
from yuanlu.keys.tls import till_is_closed
from yuanlu.notification.store import told_of_transaction
from yuanlu.people.case_reading import ARROWS
from yuanlu.people.database import on_database
from yuanlu.people.notes.reading import in_words
from yuanlu.people.words import CHINESE, ENGLISH, kind_word, language_of, word
from yuanlu.returns.store import open_legs
from yuanlu.returns.tables import orders, watches
from yuanlu.settings import Settings
from yuanlu.terminals import read_terminals

LISTED_MAX = 50
_HEAD = {
    CHINESE: ("终端", "商户", "批次", "流水号", "参考号", "收单机构"),
    ENGLISH: ("terminal", "merchant", "batch", "STAN", "RRN", "acquirer"),
}


class NothingFound(YuanluError):
    """No transaction goes by what was asked for."""


def _readers(settings: Settings) -> Engine:
    return reading(settings.store.url, settings.folder)


@on_database
def status_text(settings: Settings, lang: str) -> str:
    """Counts by state, and every open return, oldest first."""
    language = language_of(lang)
    try:
        with _readers(settings).connect() as connection:
            return _status(connection, language)
    except DatabaseError as error:
        raise StoreError(f"the journal cannot be read: {error.orig}") from None


def _status(connection: Connection, language: str) -> str:
    table = transactions_table
    counts = connection.execute(
        select(table.c.state, table.c.currency, func.count(), total(table.c.amount_minor))
        .group_by(table.c.state, table.c.currency)
        .order_by(table.c.state)
    ).all()
    watched = connection.execute(select(func.count()).select_from(watches)).scalar_one()
    lines = ["状态            笔数          金额" if language == CHINESE else "state          count        amount"]
    lines += [f"{state:<12} {count:>8} {format_minor(total, currency):>18}" for state, currency, count, total in counts]
    lines.append(f"{'待清算核对' if language == CHINESE else 'watched until clearing'}: {watched}")
    lines += [f"{zh if language == CHINESE else en}: {count}" for zh, en, count in _waiting(connection)]
    legs = open_legs(connection, LISTED_MAX)
    lines.append("")
    lines.append(("未完成的退回" if language == CHINESE else "Open returns") + f": {len(legs)}")
    lines += [
        f"{row.transaction_id}  {local_time(row.opened_at_us):%m-%d %H:%M:%S}  {row.terminal_id}+{row.stan}"
        f"  ••{row.card_last4}  {format_minor(row.amount_minor, row.currency)}  {row.acquirer}  {row.state}"
        f"  {row.attempts}×  {in_words(row.explanation, language)}"
        for row in legs
    ]
    return "\n".join(lines)


def _waiting(connection: Connection) -> list[tuple[str, str, int]]:
    """What waits for people: orders, cases, incidents; each by its partial index."""
    counted = (
        ("未结退回指令", "open orders", orders, orders.c.closed_at_us.is_(None)),
        ("未结工单", "open cases", cases, text("state <> 'CLOSED'")),
        ("进行中的事件", "active incidents", incidents, text(ACTIVE)),
    )
    return [
        (zh, en, connection.execute(select(func.count()).select_from(table).where(condition)).scalar_one())
        for zh, en, table, condition in counted
    ]


@on_database
def show_text(settings: Settings, what: str, lang: str, *, frames: bool) -> str:
    """The timeline of every transaction that goes by `what`; NothingFound when none does."""
    language = language_of(lang)
    try:
        with _readers(settings).connect() as connection:
            found = search(connection, what)
            shown = [_timeline(connection, each, language, frames=frames) for each in found]
    except DatabaseError as error:
        raise StoreError(f"the journal cannot be read: {error.orig}") from None
    if not shown:
        raise NothingFound(f'"{what}" is no transaction: give its id, its reference number (RRN) or TERMINAL+STAN')
    return "\n\n".join(shown)


def _timeline(connection: Connection, found: Transaction, language: str, *, frames: bool) -> str:
    kind, key = kind_word(found.kind, language), found.key
    head = (key.terminal_id, key.merchant_id, key.batch_no, key.stan, found.rrn or "-", found.acquirer)
    lines = [
        f"{found.transaction_id}  {kind}  {found.amount}  ••{found.card_last4}  {word(found.state, language)}",
        "  ".join(f"{name} {value}" for name, value in zip(_HEAD[language], head, strict=True)),
    ]
    for row in facts_of(connection, found.key.merchant_id, found.transaction_id):
        at = local_time(row.at_us)
        note = f": {in_words(row.note, language, row.kind)}" if row.note else ""
        lines.append(f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}  {word(row.kind, language)}{note}")
        lines += _messages(row.frames, language, whole=frames)
    told = told_of_transaction(connection, found.transaction_id)
    return "\n".join([*lines, *(line(each, language) for each in told)])


def _messages(blob: bytes, language: str, *, whole: bool) -> list[str]:
    lines = []
    for stored in unpack(blob):
        fields = describe(stored.masked, codec_for(stored.dialect))
        code = f" {'应答码' if language == CHINESE else 'code'} {fields[39]}" if 39 in fields else ""
        arrow = ARROWS[stored.direction].zh if language == CHINESE else ARROWS[stored.direction].en
        lines.append(f"    {arrow:<18} {fields.get(0, '????')}{code}")
        if whole:
            lines += [f"        {number:>3} {value}" for number, value in fields.items() if number]
    return lines


def config_text(settings: Settings) -> str:
    """What the configuration means, so that a mistake is seen before it costs money."""
    terminals = read_terminals(settings.path(settings.gateway.terminals), settings.acquirers)
    lines = [
        f"journal    {database_name(settings.store.url, settings.folder)}",
        f"gateway    {settings.gateway.listen}, MAC {settings.gateway.mac}, {len(terminals)} terminals",
        f"keys       {settings.path(settings.keys.file)} ({settings.keys.mode})",
    ]
    for name, acquirer in settings.acquirers.items():
        mine = sum(1 for terminal in terminals.values() if terminal.acquirer == name)
        lines.append(
            f"acquirer   {name}: {acquirer.address}, {acquirer.dialect}, profile {acquirer.profile}, "
            f"MAC {acquirer.mac}, answers within {acquirer.answer_timeout_ms} ms, "
            f"packet life {acquirer.packet_life_ms} ms, "
            f"{mine} terminals"
        )
        if acquirer.packet_life_ms < acquirer.answer_timeout_ms:
            lines.append(f"warning    {name}: packet_life_ms is below answer_timeout_ms; too small breaks the promise")
    if settings.console.listen and (closed := till_is_closed(settings)):
        lines.append(f"warning    {closed}")
    lines += contract_lines(settings, {terminal.merchant_id for terminal in terminals.values()})
    lines += notification_lines(settings.notification)
    return "\n".join([*lines, "The configuration is sound."])
