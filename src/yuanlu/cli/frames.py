"""`yuanlu decode` and `yuanlu replay`: frames as people keep them, in hex."""

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from yuanlu.iso8583.codec import Message, codec_for
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.framing import LENGTH_BYTES, FrameReader, with_length
from yuanlu.iso8583.masking import describe
from yuanlu.kernel.errors import YuanluError

INPUT_CHARACTERS_MAX = 10_000_000
TPDU_FIRST_BYTE = 0x60


class InputError(YuanluError):
    """What was given is neither hex nor a file of hex lines."""


def frames_of(given: str) -> Iterator[bytes]:
    """The frames of an argument: hex, the name of a file with one a line, or - for standard input."""
    if given == "-":
        yield from _lines("standard input", sys.stdin.read(INPUT_CHARACTERS_MAX))
    elif _is_hex(given):
        yield bytes.fromhex("".join(given.split()))
    elif Path(given).is_file():
        yield from _lines(given, _text(Path(given)))
    else:
        raise InputError(f'"{given[:60]}" is neither hex (an even number of 0-9 A-F) nor a file')


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}; expected one frame in hex on each line") from None


def _lines(name: str, text: str) -> Iterator[bytes]:
    empty = True
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        if not _is_hex(content):
            raise InputError(f"{name}, line {number}: not hex (an even number of 0-9 A-F)")
        empty = False
        yield bytes.fromhex("".join(content.split()))
    if empty:
        raise InputError(f"{name}: no frame in it; expected one in hex on each line")


def _is_hex(text: str) -> bool:
    digits = "".join(text.split())
    return bool(digits) and len(digits) % 2 == 0 and all(c in "0123456789abcdefABCDEF" for c in digits)


def without_length(raw: bytes) -> bytes:
    """The frame itself; its two length bytes are dropped when they are there and true."""
    return raw[LENGTH_BYTES:] if int.from_bytes(raw[:LENGTH_BYTES], "big") == len(raw) - LENGTH_BYTES else raw


def decoded(raw: bytes, dialect: str, *, reveal: bool) -> dict[str, Any]:
    """A frame as a JSON object: tpdu and header where the dialect has them, and fields, 0 being the message type.

    Raises DecodeError for anything that is not a message, and UnknownDialect.
    """
    codec = codec_for(dialect)
    frame = without_length(raw)
    if frame is raw and codec.dialect.tpdu_bytes and raw[:1] != b"\x60":
        announced = int.from_bytes(raw[:LENGTH_BYTES], "big")
        reason = f"{announced} bytes announced, {max(0, len(raw) - LENGTH_BYTES)} follow"
        raise DecodeError(field="length", offset=0, reason=reason)
    message = codec.decode(frame)
    values = message.fields()
    shown = values if reveal else {n: text for n, text in describe(message.raw, codec).items() if n}
    document: dict[str, Any] = {"dialect": dialect, "length": len(frame)}
    if codec.dialect.tpdu_bytes:
        document |= {"tpdu": message.tpdu.hex(), "header": message.header.hex()}
    fields = {"0": message.mti} | {str(number): text for number, text in shown.items()}
    names = {str(number): codec.dialect.fields[number].name for number in shown}
    return document | {"fields": fields, "names": {"0": "mti"} | names}


async def replay_frames(
    frames: Iterable[bytes], address: tuple[str, int], timeout_s: float, show: Callable[[str], None]
) -> bool:
    """Send each frame, wait for its answer, show both; True when every one was answered."""
    try:
        reader, writer = await asyncio.open_connection(*address)
    except OSError as error:
        raise InputError(
            f"no gateway at {address[0]}:{address[1]} ({error}); start one, or name it with --to"
        ) from None
    answered = True
    incoming = FrameReader()
    for raw in frames:
        frame = without_length(raw)
        show(f"→ {_summary(frame)}")
        writer.write(with_length(frame))
        answer = await _answer(reader, incoming, timeout_s)
        if answer is None:
            answered = False
            show("← no answer: the gateway closed the connection, or stayed silent")
            writer.close()
            try:
                reader, writer = await asyncio.open_connection(*address)
            except OSError:
                return False
            incoming = FrameReader()
        else:
            show(f"← {_summary(answer)}")
            show(f"  {answer.hex().upper()}")
    writer.close()
    return answered


async def _answer(reader: asyncio.StreamReader, incoming: FrameReader, timeout_s: float) -> bytes | None:
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                data = await reader.read(65536)
                if not data:
                    return None
                if frames := incoming.feed(data):
                    return frames[0]
    except (TimeoutError, ConnectionError, DecodeError):
        return None


def _summary(frame: bytes) -> str:
    """One line about a frame; no card data."""
    try:
        message = codec_for("cup-pos" if frame[:1] == b"\x60" else "iso87-ascii").decode(frame)
    except DecodeError as error:
        return f"unreadable: {error}"
    wanted = {11: "STAN", 41: "terminal", 4: "amount", 37: "RRN", 38: "auth", 39: "code"}
    parts = [f"{name} {value}" for number, name in wanted.items() if (value := _get(message, number))]
    return f"{message.mti} " + ", ".join(parts)


def _get(message: Message, number: int) -> str:
    try:
        return message.get(number) or ""
    except DecodeError:
        return "?"
