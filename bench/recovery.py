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
from collections.abc import Callable
from pathlib import Path

from bench.copies import Copies, filling, payment_pattern
from bench.sale import CODEC, identity, sale
from bench.trial import Plan, Trial, TrialFailed, events, trial
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.framing import FrameReader, with_length
from yuanlu.keys.software import SoftwareKeyStore

TERMINALS = 100
PAYMENTS, PAYMENTS_QUICK = 1_000_000, 100_000
IN_RETURN_ONE_IN = 10
IN_FLIGHT = 2_000
"""As many as one host may have by default."""

RETURNED = 1_000
POLL_S, GIVE_UP_S = 0.05, 300.0


def recovery(*, quick: bool) -> dict[str, float]:
    """Fill, start, measure: seconds from the start of the process, and the figures of the journal."""
    payments = PAYMENTS_QUICK if quick else PAYMENTS
    with trial(Plan(terminals=TERMINALS, once=True, silent_one_in=2, answer_timeout_ms=500)) as running:
        pay_once(running)
        running.kill_gateway()
        keys = SoftwareKeyStore.open(running.folder / "keys.toml", mode="sandbox", random_bytes=os.urandom)
        fill(running.journal, keys, payments)
        seen = {"recovery_journal_mib": running.journal.stat().st_size / (1 << 20), "recovery_payments": payments}
        return seen | _measured(running)


def pay_once(running: Trial) -> None:
    """Every terminal one payment; those without an answer come home."""
    load = running.load()
    idle = next(events(load), None)
    load.kill()
    if idle is None or not idle["other"]:
        raise TrialFailed(f"every second payment must be left without an answer: {idle}")
    until(lambda: _open_legs(running.journal) == 0, time.monotonic())


def _measured(running: Trial) -> dict[str, float]:
    before = _open_legs(running.journal) + IN_FLIGHT
    began_s = time.monotonic()
    running.start_gateway()
    listening_s, cpu_s = time.monotonic() - began_s, running.cpu_s()
    sold_s = until(lambda: _sold(running), began_s)
    first_s = until(lambda: _open_legs(running.journal) < before, began_s)
    many_s = until(lambda: _open_legs(running.journal) <= before - RETURNED, began_s)
    running.check()
    return {
        "recovery_listening_s": listening_s,
        "recovery_listening_cpu_s": cpu_s,
        "recovery_first_sale_s": sold_s,
        "recovery_first_return_s": first_s,
        "recovery_1000_returns_s": many_s,
    }


def until(happened: Callable[[], bool], began_s: float) -> float:
    """Seconds since `began_s` when it has happened. TrialFailed when it takes too long."""
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
    in_return = payments // IN_RETURN_ONE_IN
    with filling(journal) as connection:
        approved, returning = (payment_pattern(connection, keys, state) for state in ("APPROVED", "RETURNED"))
        copies = Copies(connection, keys, payments, TERMINALS)
        copies.put(approved, "APPROVED", payments - in_return - IN_FLIGHT)
        copies.put(returning, "RETURNING", in_return)
        copies.put(approved, "SEND_INTENT", IN_FLIGHT)
