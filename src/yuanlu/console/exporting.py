"""Tables as files: CSV as Excel in China opens it, and XLSX.

The rules (the design's §2.5): the same filter as the page; headings in the page's language; UTF-8 with a byte order
mark, CRLF; Beijing time; amounts exact with two decimals; long numbers as text; what begins like a formula is made
harmless; the first rows say what was asked, as of when, by whom; refused above the limit with the exact count.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from urllib.parse import quote

import xlsxwriter
from starlette.responses import Response

from yuanlu.console.asked import Asked
from yuanlu.people.figures import when_text

ROWS_MAX = 50_000
FORMULA = ("=", "+", "-", "@", "\t", "\r")
NUMBER_DIGITS_MAX = 11
"""Longer ones lose their end in a spreadsheet unless they are text."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def amount(minor: int) -> str:
    """12.50: exact, for files."""
    sign, minor = ("-" if minor < 0 else ""), abs(minor)
    return f"{sign}{minor // 100}.{minor % 100:02}"


def csv_file(asked: Asked, name: str, headings: Sequence[str], rows: Iterable[Sequence[str]], about: str) -> Response:
    """The rows as a CSV file to download."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\r\n")
    out.writerows([[cell] for cell in _head(asked, about)])
    out.writerow(headings)
    out.writerows([safe(cell) for cell in row] for row in rows)
    data = text.getvalue().encode("utf-8-sig")
    return download(data, f"{name}.csv", "text/csv; charset=utf-8")


def xlsx_file(asked: Asked, name: str, headings: Sequence[str], rows: Iterable[Sequence[str]], about: str) -> Response:
    """The rows as a sheet; every cell is text, so that nothing is read as a formula or loses digits."""
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False,
                                      "strings_to_urls": False})  # fmt: skip
    sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
    head = _head(asked, about)
    for n, cell in enumerate(head):
        sheet.write_string(n, 0, cell)
    for n, cell in enumerate(headings):
        sheet.write_string(len(head), n, cell, bold)
    for row_no, row in enumerate(rows, len(head) + 1):
        for n, cell in enumerate(row):
            sheet.write_string(row_no, n, cell)
    sheet.set_column(0, max(len(headings) - 1, 0), 20)
    book.close()
    return download(data.getvalue(), f"{name}.xlsx", XLSX)


def _head(asked: Asked, about: str) -> list[str]:
    return [
        asked.say("Exported by {name} at {time} (Beijing time)", name=asked.who.name, time=when_text(asked.now_us)),
        asked.say("Filter: {filter}", filter=about or asked.say("none")),
    ]


def safe(cell: str) -> str:
    """A cell that no spreadsheet runs or shortens."""
    if cell.startswith(FORMULA) and not _is_amount(cell):
        return "'" + cell
    if cell.isdecimal() and (len(cell) > NUMBER_DIGITS_MAX or (len(cell) > 1 and cell[0] == "0")):
        return "\t" + cell  # a tab makes it text, and is not seen
    return cell


def _is_amount(cell: str) -> bool:
    whole, _, rest = cell.removeprefix("-").partition(".")
    return whole.isdecimal() and rest.isdecimal() and len(rest) == 2


def download(data: bytes, name: str, kind: str) -> Response:
    """A file to save, under its name."""
    disposition = f"attachment; filename=\"export.{name.rpartition('.')[2]}\"; filename*=UTF-8''{quote(name)}"
    return Response(data, media_type=kind, headers={"content-disposition": disposition})
