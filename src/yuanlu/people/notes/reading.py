"""A note in the reader's language: the tables of this package, by the kind of the fact."""

from collections.abc import Callable
from functools import cache, lru_cache
from types import MappingProxyType

from yuanlu.cases.records import DecisionKind
from yuanlu.causes.evidence import IncidentKind
from yuanlu.flow.outside import Seen
from yuanlu.notification.states import Sending
from yuanlu.notification.writing import AGAIN
from yuanlu.people.notes import causes, payments, places, returns, telling, values
from yuanlu.people.notes.casework import ATTEMPTS, CASES, REMARKS
from yuanlu.people.notes.messages import MALFORMED
from yuanlu.people.notes.saying import Note, Table, Value, value_name
from yuanlu.people.words import CHINESE, ENGLISH, TRANSACTION_KINDS, case_word, kind_word, word

DEPTH_MAX = 6
"""A sentence holds another: so deep, and no deeper whatever stands there."""
KEPT_MAX = 4096
"""Notes whose Chinese is remembered: most are alike."""
EVIDENCE, REASON, WHY, TRY = "EVIDENCE", "REASON", "WHY", "TRY"
"""Kinds for what is no fact: a line of a case's evidence, the reason of an order or incident, why an order goes so, and
what came of sending a message."""

PLAIN = (*payments.PAYMENTS, *returns.RETURNS, *causes.REASONS)
KINDS: dict[str, tuple[Note, ...]] = {
    **CASES, **returns.ORDERS, **places.INCIDENTS, **places.BATCHES, **places.TERMINALS, **places.ACCOUNTS,
    **telling.MESSAGES,
    EVIDENCE: (*causes.REASONS, *places.EVIDENCE), REASON: (*returns.REASONS, *places.DETECTED),
    WHY: (Note("{refused}", "{refused}"),), TRY: (Note("{tries}", "{tries}"),),
    "EXPLAINED": (
        Note("{cause}: {why}", "{cause}：{why}"),
        Note("{cause}: {why}, incident {id}", "{cause}：{why}，事件 {id}"),
    ),
}  # fmt: skip
"""Kinds of facts with notes of their own; every other kind has those of `PLAIN`."""

WITH_WHO = CASES.keys() | places.INCIDENTS.keys() | places.ACCOUNTS.keys() | {AGAIN}
"""Kinds whose facts say first who did it; a timeline and the audit trail have that beside."""

SENTENCES: dict[str, tuple[Note, ...]] = {
    "why": PLAIN,
    "refused": PLAIN,
    "reason": returns.REASONS,
    "remark": REMARKS,
    "detected": places.DETECTED,
    "finding": places.FINDINGS,
    "findings": places.FINDINGS,
    "malformed": MALFORMED,
    "try": telling.SENT,
    "tries": telling.SENT,
}
"""Values that are sentences. Where people may have typed them, only what the machine says there is known."""


def in_words(note: str, language: str, kind: str = "") -> str:
    """The note of a fact of this kind, or another text that the machine wrote, as a page of this language shows it.

    What no table knows stays as it is: people typed it, or a host wrote it.
    """
    return _said(note, kind, language == CHINESE) if note else note


@lru_cache(maxsize=KEPT_MAX)
def _said(note: str, kind: str, zh: bool) -> str:
    name = kind if kind in KINDS else ""
    found = _say(name, note, zh, 0)
    if found is None and name in WITH_WHO:
        return _after_who(name, note, zh)
    return note if found is None else found


def _after_who(name: str, note: str, zh: bool) -> str:
    """Who did it stands before the note, and of an action that was refused also of which case."""
    for at in (1, 2):
        parts = note.split(": ", at)
        found = _say(name, parts[-1], zh, 0) if len(parts) > at else None
        if found is not None:
            who = [values.of_name(each) for each in parts[:-1]] if zh else parts[:-1]
            return ("：" if zh else ": ").join([*who, found])
    return note


def _say(name: str, text: str, zh: bool, depth: int) -> str | None:
    found = _table(name).find(text)
    if found is None:
        return None
    note, given = found
    form = note.zh if zh else note.alone or note.en
    return form.format(**{place: _value(value_name(place), value, zh, depth + 1) for place, value in given.items()})


