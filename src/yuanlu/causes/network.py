"""Network: a request or an answer was lost, late or damaged on its way. Traps T1, T8, T10; `docs/returns.md` §4.3.

Silence alone does not say what was lost. "The answer was lost" needs the host's own later word, and so does "the
request was lost".
"""

from yuanlu.acquirers.outcome import Doubt
from yuanlu.causes.cause import Cause, Clue, Family, Guidance, Reason, Remedy, Severity, Words, when
from yuanlu.causes.evidence import Evidence, IncidentKind, Unsent
from yuanlu.causes.guidance import CHECKED, LOOKED_INTO, NOT_SENT, UNKNOWN

WEAK_SIGNAL_PERCENT = 20
REPEATS_OF_A_BAD_LINE = 2
RECONNECTS_OF_A_BAD_LINE = 3
TERMINALS_OF_A_SHOP = 2
TERMINAL_SAW_NO_ANSWER = "98"
HAD_IT = frozenset({"APPROVED", "REVERSED"})
UNREACHABLE = frozenset({Unsent.HOST_UNREACHABLE, Unsent.LINK_FAILED})


def _shop_down(evidence: Evidence) -> Reason | None:
    failing = evidence.failing
    if not evidence.undelivered:
        return None
    if failing.merchant_terminals < TERMINALS_OF_A_SHOP or failing.host_merchants > 0:
        declared = evidence.incident is IncidentKind.SHOP_OFFLINE
        return Reason(zh="已宣布：门店网络中断", en="declared: the shop's network is down") if declared else None
    count = failing.merchant_terminals
    return Reason(
        zh=f"本店另有 {count} 台终端同时异常，其他商户正常",
        en=f"{count} more terminals of this shop fail at the same time, other shops do not",
    )


def _weak_signal(evidence: Evidence) -> Reason | None:
    percent = evidence.terminal.signal_percent
    if percent is None or percent >= WEAK_SIGNAL_PERCENT or not _terminal_side(evidence):
        return None
    return Reason(zh=f"终端信号 {percent}%", en=f"the terminal's signal is at {percent}%")


def _bad_line(evidence: Evidence) -> Reason | None:
    repeats, reconnects = evidence.terminal.repeats, evidence.terminal.reconnects
    if repeats < REPEATS_OF_A_BAD_LINE and reconnects < RECONNECTS_OF_A_BAD_LINE:
        return None
    return Reason(
        zh=f"终端重发 {repeats} 次，重连 {reconnects} 次",
        en=f"the terminal repeated {repeats} times and reconnected {reconnects} times",
    )


def _terminal_side(evidence: Evidence) -> bool:
    """Whether what was lost was lost between us and the terminal."""
    return evidence.terminal_gone or evidence.terminal_reversal is not None or evidence.terminal.repeats > 0


def _never_arrived(evidence: Evidence) -> Reason | None:
    own = evidence.terminal_reversal
    if own is None or not own.original_unseen:
        return None
    return Reason(zh="终端冲正了一笔我们没有收到的交易", en="the terminal reversed a payment that never reached us")


def _late(evidence: Evidence) -> Reason | None:
    if not evidence.late_code or evidence.doubt is None:
        return None
    code = evidence.late_code
    return Reason(zh=f"应答 {code} 在放弃等待之后才到", en=f"the answer {code} came after we had given up waiting")


def _request_lost(evidence: Evidence) -> Reason | None:
    if evidence.doubt is None or evidence.state != "NO_EFFECT" or evidence.late_code or evidence.inquiry_state:
        return None
    return Reason(zh="没有应答，主机也没有见过原交易", en="no answer, and the host has not seen the payment")


def _terminal_saw_no_answer(evidence: Evidence) -> Reason | None:
    own = evidence.terminal_reversal
    if own is None or own.reason != TERMINAL_SAW_NO_ANSWER:
        return None
    return Reason(zh="终端冲正，原因 98：没有收到应答", en="the terminal reversed it for reason 98: it saw no answer")


