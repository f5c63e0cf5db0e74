"""The load: N terminals, each with a connection of its own and one request in flight. `python -m bench.load JSON`.

It writes a JSON object a line: `begin` and `end` of the measured time, progress, and the result. Answers are checked:
message type, amount, trace number and code of each, the MAC of one in 16.
"""

import asyncio
import json
import os
import sys
from array import array
from collections import Counter
from pathlib import Path
from time import perf_counter

import msgspec
import uvloop
from msgspec import Struct

from bench.codec import SALE
from bench.sale import (
    AMOUNT_AND_STAN_BYTES,
    CODEC,
    ENVELOPE_BYTES,
    LENGTH_BYTES,
    MAC_BYTES,
    Offsets,
    identity,
    offsets,
    sale,
)
from yuanlu.iso8583.codec import MakeMac
from yuanlu.iso8583.framing import with_length
from yuanlu.keys.pin_block import encipher_pin
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.keys.transport import parts_of_field_62
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.sandbox.till_messages import TillIdentity, keys_content, sign_in_frame

CONNECT_TOGETHER = 100
STAN_MAX = 999_999
MAC_CHECKED_ONE_IN = 16
ANSWER_HEAD = b"\x02\x10"
LOOK_EVERY_S = 0.02


class LoadTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do. The run ends after `measure_s`, or after `payments` when that is above 0.

    `once`: each terminal makes one payment and then stays connected, idle, until standard input is closed.
    """

    port: int
    terminals: int
    mac: str
    pin: bool
    keys: str
    warm_s: float
    measure_s: float
    payments: int
    progress_every: int
    once: bool
    first_terminal: int


class Tally:
    """What all terminals saw: seconds from request to answer, in order, and codes that were no 00."""

    def __init__(self) -> None:
        self.seconds = array("d")
        self.other: Counter[str] = Counter()
        self.going = True


class Terminal(asyncio.Protocol):
    """One till: sends the next sale as soon as the last is answered."""

    __slots__ = (
        "_answer",
        "_buffer",
        "_form",
        "_frame",
        "_mac",
        "_once",
        "_sent_s",
        "_serial",
        "_stan",
        "_tally",
        "_transport",
        "_written",
        "batch",
        "reply",
        "till",
    )

    def __init__(self, till: TillIdentity, tally: Tally, *, once: bool) -> None:
        self.till = till
        self.batch = 1
        self.reply: asyncio.Future[bytes] | None = None
        self._tally = tally
        self._once = once
        self._transport: asyncio.Transport | None = None
        self._mac: MakeMac | None = None
        self._buffer = b""
        self._stan = 0
        self._sent_s = 0.0
        self._written = b""
        self._answer: Offsets | None = None
        self._serial = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        """The gateway should never cut us."""
        if self._tally.going:
            self._tally.other["disconnected"] += 1

    def itself(self) -> "Terminal":
        """What a connection asks its protocol factory for."""
        return self

    async def sign_in(self, store: SoftwareKeyStore) -> WorkingKeys:
        """Fresh working keys from the gateway."""
        assert self._transport is not None
        self.reply = asyncio.get_running_loop().create_future()
        self._transport.write(with_length(sign_in_frame(self.till, "000001", "000001")))
        answer = CODEC.decode(await self.reply)
        self.reply = None
        return store.import_working_keys(self.till.terminal_id, parts_of_field_62(keys_content(answer)))

    def begin(self, keys: WorkingKeys | None, *, pin: bool) -> None:
        """Build the frame once and send the first sale."""
        block = encipher_pin("123456", keys.pin_key(), pan=str(SALE[2])).hex().upper() if pin and keys else ""
        frame = sale(self.till, block)
        self._form = offsets(CODEC.decode(frame))
        self._frame = bytearray(with_length(frame))
        self._mac = None if keys is None else keys.mac_key(self.till.mac).make
        self._next()

    def _next(self) -> None:
        self._stan += 1
        frame = self._frame
        if self._stan > STAN_MAX:
            self._stan, self.batch = 1, self.batch + 1
            at = LENGTH_BYTES + self._form.private_60 + 1
            frame[at : at + 3] = bytes.fromhex(f"{self.batch:06}")
        at = LENGTH_BYTES + self._form.amount
        self._written = bytes.fromhex(f"{self._stan % 9000 + 1000:012}{self._stan:06}")
        frame[at : at + AMOUNT_AND_STAN_BYTES] = self._written
        if self._mac is not None:
            frame[-MAC_BYTES:] = self._mac(bytes(frame[LENGTH_BYTES + ENVELOPE_BYTES : -MAC_BYTES]))
        assert self._transport is not None
        self._sent_s = perf_counter()
        self._transport.write(bytes(frame))

    def data_received(self, data: bytes) -> None:
        """An answer: note how long it took, go on."""
        now_s = perf_counter()
        if self._buffer or data[0] << 8 | data[1] != len(data) - LENGTH_BYTES:
            self._buffer += data
            if len(self._buffer) < LENGTH_BYTES or self._buffer[0] << 8 | self._buffer[1] > len(self._buffer) - 2:
                return
            data, self._buffer = self._buffer, b""
        if self.reply is not None:
            self.reply.set_result(data[LENGTH_BYTES:])
            return
        self._check(data)
        tally = self._tally
        tally.seconds.append(now_s - self._sent_s)
        if tally.going and not self._once:
            self._next()

    def _check(self, data: bytes) -> None:
        """The right answer, and approved. Its layout is read from the first one, and must stay."""
        form = self._answer
        if form is None or data[form.code : form.code + 2] != b"00":
            message = CODEC.decode(data[LENGTH_BYTES:])
            if message[39] != "00":
                self._tally.other[message[39]] += 1
                return
            found = offsets(message)
            form = self._answer = Offsets(
                amount=found.amount + LENGTH_BYTES,
                code=found.code + LENGTH_BYTES,
                terminal=found.terminal + LENGTH_BYTES,
                private_60=found.private_60,
                private_60_end=found.private_60_end,
            )
        at = LENGTH_BYTES + ENVELOPE_BYTES
        right = data[at : at + 2] == ANSWER_HEAD
        if not right or data[form.amount : form.amount + AMOUNT_AND_STAN_BYTES] != self._written:
            self._tally.other["foreign"] += 1
        self._serial += 1
        if self._mac is not None and self._serial % MAC_CHECKED_ONE_IN == 0:
            self._check_mac(data)

    def _check_mac(self, data: bytes) -> None:
        assert self._mac is not None
        if self._mac(data[LENGTH_BYTES + ENVELOPE_BYTES : -MAC_BYTES]) != data[-MAC_BYTES:]:
            self._tally.other["wrong MAC"] += 1


def tell(event: str, **values: object) -> None:
    """One line for whoever started us."""
    print(json.dumps({"event": event, **values}), flush=True)


async def connect(terms: LoadTerms, tally: Tally) -> list[Terminal]:
    """All terminals, connected, a hundred at a time."""
    loop = asyncio.get_running_loop()
    numbers = range(terms.first_terminal, terms.first_terminal + terms.terminals)
    terminals = [Terminal(identity(n, terms.mac), tally, once=terms.once) for n in numbers]
    for start in range(0, len(terminals), CONNECT_TOGETHER):
        some = terminals[start : start + CONNECT_TOGETHER]
        await asyncio.gather(*(loop.create_connection(each.itself, "127.0.0.1", terms.port) for each in some))
    return terminals


async def start_all(terms: LoadTerms, terminals: list[Terminal]) -> None:
    """Sign in where MACs are used, and send the first sale of each."""
    store = SoftwareKeyStore.open(Path(terms.keys), mode="sandbox", random_bytes=os.urandom)
    for start in range(0, len(terminals), CONNECT_TOGETHER):
        some = terminals[start : start + CONNECT_TOGETHER]
        keys: list[WorkingKeys | None] = [None] * len(some)
        if terms.mac != "none":
            keys = list(await asyncio.gather(*(each.sign_in(store) for each in some)))
        for each, its in zip(some, keys, strict=True):
            each.begin(its, pin=terms.pin)


async def measure(terms: LoadTerms, tally: Tally) -> tuple[int, float]:
    """Warm up, then let the measured time or number go by; which answer was the first, and how long it took."""
    await asyncio.sleep(terms.warm_s)
    first, began_s, told = len(tally.seconds), perf_counter(), 0
    tell("begin")
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        done, passed_s = len(tally.seconds) - first, perf_counter() - began_s
        if terms.progress_every and done // terms.progress_every > told:
            told = done // terms.progress_every
            tell("progress", payments=told * terms.progress_every, seconds=round(passed_s, 3))
        if done >= terms.payments if terms.payments else passed_s >= terms.measure_s:
            tell("end")
            return first, passed_s


async def run(terms: LoadTerms) -> None:
    """Connect, sell, tell."""
    tally = Tally()
    terminals = await connect(terms, tally)
    await start_all(terms, terminals)
    if terms.once:
        while len(tally.seconds) < terms.terminals:  # noqa: ASYNC110 - an event would cost each answer a test
            await asyncio.sleep(LOOK_EVERY_S)
        tell("idle", other=dict(tally.other))
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        tally.going = False
        return
    first, passed_s = await measure(terms, tally)
    tally.going = False
    seconds = sorted(tally.seconds[first:])
    if terms.payments:
        seconds = seconds[: terms.payments]
    tell(
        "result",
        tps=len(seconds) / passed_s,
        payments=len(seconds),
        p50_ms=at_share(seconds, 0.50) * 1000,
        p99_ms=at_share(seconds, 0.99) * 1000,
        p999_ms=at_share(seconds, 0.999) * 1000,
        max_ms=seconds[-1] * 1000,
        other=dict(tally.other),
    )


def at_share(ordered: list[float], share: float) -> float:
    """The value below which this share of the ordered values lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main() -> None:
    """Run with the JSON of `LoadTerms` given as the only argument."""
    uvloop.run(run(msgspec.json.decode(sys.argv[1], type=LoadTerms)))


if __name__ == "__main__":
    main()
