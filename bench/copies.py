"""A large journal in little time: rows that the product wrote itself, copied with other identities.

A small gateway makes real payments first and is gone; what it wrote about one of each sort is a pattern. So every row
is one that the product wrote.
"""

import itertools
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2

from bench.sale import ACQUIRER, identity
from bench.trial import TrialFailed
from yuanlu.kernel.identifiers import first_of, return_id
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.returns.engine import TASK_KIND
from yuanlu.returns.steps import sealing_context

FIRST_BATCH = 100
STANS = 900_000
SECOND_US = 1_000_000
TAKEN_S = 864_000
"""The copies were taken over so many seconds until now."""
KEPT = {"APPROVED": 2, "RETURNING": 3, "SEND_INTENT": 1, "RETURNED": 1_000}
"""So many of the pattern's facts a copy in that state has."""

Columns = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A payment as the product wrote it: its row, its facts, its leg if it has one."""

    transaction: Columns
    facts: tuple[Columns, ...]
    leg: Columns | None
    hidden: bytes


@dataclass(frozen=True, kw_only=True)
class CasePattern:
    """A case as the product wrote it: its row, its facts, the lines of its timeline."""

    case: Columns
    facts: tuple[Columns, ...]
    events: tuple[Columns, ...]


@contextmanager
def filling(journal: Path) -> Iterator[Any]:
    """One fast transaction on a journal whose gateway is gone; on the disk at the end."""
    connection = dbapi2.connect(str(journal), isolation_level=None)
    connection.row_factory = dbapi2.Row
    for pragma in ("synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    yield connection
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    with journal.open("rb") as file:
        os.fsync(file.fileno())


def payment_pattern(connection: Any, keys: SoftwareKeyStore, state: str) -> Pattern:
    """The first payment in this state. TrialFailed when there is none."""
    found = _rows(connection, "transactions", "state = ? AND sealed IS NOT NULL LIMIT 1", state)
    if not found:
        raise TrialFailed(f"no payment of the small gateway is {state}")
    [payment], subject = found, found[0]["transaction_id"]
    legs = _rows(connection, "legs", "transaction_id = ?", subject)
    return Pattern(
        transaction=payment,
        facts=tuple(_rows(connection, "facts", "subject_id = ? ORDER BY version", subject)),
        leg=legs[0] if legs else None,
        hidden=keys.unseal(payment["sealed"], sealing_context(subject)),
    )


def case_pattern(connection: Any) -> CasePattern:
    """The first case. TrialFailed when there is none."""
    found = _rows(connection, "cases", "transaction_id <> ? LIMIT 1", "")
    if not found:
        raise TrialFailed("the small gateway has no case")
    subject = found[0]["case_id"]
    return CasePattern(
        case=found[0],
        facts=tuple(_rows(connection, "facts", "subject_id = ? ORDER BY version", subject)),
        events=tuple(_rows(connection, "case_events", "case_id = ? ORDER BY version", subject)),
    )


def _rows(connection: Any, table: str, where: str, value: str) -> list[Columns]:
    return [dict(row) for row in connection.execute(f"SELECT * FROM {table} WHERE {where}", (value,))]


class Copies:
    """Copies of payments, each with an identity of its own, in the order in which they were taken."""

    def __init__(self, connection: Any, keys: SoftwareKeyStore, many: int, terminals: int) -> None:
        self._connection = connection
        self._keys = keys
        self._terminals = terminals
        self._at_us = time.time_ns() // 1000 - TAKEN_S * SECOND_US
        self._step_us = TAKEN_S * SECOND_US // many
        self._writer_id, sequence = connection.execute(
            "SELECT writer_id, max(writer_seq) FROM facts JOIN writers USING (writer_id) WHERE role = 'gateway' "
            "GROUP BY writer_id ORDER BY writer_id DESC"  # not a person's visit: what people did is looked for by those
        ).fetchone()
        self._sequence = itertools.count(sequence + 1)
        self._numbers = itertools.count()

    def put(self, pattern: Pattern, state: str, many: int) -> list[Columns]:
        """So many more payments, in this state; who they are."""
        kept = min(KEPT[state], len(pattern.facts))
        identities = [self._identity() for _ in range(many)]
        self._insert("transactions", (self._payment(pattern, state, kept, each) for each in identities))
        self._insert("facts", (row for each in identities for row in self._facts(pattern, kept, each)))
        if state in ("RETURNING", "RETURNED"):
            assert pattern.leg is not None
            leg = _open_leg(pattern.leg) if state == "RETURNING" else pattern.leg
            self._insert("legs", (_leg(leg, each) for each in identities))
        if state == "RETURNING":
            self._insert("tasks", (_task(each) for each in identities))
        return identities

    def put_cases(self, pattern: CasePattern, payments: list[Columns], first: int) -> None:
        """A case for each of these payments, of every urgency and queue; `first` is the first one's number."""
        numbered = [(f"C200101-{number:08}", number, who) for number, who in enumerate(payments, first)]
        self._insert("cases", (_case(pattern.case, *each) for each in numbered))
        for rows, table in ((pattern.events, "case_events"), (pattern.facts, "facts")):
            self._insert(table, (self._line(row, table, *each) for each in numbered for row in rows))

    def _line(self, row: Columns, table: str, case_id: str, _number: int, who: Columns) -> Columns:
        common = {"subject_id": case_id, "at_us": who["received_at_us"]}
        if table == "case_events":
            return row | common | {"case_id": case_id}
        place = {"merchant_id": who["merchant_id"], "terminal_id": who["terminal_id"]}
        return row | common | place | {"writer_id": self._writer_id, "writer_seq": next(self._sequence)}

    def _insert(self, table: str, rows: Iterable[Columns]) -> None:
        first = next(iterator := iter(rows), None)
        if first is None:
            return
        text = f"INSERT INTO {table} ({', '.join(first)}) VALUES ({', '.join('?' * len(first))})"
        values: Iterator[tuple[Any, ...]] = (tuple(row.values()) for row in itertools.chain([first], iterator))
        self._connection.executemany(text, values)

    def _identity(self) -> Columns:
        number, self._at_us = next(self._numbers), self._at_us + self._step_us
        till = identity(number % self._terminals, "none")
        return {
            "transaction_id": first_of(self._at_us)[:10] + f"{number:016}", "terminal_id": till.terminal_id,
            "merchant_id": till.merchant_id, "batch_no": f"{FIRST_BATCH + number // STANS:06}",
            "stan": f"{number % STANS + 1:06}", "received_at_us": self._at_us, "changed_at_us": self._at_us,
            "rrn": f"{number:012}",
        }  # fmt: skip

    def _payment(self, pattern: Pattern, state: str, version: int, who: Columns) -> Columns:
        sealed = self._keys.seal(pattern.hidden, sealing_context(who["transaction_id"]))
        told = {"rrn": "", "auth_code": "", "response_code": "", "cause": ""}
        ended = state in ("APPROVED", "RETURNED")
        return (
            pattern.transaction | who | {"state": state, "version": version, "sealed": sealed} | ({} if ended else told)
        )

    def _facts(self, pattern: Pattern, many: int, who: Columns) -> Iterator[Columns]:
        for row in pattern.facts[:many]:
            yield row | {
                "merchant_id": who["merchant_id"], "subject_id": who["transaction_id"],
                "terminal_id": who["terminal_id"], "writer_id": self._writer_id, "writer_seq": next(self._sequence),
                "at_us": who["received_at_us"],
            }  # fmt: skip


