"""What the values in a note look like, and their Chinese. A table's value is a sentence of its own."""

import re

from yuanlu.causes.evidence import Break, IncidentKind
from yuanlu.causes.response_codes import HOST_CODES
from yuanlu.causes.taxonomy import CAUSES
from yuanlu.flow import examining, older_journal, outside
from yuanlu.flow.declaring import cause_of, scope_words
from yuanlu.incidents.records import Scope, ScopeKind
from yuanlu.notification.states import Sending
from yuanlu.notification.writing import FACTS
from yuanlu.people.cardholder import COMPLAINT
from yuanlu.people.notes.casework import ATTEMPTS
from yuanlu.people.observing import KIND_WORDS, TOLD_BY
from yuanlu.people.refusals import find_saying, refusal
from yuanlu.people.words import CHINESE, ENGLISH, ROLE_WORDS, word

REFUSAL_CHARACTERS_MAX = 300
"""No rule says more. What is longer holds somebody's text, and is not searched."""

TITLES = {
    **{cause.code: (cause.title.zh, cause.title.en) for cause in CAUSES},
    **{each.code: (each.title.zh, each.title.en) for each in outside.KINDS.values()},
    examining.ORDER_BY_HAND.code: (examining.ORDER_BY_HAND.title.zh, examining.ORDER_BY_HAND.title.en),
    older_journal.CAUSE: (older_journal.TITLE.zh, older_journal.TITLE.en),
    COMPLAINT: ("持卡人投诉", "Complaint of the cardholder"),
}
NAMES = {
    "policy": "系统规则", "detection": "自动检测", "cardholder": "持卡人", "clearing file": "清算文件",
    "init": "初始设置",
    **{name: words.zh for name, words in TOLD_BY.items()},
}  # fmt: skip
"""Who acts and is no person."""

WAYS = {"console": "控制台", "cli": "命令行", "api": "接口", "page": "查询页", "gateway": "网关", "demo": "演示"}
"""The ways by which people act."""

MEANINGS = {
    "returned": "已退回", "not found": "查无原交易", "verify": "须核实", "duplicate": "重复", "unknown": "没有定论",
    "keys": "密钥过期", "refused for good": "最终拒绝", "approved and not reversed": "已批准，未冲正",
    "declined by the host": "主机已拒绝", "accepted": "已受理", "refused": "已拒绝",
    "not definite; it is sent again": "没有定论，将再次发送",
    "stale keys; we sign in and send it again": "密钥过期，签到后再次发送",
    "APPROVED": "已批准", "DECLINED": "已拒绝", "REVERSED": "已冲正", "UNKNOWN": "查无此笔",
}  # fmt: skip
"""What an answer says: to a reversal, to an inquiry, to an advice."""

BREAKS = {
    Break.ONLY_OURS: ("only we have it", "只有我方有"),
    Break.ONLY_THEIRS: ("only they have it", "只有对方有"),
    Break.AMOUNT_DIFFERS: ("the amounts differ", "金额不符"),
    Break.TWICE: ("they have it twice", "对方有两笔"),
}
_BREAKS = dict(BREAKS.values()) | {how.value: zh for how, (_, zh) in BREAKS.items()}
_BATCH = re.compile(r"batch ([0-9]{1,6}) of (\S{1,16})")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def of_host(code: str) -> str:
    """A host's response code and what it says."""
    row = HOST_CODES.get(code)
    return code if row is None else f"{code}：{row.zh}"


def of_batch(text: str) -> str:
    """Which batch of which terminal."""
    return _BATCH.sub(r"终端 \2 批次 \1", text)


def of_scope(text: str) -> str:
    """Whom an incident concerns."""
    kind, _, name = text.partition(" ")
    return scope_words(Scope(kind=ScopeKind(kind), name=name)).zh


def of_incident(kind: str) -> str:
    """What kind of incident it is."""
    return cause_of(IncidentKind(kind)).title.zh if kind in set(IncidentKind) else kind


def incident_in_english(kind: str) -> str:
    """The same for an English page."""
    return cause_of(IncidentKind(kind)).title.en if kind in set(IncidentKind) else kind


def of_sighting(seen: str) -> str:
    """What a merchant's own system saw."""
    return outside.KINDS[outside.Seen(seen)].title.zh if seen in set(outside.Seen) else seen


def of_break(text: str) -> str:
    """How another's list differs."""
    return _BREAKS.get(text, text)


def of_name(name: str) -> str:
    """A person, or what acts in nobody's name."""
    return NAMES.get(name, name)


def of_way(via: str) -> str:
    """By what way it was done; who ran it or which key it was stands behind the stroke."""
    way, stroke, rest = via.partition("/")
    return WAYS.get(way, way) + stroke + rest


def of_owner(name: str) -> str:
    """Whose a case is."""
    return "无人" if name == "-" else name


def of_cause(code: str) -> str:
    """A cause by its title."""
    return TITLES.get(code, (code, code))[0]


def cause_in_english(code: str) -> str:
    """The same for an English page."""
    return TITLES.get(code, (code, code))[1]


def of_meaning(text: str) -> str:
    """What an answer says."""
    return MEANINGS.get(text, text)


def of_sending(state: str) -> str:
    """Where a message stands."""
    return word(FACTS[Sending(state)], CHINESE)


def sending_in_english(state: str) -> str:
    """The same for an English page."""
    return word(FACTS[Sending(state)], ENGLISH)


def of_attempt(name: str) -> str:
    """What somebody wanted to do."""
    return ATTEMPTS.get(name, name)


def of_roles(text: str) -> str:
    """Roles, whether somebody approves, and for which merchant."""
    known = {role: words[0] for role, words in ROLE_WORDS.items()}
    known |= {"checker": "可复核", "all merchants": "全部商户"}
    return "，".join(
        known.get(part) or "、".join(known.get(each, each) for each in part.split()) for part in text.split(", ")
    )


def of_observations(text: str) -> str:
    """What was observed of a terminal: kinds and their values."""
    return "，".join(_observed(each) for each in text.split(", "))


def _observed(text: str) -> str:
    kind, _, value = text.partition(" ")
    words = KIND_WORDS.get(kind)
    if words is None:
        return text
    return words.zh if value == "1" else f"{words.zh} {value}"


def of_refusal(text: str) -> str:
    """Why the rules refused an action, in a page's words; anything else as it is."""
    if len(text) > REFUSAL_CHARACTERS_MAX or find_saying(text) is None:
        return text
    return refusal(text, CHINESE)


def of_both(text: str) -> str:
    """The first half of what stands there in two languages."""
    return _halves(text)[0]


def english_of_both(text: str) -> str:
    """The second half of it."""
    return _halves(text)[1]


def _halves(text: str) -> tuple[str, str]:
    """Both languages, or the text twice. What people typed stands in both, so the middle counts."""
    parts = text.split(" / ")
    middle = len(parts) // 2
    zh, en = " / ".join(parts[:middle]), " / ".join(parts[middle:])
    return (zh, en) if len(parts) % 2 == 0 and (zh == en or _CHINESE.search(zh)) else (text, text)
