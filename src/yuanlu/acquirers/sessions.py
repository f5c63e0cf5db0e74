"""Sign-in upstream: the working keys and the batch number that a host gave us (0800/0810).

A scope is whose keys they are: the link's, or one terminal's. Keys are asked for when they are first needed and
again when the host says that they are stale (77, 99, A0). They live in memory: after a restart we sign in anew.
"""

import asyncio
from dataclasses import dataclass

import structlog
from msgspec import Struct

from yuanlu.acquirers.link import HostLink
from yuanlu.acquirers.outcome import Expected, NoAnswer, NotSent
from yuanlu.iso8583.codec import Codec, Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.subfields import F60
from yuanlu.keys.contract import KeyStore
from yuanlu.keys.errors import KeyStoreError
from yuanlu.keys.transport import parts_of_field_62
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.settings import Acquirer

SIGN_IN_TIMEOUT_S = 5.0
SIGN_IN_AGAIN_S = 2.0
"""A failed sign-in is not tried again sooner, so that a host in trouble is not flooded."""

MANAGEMENT_DOUBLE_LENGTH = "003"
ECHO_TEST = "301"
STAN_MAX = 999_999

_log = structlog.get_logger("acquirer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What one sign-in gave: keys, and the batch number that goes upstream; "" when the host gave none."""

    keys: WorkingKeys
    batch_no: str


class Identity(Struct, frozen=True, kw_only=True):
    """As whom we speak to the host: fields 41 and 42."""

    terminal_id: str
    merchant_id: str


class Sessions:
    """The sign-ins of one acquirer, by scope."""

    def __init__(
        self,
        *,
        name: str,
        settings: Acquirer,
        link: HostLink,
        codec: Codec,
        keys: KeyStore,
        first_stan: int = 0,
    ) -> None:
        self._name = name
        self._settings = settings
        self._link = link
        self._codec = codec
        self._key_store = keys
        self._sessions: dict[str, Session] = {}
        self._signing_in: dict[str, asyncio.Task[Session | None]] = {}
        self._not_before: dict[str, float] = {}
        self._stan = first_stan
        self._former: dict[str, Session] = {}

    def scope(self, terminal_id: str) -> str:
        """The key store's name for whose keys they are."""
        own = f"acquirer/{self._name}"
        return own if self._settings.sign_in == "link" else f"{own}/{terminal_id}"

    def current(self, terminal_id: str) -> Session | None:
        """The session in force, or None before the first sign-in."""
        return self._sessions.get(self.scope(terminal_id))

    def recent(self, terminal_id: str) -> tuple[Session, ...]:
        """The session in force and the one before it: a late answer was made under the keys of its request."""
        scope = self.scope(terminal_id)
        return tuple(each for each in (self._sessions.get(scope), self._former.get(scope)) if each is not None)

    def next_stan(self) -> str:
        """A trace number of our own, for messages that are no terminal's."""
        self._stan = self._stan % STAN_MAX + 1
        return f"{self._stan:06}"

    def forget(self, terminal_id: str) -> None:
        """The host says that the keys are stale."""
        scope = self.scope(terminal_id)
        if scope in self._sessions:
            self._former[scope] = self._sessions.pop(scope)

    def forget_all(self) -> None:
        """The link was down: the host may have restarted."""
        self._former |= self._sessions
        self._sessions.clear()
        self._not_before.clear()

    async def ensure(self, identity: Identity) -> Session | None:
        """The session in force, signing in first when there is none; None when the host will not have us."""
        scope = self.scope(identity.terminal_id)
        found = self._sessions.get(scope)
        if found is not None:
            return found
        loop = asyncio.get_running_loop()
        if scope not in self._signing_in:
            if loop.time() < self._not_before.get(scope, 0.0):
                return None
            task = loop.create_task(self._sign_in(scope, identity))
            self._signing_in[scope] = task
            task.add_done_callback(lambda _: self._signing_in.pop(scope, None))
        return await asyncio.shield(self._signing_in[scope])

    async def echo(self, identity: Identity) -> bool:
        """Echo test (0820, 301): whether the host answered at all."""
        frame, expected = self._management("0820", identity, ECHO_TEST)
        return not isinstance(await self._link.exchange(frame, expected, SIGN_IN_TIMEOUT_S), NoAnswer | NotSent)

    async def _sign_in(self, scope: str, identity: Identity) -> Session | None:
        frame, expected = self._management("0800", identity, MANAGEMENT_DOUBLE_LENGTH)
        answer = await self._link.exchange(frame, expected, SIGN_IN_TIMEOUT_S)
        session = None if isinstance(answer, NoAnswer | NotSent) else self._accept(scope, answer)
        if session is None:
            self._not_before[scope] = asyncio.get_running_loop().time() + SIGN_IN_AGAIN_S
            _log.warning("sign-in refused or unanswered", acquirer=self._name, scope=scope)
            return None
        self._sessions[scope] = session
        _log.info("signed in", acquirer=self._name, scope=scope, batch=session.batch_no)
        return session

    def _accept(self, scope: str, answer: Message) -> Session | None:
        try:
            if answer.get(39) != "00":
                return None
            keys = self._key_store.import_working_keys(scope, parts_of_field_62(_octets(answer, 62)))
            batch = F60.parse(answer[60]).batch_no if answer.has(60) else ""
        except (DecodeError, KeyStoreError) as error:
            _log.error("sign-in answer cannot be used", acquirer=self._name, scope=scope, reason=str(error))
            return None
        return Session(keys=keys, batch_no=batch)

    def _management(self, mti: str, identity: Identity, code: str) -> tuple[bytes, Expected]:
        """A management message of our own."""
        stan = self.next_stan()
        fields: dict[int, str | bytes] = {
            11: stan,
            41: identity.terminal_id,
            42: identity.merchant_id,
            60: f"00000001{code}",
        }
        if mti == "0800":
            fields |= {62: f"Sequence No16{identity.terminal_id:0>16}".encode(), 63: "001"}
        own = bool(self._codec.dialect.tpdu_bytes)
        frame = self._codec.encode(
            mti=mti,
            fields=fields,
            tpdu=bytes.fromhex(self._settings.tpdu) if own else None,
            header=bytes.fromhex(self._settings.header) if own else None,
        )
        return frame, Expected(
            mti=f"{mti[:2]}{int(mti[2]) + 1}0",
            stan=stan,
            terminal_id=identity.terminal_id,
            merchant_id=identity.merchant_id,
            processing_code="",
            amount="",
        )


def _octets(message: Message, number: int) -> bytes:
    """A private field's bytes; in an ASCII dialect keys travel as hex."""
    content = message.value_bytes(number)
    if message.codec.dialect.mti_bcd:
        return content
    try:
        return bytes.fromhex(content.decode("ascii"))
    except ValueError:
        raise DecodeError(field=number, offset=message.span(number)[0], reason="keys are not hex") from None
