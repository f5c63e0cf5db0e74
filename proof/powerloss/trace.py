"""Reads a system-call trace (strace -f -xx -yy) into what matters to a disk: writes, syncs, names, and frames sent.

A call that another thread interrupts stands in two lines, `<unfinished ...>` and `<... resumed>`. Each call here has
the place in the trace where it began and where it ended: a write may reach the disk from its beginning on, a sync has
done its work at its end.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any

SYSTEM_CALLS = (
    "openat,creat,unlink,unlinkat,rename,renameat,renameat2,ftruncate,truncate,pwrite64,pwritev,pwritev2,write,writev,"
    "sendto,sendmsg,fsync,fdatasync,sync_file_range,fallocate,close,link,linkat"
)
"""All that changes a file or its name, makes it durable, or tells somebody something."""

SENDS = frozenset({"write", "writev", "sendto", "sendmsg"})
NAMING = frozenset({"openat", "creat", "unlink", "unlinkat", "rename", "renameat", "renameat2", "truncate"})
"""Calls that name their file by a path; the others have it open."""

_LINE = re.compile(r"(?P<process>\d+) +(?P<rest>.*)\n?")
_BROKEN_OFF = " <unfinished ...>"
_UNFINISHED = re.compile(r"(?P<call>\w+)\((?P<arguments>.*) <unfinished \.\.\.>")
_RESUMED = re.compile(r"<\.\.\. (?P<call>\w+) resumed>(?P<arguments>.*)\) += (?P<result>-?\d+|\?).*")
_WHOLE = re.compile(r"(?P<call>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+|\?).*")
_PLACE = re.compile(r"^\d+<(?P<name>(?:\\x[0-9a-f]{2})+)>")
_SOCKET = re.compile(r"^\d+<TCP:\[(?P<from>[^\]]*?)->(?P<to>[^\]]*?)\]>")


class UnknownCall(Exception):
    """The trace holds a call whose effect on the disk is not modelled: the proof would be void."""


class Kind(Enum):
    """What a call does to the disk or to the world."""

    CREATE = "create"
    WRITE = "write"
    TRUNCATE = "truncate"
    UNLINK = "unlink"
    RENAME = "rename"
    SYNC = "sync"
    SEND = "send"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """One system call. `began` and `ended` are places in the trace; `ended` is the trace's end for one that never did.

    `name` is a file's path; of a SEND it is `local->remote` of the connection. `at` is a write's offset, -1 for the
    file's end, or a truncation's new length; `data` what was written or sent; `to` a rename's new path.
    """

    kind: Kind
    began: int
    ended: int
    name: str
    at: int = 0
    data: bytes = b""
    to: str = ""


def read_trace(lines: Iterable[str], folder: str) -> list[Call]:
    """The calls that concern files in `folder` (with a slash at its end), and all sends, by where they began.

    Raises UnknownCall for one on such a file whose effect is not modelled.
    """
    waiting: dict[str, tuple[int, str, str]] = {}
    calls: list[Call] = []
    place = 0
    for place, line in enumerate(lines):
        matched = _LINE.match(line)
        if matched is None:
            continue
        process, rest = matched["process"], matched["rest"]
        if rest.endswith(_BROKEN_OFF) and (unfinished := _UNFINISHED.match(rest)):
            waiting[process] = (place, unfinished["call"], unfinished["arguments"])
        elif resumed := _RESUMED.match(rest):
            began, call, arguments = waiting.pop(process)
            calls.extend(_call(call, arguments + resumed["arguments"], resumed["result"], began, place, folder))
        elif whole := _WHOLE.match(rest):
            calls.extend(_call(whole["call"], whole["arguments"], whole["result"], place, place, folder))
    for began, call, arguments in waiting.values():  # killed in the middle: it may have done its work, or not
        calls.extend(_call(call, arguments, "?", began, place + 1, folder))
    return sorted(calls, key=lambda each: each.began)


def _call(call: str, arguments: str, result: str, began: int, ended: int, folder: str) -> Iterator[Call]:
    if result.startswith("-") or call == "close":
        return
    texts = [_bytes(each) for each in arguments.split('"')[1::2]]  # all of it is \\x.., a quote, too
    make = partial(Call, began=began, ended=ended)
    if call in SENDS and (socket := _SOCKET.match(arguments)):
        yield make(kind=Kind.SEND, name=f"{socket['from']}->{socket['to']}", data=_done(b"".join(texts), result))
        return
    paths = [os.path.normpath(text.decode()) for text in texts] if call in NAMING else [_path(arguments)]
    if not paths or not f"{paths[0]}/".startswith(folder):
        return
    effects = list(_effects(call, arguments, paths, texts, result))
    if not effects and "O_" not in arguments:
        raise UnknownCall(f"{call} on {paths[0]}: not modelled")
    for kind, more in effects:
        yield make(kind=kind, name=paths[0], **more)


def _effects(
    call: str, arguments: str, paths: list[str], texts: list[bytes], result: str
) -> Iterator[tuple[Kind, dict[str, Any]]]:
    """What a call on a file of ours does, as kinds and the fields of `Call`."""
    if call == "creat" or "O_CREAT" in arguments:
        yield Kind.CREATE, {}
    if call == "creat" or "O_TRUNC" in arguments:
        yield Kind.TRUNCATE, {"at": 0}
    if call == "pwrite64":
        yield Kind.WRITE, {"at": _last_number(arguments), "data": _done(texts[0], result)}
    elif call == "write":
        yield Kind.WRITE, {"at": -1, "data": _done(texts[0], result)}
    elif call == "ftruncate":
        yield Kind.TRUNCATE, {"at": _last_number(arguments)}
    elif call in ("unlink", "unlinkat"):
        yield Kind.UNLINK, {}
    elif call.startswith("rename"):
        yield Kind.RENAME, {"to": paths[1]}
    elif call in ("fsync", "fdatasync"):
        yield Kind.SYNC, {}


def _done(data: bytes, result: str) -> bytes:
    """As much as the call says that it wrote; all of it when nobody heard."""
    return data if result == "?" else data[: int(result)]


def _last_number(arguments: str) -> int:
    return int(arguments.rsplit(",", 1)[1])


def _path(arguments: str) -> str:
    """The file behind the first argument, a descriptor."""
    found = _PLACE.match(arguments)
    return _bytes(found["name"]).decode() if found else ""


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))
