"""What can go wrong at a host, as data: one value per fault.

A fault says what happens to a message (`sale`: mostly that is one), and perhaps to the first few reversals of it
(`reversal`). It is triggered by a magic amount, or for the next messages of a class by a `FaultBoard`. Amounts work
for sales and pre-authorisations only, so that the void or refund of a magic amount goes well by itself. The classes
(`MessageClass`) and their messages, of which any fault can be ordered through the fault API:

    sign_in                 sign-in of a terminal or of a whole link (0800)
    sale                    sale by card or QR
    void                    void of a sale, of a pre-authorisation, of a completion
    refund                  refund
    preauth                 pre-authorisation
    completion              completion request
    advice                  completion advice, offline sale, adjustment, tip

The amounts, in minor units:

    880001 ...              the faults of `FAULTS`, each by its own amount (8800.01 and up)
    660000 ... 660099       the payment is answered with response code 00 ... 99
    660100 ... 660107       the payment is answered with A0 ... A7

Response codes of class A (`APPROVALS`) post the payment, all others leave the account alone.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from yuanlu.kernel.errors import YuanluError

MessageClass = Literal["sign_in", "sale", "void", "refund", "preauth", "completion", "advice"]
"""What a fault can be ordered for."""

MAGIC_CLASSES: frozenset[MessageClass] = frozenset({"sale", "preauth"})
"""What a magic amount works for."""

APPROVALS = frozenset({"00", "10", "11", "16", "A2", "A4", "A5", "A6"})
"""Field 39 of an approved payment, class A of the response-code annex."""

PARTIAL_APPROVAL = "10"
APPROVED_PERCENT = 60
"""So much of the amount is approved where a payment is approved in part."""

CODES_AT_MINOR = 660_000
LETTER_CODES_AT_MINOR = 660_100


class UnknownFault(YuanluError):
    """No fault has this name; the text lists those there are."""


class Commit(Enum):
    """When the host's books change."""

    NOW = "now"
    NEVER = "never"
    LATE = "late"


class Reply(Enum):
    """What becomes of the answer."""

    NORMAL = "normal"
    NONE = "none"
    LATE = "late"
    TWICE = "twice"
    HALF = "half"
    GARBAGE = "garbage"
    WRONG_MAC = "wrong mac"
    WRONG_STAN = "wrong stan"
    WRONG_AMOUNT = "wrong amount"
    NO_CODE = "no code"


class Line(Enum):
    """What becomes of the connection, or of the whole host."""

    STAYS = "stays"
    CLOSES = "closes"
    RESTARTS = "restarts"
    GOES_DOWN = "goes down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What happens to one message. `code` replaces the answer's own response code when it is not empty."""

    commit: Commit = Commit.NOW
    reply: Reply = Reply.NORMAL
    line: Line = Line.STAYS
    code: str = ""


