"""Our own plain CSV, for acquirers whose files are written in a form of their own: convert theirs to this one.

    yuanlu-clearing,1,cup,2026-11-23,*
    side,terminal_id,merchant_id,stan,rrn,amount_minor,currency,at,card_last4,original_stan,original_rrn
    debit,T0000001,898440153110001,000001,300000000001,1234,156,2026-11-23T10:00:00,0005,,
    total,1,1234,0,0

First the name of the form, its version, acquirer, settlement date, and the merchant or `*` for all. Last the totals:
number and amount of the debits, number and amount of the credits. Without them it is not the whole file. Amounts are
minor units, times are China's. Whole card numbers have no column (`docs/how-to/clearing-files.md`).
"""

import csv
import io
import re
from collections.abc import Sequence
from datetime import date, datetime

from yuanlu.kernel.clock import CHINA
from yuanlu.reconciliation.batch import BatchTotals
from yuanlu.reconciliation.clearing import ClearingWrong, Document, Entry, Format, Given, Side, must_agree, must_have

NAME, VERSION, EVERYBODY, TOTAL = "yuanlu-clearing", "1", "*", "total"
FIELDS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("side", "debit or credit", re.compile("debit|credit")),
    ("terminal_id", "8 characters", re.compile("[!-~]{8}")),
    ("merchant_id", "15 characters", re.compile("[!-~]{15}")),
    ("stan", "six digits, or nothing", re.compile("[0-9]{6}|")),
    ("rrn", "12 letters or digits, or nothing", re.compile("[0-9A-Za-z]{12}|")),
    ("amount_minor", "a whole number of minor units, above zero", re.compile("0*[1-9][0-9]{0,11}")),
    ("currency", "the three digits of ISO 4217", re.compile("[0-9]{3}")),
    ("at", "a time like 2026-11-23T10:00:00, or nothing", re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}|")),
    ("card_last4", "the last four digits, or nothing", re.compile("[0-9]{4}|")),
    ("original_stan", "six digits, or nothing", re.compile("[0-9]{6}|")),
    ("original_rrn", "12 letters or digits, or nothing", re.compile("[0-9A-Za-z]{12}|")),
)
"""Each column: its name, what it holds in words, and its form."""

COLUMNS = [name for name, _, _ in FIELDS]


def read(content: bytes, given: Given) -> Document:
    """The file's entries. Raises ClearingWrong naming line, field and reason."""
    rows = _rows(content, given.encoding or CSV.encoding)
    if len(rows) < 3 or rows[0][:2] != [NAME, VERSION] or len(rows[0]) != 5:
        raise ClearingWrong(f"it begins with {NAME},{VERSION},ACQUIRER,DATE,MERCHANT or {EVERYBODY}", line=1)
    if rows[1] != COLUMNS:
        raise ClearingWrong(f"the columns are {','.join(COLUMNS)}", line=2)
    _, _, acquirer, day, merchant_id = rows[0]
    must_agree(given.acquirer, acquirer, "acquirer")
    must_agree(given.day.isoformat() if given.day else "", day, "settlement date")
    merchant_id = "" if merchant_id == EVERYBODY else merchant_id
    must_agree(given.merchant_id, merchant_id or "all merchants", "merchant")
    entries = [_entry(number, row, merchant_id) for number, row in enumerate(rows[2:-1], start=3)]
    must_have(entries, given.lines)
    document = Document(day=_day(day), merchant_id=merchant_id, entries=entries)
    if _totals(len(rows), rows[-1]) != document.totals:
        raise ClearingWrong("the totals are not those of the lines above", line=len(rows))
    return document


def _rows(content: bytes, encoding: str) -> list[list[str]]:
    try:
        text = content.decode(encoding)
    except LookupError:
        raise ClearingWrong(f'"{encoding}" is no encoding; utf-8 and gbk are usual') from None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ClearingWrong(f"not written in {encoding}: say --encoding, such as gbk", line=line) from None
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise ClearingWrong(f"not a CSV file ({error})") from None
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _entry(number: int, row: Sequence[str], merchant_id: str) -> Entry:
    if len(row) != len(FIELDS):
        raise ClearingWrong(f"{len(FIELDS)} cells are expected, there are {len(row)}", line=number)
    for (name, words, form), cell in zip(FIELDS, row, strict=True):
        if not form.fullmatch(cell):
            raise ClearingWrong(f"expected {words}", line=number, field=name)
    cells = dict(zip(COLUMNS, row, strict=True))
    if merchant_id and cells["merchant_id"] != merchant_id:
        raise ClearingWrong(f"the file is of merchant {merchant_id} alone", line=number, field="merchant_id")
    if not (cells["stan"] or cells["rrn"] or cells["original_stan"] or cells["original_rrn"]):
        raise ClearingWrong("a trace or reference number is needed, its own or the original's", line=number)
    at, amount = cells.pop("at"), int(cells.pop("amount_minor"))
    side = Side(cells.pop("side"))
    return Entry(line=number, side=side, amount_minor=amount, at_us=_time(number, at), **cells)


def _time(number: int, text: str) -> int | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text).replace(tzinfo=CHINA)
    except ValueError:
        raise ClearingWrong("there is no such time", line=number, field="at") from None
    return int(at.timestamp()) * 1_000_000


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ClearingWrong("a date like 2026-11-23 is expected", line=1, field="settlement date") from None


def _totals(number: int, row: Sequence[str]) -> BatchTotals:
    if len(row) != 5 or row[0] != TOTAL or not all(cell.isascii() and cell.isdecimal() for cell in row[1:]):
        words = f"it ends with {TOTAL},DEBITS,DEBIT_MINOR,CREDITS,CREDIT_MINOR: this is not the whole file"
        raise ClearingWrong(words, line=number)
    debits, debit_minor, credits_, credit_minor = (int(cell) for cell in row[1:])
    return BatchTotals(
        debit_count=debits, debit_minor=debit_minor, credit_count=credits_, credit_minor=credit_minor
    )  # fmt: skip


CSV = Format(name="csv", encoding="utf-8-sig", read=read)