def _host_link_unstable(evidence: Evidence) -> Reason | None:
    count = evidence.failing.host_reconnects
    if count < RECONNECTS_OF_A_BAD_LINE or not evidence.undelivered:
        return None
    return Reason(
        zh=f"到主机的连接几分钟内断开 {count} 次", en=f"the link to the host was lost {count} times in minutes"
    )


def _foreign(evidence: Evidence) -> Reason | None:
    if evidence.foreign_answers == 0 or evidence.doubt is not Doubt.TIMEOUT:
        return None
    count = evidence.foreign_answers
    return Reason(zh=f"收到 {count} 个对不上的应答", en=f"{count} answers came that fit no request")


shop_network_down = Cause(
    code="SHOP_NETWORK_DOWN", family=Family.NETWORK, title=Words(zh="门店网络中断", en="Shop network down"),
    looks_at=(Clue.TRANSPORT, Clue.OUTAGE), severity=Severity.CRITICAL, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=True,
    guidance=Guidance(
        cashier=Words(
            zh="门店网络不稳定，交易结果未知，系统只做查询和冲正。请勿重复刷卡。请改用备用网络，不要重启正在等待的终端。",
            en="The shop's network is unstable and the result unknown; the system only queries and reverses. Do not "
            "charge again. Switch to the backup network; do not restart a waiting terminal.",
        ),
        cardholder=UNKNOWN.cardholder,
    ),
    explains=_shop_down,
)  # fmt: skip

signal_weak = Cause(
    code="SIGNAL_WEAK", family=Family.NETWORK, title=Words(zh="终端信号弱", en="Weak signal at the terminal"),
    looks_at=(Clue.TERMINAL, Clue.TRANSPORT), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="终端信号弱，交易结果未知，系统正在自动冲正。请勿重复刷卡。请到信号好的位置等待结果。",
            en="The terminal's signal is weak and the result unknown. The system is reversing this payment. Do not "
            "charge again. Wait for the result where the signal is better.",
        ),
        cardholder=UNKNOWN.cardholder,
    ),
    explains=_weak_signal,
)  # fmt: skip

request_never_arrived = Cause(
    code="REQUEST_NEVER_ARRIVED", family=Family.NETWORK,
    title=Words(zh="请求未到达网关，终端已冲正", en="Request never reached us; the terminal reversed"),
    looks_at=(Clue.TRANSPORT, Clue.TERMINAL), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN, explains=_never_arrived,
)  # fmt: skip

answer_late = Cause(
    code="ANSWER_LATE", family=Family.NETWORK, title=Words(zh="迟到应答", en="Late answer"),
    looks_at=(Clue.TIMING, Clue.RESPONSE_CODE), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN, explains=_late,
)  # fmt: skip

answer_lost = Cause(
    code="ANSWER_LOST", family=Family.NETWORK, title=Words(zh="应答丢失", en="Answer lost"),
    looks_at=(Clue.TRANSPORT, Clue.RESPONSE_CODE), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN,
    explains=when(
        lambda e: e.doubt is not None and e.inquiry_state in HAD_IT,
        zh="没有应答，但主机查询说曾批准", en="no answer, and the host says when asked that it had approved",
    ),
)  # fmt: skip

request_lost = Cause(
    code="REQUEST_LOST", family=Family.NETWORK, title=Words(zh="请求丢失", en="Request lost"),
    looks_at=(Clue.TRANSPORT, Clue.RESPONSE_CODE), severity=Severity.MEDIUM, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="主机没有见过这笔交易，正在用清算文件核对。请勿重复刷卡收取这一笔。可改用其他方式收款，需顾客同意。",
            en="The host has not seen this payment; the clearing file will confirm it. Do not charge again for it with "
            "the same card. Take another payment only if the customer agrees.",
        ),
        cardholder=UNKNOWN.cardholder,
    ),
    explains=_request_lost,
)  # fmt: skip

answer_after_deadline = Cause(
    code="ANSWER_AFTER_DEADLINE", family=Family.NETWORK,
    title=Words(zh="批准来得太晚", en="Approved after the terminal's time was over"),
    looks_at=(Clue.TIMING,), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN,
    explains=when(
        lambda e: e.after_deadline,
        zh="主机批准时终端的等待已到期", en="the host approved when the terminal's time was over",
    ),
)  # fmt: skip

