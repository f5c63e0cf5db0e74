"""A host as cheap as can be: sales are answered by joining slices, everything else through the codec.

`python -m bench.host JSON`. It approves everything; with `silent_one_in` it leaves every n-th sale unanswered.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import uvloop
from msgspec import Struct

from bench.sale import ACQUIRER, AMOUNT_AND_STAN_BYTES, CODEC, ENVELOPE_BYTES, LENGTH_BYTES, MAC, MAC_BYTES, offsets
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.framing import with_length
from yuanlu.kernel.clock import SystemClock
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.sandbox.host_answers import answer_frame, payment_fields

SALE_MTI = b"\x02\x00"
TERMINAL_AND_MERCHANT_BYTES = 23
RRN_BYTES = 12
MAC_CHECKED_ONE_IN = 16

MakeMac = Callable[[bytes], bytes]


class HostTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to listen, whether MACs are used ("none" or the name), and how often to stay silent (0: never)."""

    port: int
    mac: str
    keys: str
    silent_one_in: int


class Host:
    """What all connections share: keys, counters, the answer's template."""

    def __init__(self, terms: HostTerms) -> None:
        self._terms = terms
        self._store = SoftwareKeyStore.open(Path(terms.keys), mode="sandbox", random_bytes=os.urandom)
        self._clock = SystemClock()
        self._make: MakeMac | None = None
        self._serial = 0
        self._quick: Callable[[bytes], bytes] | None = None
        self._quick_for = (b"", 0)

    def answer(self, frame: bytes) -> bytes:
        """The answer with its length, b"" for silence."""
        if frame[ENVELOPE_BYTES : ENVELOPE_BYTES + 2] != SALE_MTI:
            return self._by_codec(CODEC.decode(frame))
        self._serial += 1
        silent = self._terms.silent_one_in
        if silent and self._serial % silent == 0:
            return b""
        if self._quick_for != (frame[ENVELOPE_BYTES : ENVELOPE_BYTES + 10], len(frame)) or self._quick is None:
            self._learn(frame)
        assert self._quick is not None
        return self._quick(frame)

    def _by_codec(self, message: Message) -> bytes:
        changes: dict[int, str | bytes | None] = {}
        if message.mti == "0800":
            keys = self._store.issue_working_keys(f"acquirer/{ACQUIRER}", MAC, double_length=True)
            self._make = keys.mac_key(MAC).make
            changes = {62: keys.for_terminal.to_field_62()}
        make = self._make if message.mti in ("0200", "0400") else None
        if message.mti == "0200":
            changes = payment_fields("00", "1122", "654321")
        now_us = self._clock.now().wall_us
        return with_length(answer_frame(message, changes, code="00", rrn="0" * RRN_BYTES, now_us=now_us, mac=make))

    def _learn(self, frame: bytes) -> None:
        """Answer one sale through the codec, and keep the parts that do not change."""
        asked = offsets(CODEC.decode(frame))
        whole = self._by_codec(CODEC.decode(frame))
        answer = CODEC.decode(whole[LENGTH_BYTES:])
        told, make, rrn_at = offsets(answer), self._make, answer.content_span(37)[0] + LENGTH_BYTES
        a, t = told.amount + LENGTH_BYTES, told.terminal + LENGTH_BYTES
        p, e = told.private_60 + LENGTH_BYTES, told.private_60_end + LENGTH_BYTES
        end = len(whole) if make is None else -MAC_BYTES
        head, middle, code = whole[:a], whole[a + AMOUNT_AND_STAN_BYTES : rrn_at], whole[rrn_at + RRN_BYTES : t]
        behind, tail = whole[t + TERMINAL_AND_MERCHANT_BYTES : p], whole[e:end]

        def quick(frame: bytes) -> bytes:
            answer = b"".join((
                head, frame[asked.amount : asked.amount + AMOUNT_AND_STAN_BYTES], middle, b"%012d" % self._serial, code,
                frame[asked.terminal : asked.terminal + TERMINAL_AND_MERCHANT_BYTES], behind,
                frame[asked.private_60 : asked.private_60_end], tail,
            ))  # fmt: skip
            if make is None:
                return answer
            if self._serial % MAC_CHECKED_ONE_IN == 0:
                assert make(frame[ENVELOPE_BYTES:-MAC_BYTES]) == frame[-MAC_BYTES:], "wrong MAC"
            return answer + make(answer[LENGTH_BYTES + ENVELOPE_BYTES :])

        self._quick, self._quick_for = quick, (frame[ENVELOPE_BYTES : ENVELOPE_BYTES + 10], len(frame))


class Connection(asyncio.Protocol):
    """One link from the gateway."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Answer every whole frame, all with one write."""
        data = self._buffer + data
        at, end, answer, answers = 0, len(data), self._host.answer, []
        while end - at >= LENGTH_BYTES:
            stop = at + LENGTH_BYTES + (data[at] << 8 | data[at + 1])
            if stop > end:
                break
            answers.append(answer(data[at + LENGTH_BYTES : stop]))
            at = stop
        self._buffer = data[at:]
        assert self._transport is not None
        self._transport.write(b"".join(answers))


async def run(terms: HostTerms) -> None:
    """Listen until killed."""
    host = Host(terms)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(host), "127.0.0.1", terms.port)
    print("listening", flush=True)
    await server.serve_forever()


def main() -> None:
    """Run with the JSON of `HostTerms` given as the only argument."""
    uvloop.run(run(msgspec.json.decode(sys.argv[1], type=HostTerms)))


if __name__ == "__main__":
    main()
