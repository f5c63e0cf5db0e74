"""Systems: issuer, switch, acquirer's host, and this gateway. What terminals do wrong is in `devices`.

Codes 09, 20, 68, 91, 94, 96, 98 are explicit answers after which the cardholder may still have been debited: an
institution behind the one that spoke may have acted (the note below the code table, domain §1.9).
"""

from yuanlu.acquirers.outcome import Doubt
from yuanlu.causes.cause import Cause, Clue, Family, Guidance, Reason, Remedy, Severity, Words, when
from yuanlu.causes.evidence import Break, Evidence, IncidentKind, Unsent
from yuanlu.causes.guidance import CHECKED, LOOKED_INTO, NOT_SENT, NOT_TAKEN, RETURN_REFUSED, SUPPORT, UNKNOWN

MERCHANTS_OF_AN_OUTAGE = 3
BUSY = frozenset({Unsent.GATEWAY_BUSY, Unsent.HOST_QUEUE_FULL})

_BREAK_ZH = {
    Break.ONLY_OURS: "只有我方有", Break.ONLY_THEIRS: "只有对方有", Break.AMOUNT_DIFFERS: "金额不符",
    Break.TWICE: "对方有两笔",
}  # fmt: skip
_BREAK_EN = {
    Break.ONLY_OURS: "only we have it", Break.ONLY_THEIRS: "only they have it",
    Break.AMOUNT_DIFFERS: "the amounts differ", Break.TWICE: "they have it twice",
}  # fmt: skip


def _host_down(evidence: Evidence) -> Reason | None:
    count = evidence.failing.host_merchants
    if not evidence.undelivered or count < MERCHANTS_OF_AN_OUTAGE:
        declared = evidence.incident is IncidentKind.HOST_DOWN and evidence.affected
        return Reason(zh="已宣布：收单主机中断", en="declared: the acquirer's host is down") if declared else None
    return Reason(
        zh=f"另有 {count} 家商户在同一主机同时异常", en=f"{count} more merchants of this host fail at the same time"
    )


def _batch(evidence: Evidence) -> Reason | None:
    return None if evidence.batch is None else _differs(evidence.batch, "终端批次", "the terminal's batch")


def _clearing(evidence: Evidence) -> Reason | None:
    return None if evidence.clearing is None else _differs(evidence.clearing, "清算文件", "the clearing file")


def _differs(how: Break, zh: str, en: str) -> Reason:
    return Reason(zh=f"与{zh}核对：{_BREAK_ZH[how]}", en=f"against {en}: {_BREAK_EN[how]}")


gateway_crashed = Cause(
    code="GATEWAY_CRASHED", family=Family.SYSTEM, title=Words(zh="网关中断", en="The gateway stopped"),
    looks_at=(Clue.GATEWAY,), severity=Severity.CRITICAL, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=UNKNOWN,
    explains=when(lambda e: e.gateway_crashed, zh="网关在收到应答前停止", en="the gateway stopped before the answer"),
)  # fmt: skip

host_down = Cause(
    code="HOST_DOWN", family=Family.SYSTEM, title=Words(zh="收单主机中断", en="The acquirer's host is down"),
    looks_at=(Clue.TRANSPORT, Clue.OUTAGE), severity=Severity.CRITICAL, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=UNKNOWN, explains=_host_down,
)  # fmt: skip

host_silent = Cause(
    code="HOST_SILENT", family=Family.SYSTEM, title=Words(zh="主机停止应答", en="The host has stopped answering"),
    looks_at=(Clue.TRANSPORT,), severity=Severity.HIGH, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=True, guidance=NOT_SENT,
    explains=when(
        lambda e: e.unsent is Unsent.HOST_SILENT,
        zh="主机连续不应答，已暂停发送", en="the host stopped answering; nothing is sent for now",
    ),
)  # fmt: skip

host_refused_sign_in = Cause(
    code="HOST_REFUSED_SIGN_IN", family=Family.SYSTEM,
    title=Words(zh="主机拒绝我方签到", en="The host refuses our sign-in"),
    looks_at=(Clue.TRANSPORT,), severity=Severity.CRITICAL, remedy=Remedy.SIGN_IN_AGAIN,
    may_charge_again=True, may_be_debited=False, needs_support=True, guidance=NOT_SENT,
    explains=when(
        lambda e: e.unsent is Unsent.SIGN_IN_REFUSED,
        zh="主机拒绝我方签到", en="the host refuses our sign-in",
    ),
)  # fmt: skip

