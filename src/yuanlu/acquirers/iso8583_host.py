"""An acquirer's host that speaks ISO 8583: requests forwarded, reversals and inquiries built, answers judged.

What passes through is spliced: only the PIN block, the batch number and the MAC change on the way.
"""

import asyncio

from msgspec import Struct

from yuanlu.acquirers.link import HostLink
from yuanlu.acquirers.material import ReversalMaterial
from yuanlu.acquirers.outcome import Answered, Doubt, Expected, NoAnswer, NotSent, Outcome
from yuanlu.acquirers.sessions import Identity, Session, Sessions
from yuanlu.acquirers.terms import APPROVALS, HostTerms
from yuanlu.iso8583.codec import Codec, Message, repeat_mti, response_mti
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.subfields import F60, F61
from yuanlu.journal.unit import SendPermit
from yuanlu.keys.contract import KeyStore
from yuanlu.keys.errors import KeyStoreError
from yuanlu.keys.mac import MacKey
from yuanlu.keys.pin_block import PinFormat
from yuanlu.keys.working_keys import WorkingKeys

LINK_WAIT_S = 0.5
"""How long a new request waits for a link that is just reconnecting."""

BREAKER_TRIAL_S = 5.0
"""While the host is taken as down, one request is let through this often to see whether it is back."""

INQUIRY_STATES = {"APPROVED", "REVERSED", "DECLINED", "UNKNOWN"}


class Upstream(Struct, frozen=True, kw_only=True):
    """A request ready to leave: the frame, what its answer must be, and the key the answer is checked with."""

    frame: bytes
    expected: Expected
    mac_key: MacKey | None


class StaleSession(KeyStoreError):
    """The session that a request was to be made under has just gone; sign in and make it again."""


