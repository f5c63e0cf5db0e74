"""How long a gateway needs after kill -9, with a large journal: a million payments, a tenth of them in return.

A small gateway makes real payments first: one approved, one without an answer. It is killed, and its rows are copied
with other identities, so that every row is one that the product wrote. The legs carry another boot, as after a power
cut, which is the slower case: all their windows begin anew. Some payments were still in flight. Then the gateway is
started, and everything is measured from outside.
"""

import itertools
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2

from bench.sale import ACQUIRER, CODEC, identity, sale
from bench.trial import Plan, Trial, TrialFailed, events, trial
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.framing import FrameReader, with_length
from yuanlu.kernel.identifiers import first_of, return_id
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.returns.engine import TASK_KIND
from yuanlu.returns.steps import sealing_context

TERMINALS = 100
PAYMENTS, PAYMENTS_QUICK = 1_000_000, 100_000
IN_RETURN_ONE_IN = 10
IN_FLIGHT = 2_000
"""As many as one host may have by default."""

RETURNED = 1_000
FIRST_BATCH = 100
STANS = 900_000
SECOND_US = 1_000_000
TAKEN_S, POLL_S, GIVE_UP_S = 864_000, 0.05, 300.0

Columns = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A payment as the product wrote it: its row, its facts, its leg if it has one."""

    transaction: Columns
    facts: tuple[Columns, ...]
    leg: Columns | None
    hidden: bytes


def recovery(*, quick: bool) -> dict[str, float]:
    """Fill, start, measure: seconds from the start of the process, and the figures of the journal."""
    payments = PAYMENTS_QUICK if quick else PAYMENTS
    with trial(Plan(terminals=TERMINALS, once=True, silent_one_in=2, answer_timeout_ms=500)) as running:
        _pay_once(running)
        running.kill_gateway()
        keys = SoftwareKeyStore.open(running.folder / "keys.toml", mode="sandbox", random_bytes=os.urandom)
        fill(running.journal, keys, payments)
        seen = {"recovery_journal_mib": running.journal.stat().st_size / (1 << 20), "recovery_payments": payments}
        return seen | _measured(running)


def _pay_once(running: Trial) -> None:
    load = running.load()
    idle = next(events(load), None)
    load.kill()
    if idle is None or not idle["other"]:
        raise TrialFailed(f"every second payment must be left without an answer: {idle}")
    _until(lambda: _open_legs(running.journal) == 0, time.monotonic())


def _measured(running: Trial) -> dict[str, float]:
    before = _open_legs(running.journal) + IN_FLIGHT
    began_s = time.monotonic()
    running.start_gateway()
    listening_s, cpu_s = time.monotonic() - began_s, running.cpu_s()
    sold_s = _until(lambda: _sold(running), began_s)
    first_s = _until(lambda: _open_legs(running.journal) < before, began_s)
    many_s = _until(lambda: _open_legs(running.journal) <= before - RETURNED, began_s)
    running.check()
    return {
        "recovery_listening_s": listening_s,
        "recovery_listening_cpu_s": cpu_s,
        "recovery_first_sale_s": sold_s,
        "recovery_first_return_s": first_s,
        "recovery_1000_returns_s": many_s,
    }


def _until(happened: Callable[[], bool], began_s: float) -> float:
    while not happened():
        if time.monotonic() - began_s > GIVE_UP_S:
            raise TrialFailed(f"it did not happen within {GIVE_UP_S:.0f} s")
        time.sleep(POLL_S)
    return time.monotonic() - began_s


_stans = itertools.count(1)


def _sold(running: Trial) -> bool:
    """Whether a sale is approved now."""
    frame = CODEC.decode(sale(identity(0, "none"), "")).splice({11: f"{next(_stans):06}", 60: "22000099000"})
    with socket.create_connection(("127.0.0.1", running.gateway_port), timeout=10.0) as till:
        till.sendall(with_length(frame))
        return _answer(till)[39] == "00"


def _answer(till: socket.socket) -> Message:
    frames = FrameReader()
    while data := till.recv(4096):
        for frame in frames.feed(data):
            return CODEC.decode(frame)
    raise TrialFailed("the gateway cut the connection")


def _open_legs(journal: Path) -> int:
    """Returns that are not closed, by the partial index: looking costs the gateway little."""
    connection = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM legs WHERE live = 1").fetchone()[0])
    finally:
        connection.close()


def fill(journal: Path, keys: SoftwareKeyStore, payments: int) -> None:
    """Copy the patterns of a journal whose gateway is gone until it holds so many payments more."""
    connection = dbapi2.connect(str(journal), isolation_level=None)
    connection.row_factory = dbapi2.Row
    for pragma in ("synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    approved, returning = _pattern(connection, keys, "APPROVED"), _pattern(connection, keys, "RETURNED")
    in_return = payments // IN_RETURN_ONE_IN
    copies = _Copies(connection, keys, time.time_ns() // 1000 - TAKEN_S * SECOND_US, payments)
    connection.execute("BEGIN")
    copies.put(approved, "APPROVED", payments - in_return - IN_FLIGHT)
    copies.put(returning, "RETURNING", in_return)
    copies.put(approved, "SEND_INTENT", IN_FLIGHT)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    with journal.open("rb") as file:
        os.fsync(file.fileno())


def _pattern(connection: Any, keys: SoftwareKeyStore, state: str) -> Pattern:
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


def _rows(connection: Any, table: str, where: str, value: str) -> list[Columns]:
    return [dict(row) for row in connection.execute(f"SELECT * FROM {table} WHERE {where}", (value,))]


class _Copies:
    """Copies of payments, each with an identity of its own, in the order in which they were taken."""

    def __init__(self, connection: Any, keys: SoftwareKeyStore, first_us: int, many: int) -> None:
        self._connection = connection
        self._keys = keys
        self._at_us = first_us
        self._step_us = TAKEN_S * SECOND_US // many
        self._writer_id, sequence = connection.execute(
            "SELECT writer_id, max(writer_seq) FROM facts GROUP BY writer_id ORDER BY writer_id DESC"
        ).fetchone()
        self._sequence = itertools.count(sequence + 1)
        self._numbers = itertools.count()

    def put(self, pattern: Pattern, state: str, many: int) -> None:
        """So many more payments, in this state."""
        kept = {"APPROVED": 2, "RETURNING": 3, "SEND_INTENT": 1}[state]
        identities = [self._identity() for _ in range(many)]
        self._insert("transactions", (self._payment(pattern, state, kept, each) for each in identities))
        self._insert("facts", (row for each in identities for row in self._facts(pattern, kept, each)))
        if state == "RETURNING":
            assert pattern.leg is not None
            self._insert("legs", (_leg(pattern.leg, each) for each in identities))
            self._insert("tasks", (_task(each) for each in identities))

    def _insert(self, table: str, rows: Iterable[Columns]) -> None:
        first = next(iterator := iter(rows))
        text = f"INSERT INTO {table} ({', '.join(first)}) VALUES ({', '.join('?' * len(first))})"
        values: Iterator[tuple[Any, ...]] = (tuple(row.values()) for row in itertools.chain([first], iterator))
        self._connection.executemany(text, values)

    def _identity(self) -> Columns:
        number, self._at_us = next(self._numbers), self._at_us + self._step_us
        till = identity(number % TERMINALS, "none")
        return {
            "transaction_id": first_of(self._at_us)[:10] + f"{number:016}", "terminal_id": till.terminal_id,
            "merchant_id": till.merchant_id, "batch_no": f"{FIRST_BATCH + number // STANS:06}",
            "stan": f"{number % STANS + 1:06}", "received_at_us": self._at_us, "changed_at_us": self._at_us,
            "rrn": f"{number:012}",
        }  # fmt: skip

    def _payment(self, pattern: Pattern, state: str, version: int, who: Columns) -> Columns:
        sealed = self._keys.seal(pattern.hidden, sealing_context(who["transaction_id"]))
        told = {} if state == "APPROVED" else {"rrn": "", "auth_code": "", "response_code": "", "cause": ""}
        return pattern.transaction | who | {"state": state, "version": version, "sealed": sealed} | told

    def _facts(self, pattern: Pattern, many: int, who: Columns) -> Iterator[Columns]:
        for row in pattern.facts[:many]:
            yield row | {
                "merchant_id": who["merchant_id"], "subject_id": who["transaction_id"],
                "terminal_id": who["terminal_id"], "writer_id": self._writer_id, "writer_seq": next(self._sequence),
                "at_us": who["received_at_us"],
            }  # fmt: skip


def _leg(pattern: Columns, who: Columns) -> Columns:
    """A leg that was opened and not yet driven, in a boot before this one."""
    nothing_yet = dict.fromkeys(
        ("attempts", "rejected", "inquiries", "last_boot_us", "asked_boot_us", "unanswered_boot_us", "case_opened"), 0
    ) | dict.fromkeys(("last_step", "last_meaning", "last_boot_id", "explanation"), "")
    return pattern | nothing_yet | {
        "return_id": return_id(who["transaction_id"], "reversal", 1), "transaction_id": who["transaction_id"],
        "state": "RETURNING", "live": 1, "original_boot_id": "a boot before this one",
        "original_sent_at_us": who["received_at_us"], "opened_at_us": who["received_at_us"], "closed_at_us": None,
    }  # fmt: skip


def _task(who: Columns) -> Columns:
    return {
        "kind": TASK_KIND, "key": return_id(who["transaction_id"], "reversal", 1), "lane": ACQUIRER,
        "due_at_us": who["received_at_us"], "epoch": 0, "holder": 0, "lease_until_us": 0,
    }  # fmt: skip
