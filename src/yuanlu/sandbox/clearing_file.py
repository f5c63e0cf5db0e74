"""The clearing file of a simulated host: what its ledger moved on one settlement date, in the gateway's plain CSV.

It shares no code with the gateway's reader on purpose: the double must not repeat its mistakes.
"""

from datetime import date

from yuanlu.kernel.clock import local_time
from yuanlu.sandbox.host_answers import business_day
from yuanlu.sandbox.host_books import HostBooks, Movement
from yuanlu.sandbox.ledger import EntryKind

COLUMNS = (
    "side,terminal_id,merchant_id,stan,rrn,amount_minor,currency,at,card_last4,original_stan,original_rrn"
)  # fmt: skip
MOVES_MONEY = {EntryKind.DEBIT: "debit", EntryKind.CREDIT: "credit"}
"""A hold and its release are no money yet, and stand in no file."""


def clearing_file(books: HostBooks, acquirer: str, day: date) -> str:
    """The whole file of that date, its totals last; a day without payments has one, too.

    `acquirer` is the gateway's name for this host.
    """
    moved = [
        each
        for each in books.movements
        if each.entry.kind in MOVES_MONEY and business_day(each.entry.at_us) == day.toordinal()
    ]
    lines = [f"yuanlu-clearing,1,{acquirer},{day.isoformat()},*", COLUMNS, *(_line(books, each) for each in moved)]
    return "\n".join([*lines, total_line(moved), ""])


def total_line(moved: list[Movement]) -> str:
    """Number and amount of both sides."""
    sides = []
    for kind in MOVES_MONEY:
        amounts = [each.entry.amount_minor for each in moved if each.entry.kind is kind]
        sides.append(f"{len(amounts)},{sum(amounts)}")
    return ",".join(["total", *sides])


def _line(books: HostBooks, moved: Movement) -> str:
    """A reversal has its original's numbers, a void or refund its own, an adjustment by people names the original's."""
    entry, ref = moved.entry, moved.by or moved.entry.ref
    record, original = books.find(ref), books.find(entry.ref)
    rrn = record.rrn if record is not None and moved.by is not None else ""
    named = moved.by is None or moved.by != entry.ref
    cells = (
        MOVES_MONEY[entry.kind], ref.terminal_id, ref.merchant_id, ref.stan if moved.by is not None else "", rrn,
        str(entry.amount_minor), "156", local_time(entry.at_us).strftime("%Y-%m-%dT%H:%M:%S"), "",
        entry.ref.stan if named else "", original.rrn if named and original is not None else "",
    )  # fmt: skip
    return ",".join(cells)