gateway_busy = Cause(
    code="GATEWAY_BUSY", family=Family.SYSTEM, title=Words(zh="在途请求过多", en="Too many requests in flight"),
    looks_at=(Clue.GATEWAY,), severity=Severity.HIGH, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=True, guidance=NOT_SENT,
    explains=when(
        lambda e: e.unsent in BUSY,
        zh="在途请求过多，发送前已拒绝", en="too many requests in flight; nothing was sent",
    ),
)  # fmt: skip

disk_nearly_full = Cause(
    code="DISK_NEARLY_FULL", family=Family.SYSTEM, title=Words(zh="磁盘将满", en="The disk is nearly full"),
    looks_at=(Clue.GATEWAY,), severity=Severity.CRITICAL, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=True, guidance=NOT_SENT,
    explains=when(
        lambda e: e.unsent is Unsent.DISK_NEARLY_FULL,
        zh="磁盘将满，新交易暂停", en="the disk is nearly full; new sales wait",
    ),
)  # fmt: skip

approved_after_close = Cause(
    code="APPROVED_AFTER_CLOSE", family=Family.SYSTEM,
    title=Words(zh="结案后主机又批准", en="Approved after it was closed"),
    looks_at=(Clue.TIMING, Clue.RESPONSE_CODE), severity=Severity.HIGH, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN,
    explains=when(
        lambda e: e.reopened,
        zh="结案之后主机又批准", en="the host approved it after it was closed",
    ),
)  # fmt: skip

answer_mac_wrong = Cause(
    code="ANSWER_MAC_WRONG", family=Family.SYSTEM, title=Words(zh="应答 MAC 校验错", en="Wrong MAC on the answer"),
    looks_at=(Clue.TRANSPORT,), severity=Severity.HIGH, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=UNKNOWN,
    explains=when(lambda e: e.doubt is Doubt.BAD_MAC, zh="应答的 MAC 不正确", en="the answer's MAC is wrong"),
)  # fmt: skip

clearing_differs = Cause(
    code="CLEARING_DIFFERS", family=Family.SYSTEM,
    title=Words(zh="清算不符（单边账）", en="One-sided entry in clearing"),
    looks_at=(Clue.BATCH,), severity=Severity.HIGH, remedy=Remedy.REFUND,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=LOOKED_INTO, explains=_clearing,
)  # fmt: skip

batch_differs = Cause(
    code="BATCH_DIFFERS", family=Family.SYSTEM, title=Words(zh="批结算不平", en="The terminal's batch disagrees"),
    looks_at=(Clue.BATCH, Clue.RESPONSE_CODE), severity=Severity.HIGH, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=LOOKED_INTO, explains=_batch,
)  # fmt: skip

decline_unsigned = Cause(
    code="DECLINE_UNSIGNED", family=Family.SYSTEM, title=Words(zh="拒绝应答无 MAC", en="Decline without a MAC"),
    looks_at=(Clue.TRANSPORT,), severity=Severity.MEDIUM, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=CHECKED,
    explains=when(lambda e: e.unauthenticated, zh="拒绝应答没有 MAC", en="the decline came without a MAC"),
)  # fmt: skip

approved_defectively = Cause(
    code="APPROVED_DEFECTIVELY", family=Family.SYSTEM, title=Words(zh="有缺陷的成功", en="Approved, defective"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="银行已批准，另需在清算时核对。请勿重复刷卡，请保留小票。",
            en="The bank approved; clearing will confirm it. Do not charge again, and keep the slip.",
        ),
        cardholder=Words(
            zh="银行已批准这笔交易，入账结果会在清算时核对。请勿重复支付，请保留小票。",
            en="Your bank approved this payment; its posting is checked at clearing. Please do not pay twice, and keep "
            "the slip.",
        ),
    ),
)  # fmt: skip

