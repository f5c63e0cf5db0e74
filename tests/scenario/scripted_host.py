"""A host that does what a test says: each request takes the next line of the script for its message type.

Nothing here goes by the time: an answer comes at once, or when the story lets it go, or never. `on_silence` hears of
each request that is left without an answer, so that whoever waits for one may stop waiting at once.
"""

import asyncio
import ssl
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from yuanlu.iso8583.codec import Codec, MakeMac, Message
from yuanlu.iso8583.framing import FrameReader, with_length
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.sandbox.host_answers import answer_frame
from yuanlu.sandbox.host_keys import mac_bytes

NOW_US = 1_760_000_000_000_000


@dataclass(frozen=True, kw_only=True)
class Say:
    """An answer: `code` is field 39, `fields` go over what the answer would repeat, `times` sends it so often.

    `held`: the host is still thinking, until the story calls `let_go`; or it is never heard of again, as far as the
    gateway's own time-out does not end that. `late`: held as well, and whoever waits for it has given up by then.
    """

    code: str = "00"
    fields: dict[int, str | None] = field(default_factory=dict)
    times: int = 1
    mac: str = "right"
    keep: int | None = None
    held: bool = False
    late: bool = False


@dataclass(frozen=True, kw_only=True)
class Hush:
    """No answer, ever, and the time of whoever waits for it is over."""


@dataclass(frozen=True, kw_only=True)
class HangUp:
    """The connection ends instead of an answer."""


@dataclass(frozen=True, kw_only=True)
class Garbage:
    """These bytes, as they are."""

    data: bytes


Line = Say | Hush | HangUp | Garbage


class ScriptedHost:
    """Listens on a port that stays the same over a restart."""

    def __init__(self, codec: Codec, store: SoftwareKeyStore, *, mac: str = "none", scope: str = "") -> None:
        self.codec = codec
        self.port = 0
        self.seen: list[Message] = []
        self.effects: list[tuple[str, str]] = []
        self.connections = 0
        self.tls: ssl.SSLContext | None = None
        self.on_silence: Callable[[Message], None] = lambda request: None
        self._store = store
        self._mac = mac
        self._scope = scope
        self._keys: WorkingKeys | None = None
        self._script: dict[str, deque[Line | list[Line]]] = defaultdict(deque)
        self._server: asyncio.Server | None = None
        self._stopped = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._asked_last: asyncio.StreamWriter | None = None
        self._deaf: asyncio.StreamWriter | None = None
        self._jobs: set[asyncio.Task[None]] = set()
        self._held: deque[asyncio.Event] = deque()

    def will(self, mti: str, *lines: Line | list[Line]) -> None:
        """Add lines to the script; a list is answered with all of its lines, one after the other."""
        self._script[mti].extend(lines)

    def forget(self, mti: str) -> None:
        """What was still to come for this message type does not: each is answered with 00 again."""
        self._script[mti].clear()

    def asked(self, mti: str) -> list[Message]:
        """The requests of this message type, in order."""
        return [message for message in self.seen if message.mti == mti]

    @property
    def holding(self) -> int:
        """How many answers are held."""
        return len(self._held)

    def let_go(self, answers: int | None = None) -> None:
        """The answers that are held go out now: all of them, or so many that have been held longest."""
        for _ in range(len(self._held) if answers is None else answers):
            self._held.popleft().set()

    def forget_keys(self) -> None:
        """As after a restart of the host: every MAC is wrong until the next sign-in."""
        self._keys = None

    async def start(self) -> None:
        """Listen, on the port of the time before."""
        self._stopped = False
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse connections and end those there are."""
        self._stopped = True
        if self._server is not None:
            self._server.close()
        self.hang_up()
        for job in list(self._jobs):
            job.cancel()
        await asyncio.sleep(0.01)

    def hang_up(self) -> None:
        """End all connections; the next one is welcome."""
        for writer in list(self._writers):
            writer.transport.abort()

    def deafen(self) -> None:
        """The connection that brought the last request stays, and nothing that comes on it is heard any more."""
        self._deaf = self._asked_last

    def send_all(self, data: bytes) -> None:
        """Bytes that nobody asked for, on every connection."""
        for writer in self._writers:
            writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopped:  # it came in while the listener was closing
            writer.transport.abort()
            return
        self.connections += 1
        self._writers.add(writer)
        frames = FrameReader()
        try:
            while data := await reader.read(65536):
                for frame in frames.feed(data):
                    message = self.codec.decode(frame)
                    if writer is self._deaf:
                        self.on_silence(message)
                        continue
                    self._asked_last = writer
                    self._receive(message, writer)
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _receive(self, message: Message, writer: asyncio.StreamWriter) -> None:
        self.seen.append(message)
        script = self._script[message.mti]
        lines = script.popleft() if script else self._habit(message)
        lines = lines if isinstance(lines, list) else [lines]
        job = asyncio.get_running_loop().create_task(self._play(message, lines, writer))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def _play(self, message: Message, lines: list[Line], writer: asyncio.StreamWriter) -> None:
        for line in lines:
            match line:
                case Say():
                    await self._thought_over(message, line)
                    frame = with_length(self.answer(message, line))
                    writer.write(frame[: line.keep] * line.times)
                case HangUp():
                    writer.transport.abort()
                case Garbage(data=data):
                    writer.write(data)
                case Hush():
                    self.on_silence(message)

    async def _thought_over(self, message: Message, line: Say) -> None:
        """Wait until the story lets a held answer go."""
        if not (line.held or line.late):
            return
        let_go = asyncio.Event()
        self._held.append(let_go)
        if line.late:
            self.on_silence(message)
        await let_go.wait()

    def _habit(self, message: Message) -> Line:
        """What it does without a script: everything is fine, unless the MAC is wrong."""
        if self._mac != "none" and message.mti not in ("0800", "0820"):
            key = self._keys.mac_key(self._mac) if self._keys else None
            if key is None or not key.verify(message.mac_input(), mac_bytes(message)):
                return Say(code="A0", mac="none")
        return Say()

    def answer(self, message: Message, line: Say) -> bytes:
        """The frame that `line` makes of a request."""
        changes: dict[int, str | bytes | None] = {38: "123456" if line.code == "00" else None}
        if message.mti == "0800":
            changes = {62: self._sign_in()}
        changes |= line.fields
        return answer_frame(
            message, changes, code=line.code, rrn="000000000001", now_us=NOW_US, mac=self._make_mac(message, line)
        )

    def _make_mac(self, message: Message, line: Say) -> MakeMac | None:
        if self._mac == "none" or self._keys is None or line.mac == "none" or message.mti in ("0800", "0820"):
            return None
        if line.mac == "wrong":
            return lambda covered: b"\x11" * 8
        return self._keys.mac_key(self._mac).make

    def _sign_in(self) -> bytes:
        self._keys = self._store.issue_working_keys(self._scope, self._mac, double_length=True)
        block = self._keys.for_terminal.to_field_62()
        return block.hex().upper().encode() if self.codec.dialect.extended else block