AS_USUAL = Effect()
LOST_BEFORE = Effect(commit=Commit.NEVER, reply=Reply.NONE)
LOST_AFTER = Effect(reply=Reply.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way for a payment to go wrong; `reversal` then befalls the first `reversal_times` reversals of it.

    `heavy` faults hit every payment of the host at that moment, so a demonstration uses them sparingly.
    """

    name: str
    magic_minor: int
    zh: str
    en: str
    sale: Effect
    reversal: Effect | None = None
    reversal_times: int = 0
    heavy: bool = False


FAULTS = (
    Fault(
        name="drop_before_commit",
        magic_minor=880001,
        zh="请求在入账前丢失，无应答",
        en="the request is lost before it is posted; no answer",
        sale=LOST_BEFORE,
    ),
    Fault(
        name="drop_after_commit",
        magic_minor=880002,
        zh="已入账，应答丢失",
        en="posted, then the answer is lost",
        sale=LOST_AFTER,
    ),
    Fault(
        name="delay",
        magic_minor=880003,
        zh="已入账，应答在超时之后才到",
        en="posted, and the answer comes after the time-out",
        sale=Effect(reply=Reply.LATE),
    ),
    Fault(
        name="late_commit",
        magic_minor=880004,
        zh="请求滞留，冲正先到，之后才入账并应答",
        en="the request is held up, the reversal overtakes it, then it is posted and answered",
        sale=Effect(commit=Commit.LATE),
    ),
    Fault(
        name="late_commit_silent",
        magic_minor=880005,
        zh="请求滞留，冲正先到，之后才入账且无应答",
        en="the request is held up, the reversal overtakes it, then it is posted without any answer",
        sale=Effect(commit=Commit.LATE, reply=Reply.NONE),
    ),
    Fault(
        name="duplicate",
        magic_minor=880006,
        zh="同一应答发送两次",
        en="the answer is sent twice",
        sale=Effect(reply=Reply.TWICE),
    ),
    Fault(
        name="corrupt_mac",
        magic_minor=880007,
        zh="已入账，应答 MAC 错误",
        en="posted, and the answer carries a wrong MAC",
        sale=Effect(reply=Reply.WRONG_MAC),
    ),
    Fault(
        name="wrong_stan",
        magic_minor=880008,
        zh="已入账，应答的流水号不符",
        en="posted, and the answer carries another trace number",
        sale=Effect(reply=Reply.WRONG_STAN),
    ),
    Fault(
        name="wrong_amount",
        magic_minor=880009,
        zh="已入账，应答的金额不符",
        en="posted, and the answer carries another amount",
        sale=Effect(reply=Reply.WRONG_AMOUNT),
    ),
    Fault(
        name="cut_mid_frame",
        magic_minor=880010,
        zh="已入账，应答发到一半连接中断",
        en="posted, and the connection breaks in the middle of the answer",
        sale=Effect(reply=Reply.HALF, line=Line.CLOSES),
    ),
    Fault(
        name="close_after_commit",
        magic_minor=880011,
        zh="已入账，未应答即断开连接",
        en="posted, and the connection closes without an answer",
        sale=Effect(reply=Reply.NONE, line=Line.CLOSES),
    ),
    Fault(
        name="close_before_commit",
        magic_minor=880012,
        zh="未入账即断开连接",
        en="the connection closes before the payment is posted",
        sale=Effect(commit=Commit.NEVER, reply=Reply.NONE, line=Line.CLOSES),
    ),
    Fault(
        name="garbage",
        magic_minor=880013,
        zh="已入账，应答无法解析",
        en="posted, and the answer cannot be read",
        sale=Effect(reply=Reply.GARBAGE),
    ),
    Fault(
        name="host_restart",
        magic_minor=880014,
        zh="已入账，主机随即重启",
        en="posted, and the host restarts at once",
        sale=Effect(reply=Reply.NONE, line=Line.RESTARTS),
        heavy=True,
    ),
    Fault(
        name="host_down",
        magic_minor=880015,
        zh="主机停机一段时间",
        en="the host is down for a while",
        sale=Effect(commit=Commit.NEVER, reply=Reply.NONE, line=Line.GOES_DOWN),
        heavy=True,
    ),
    Fault(
        name="doubtful_68",
        magic_minor=880016,
        zh="已入账，应答 68（超时）",
        en="posted, but answered 68 (time-out upstream)",
        sale=Effect(code="68"),
    ),
    Fault(
        name="doubtful_96",
        magic_minor=880017,
        zh="已入账，应答 96（系统异常）",
        en="posted, but answered 96 (system error)",
        sale=Effect(code="96"),
    ),
    Fault(
        name="doubtful_98",
        magic_minor=880018,
        zh="未入账，应答 98（发卡方无应答）",
        en="not posted, answered 98 (no answer from the issuer)",
        sale=Effect(commit=Commit.NEVER, code="98"),
    ),
    Fault(
        name="no_code",
        magic_minor=880019,
        zh="已入账，应答缺应答码（39 域）",
        en="posted, and the answer lacks its response code (field 39)",
        sale=Effect(reply=Reply.NO_CODE),
    ),
    Fault(
        name="close_after_answer",
        magic_minor=880020,
        zh="正常应答后随即断开连接",
        en="answered as usual, then the connection closes",
        sale=Effect(line=Line.CLOSES),
    ),
    Fault(
        name="reversal_lost_before",
        magic_minor=880031,
        zh="应答丢失，首次冲正在生效前丢失",
        en="the answer is lost, and the first reversal is lost before it takes effect",
        sale=LOST_AFTER,
        reversal=LOST_BEFORE,
        reversal_times=1,
    ),
    Fault(
        name="reversal_lost_after",
        magic_minor=880032,
        zh="应答丢失，冲正已生效但其应答也丢失",
        en="the answer is lost; the reversal takes effect and its answer is lost, too",
        sale=LOST_AFTER,
        reversal=LOST_AFTER,
        reversal_times=1,
    ),
    Fault(
        name="reversal_delayed",
        magic_minor=880033,
        zh="应答丢失，冲正应答在超时之后才到",
        en="the answer is lost; the reversal is answered after the time-out",
        sale=LOST_AFTER,
        reversal=Effect(reply=Reply.LATE),
        reversal_times=1,
    ),
    Fault(
        name="reversal_late_commit",
        magic_minor=880034,
        zh="应答丢失，冲正滞留后才生效",
        en="the answer is lost; the reversal is held up and takes effect late",
        sale=LOST_AFTER,
        reversal=Effect(commit=Commit.LATE),
        reversal_times=1,
    ),
    Fault(
        name="reversal_68",
        magic_minor=880035,
        zh="应答丢失，首次冲正未生效且应答 68",
        en="the answer is lost; the first reversal has no effect and is answered 68",
        sale=LOST_AFTER,
        reversal=Effect(commit=Commit.NEVER, code="68"),
        reversal_times=1,
    ),
    Fault(
        name="reversal_96",
        magic_minor=880036,
        zh="应答丢失，冲正已生效却应答 96",
        en="the answer is lost; the reversal takes effect but is answered 96",
        sale=LOST_AFTER,
        reversal=Effect(code="96"),
        reversal_times=1,
    ),
    Fault(
        name="reversal_mac",
        magic_minor=880037,
        zh="应答丢失，冲正已生效但应答 MAC 错误",
        en="the answer is lost; the reversal takes effect but its answer carries a wrong MAC",
        sale=LOST_AFTER,
        reversal=Effect(reply=Reply.WRONG_MAC),
        reversal_times=1,
    ),
    Fault(
        name="reversal_cut",
        magic_minor=880038,
        zh="应答丢失，冲正已生效但应答发到一半中断",
        en="the answer is lost; the reversal takes effect and the connection breaks in its answer",
        sale=LOST_AFTER,
        reversal=Effect(reply=Reply.HALF, line=Line.CLOSES),
        reversal_times=1,
    ),
    Fault(
        name="reversal_a0",
        magic_minor=880039,
        zh="应答丢失，冲正被要求重新签到（A0）",
        en="the answer is lost; the reversal is refused with A0: sign in again",
        sale=LOST_AFTER,
        reversal=Effect(commit=Commit.NEVER, code="A0"),
        reversal_times=1,
    ),
    Fault(
        name="reversal_refused",
        magic_minor=880040,
        zh="应答丢失，冲正被永久拒绝（57）",
        en="the answer is lost; every reversal is refused for good (57)",
        sale=LOST_AFTER,
        reversal=Effect(commit=Commit.NEVER, code="57"),
        reversal_times=1_000_000,
    ),
)

FAULTS_BY_NAME = {fault.name: fault for fault in FAULTS}
_BY_AMOUNT = {fault.magic_minor: fault for fault in FAULTS}


def fault_of_amount(amount_minor: int) -> Fault | None:
    """The fault that this amount asks for, or None for an ordinary amount."""
    code = _code_of_amount(amount_minor)
    return _BY_AMOUNT.get(amount_minor) if code is None else _answered_with(code, amount_minor)


def _code_of_amount(amount_minor: int) -> str | None:
    if CODES_AT_MINOR <= amount_minor < CODES_AT_MINOR + 100:
        return f"{amount_minor - CODES_AT_MINOR:02}"
    if LETTER_CODES_AT_MINOR <= amount_minor < LETTER_CODES_AT_MINOR + 8:
        return f"A{amount_minor - LETTER_CODES_AT_MINOR}"
    return None


def _answered_with(code: str, amount_minor: int) -> Fault:
    commit = Commit.NOW if code in APPROVALS else Commit.NEVER
    return Fault(
        name=f"code_{code}",
        magic_minor=amount_minor,
        zh=f"应答码 {code}",
        en=f"answered {code}",
        sale=Effect(commit=commit, code=code),
    )


def find_fault(name: str) -> Fault:
    """The fault of this name, `code_CC` included. Raises UnknownFault."""
    if name in FAULTS_BY_NAME:
        return FAULTS_BY_NAME[name]
    code = name.removeprefix("code_")
    if len(code) == 2 and code.isdecimal() and code.isascii():
        return _answered_with(code, CODES_AT_MINOR + int(code))
    if len(code) == 2 and code[0] == "A" and code[1] in "01234567":
        return _answered_with(code, LETTER_CODES_AT_MINOR + int(code[1]))
    raise UnknownFault(f"no fault is called {name!r}; choose code_CC or one of {', '.join(FAULTS_BY_NAME)}")
