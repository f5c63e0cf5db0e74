"""Clearing files, read: whole and understood, or refused with line, field and reason."""

from datetime import date, datetime

import pytest

from yuanlu.kernel.clock import CHINA
from yuanlu.reconciliation.batch import BatchTotals
from yuanlu.reconciliation.clearing import ClearingWrong, Given, Side
from yuanlu.reconciliation.formats.known import FORMATS, get_format
from yuanlu.reconciliation.formats.union_zm import WIDTHS

DAY = date(2026, 11, 23)
MERCHANT = "898440153110001"
ZM_NAME = f"INN26112388ZM_{MERCHANT}"
HEAD = "yuanlu-clearing,1,cup,2026-11-23,*"
COLUMNS = (
    "side,terminal_id,merchant_id,stan,rrn,amount_minor,currency,at,card_last4,original_stan,original_rrn"
)  # fmt: skip
SOLD = f"debit,T0000001,{MERCHANT},000001,300000000001,1234,156,2026-11-23T10:00:00,0005,,"
BACK = f"credit,T0000001,{MERCHANT},,,1000,156,,,000007,300000000007"


def csv_file(*lines: str, head: str = HEAD, total: str = "total,1,1234,1,1000") -> bytes:
    return "\n".join([head, COLUMNS, *lines, total, ""]).encode()


def zm_line(**cells: str) -> bytes:
    usual = {
        "tradeNo": "S22", "traceNo": "000001", "txnTime": "1123100000", "payCardNo": "620000******0005",
        "txnAmt": "000000001234", "origTraceNo": "000000", "merId": MERCHANT, "termId": "T0000001",
        "subMerAbbr": "原路便利店",
    }  # fmt: skip
    return b" ".join((usual | cells).get(name, "").encode("gbk").ljust(width) for name, width in WIDTHS)


def zm_file(*lines: bytes) -> bytes:
    return b"".join(line + b" " + b"0" * 98 + b"\r\n" for line in lines)


def read_csv(content: bytes, **said):
    return FORMATS["csv"].read(content, Given(**{"name": "f.csv", "acquirer": "cup"} | said))


def read_zm(content: bytes, **said):
    return FORMATS["zm"].read(content, Given(**{"name": ZM_NAME, "acquirer": "cup"} | said))


def test_our_csv_says_everything_by_itself():
    document = read_csv(csv_file(SOLD, BACK))
    assert (document.day, document.merchant_id) == (DAY, "")
    sale, credit = document.entries
    assert (sale.side, sale.line, sale.stan, sale.amount_minor, sale.card_last4) == (
        Side.DEBIT, 3, "000001", 1234, "0005",
    )  # fmt: skip
    assert datetime.fromtimestamp(sale.at_us / 1_000_000, CHINA) == datetime(2026, 11, 23, 10, tzinfo=CHINA)
    assert (credit.side, credit.original_stan, credit.original_rrn, credit.at_us) == (
        Side.CREDIT, "000007", "300000000007", None,
    )  # fmt: skip


def test_a_day_without_payments_is_a_file_too():
    assert read_csv(csv_file(total="total,0,0,0,0")).entries == []


CSV_BAD = [
    (csv_file(SOLD, BACK), {"acquirer": "other"}, 0, "", "of acquirer cup, not other", "another acquirer's"),
    (csv_file(SOLD, BACK), {"day": date(2026, 11, 24)}, 0, "", "of settlement date 2026-11-23", "another day's"),
    (csv_file(SOLD, BACK), {"merchant_id": MERCHANT}, 0, "", "of merchant all merchants", "everybody's"),
    (csv_file(SOLD, BACK), {"lines": 3}, 0, "", "2 entries, and 3 were announced", "fewer than announced"),
    (b"", {}, 1, "", "it begins with yuanlu-clearing", "nothing at all"),
    (csv_file(SOLD, BACK, head="a,b"), {}, 1, "", "it begins with", "another file"),
    (csv_file(SOLD, BACK, head=HEAD.replace("11-23", "11-31")), {}, 1, "settlement date", "a date", "no such date"),
    (csv_file(SOLD)[:-22], {}, 3, "", "this is not the whole file", "cut off"),
    (csv_file(SOLD), {}, 4, "", "not those of the lines", "a line is missing"),
    (csv_file(SOLD, SOLD, BACK), {}, 6, "", "not those of the lines", "a line doubled"),
    (csv_file(SOLD, BACK, total="total,1,1235,1,1000"), {}, 5, "", "not those of the lines", "totals changed"),
    (csv_file(SOLD.replace("1234", "12.34"), BACK), {}, 3, "amount_minor", "minor units", "yuan"),
    (csv_file(SOLD.replace(",1234,", ",0,"), BACK), {}, 3, "amount_minor", "above zero", "nothing moved"),
    (csv_file(SOLD.replace("debit", "sale"), BACK), {}, 3, "side", "debit or credit", "no side"),
    (csv_file(SOLD, BACK.replace("T0000001", "T1")), {}, 4, "terminal_id", "8 characters", "short terminal"),
    (csv_file(SOLD.replace("T10:", "T30:"), BACK), {}, 3, "at", "no such time", "no such hour"),
    (csv_file(SOLD + ",x", BACK), {}, 3, "", "11 cells are expected, there are 12", "a cell too many"),
    (csv_file(SOLD, BACK.replace("000007,300000000007", ",")), {}, 4, "", "is needed", "names nothing"),
    (csv_file(SOLD, BACK, head=HEAD[:-1] + "M" * 15), {}, 3, "merchant_id", "alone", "another merchant's line"),
    (csv_file(SOLD, BACK) + "合计".encode("gbk"), {}, 6, "", "say --encoding", "GBK at the end"),
    (csv_file(SOLD, BACK), {"encoding": "klingon"}, 0, "", "is no encoding", "no such encoding"),
]