class Iso8583Host:
    """One acquirer. Its `terms` say what it promises; everything here is I/O and format."""

    def __init__(self, *, terms: HostTerms, codec: Codec, link: HostLink, sessions: Sessions, keys: KeyStore) -> None:
        self.terms = terms
        self.codec = codec
        self.link = link
        self._sessions = sessions
        self._keys = keys
        self._trial_at = 0.0

    @property
    def signs_in(self) -> bool:
        """Whether working keys are needed upstream."""
        return self.terms.settings.sign_in != "none"

    async def refusal(self, identity: Identity) -> tuple[str, str] | None:
        """Why no new request may begin now, as (response code, reason); None when it may.

        Called before the intent is written: a host known to be down never makes an unknown outcome.
        """
        if not self.link.up and not await self.link.wait_up(LINK_WAIT_S):
            return "91", "the host cannot be reached"
        if self.link.in_flight >= self.terms.settings.in_flight_max:
            return "96", "too many requests are waiting for the host"
        if self._breaker_open():
            return "91", "the host has stopped answering"
        if self.signs_in and await self._sessions.ensure(self._identity(identity)) is None:
            return "91", "the host refuses our sign-in"
        return None

    def _breaker_open(self) -> bool:
        if self.link.silent_in_a_row < self.terms.settings.breaker_timeouts:
            return False
        now = asyncio.get_running_loop().time()
        if now < self._trial_at:
            return True
        self._trial_at = now + BREAKER_TRIAL_S
        return False

    async def ready(self, identity: Identity) -> bool:
        """Whether a reversal can leave now: the link is up and the keys are there."""
        if not self.link.up:
            return False
        return not self.signs_in or await self._sessions.ensure(self._identity(identity)) is not None

    def _identity(self, terminal: Identity) -> Identity:
        """As whom we sign in: as the terminal, or as ourselves for the whole link."""
        return terminal if self.terms.settings.sign_in == "terminal" else self._own

    @property
    def _own(self) -> Identity:
        """As whom we speak for ourselves."""
        settings = self.terms.settings
        return Identity(terminal_id=settings.own_terminal_id, merchant_id=settings.own_merchant_id)

    async def echo(self) -> bool:
        """Echo test on the link: whether the host answered at all."""
        return await self._sessions.echo(self._own)

    async def came_up(self) -> None:
        """The link is up again: the host may have restarted, so its keys count no more. The link signs in at once."""
        self._sessions.forget_all()
        if self.terms.settings.sign_in == "link":
            await self._sessions.ensure(self._own)

    def stale_keys(self, terminal_id: str) -> None:
        """The host rejected our keys; the next request signs in first."""
        self._sessions.forget(terminal_id)

    @property
    def numbers_batches(self) -> bool:
        """Whether batch numbers upstream are the host's own."""
        return self.terms.settings.batch == "host"

    def forward(self, message: Message, source_keys: WorkingKeys | None, original_batch_no: str = "") -> Upstream:
        """A terminal's request on its way to the host.

        `original_batch_no` is the batch under which the host has the transaction that it is about; "" leaves what the
        terminal says.
        Raises KeyStoreError when a PIN block cannot be translated, DecodeError when a field it needs is malformed.
        """
        session = self._session(message[41])
        changes: dict[int, str | bytes | None] = {}
        if message.has(52):
            changes |= self._translated_pin(message, source_keys, session)
        if session is not None and session.batch_no and self.numbers_batches and message.has(60):
            changes[60] = with_batch(message[60], session.batch_no)
        if original_batch_no and message.has(61) and not message.codec.dialect.extended:
            changes[61] = with_original_batch(message[61], original_batch_no)
        mac_key = self._mac_key(session)
        if mac_key is not None:
            frame = message.splice(changes, mac=mac_key.make)
        else:
            changes |= {number: None for number in message.codec.dialect.mac_fields if message.has(number)}
            frame = message.splice(changes) if changes else message.raw
        return Upstream(frame=frame, expected=expected_answer(message), mac_key=mac_key)

    def reversal(self, material: ReversalMaterial, *, reason: str, auth_code: str, attempt: int) -> Upstream:
        """The reversal of an original, for its `attempt`-th sending (from 1). `reason` is field 39."""
        fields: dict[int, str | bytes] = {n: v for n, v in material.fields.items() if n not in (7, 32, 33)}
        fields[39] = reason
        if auth_code:
            fields[38] = auth_code
        mti = "0400"
        if self.codec.dialect.extended:
            fields |= {n: v for n, v in material.fields.items() if n in (7, 32, 33)}
            fields[90] = original_data_elements(material)
            mti = mti if attempt == 1 else repeat_mti(self.codec.dialect, mti)
        return self._built(mti, fields, material)

    def inquiry(self, material: ReversalMaterial) -> Upstream:
        """A status inquiry (0600) about an original; only where the dialect has one.

        Field 90 names the original. The trace number is the inquiry's own: an old inquiry's late answer, which tells
        how things stood before, must not pass for this one's.
        """
        fields: dict[int, str | bytes] = {n: v for n, v in material.fields.items() if n in (41, 42)}
        fields[11] = self._sessions.next_stan()
        fields[90] = original_data_elements(material)
        return self._built("0600", fields, material)

    def _built(self, mti: str, fields: dict[int, str | bytes], material: ReversalMaterial) -> Upstream:
        terminal_id = material.fields[41]
        session = self._session(terminal_id)
        mac_key = self._mac_key(session)
        frame = self.codec.encode(
            mti=mti,
            fields=fields,
            tpdu=material.tpdu or None,
            header=material.header or None,
            mac=mac_key.make if mac_key else None,
        )
        return Upstream(
            frame=frame,
            expected=Expected(
                mti=response_mti(mti),
                stan=str(fields[11]),
                terminal_id=terminal_id,
                merchant_id=material.fields[42],
                processing_code=str(fields.get(3, "")),
                amount=str(fields.get(4, "")),
            ),
            mac_key=mac_key,
        )

    async def send(self, permit: SendPermit, subject_id: str, upstream: Upstream, timeout_s: float) -> Outcome:
        """Send what `permit` allows, once, and wait for its answer."""
        permit.spend(subject_id)
        answer = await self.link.exchange(upstream.frame, upstream.expected, timeout_s)
        return answer if isinstance(answer, NoAnswer | NotSent) else self._judge(answer, upstream)

    async def wait_again(self, upstream: Upstream, timeout_s: float) -> Answered | NoAnswer:
        """A further answer to a request that was answered "in progress"; nothing is sent."""
        answer = await self.link.wait_again(upstream.expected, timeout_s)
        return answer if isinstance(answer, NoAnswer) else self._judge(answer, upstream)

    def _judge(self, message: Message, upstream: Upstream) -> Answered | NoAnswer:
        """Authentic, or no answer at all (domain trap T9)."""
        try:
            code = message[39]
            present = next((n for n in message.codec.dialect.mac_fields if message.has(n)), 0)
            if upstream.mac_key is None:
                return Answered(message=message, code=code, authenticated=True)
            if present:
                authentic = upstream.mac_key.verify(message.mac_input(), mac_bytes(message, present))
                if not authentic:
                    return NoAnswer(doubt=Doubt.BAD_MAC)
                return Answered(message=message, code=code, authenticated=True)
        except DecodeError:
            return NoAnswer(doubt=Doubt.GARBLED)
        if code in APPROVALS or self.terms.settings.decline_mac == "required":
            return NoAnswer(doubt=Doubt.BAD_MAC)
        return Answered(message=message, code=code, authenticated=False)

    def authentic(self, message: Message) -> bool:
        """Whether an answer that nobody waits for is the host's: by the latest keys, or because no MAC is used."""
        if self.terms.settings.mac == "none":
            return True
        try:
            present = next((n for n in message.codec.dialect.mac_fields if message.has(n)), 0)
            keys = [self._mac_key(session) for session in self._sessions.recent(message[41])]
            return bool(present) and any(
                key is not None and key.verify(message.mac_input(), mac_bytes(message, present)) for key in keys
            )
        except DecodeError:
            return False

    def _session(self, terminal_id: str) -> Session | None:
        """The session in force; StaleSession when one is needed and was lost since it was looked for."""
        session = self._sessions.current(terminal_id) if self.signs_in else None
        if self.signs_in and session is None:
            raise StaleSession("the host has just called our keys stale; the next request signs in")
        return session

    def _mac_key(self, session: Session | None) -> MacKey | None:
        algorithm = self.terms.settings.mac
        return None if algorithm == "none" or session is None else session.keys.mac_key(algorithm)

    def _translated_pin(
        self, message: Message, source: WorkingKeys | None, session: Session | None
    ) -> dict[int, str | bytes | None]:
        """Field 52 under the host's key. Without keys on either side it passes as it came."""
        if source is None and session is None:
            return {}
        if source is None or session is None:
            raise KeyStoreError("a PIN block needs working keys on both sides; set mac and sign_in on both or none")
        block = bytes.fromhex(message[52])
        with_pan = (message.get(53) or "2")[0] != "1"
        style = PinFormat.WITH_PAN if with_pan else PinFormat.WITHOUT_PAN
        pan = (message.get(2) or (message.get(35) or "").split("=")[0]) if with_pan else ""
        block = self._keys.translate_pin(block, source, session.keys, pan, from_format=style, to_format=style)
        return {52: block.hex().upper()}