terminal_line_lost = Cause(
    code="TERMINAL_LINE_LOST", family=Family.NETWORK,
    title=Words(zh="已批准，终端断线", en="Approved, and the terminal was gone"),
    looks_at=(Clue.TRANSPORT, Clue.TIMING), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN,
    explains=when(
        lambda e: e.terminal_gone,
        zh="主机已批准，终端连接已断开", en="the host approved, and the terminal's connection was closed",
    ),
)  # fmt: skip

terminal_saw_no_answer = Cause(
    code="TERMINAL_SAW_NO_ANSWER", family=Family.NETWORK,
    title=Words(zh="终端未收到应答", en="The terminal saw no answer"),
    looks_at=(Clue.TRANSPORT, Clue.TERMINAL), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN,
    explains=_terminal_saw_no_answer,
)  # fmt: skip

host_link_unstable = Cause(
    code="HOST_LINK_UNSTABLE", family=Family.NETWORK, title=Words(zh="主机线路不稳定", en="Link to the host unstable"),
    looks_at=(Clue.TRANSPORT, Clue.OUTAGE), severity=Severity.HIGH, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=UNKNOWN, explains=_host_link_unstable,
)  # fmt: skip

answer_foreign = Cause(
    code="ANSWER_FOREIGN", family=Family.NETWORK, title=Words(zh="应答与请求不符", en="Answers that fit no request"),
    looks_at=(Clue.TRANSPORT,), severity=Severity.HIGH, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=UNKNOWN, explains=_foreign,
)  # fmt: skip

link_lost = Cause(
    code="LINK_LOST", family=Family.NETWORK, title=Words(zh="等待应答时断线", en="Connection lost before the answer"),
    looks_at=(Clue.TRANSPORT,), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN,
    explains=when(
        lambda e: e.doubt is Doubt.DISCONNECTED,
        zh="已发出，应答之前断线", en="sent, and the connection was lost before the answer",
    ),
)  # fmt: skip

answer_garbled = Cause(
    code="ANSWER_GARBLED", family=Family.NETWORK, title=Words(zh="应答无法解读", en="Answer cannot be read"),
    looks_at=(Clue.TRANSPORT,), severity=Severity.HIGH, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=UNKNOWN,
    explains=when(
        lambda e: e.doubt is Doubt.GARBLED,
        zh="收到应答，但无法解读", en="an answer came that cannot be read",
    ),
)  # fmt: skip

no_answer = Cause(
    code="NO_ANSWER", family=Family.NETWORK, title=Words(zh="超时无应答", en="No answer in time"),
    looks_at=(Clue.TRANSPORT, Clue.TIMING), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN,
    explains=when(
        lambda e: e.doubt is Doubt.TIMEOUT,
        zh="已发出，限时内没有应答", en="it was sent, and no answer came in time",
    ),
)  # fmt: skip

terminal_line_unstable = Cause(
    code="TERMINAL_LINE_UNSTABLE", family=Family.NETWORK,
    title=Words(zh="终端线路不稳定", en="The terminal's line is unstable"),
    looks_at=(Clue.TERMINAL, Clue.TRANSPORT), severity=Severity.MEDIUM, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=LOOKED_INTO, explains=_bad_line,
)  # fmt: skip

host_unreachable = Cause(
    code="HOST_UNREACHABLE", family=Family.NETWORK, title=Words(zh="连不上主机", en="Host cannot be reached"),
    looks_at=(Clue.TRANSPORT,), severity=Severity.HIGH, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=True, guidance=NOT_SENT,
    explains=when(
        lambda e: e.unsent in UNREACHABLE,
        zh="连不上主机，一个字节也没有发出", en="no connection to the host; not one byte left",
    ),
)  # fmt: skip

issuer_line_down = Cause(
    code="ISSUER_LINE_DOWN", family=Family.NETWORK, title=Words(zh="发卡行线路异常", en="No line to the issuer"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=CHECKED,
)  # fmt: skip