issuer_silent = Cause(
    code="ISSUER_SILENT", family=Family.SYSTEM, title=Words(zh="发卡行无应答", en="The issuer does not answer"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN,
)  # fmt: skip

switch_fault = Cause(
    code="SWITCH_FAULT", family=Family.SYSTEM, title=Words(zh="交换中心异常", en="The switch is out of order"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.HIGH, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN,
)  # fmt: skip

still_processing = Cause(
    code="STILL_PROCESSING", family=Family.SYSTEM, title=Words(zh="请求正在处理中", en="Still being processed"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN,
)  # fmt: skip

issuer_down = Cause(
    code="ISSUER_DOWN", family=Family.SYSTEM, title=Words(zh="发卡行不能操作", en="The issuer cannot work"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=CHECKED,
)  # fmt: skip

host_says_duplicate = Cause(
    code="HOST_SAYS_DUPLICATE", family=Family.SYSTEM,
    title=Words(zh="主机称重复交易", en="The host calls it a duplicate"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.HIGH, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=CHECKED,
)  # fmt: skip

issuer_answer_invalid = Cause(
    code="ISSUER_ANSWER_INVALID", family=Family.SYSTEM,
    title=Words(zh="发卡行应答无效", en="The issuer's answer is invalid"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=CHECKED,
)  # fmt: skip

code_unlisted = Cause(
    code="CODE_UNLISTED", family=Family.SYSTEM, title=Words(zh="未收录的应答码", en="A response code we do not know"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.HIGH, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=CHECKED,
)  # fmt: skip

day_cut_over = Cause(
    code="DAY_CUT_OVER", family=Family.SYSTEM, title=Words(zh="日终处理", en="The host is changing its day"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="主机正在日切，本次未扣款。请等几分钟再收款，或请顾客改用其他方式支付。",
            en="The host is changing its day. Nothing was charged. Wait some minutes, or ask for another way to pay.",
        ),
        cardholder=Words(
            zh="银行系统正在日切，本次未扣款。您可以几分钟后再付，或改用其他方式支付。",
            en="The bank's system is changing its day. Nothing was charged. You may pay in some minutes, or in another "
            "way.",
        ),
    ),
)  # fmt: skip

host_error = Cause(
    code="HOST_ERROR", family=Family.SYSTEM, title=Words(zh="主机处理出错", en="An error at the host"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False, guidance=NOT_TAKEN,
)  # fmt: skip

security_fault = Cause(
    code="SECURITY_FAULT", family=Family.SYSTEM,
    title=Words(zh="主机安全处理失败", en="Security processing failed at the host"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.HIGH, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=True, guidance=SUPPORT,
)  # fmt: skip

reentry_asked = Cause(
    code="REENTRY_ASKED", family=Family.SYSTEM, title=Words(zh="主机要求重新送入", en="The host wants it entered anew"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False, guidance=NOT_TAKEN,
)  # fmt: skip

format_refused = Cause(
    code="FORMAT_REFUSED", family=Family.SYSTEM, title=Words(zh="报文格式错误", en="Message refused for its format"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.HIGH, remedy=Remedy.CONFIGURE,
    may_charge_again=True, may_be_debited=False, needs_support=True, guidance=SUPPORT,
)  # fmt: skip

transaction_invalid = Cause(
    code="TRANSACTION_INVALID", family=Family.SYSTEM, title=Words(zh="无效交易", en="Transaction not valid"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False, guidance=NOT_TAKEN,
)  # fmt: skip

function_unsupported = Cause(
    code="FUNCTION_UNSUPPORTED", family=Family.SYSTEM, title=Words(zh="不支持的功能", en="Function not supported"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.CONFIGURE,
    may_charge_again=True, may_be_debited=False, needs_support=True, guidance=SUPPORT,
)  # fmt: skip

merchant_invalid = Cause(
    code="MERCHANT_INVALID", family=Family.SYSTEM, title=Words(zh="无效商户", en="Merchant not valid"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.HIGH, remedy=Remedy.CONFIGURE,
    may_charge_again=True, may_be_debited=False, needs_support=True, guidance=SUPPORT,
)  # fmt: skip

fee_refused = Cause(
    code="FEE_REFUSED", family=Family.SYSTEM, title=Words(zh="交易费不被接受", en="Fee not accepted"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.CONFIGURE,
    may_charge_again=True, may_be_debited=False, needs_support=True, guidance=NOT_TAKEN,
)  # fmt: skip

original_not_found = Cause(
    code="ORIGINAL_NOT_FOUND", family=Family.SYSTEM, title=Words(zh="找不到原始交易", en="Original not found"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.HIGH, remedy=Remedy.MANUAL,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=RETURN_REFUSED, of_returns=True,
)  # fmt: skip
