"""A journal as a console finds it after ten busy days: a million payments, 3 in 100 of them lost and come home, 10,000
with an open case, and orders and an incident that people made.
"""

import sqlite3
from pathlib import Path
from typing import Any

from msgspec import Struct

from bench.copies import Copies, case_pattern, filling, payment_pattern
from yuanlu.access.roles import Role
from yuanlu.cases.people import Actor
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.people.cardholder import complained
from yuanlu.people.incidents import declared
from yuanlu.people.ordering import propose
from yuanlu.people.staff import NewStaff, created
from yuanlu.settings import Settings

TERMINALS = 1_000
LOST_PERCENT = 3
CHUNKS = 100
"""Lost payments and cases are spread over the days in so many lumps."""
ORDERS = 60
NAME, PASSWORD = "Li Na", "correct horse 9 battery"
WHO = Actor(name=NAME, via="bench")
LOST = "SELECT transaction_id FROM transactions WHERE state = 'RETURNED' AND cause <> '' LIMIT 1"
CHARGED = f"SELECT transaction_id FROM transactions WHERE state = 'APPROVED' ORDER BY 1 DESC LIMIT {ORDERS}"


class Town(Struct, frozen=True, kw_only=True):
    """What pages are asked about: the latest payment that was lost, its places, and a case."""

    lost: str
    rrn: str
    merchant: str
    terminal: str
    case: str


def ask(journal: Path, query: str) -> list[Any]:
    """The first column of a query beside the product."""
    connection = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
    try:
        return [row[0] for row in connection.execute(query)]
    finally:
        connection.close()


def explained(journal: Path) -> bool:
    """Whether a payment that came home has its cause."""
    return bool(ask(journal, LOST))


def fill(settings: Settings, journal: Path, keys: SoftwareKeyStore, payments: int, cases: int) -> Town:
    """Copies of what the product wrote, and on top of them what people do."""
    complained(settings, ask(journal, LOST)[0], "I was charged, and the shop says I was not.")
    with filling(journal) as connection:
        approved, returned = (payment_pattern(connection, keys, state) for state in ("APPROVED", "RETURNED"))
        case, copies = case_pattern(connection), Copies(connection, keys, payments, TERMINALS)
        for lump in range(CHUNKS):
            copies.put(approved, "APPROVED", payments * (100 - LOST_PERCENT) // 100 // CHUNKS)
            lost = copies.put(returned, "RETURNED", payments * LOST_PERCENT // 100 // CHUNKS)
            copies.put_cases(case, lost[: cases // CHUNKS], first=lump * (cases // CHUNKS))
    last = lost[-1]
    everything = NewStaff(name=NAME, roles=tuple(Role), password=PASSWORD, checker=True)
    created(settings, everything, WHO)
    declared(settings, "carrier_outage", ("merchant", last["merchant_id"]), WHO, "bench", hold=False, since_minutes=5)
    for each in ask(journal, CHARGED):
        propose(settings, each, reason="bench", by=NAME, amount="0.01", kind="refund")
    return Town(
        lost=last["transaction_id"], rrn=last["rrn"], merchant=last["merchant_id"], terminal=last["terminal_id"],
        case=ask(journal, "SELECT case_id FROM cases ORDER BY case_id LIMIT 1")[0],
    )  # fmt: skip
