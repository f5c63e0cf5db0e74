"""The process that sends: `python -m yuanlu.notification.sender`, a child of the gateway's.

The first line on standard input names the channels; each further one is a message, and each line on standard output
what came of one. It decides nothing and keeps nothing. When its standard input ends, so does it: it never outlives the
gateway, however that dies. Why a process of its own: `docs/decisions/0019-telling-people.md`.
"""

import os
import signal
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO

import msgspec

from yuanlu.notices import ChannelSettings
from yuanlu.notification.channels.channel import Accepted, Channel, Outgoing, Refused, Result, Unreachable
from yuanlu.notification.channels.known import channel_of

AT_ONCE_MAX = 16
LINE_BYTES_MAX = 1 << 20
NICE = 10
"""Payments come first, also on a machine with one core."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One message for one channel."""

    number: int
    channel: str
    message: Outgoing


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an order."""

    number: int
    result: Accepted | Refused | Unreachable


Channels = dict[str, ChannelSettings]


def send_all(orders: IO[bytes], outcomes: IO[bytes]) -> None:
    """Until there are no more orders."""
    channels = _channels(msgspec.json.decode(orders.readline(), type=Channels))
    lock = threading.Lock()

    def one(order: Order) -> None:
        outcome = Outcome(number=order.number, result=_sent(channels, order))
        with lock:
            outcomes.write(msgspec.json.encode(outcome) + b"\n")
            outcomes.flush()

    with ThreadPoolExecutor(AT_ONCE_MAX, "channel") as threads:
        for line in orders:
            threads.submit(one, msgspec.json.decode(line, type=Order))


def _channels(settings: Mapping[str, ChannelSettings]) -> dict[str, Channel]:
    return {name: channel_of(name, each) for name, each in settings.items()}


def _sent(channels: Mapping[str, Channel], order: Order) -> Result:
    """A channel's defect is its own: the message is tried again, and other channels go on."""
    channel = channels.get(order.channel)
    if channel is None:
        return Unreachable(why="there is no such channel any more")
    try:
        return channel.send(order.message)
    except Exception as error:  # whatever it was, it must not be lost, nor repeat what it holds
        return Unreachable(why=f"a defect of the channel: {type(error).__name__}")


def main() -> None:
    """Run as a child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the gateway, which then ends us
    os.nice(NICE)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    try:
        send_all(sys.stdin.buffer, answers)
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
