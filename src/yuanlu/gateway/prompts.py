"""The line that an abnormal answer shows the cashier, in field 63, where the terminals are known to show it.

In UnionPay's answers field 63 begins with the card organisation (3 characters), and free text follows: 60 bytes of GBK
in the specification's 63 (domain §2). Terminals print it on the slip. ISO 8583:1987 has no Chinese: there it is
English. What a host has written itself is left alone. Field 44 names institutions in both and carries no text.
"""

from yuanlu.acquirers.kinds import KINDS
from yuanlu.acquirers.terms import APPROVALS, PARTIAL_APPROVAL
from yuanlu.causes.cause import Words
from yuanlu.causes.evidence import Evidence, Voice
from yuanlu.causes.guidance import RETURN_UNKNOWN, UNKNOWN
from yuanlu.causes.prompts import prompt
from yuanlu.causes.taxonomy import explain
from yuanlu.flow.codes import UNKNOWN_CODE
from yuanlu.gateway.actions import safe
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError

TEXT = 63
ORGANISATION_CHARACTERS = 3
CUP_BYTES_MAX, ISO_BYTES_MAX = 60, 120


class Prompts:
    """One per gateway; off unless the settings say that terminals show field 63."""

    def __init__(self, *, on: bool) -> None:
        self._on = on
        self._known: dict[tuple[str, str, Voice], Words] = {}

    def of_ours(self, request: Message, kind: str, code: str) -> dict[int, str | bytes]:
        """Fields that an answer of our own has beside the others."""
        if not self._on or code in APPROVALS:
            return {}
        return {TEXT: _line(request, "", self._words(kind, code, Voice.OURS))}

    def of_hosts(self, kind: str, answer: Message) -> dict[int, str | bytes | None]:
        """What to change in a host's answer before the terminal gets it."""
        code = safe(answer, 39) if self._on else ""
        if not code or (code in APPROVALS and code != PARTIAL_APPROVAL):
            return {}
        try:
            own = answer[TEXT] if answer.has(TEXT) else ""
        except DecodeError:  # whatever it is, it is the host's
            return {}
        if len(own.strip()) > ORGANISATION_CHARACTERS or (own and not answer.codec.dialect.mti_bcd):
            return {}
        return {TEXT: _line(answer, own.strip(), self._words(kind, code, Voice.HOST))}

    def _words(self, kind: str, code: str, voice: Voice) -> Words:
        """What the cashier is told by the code alone; what the journal knows beyond it is said later, and elsewhere."""
        key = kind, code, voice
        if key not in self._known:
            self._known[key] = _cashier(kind, code, voice)
        return self._known[key]


def _cashier(kind: str, code: str, voice: Voice) -> Words:
    if code == UNKNOWN_CODE and voice is Voice.OURS:
        return (RETURN_UNKNOWN if KINDS[kind].gives_back else UNKNOWN).cashier
    return explain(Evidence(kind=kind, state="DECLINED", response_code=code, voice=voice)).guidance.cashier


def _line(message: Message, organisation: str, words: Words) -> str:
    if message.codec.dialect.mti_bcd:
        return organisation.ljust(ORGANISATION_CHARACTERS) + prompt(words, "zh", CUP_BYTES_MAX, "gbk")
    return prompt(words, "en", ISO_BYTES_MAX, "ascii")
