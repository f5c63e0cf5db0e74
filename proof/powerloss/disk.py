"""What a disk may hold after a power cut: a model of files, their names, and what is not durable yet.

Assumptions, the weakest that a sane disk keeps (`docs/proof.md`): what was synced stays; of what was not, any part may
be there, in any order, torn at sectors of 512 bytes; a new or removed name is durable when its folder was synced, and
until then there or not. A disk that lies about a sync is not covered.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from proof.powerloss.trace import Call, Kind

SECTOR = 512
VOLATILE = ("-shm",)
"""SQLite's shared memory is made anew by the first connection after a power cut."""

Image = dict[str, bytes]
"""Path to content."""


@dataclass(slots=True, eq=False)
class File:
    """One inode: `durable` is what the last sync left, `loose` the writes and truncations since."""

    durable: bytes = b""
    loose: list[Call] = field(default_factory=list)
    size: int = 0
    """As the running system sees it."""


@dataclass(slots=True, kw_only=True, eq=False)
class Sync:
    """A sync under way: of a file, what it covers; of a folder, the names that it makes durable."""

    call: Call
    file: File | None = None
    covered: list[Call] = field(default_factory=list)
    folder: str = ""
    inside: dict[str, File] = field(default_factory=dict)


@dataclass(slots=True)
class Disk:
    """The disk while the trace is replayed call by call."""

    names: dict[str, File] = field(default_factory=dict)
    """As the running system sees it."""
    durable_names: dict[str, File] = field(default_factory=dict)
    syncing: list["Sync"] = field(default_factory=list)
    """Syncs that have begun and not ended."""

    def begin(self, call: Call) -> None:
        """A call begins. Calls come in the order in which they began."""
        self._end_until(call.began)
        match call.kind:
            case Kind.CREATE:
                if call.name not in self.names:
                    self.names[call.name] = File()
            case Kind.WRITE | Kind.TRUNCATE:
                self._change(call)
            case Kind.UNLINK:
                self.names.pop(call.name, None)
            case Kind.RENAME:
                self.names[call.to] = self.names.pop(call.name)
            case Kind.SYNC:
                self.syncing.append(self._sync(call))
            case Kind.SEND:
                pass

    def _change(self, call: Call) -> None:
        found = self.names.setdefault(call.name, File())
        if call.at < 0:  # appended at the file's end
            call = Call(
                kind=call.kind, began=call.began, ended=call.ended, name=call.name, at=found.size, data=call.data
            )
        found.size = call.at if call.kind is Kind.TRUNCATE else max(found.size, call.at + len(call.data))
        found.loose.append(call)

    def _sync(self, call: Call) -> "Sync":
        """What this sync makes durable: nothing that was still under way when it began."""
        found = self.names.get(call.name)
        if found is not None:
            return Sync(call=call, file=found, covered=[each for each in found.loose if each.ended < call.began])
        folder = call.name.rstrip("/") + "/"
        return Sync(call=call, folder=folder, inside={n: f for n, f in self.names.items() if _within(n, folder)})

    def _end_until(self, place: int) -> None:
        for sync in [each for each in self.syncing if each.call.ended < place]:
            self.syncing.remove(sync)
            if sync.file is None:
                others = {name: each for name, each in self.durable_names.items() if not _within(name, sync.folder)}
                self.durable_names = others | sync.inside
                continue
            covered = [each for each in sync.covered if each in sync.file.loose]
            sync.file.durable = applied(sync.file.durable, covered)
            sync.file.loose = [each for each in sync.file.loose if each not in covered]

    def images(self, chance: random.Random, first: int, count: int) -> Iterator[Image]:
        """So many states in which a power cut may leave the disk now; `first` says with which way to begin."""
        for number in range(first, first + count):
            names = dict(self.names) if number % 8 == 0 else self._names(chance)
            image = {}
            for name, found in names.items():
                if not name.endswith(VOLATILE):
                    image[name] = applied(found.durable, _survivors(found.loose, number, chance))
            yield image

    def _names(self, chance: random.Random) -> dict[str, File]:
        """The names that are durable, and of the loose changes any."""
        names = dict(self.durable_names)
        for name in self.names.keys() | self.durable_names.keys():
            now, before = self.names.get(name), self.durable_names.get(name)
            if now is not before and chance.random() < 0.5:
                if now is None:
                    del names[name]
                else:
                    names[name] = now
        return names


def applied(content: bytes, calls: Sequence[Call]) -> bytes:
    """The content after these writes and truncations; what lies between is zeros."""
    if not calls:
        return content
    new = bytearray(content)
    for call in calls:
        if call.kind is Kind.TRUNCATE:
            new = new[: call.at] if call.at <= len(new) else new + bytes(call.at - len(new))
        else:
            if call.at > len(new):
                new.extend(bytes(call.at - len(new)))
            new[call.at : call.at + len(call.data)] = call.data
    return bytes(new)


def _survivors(loose: Sequence[Call], number: int, chance: random.Random) -> list[Call]:
    """Which of the loose calls reached the disk: all, none, a beginning, any, torn ones."""
    match number % 8:
        case 0:
            return list(loose)
        case 1:
            return []
        case 2:
            return list(loose[: chance.randrange(len(loose) + 1)])
        case 3:
            return [call for call in loose if chance.random() < 0.5]
        case 4:
            return [part for call in loose for part in _torn(call, chance)]
        case 5:
            return list(loose[-1:])
        case 6:
            missing = chance.randrange(len(loose)) if loose else 0
            return [call for index, call in enumerate(loose) if index != missing]
        case _:
            cut = chance.randrange(len(loose) + 1)
            torn = [part for call in loose[cut : cut + 1] for part in _torn(call, chance)]
            return [*loose[:cut], *torn]


def _torn(call: Call, chance: random.Random) -> Iterator[Call]:
    """The sectors of a write that got there."""
    if call.kind is not Kind.WRITE:
        if chance.random() < 0.5:
            yield call
        return
    start = call.at
    while start < call.at + len(call.data):
        end = min((start // SECTOR + 1) * SECTOR, call.at + len(call.data))
        if chance.random() < 0.5:
            data = call.data[start - call.at : end - call.at]
            yield Call(kind=Kind.WRITE, began=call.began, ended=call.ended, name=call.name, at=start, data=data)
        start = end


def _within(name: str, folder: str) -> bool:
    return name.startswith(folder) and "/" not in name[len(folder) :]