@pytest.mark.parametrize(("content", "said", "line", "field", "words", "why"), CSV_BAD, ids=[x[5] for x in CSV_BAD])
def test_a_csv_that_cannot_be_believed_is_refused_as_a_whole(content, said, line, field, words, why):
    with pytest.raises(ClearingWrong, match=words) as refused:
        read_csv(content, **said)
    assert (refused.value.line, refused.value.field) == (line, field), why


def test_a_csv_may_be_written_in_gbk():
    text = csv_file(SOLD, BACK).decode().encode("gbk")
    assert len(read_csv(text, encoding="gbk").entries) == 2


def test_a_zm_file_is_read_by_bytes_so_that_chinese_names_move_no_column():
    document = read_zm(zm_file(zm_line(), zm_line(tradeNo="S30", traceNo="000002", origTraceNo="000001")), lines=2)
    assert (document.day, document.merchant_id) == (DAY, MERCHANT)
    sale, refund = document.entries
    assert (sale.side, sale.terminal_id, sale.stan, sale.amount_minor, sale.currency, sale.card_last4) == (
        Side.DEBIT, "T0000001", "000001", 1234, "156", "0005",
    )  # fmt: skip
    assert (refund.side, refund.stan, refund.original_stan, sale.original_stan) == (
        Side.CREDIT, "000002", "000001", "",
    )  # fmt: skip
    assert document.totals == BatchTotals(debit_minor=1234, debit_count=1, credit_minor=1234, credit_count=1)


def test_no_whole_card_number_leaves_a_zm_file():
    [sale] = read_zm(zm_file(zm_line(payCardNo="6200000000000005")), lines=1).entries
    assert "6200000000000005" not in repr(sale)


def test_a_zm_time_of_december_in_a_file_of_january_is_last_years():
    content = zm_file(zm_line(txnTime="1231235959"))
    [sale] = read_zm(content, name=f"INN27010188ZM_{MERCHANT}", lines=1).entries
    assert datetime.fromtimestamp(sale.at_us / 1_000_000, CHINA).year == 2026


ZM_BAD = [
    (zm_file(zm_line()), {"lines": None}, 0, "", "say --lines", "nobody says how much it holds"),
    (zm_file(zm_line()), {"lines": 2}, 0, "", "1 entries, and 2 were announced", "cut between two lines"),
    (zm_file(zm_line())[:-1], {}, 1, "", "cut off", "cut in the last line's end"),
    (zm_line()[:40] + b"\r\n", {}, 1, "txnTime", "the line ends before it", "cut in a line"),
    (zm_file(zm_line()).replace(b"S22 ", b"S22x"), {}, 1, "tradeNo", "other widths", "no blank"),
    (zm_file(zm_line(tradeNo="S99")), {}, 1, "tradeNo", "are understood", "unknown code"),
    (zm_file(zm_line(txnAmt="12.34")), {}, 1, "txnAmt", "twelve digits", "yuan"),
    (zm_file(zm_line(txnTime="1340100000")), {}, 1, "txnTime", "no such time", "no such month"),
    (zm_file(zm_line(merId="M" * 15)), {}, 1, "merId", "alone", "another merchant's line"),
    (zm_file(zm_line(termId="原路便利")), {}, 1, "termId", "8 characters", "not a terminal"),
    (zm_file(zm_line()).replace(b"T0000001", b"T\xff\xff00001"), {}, 1, "termId", "not written in gbk", "no text"),
    (zm_file(zm_line()), {"encoding": "klingon"}, 0, "", "is no encoding", "no such encoding"),
    (zm_file(zm_line()), {"day": date(2026, 11, 24)}, 0, "", "of settlement date 2026-11-23", "another day's"),
    (zm_file(zm_line()), {"merchant_id": "M" * 15}, 0, "", "of merchant 898", "another merchant's"),
    (zm_file(zm_line()), {"name": "today.txt"}, 0, "", "say --merchant", "nameless, whose"),
    (zm_file(zm_line()), {"name": "x", "merchant_id": MERCHANT}, 0, "", "say --date", "nameless, which day"),
    (zm_file(zm_line()), {"name": f"INN26133288ZM_{MERCHANT}"}, 0, "", "no such date", "a name of no day"),
]


@pytest.mark.parametrize(("content", "said", "line", "field", "words", "why"), ZM_BAD, ids=[x[5] for x in ZM_BAD])
def test_a_zm_file_that_cannot_be_believed_is_refused_as_a_whole(content, said, line, field, words, why):
    with pytest.raises(ClearingWrong, match=words) as refused:
        read_zm(content, **{"lines": 1} | said)
    assert (refused.value.line, refused.value.field) == (line, field), why


def test_an_unknown_format_is_refused_in_words():
    with pytest.raises(ClearingWrong, match="there are csv, zm"):
        get_format("xlsx")