def expected_answer(message: Message) -> Expected:
    """What must answer this request (T8)."""
    return Expected(
        mti=response_mti(message.mti),
        stan=message[11],
        terminal_id=message[41],
        merchant_id=message[42],
        processing_code=message.get(3) or "",
        amount=message.get(4) or "",
    )


def mac_bytes(message: Message, number: int) -> bytes:
    """The MAC's 8 bytes; an ASCII dialect carries them as 16 hex characters."""
    content = message.value_bytes(number)
    return content if len(content) == 8 else bytes.fromhex(message[number])


def with_batch(field_60: str, batch_no: str) -> str:
    """Field 60 with another batch number (60.2)."""
    return field_60[:2] + batch_no + field_60[8:] if F60.parse(field_60).batch_no != batch_no else field_60


def with_original_batch(field_61: str, batch_no: str) -> str:
    """Field 61 with another batch of the original (61.1), where it names one: a refund may name the day alone."""
    return batch_no + field_61[6:] if F61.parse(field_61).batch_no.strip("0") else field_61


def original_data_elements(material: ReversalMaterial) -> str:
    """DE 90 of the 1987 edition: original MTI 4, STAN 6, transmission time 10, acquirer 11, forwarder 11."""
    fields = material.fields
    return f"{material.mti}{fields[11]}{fields.get(7, '0' * 10)}{fields.get(32, ''):0>11}{fields.get(33, ''):0>11}"


def inquiry_state(message: Message) -> str:
    """What an 0610 says of the original: APPROVED, REVERSED, DECLINED or UNKNOWN (also when it cannot be read)."""
    try:
        if message.get(39) != "00":
            return "UNANSWERED"
        state = (message.get(48) or "").partition("ST=")[2].strip()
    except DecodeError:
        return "UNANSWERED"
    return state if state in INQUIRY_STATES else "UNANSWERED"
