"""What a host does with repeats and unseen originals, and which profile it earns (`docs/returns.md` §2).

Three trials with one small test payment each time: reverse an original that was never sent, then send that original;
reverse a sale twice with the same identity; ask for its status where the dialect can. A code proves less than an
account: a host that answers 00 to the second reversal may have recognised the repeat or paid twice. So the number of
credits on the test account is asked for, and without it the verdict stays on the safe side.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from yuanlu.acquirers.iso8583_host import Iso8583Host, Upstream, inquiry_state
from yuanlu.acquirers.material import ReversalMaterial, account_bytes, account_from, material_of
from yuanlu.acquirers.outcome import Answered, NoAnswer
from yuanlu.acquirers.sessions import Identity
from yuanlu.acquirers.terms import APPROVALS, Meaning
from yuanlu.journal.unit import SendPermit
from yuanlu.kernel.errors import YuanluError

NO_ANSWER = "--"
REASON = "06"

Permit = Callable[[str], Awaitable[SendPermit]]
"""Makes an intent durable and gives the right to send it; the argument says what it is."""


class ProbeError(YuanluError):
    """The probe could not be carried through; what was sent so far is in its journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The codes seen, `--` for none. `credits` is how many credits the test account shows, None if nobody looked."""

    unseen_reversal: str
    original_afterwards: str
    sale: str
    first_reversal: str
    second_reversal: str
    inquiry: str = ""
    credits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The profile earned and, in words, why."""

    profile: str
    because: tuple[str, ...]


def verdict(seen: Observed, meaning: Callable[[str], Meaning]) -> Verdict:
    """Judge what was seen. `meaning` is the acquirer's reading of reversal codes. Pure."""
    if seen.sale not in APPROVALS or meaning(seen.first_reversal) is not Meaning.RETURNED:
        return Verdict(profile="P5", because=("the test sale was not approved and reversed, so nothing is proven",))
    why: list[str] = []
    honest = meaning(seen.unseen_reversal) is Meaning.NOT_FOUND
    why.append(
        f"a reversal of an unseen original is answered {seen.unseen_reversal}"
        + ("" if honest else ": its answers do not show whether it knew the original")
    )
    remembers = honest and seen.original_afterwards not in APPROVALS and seen.original_afterwards != NO_ANSWER
    why.append(f"that original, sent afterwards, is answered {seen.original_afterwards}")
    repeats = _recognises_repeats(seen, meaning, why)
    if honest and repeats:
        return Verdict(profile="P1" if remembers else "P2", because=tuple(why))
    if honest and seen.inquiry in ("REVERSED", "APPROVED", "DECLINED"):
        why.append(f"a status inquiry is answered {seen.inquiry}")
        return Verdict(profile="P3", because=tuple(why))
    why.append("P4 if it delivers a clearing file, otherwise P5")
    return Verdict(profile="P4", because=tuple(why))


def _recognises_repeats(seen: Observed, meaning: Callable[[str], Meaning], why: list[str]) -> bool:
    second = meaning(seen.second_reversal)
    why.append(f"the same reversal again is answered {seen.second_reversal}")
    if seen.credits is not None:
        why.append(f"the account shows {seen.credits} credit(s) for it")
        return seen.credits == 1 and second in (Meaning.RETURNED, Meaning.DUPLICATE)
    if second is Meaning.DUPLICATE:
        return True
    if second is Meaning.RETURNED:
        why.append("whether it paid once or twice only the account shows: look, and run again with --credits N")
    return False


async def observe(
    host: Iso8583Host, permit: Permit, sales: Callable[[int], bytes], identity: Identity, credited: int | None
) -> Observed:
    """Carry out the trials. `sales(n)` is the n-th test sale (1, 2) as a terminal would send it."""
    if not await host.link.wait_up(host.terms.settings.answer_timeout_ms / 1000) or not await host.ready(identity):
        raise ProbeError(f"{host.terms.settings.address} cannot be reached, or refuses the sign-in")
    first, second = (_prepared(host, sales(number)) for number in (1, 2))
    unseen = await _send(host, permit, "reversal of an unseen original", _reversal(host, first[1], 1))
    afterwards = await _send(host, permit, "that original afterwards", first[0])
    if afterwards in APPROVALS or afterwards == NO_ANSWER:
        await _send(host, permit, "its reversal", _reversal(host, first[1], 1))
    sale = await _send(host, permit, "a sale", second[0])
    once = await _send(host, permit, "its reversal", _reversal(host, second[1], 1))
    again = await _send(host, permit, "the same reversal again", _reversal(host, second[1], 2))
    state = ""
    if host.codec.dialect.has_inquiry:
        state = await _send(host, permit, "status inquiry", host.inquiry(second[1]), state=True)
    return Observed(
        unseen_reversal=unseen,
        original_afterwards=afterwards,
        sale=sale,
        first_reversal=once,
        second_reversal=again,
        inquiry=state,
        credits=credited,
    )


def _prepared(host: Iso8583Host, frame: bytes) -> tuple[Upstream, ReversalMaterial]:
    upstream = host.forward(host.codec.decode(frame), None)
    original = host.codec.decode(upstream.frame)
    return upstream, material_of(original, account_from(account_bytes(original, "")))


def _reversal(host: Iso8583Host, material: ReversalMaterial, attempt: int) -> Upstream:
    return host.reversal(material, reason=REASON, auth_code="", attempt=attempt)


async def _send(host: Iso8583Host, permit: Permit, what: str, upstream: Upstream, *, state: bool = False) -> str:
    """One message under its own durable intent; its code, or the state that an inquiry tells."""
    allowed = await permit(what)
    timeout_s = host.terms.settings.answer_timeout_ms / 1000
    outcome = await host.send(allowed, allowed.subject_id, upstream, timeout_s)
    match outcome:
        case Answered(message=message, code=code):
            return inquiry_state(message) if state else code
        case NoAnswer():
            return NO_ANSWER
        case _:
            raise ProbeError(f"{what} could not be sent")