def _value(name: str, text: str, zh: bool, depth: int) -> str:
    if name not in SENTENCES:
        return VALUES[name].zh(text) if zh else VALUES[name].en(text)
    if depth > DEPTH_MAX:
        return text
    if name == "findings":
        return ("；" if zh else "; ").join(_value("finding", each, zh, depth) for each in text.split("; "))
    if name == "tries":
        return ("；" if zh else "; ").join(_one_try(each, zh, depth) for each in text.split("; "))
    said = _say(name, text, zh, depth)
    if said is None:
        return values.of_refusal(text) if name == "refused" and zh else text
    return said


def _one_try(text: str, zh: bool, depth: int) -> str:
    """What came of it, perhaps after the channel's name."""
    channel, colon, why = text.partition(": ")
    if not colon or _say("try", text, zh, depth) is not None:
        return _value("try", text, zh, depth)
    return f"{channel}{'：' if zh else ': '}{_value('try', why, zh, depth)}"


@cache
def _table(name: str) -> Table:
    return Table(SENTENCES.get(name) or KINDS.get(name) or PLAIN, VALUES)


def _limited(form: str, zh: Callable[[str], str] = str, en: Callable[[str], str] = str) -> Value:
    return Value(form=form, zh=zh, en=en)


def _any_length(zh: Callable[[str], str] = str, en: Callable[[str], str] = str) -> Value:
    return Value(form=".+", zh=zh, en=en, limited=False)


def _in_both(words: Callable[[str, str], str]) -> tuple[Callable[[str], str], Callable[[str], str]]:
    return (lambda name: words(name, CHINESE)), (lambda name: words(name, ENGLISH))


VALUES = MappingProxyType(
    {
        "n": _limited("[0-9]{1,15}"),
        "code": _limited(r"[^\s:]{2}"),
        "host_code": _limited(r"[^\s:]{2}", values.of_host),
        "amount": _limited(r"[0-9A-Z]{3} [0-9,.-]{1,24}"),
        "amounts": _limited(r"[0-9A-Z ,.-]{1,200}"),
        "date": _limited("[0-9]{4}-[0-9]{2}-[0-9]{2}"),
        "id": _limited(r"[0-9A-Za-z._/+@-]{1,80}"),
        "masked": _limited(r"\S{1,80}"),
        "channel": _limited(r"[^\s:()]{1,60}"),
        "sending": _limited("|".join(Sending), values.of_sending, values.sending_in_english),
        "origin": _limited(r"[0-9A-Za-z.:%_-]{0,64}"),
        "name": _limited(r"[^:\n]{1,64}?", values.of_name),
        "owner": _limited(r"[^→:\n]{1,64}?", values.of_owner),
        "queue": _limited(r"[^→\n]{1,64}?"),
        "file": _limited(r"[^:\n]{1,200}?"),
        "reference": _limited(".{1,80}?"),
        "batch": _limited(r"batch [0-9]{1,6} of [^\s:]{1,16}", values.of_batch),
        "scope": _limited(r"(?:all|region|host|wallet|issuer|merchant)(?: [^\n]{1,80}?)?", values.of_scope),
        "incident": _limited("|".join(IncidentKind), values.of_incident, values.incident_in_english),
        "break": _limited("[a-z ]{1,30}", values.of_break),
        "differs": _limited("[a-z_]{1,30}", values.of_break),
        "seen": _limited("|".join(Seen), values.of_sighting),
        "kind": _limited("|".join(TRANSACTION_KINDS), lambda kind: kind_word(kind, CHINESE)),
        "decision": _limited("|".join(DecisionKind), *_in_both(case_word)),
        "state": _limited("[A-Z_]{1,30}", lambda state: word(state, CHINESE)),
        "word": _limited("[0-9A-Za-z_]{1,30}", *_in_both(case_word)),
        "cause": _limited("[A-Z][0-9A-Z_]{1,60}", values.of_cause, values.cause_in_english),
        "meaning": _limited("[A-Za-z ;]{1,60}", values.of_meaning),
        "attempt": _limited("|".join(ATTEMPTS), values.of_attempt),
        "roles": _limited(r"[a-z ]{1,100}(?:, checker)?(?:, [^:,\n]{1,40})?", values.of_roles),
        "observed": _any_length(values.of_observations),
        "refusal": _any_length(values.of_refusal),
        "both": _any_length(values.of_both, values.english_of_both),
        "text": _any_length(),
        **{name: _any_length() for name in SENTENCES},
    }
)
"""What a value in braces looks like. Only those of any length may stand for much, and a note has one of them."""
