"""The sandbox's inbox: a file with one JSON object a line, for the demo and for tests. Nothing leaves the machine."""

import os
from pathlib import Path

import msgspec

from yuanlu.notices import Sandbox
from yuanlu.notification.channels.channel import Accepted, Outgoing, Result, Unreachable


class SandboxInbox:
    """Messages as whoever got them would see them."""

    def __init__(self, settings: Sandbox, name: str) -> None:
        self._settings = settings
        self._name = name

    def send(self, message: Outgoing) -> Result:
        """Append it; delivered at once."""
        if self._settings.fails:
            return Unreachable(why="the sandbox was told to fail")
        line = msgspec.json.encode({"channel": self._name} | msgspec.to_builtins(message)) + b"\n"
        try:
            with open(self._settings.file, "ab", opener=_private) as inbox:
                inbox.write(line)
        except OSError as error:
            return Unreachable(why=f"the inbox cannot be written ({type(error).__name__})")
        return Accepted(provider_id=message.message_id, delivered=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def read_inbox(file: Path) -> list[dict[str, object]]:
    """What has arrived, first to last; nothing when there is no file yet."""
    if not file.exists():
        return []
    return [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