def _open_leg(pattern: Columns) -> Columns:
    """A leg that was opened and not yet driven, in a boot before this one."""
    nothing_yet = dict.fromkeys(
        ("attempts", "rejected", "inquiries", "last_boot_us", "asked_boot_us", "unanswered_boot_us", "case_opened"), 0
    ) | dict.fromkeys(("last_step", "last_meaning", "last_boot_id", "explanation"), "")
    return pattern | nothing_yet | {
        "state": "RETURNING", "live": 1, "original_boot_id": "a boot before this one", "closed_at_us": None,
    }  # fmt: skip


def _leg(pattern: Columns, who: Columns) -> Columns:
    at_us = who["received_at_us"]
    return pattern | {
        "return_id": return_id(who["transaction_id"], "reversal", 1), "transaction_id": who["transaction_id"],
        "original_sent_at_us": at_us, "opened_at_us": at_us, "closed_at_us": pattern["closed_at_us"] and at_us,
    }  # fmt: skip


def _task(who: Columns) -> Columns:
    return {
        "kind": TASK_KIND, "key": return_id(who["transaction_id"], "reversal", 1), "lane": ACQUIRER,
        "due_at_us": who["received_at_us"], "epoch": 0, "holder": 0, "lease_until_us": 0,
    }  # fmt: skip


def _case(pattern: Columns, case_id: str, number: int, who: Columns) -> Columns:
    at_us, queues = who["received_at_us"], ("complaints", "returns", "settlement", "support", "clearing")
    return pattern | {
        "case_id": case_id, "transaction_id": who["transaction_id"], "merchant_id": who["merchant_id"],
        "terminal_id": who["terminal_id"], "priority": 1 + number % 4, "queue": queues[number % len(queues)],
        "since_us": at_us, "opened_at_us": at_us, "changed_at_us": at_us, "deadline_at_us": at_us + number * SECOND_US,
    }  # fmt: skip
