"""UnionPay's merchant file ZM: fixed columns of bytes, one blank between two, one line a transaction.

Source: the file interface of UnionPay's all-channel platform (全渠道平台接入接口规范, part 3). Columns are counted in
bytes: a Chinese character takes two. The last columns differ from version to version and are not read. The file is one
merchant's, and says itself neither how much it holds nor, but for its name, of which day it is.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType

from yuanlu.kernel.clock import CHINA
from yuanlu.reconciliation.clearing import ClearingWrong, Document, Entry, Format, Given, Side, must_agree, must_have

WIDTHS: tuple[tuple[str, int], ...] = (
    ("tradeNo", 3), ("acqInsCode", 11), ("sendInsCode", 11), ("traceNo", 6), ("txnTime", 10), ("payCardNo", 19),
    ("txnAmt", 12), ("merCatCode", 4), ("termType", 2), ("queryId", 21), ("oldPayType", 2), ("orderId", 32),
    ("payCardType", 2), ("origTraceNo", 6), ("origTxnTime", 10), ("merCharge", 13), ("settleAmt", 13), ("payType", 4),
    ("groupMerCode", 15), ("txnType", 2), ("txnSubType", 2), ("bizType", 6), ("accType", 2), ("billType", 4),
    ("billNo", 32), ("interactMode", 1), ("origQryId", 21), ("merId", 15), ("accountType", 1), ("subMerId", 15),
    ("subMerAbbr", 32), ("subMerAccountAmt", 13), ("settleNetAmt", 13), ("termId", 8), ("merReserved", 32),
    ("discountAmt", 13), ("invoiceAmt", 13), ("insAdditionCharge", 12), ("installmentNum", 2), ("tradeMedia", 1),
)  # fmt: skip
"""The columns in order, each with its width in bytes."""

FORMS: Mapping[str, tuple[str, re.Pattern[str]]] = MappingProxyType(
    {
        "traceNo": ("six digits", re.compile("[0-9]{6}")),
        "txnTime": ("MMDDhhmmss", re.compile("[0-9]{10}")),
        "payCardNo": ("digits, some of them perhaps as *", re.compile("[0-9*]*")),
        "txnAmt": ("twelve digits, above zero", re.compile("(?!0{12})[0-9]{12}")),
        "origTraceNo": ("six digits, or blank", re.compile("[0-9]{6}|")),
        "merId": ("15 characters", re.compile("[!-~]{15}")),
        "termId": ("8 characters", re.compile("[!-~]{8}")),
    }
)
"""The columns that we read, beside tradeNo: what each holds, and its form without the blanks around it."""

SIDES: Mapping[str, Side] = MappingProxyType({"S22": Side.DEBIT, "S30": Side.CREDIT})
"""tradeNo: 消费 and 退货. Other codes are not documented, so a line with one cannot be understood."""

FILE_NAME = re.compile(r"INN(?P<day>[0-9]{6})[0-9]{2}ZM_(?P<merchant>[!-~]{15})")
CNY, NOBODY = "156", "000000"
HALF_A_YEAR = timedelta(days=183)


def read(content: bytes, given: Given) -> Document:
    """The file's entries. Raises ClearingWrong naming line, field and reason."""
    named = FILE_NAME.match(given.name)
    merchant_id = given.merchant_id or (named["merchant"] if named else "")
    if not merchant_id:
        raise ClearingWrong("a ZM file is one merchant's: say --merchant, or keep its name INN…ZM_MERCHANT")
    if named:
        must_agree(given.merchant_id, named["merchant"], "merchant")
    if given.lines is None:
        raise ClearingWrong("a ZM file does not say how much it holds: say --lines, from the acquirer's summary")
    day, encoding = _day(given, named["day"] if named else ""), given.encoding or ZM.encoding
    lines = _lines(content)
    entries = [_entry(number, line, day, merchant_id, encoding) for number, line in enumerate(lines, start=1)]
    must_have(entries, given.lines)
    return Document(day=day, merchant_id=merchant_id, entries=entries)


def _day(given: Given, named: str) -> date:
    if not named and given.day is None:
        raise ClearingWrong("nothing tells the settlement date: say --date, or keep the name INN…ZM_MERCHANT")
    if named:
        try:
            day = datetime.strptime(named, "%y%m%d").replace(tzinfo=CHINA).date()
        except ValueError:
            raise ClearingWrong(f"the file's name says that it is of {named}, and there is no such date") from None
        must_agree(given.day.isoformat() if given.day else "", day.isoformat(), "settlement date")
        return day
    assert given.day is not None, "one of the two says it"
    return given.day


def _lines(content: bytes) -> list[bytes]:
    if content and not content.endswith(b"\n"):
        raise ClearingWrong("the last line has no end: the file was cut off", line=content.count(b"\n") + 1)
    return [line.removesuffix(b"\r") for line in content.split(b"\n")[:-1]]


def _entry(number: int, line: bytes, day: date, merchant_id: str, encoding: str) -> Entry:
    cells = _cells(number, line, encoding)
    side = SIDES.get(cells["tradeNo"])
    if side is None:
        known = " and ".join(SIDES)
        raise ClearingWrong(f"{known} are understood; convert the file (format csv)", line=number, field="tradeNo")
    if cells["merId"] != merchant_id:
        raise ClearingWrong(f"the file is of merchant {merchant_id} alone", line=number, field="merId")
    original = cells["origTraceNo"]
    return Entry(
        line=number,
        side=side,
        terminal_id=cells["termId"],
        merchant_id=cells["merId"],
        stan=cells["traceNo"],
        amount_minor=int(cells["txnAmt"]),
        currency=CNY,
        at_us=_time(number, cells["txnTime"], day),
        card_last4=cells["payCardNo"][-4:] if cells["payCardNo"][-4:].isdecimal() else "",
        original_stan=original if original != NOBODY else "",
    )


def _cells(number: int, line: bytes, encoding: str) -> dict[str, str]:
    """The columns that we read, without the blanks around them."""
    cells, start = {}, 0
    for name, width in WIDTHS:
        end = start + width
        if len(line) < end:
            raise ClearingWrong("the line ends before it", line=number, field=name)
        if line[end : end + 1] not in (b" ", b""):
            raise ClearingWrong("no blank after it: the columns have other widths", line=number, field=name)
        if name in FORMS or name == "tradeNo":
            cells[name] = _decoded(number, name, line[start:end], encoding)
        start = end + 1
    return cells


def _decoded(number: int, name: str, raw: bytes, encoding: str) -> str:
    try:
        text = raw.decode(encoding).strip()
    except LookupError:
        raise ClearingWrong(f'"{encoding}" is no encoding; gbk is usual') from None
    except UnicodeDecodeError:
        raise ClearingWrong(f"not written in {encoding}", line=number, field=name) from None
    if name in FORMS and not FORMS[name][1].fullmatch(text):
        raise ClearingWrong(f"expected {FORMS[name][0]}", line=number, field=name)
    return text


def _time(number: int, text: str, day: date) -> int:
    """The line names no year: it is the one that is nearer to the settlement date."""
    for year in (day.year, day.year - 1, day.year + 1):
        try:
            at = datetime.strptime(f"{year}{text}", "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
        except ValueError:
            continue
        if abs(at.date() - day) < HALF_A_YEAR:
            return int(at.timestamp()) * 1_000_000
    raise ClearingWrong("there is no such time", line=number, field="txnTime")


ZM = Format(name="zm", encoding="gbk", read=read)
