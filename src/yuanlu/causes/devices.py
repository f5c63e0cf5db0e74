"""Systems, second half: the terminals themselves, their keys, numbers, power, printer and software.

Traps T15 (no slip is no decline) and T21 (77, 99 and A0 ask for a new sign-in).
"""

from yuanlu.causes.cause import Cause, Clue, Family, Guidance, Reason, Remedy, Severity, Words, when
from yuanlu.causes.evidence import CHARGED_STATES, Evidence, Unsent
from yuanlu.causes.guidance import LOOKED_INTO, SIGN_IN, SUPPORT, UNKNOWN

EMPTY_BATTERY_PERCENT = 5
TERMINAL_SAW_WRONG_MAC = "A0"
FORMAT_CODES = frozenset({"30", "12", "40"})
"""What a host says to messages of an old edition."""


def _lost_power(evidence: Evidence) -> Reason | None:
    terminal = evidence.terminal
    empty = terminal.battery_percent is not None and terminal.battery_percent <= EMPTY_BATTERY_PERCENT
    if not terminal.restarted and not (empty and evidence.undelivered):
        return None
    if empty:
        return Reason(
            zh=f"终端电量只有 {terminal.battery_percent}%", en=f"its battery is at {terminal.battery_percent}%"
        )
    return Reason(zh="终端在等待应答时重新启动", en="the terminal started anew while it waited")


def _refused_answer(evidence: Evidence) -> Reason | None:
    own = evidence.terminal_reversal
    if own is None or own.reason != TERMINAL_SAW_WRONG_MAC:
        return None
    return Reason(
        zh="终端冲正，原因 A0：应答 MAC 不符", en="the terminal reversed it for reason A0: wrong MAC on the answer"
    )


def _no_slip(evidence: Evidence) -> Reason | None:
    if not evidence.terminal.slip_failed or evidence.state not in CHARGED_STATES:
        return None
    return Reason(zh="已批准，终端报告小票未打印", en="approved, and the terminal says that no slip was printed")


def _faulty(evidence: Evidence) -> Reason | None:
    fault = evidence.terminal.hardware_fault
    return Reason(zh=f"终端自报故障：{fault}", en=f"the terminal reports a fault: {fault}") if fault else None


def _outdated(evidence: Evidence) -> Reason | None:
    if not evidence.terminal.software_outdated or evidence.response_code not in FORMAT_CODES:
        return None
    code = evidence.response_code
    return Reason(zh=f"应答码 {code}，终端软件版本落后", en=f"code {code}, and the terminal's software is out of date")


terminal_lost_power = Cause(
    code="TERMINAL_LOST_POWER", family=Family.SYSTEM, title=Words(zh="终端断电或重启", en="The terminal lost power"),
    looks_at=(Clue.TERMINAL,), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="终端在交易中断电或重启，这笔结果未知，系统正在自动冲正。请勿重复刷卡。请接好电源，等结果显示。",
            en="The terminal lost power during the payment. The result is unknown and it is being reversed. Do not "
            "charge again. Connect the power and wait for the result.",
        ),
        cardholder=UNKNOWN.cardholder,
    ),
    explains=_lost_power,
)  # fmt: skip

terminal_refused_answer = Cause(
    code="TERMINAL_REFUSED_ANSWER", family=Family.SYSTEM,
    title=Words(zh="终端不认应答 MAC", en="The terminal refused the answer's MAC"),
    looks_at=(Clue.TERMINAL, Clue.TRANSPORT), severity=Severity.HIGH, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=UNKNOWN, explains=_refused_answer,
)  # fmt: skip

slip_not_printed = Cause(
    code="SLIP_NOT_PRINTED", family=Family.SYSTEM, title=Words(zh="已批准，小票未打印", en="Approved, no slip printed"),
    looks_at=(Clue.TERMINAL,), severity=Severity.LOW, remedy=Remedy.REPRINT,
    may_charge_again=False, may_be_debited=True, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="交易已批准，只是小票没有打印。请勿重复刷卡。请装好纸后按重打印。",
            en="The payment was approved; only the slip is missing. Do not charge again. Put in paper and print again.",
        ),
        cardholder=Words(
            zh="您的付款已获批准，只是小票没有打印，商户会补打。请勿重复支付。",
            en="Your payment was approved; only the slip is missing, and the shop will print it. Please do not pay "
            "twice.",
        ),
    ),
    explains=_no_slip,
)  # fmt: skip

terminal_faulty = Cause(
    code="TERMINAL_FAULTY", family=Family.SYSTEM, title=Words(zh="终端硬件故障", en="The terminal is broken"),
    looks_at=(Clue.TERMINAL,), severity=Severity.HIGH, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=True,
    guidance=Guidance(
        cashier=Words(
            zh="终端报告故障，这笔交易正在核对。请勿重复刷卡。其他顾客请在另一台终端收款。",
            en="The terminal reports a fault and this payment is being checked. Do not charge again. Use another "
            "terminal for other customers.",
        ),
        cardholder=LOOKED_INTO.cardholder,
    ),
    explains=_faulty,
)  # fmt: skip

software_outdated = Cause(
    code="SOFTWARE_OUTDATED", family=Family.SYSTEM,
    title=Words(zh="终端软件版本落后", en="Terminal software out of date"),
    looks_at=(Clue.TERMINAL, Clue.RESPONSE_CODE), severity=Severity.HIGH, remedy=Remedy.CONFIGURE,
    may_charge_again=True, may_be_debited=False, needs_support=True, guidance=SUPPORT, explains=_outdated,
)  # fmt: skip

terminal_unknown = Cause(
    code="TERMINAL_UNKNOWN", family=Family.SYSTEM, title=Words(zh="终端未登记", en="Terminal not registered"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.HIGH, remedy=Remedy.CONFIGURE,
    may_charge_again=True, may_be_debited=False, needs_support=True, guidance=SUPPORT,
)  # fmt: skip

terminal_not_permitted = Cause(
    code="TERMINAL_NOT_PERMITTED", family=Family.SYSTEM,
    title=Words(zh="不允许终端进行的交易", en="Not permitted at this terminal"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.CONFIGURE,
    may_charge_again=True, may_be_debited=False, needs_support=True, guidance=SUPPORT,
)  # fmt: skip

terminal_mac_wrong = Cause(
    code="TERMINAL_MAC_WRONG", family=Family.SYSTEM, title=Words(zh="终端请求 MAC 错", en="Wrong MAC on the request"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.SIGN_IN_AGAIN,
    may_charge_again=True, may_be_debited=False, needs_support=False, guidance=SIGN_IN,
)  # fmt: skip

host_refused_mac = Cause(
    code="HOST_REFUSED_MAC", family=Family.SYSTEM, title=Words(zh="主机 MAC 鉴别失败", en="The host refused our MAC"),
    looks_at=(Clue.RESPONSE_CODE, Clue.TRANSPORT), severity=Severity.MEDIUM, remedy=Remedy.SIGN_IN_AGAIN,
    may_charge_again=True, may_be_debited=False, needs_support=False, guidance=SIGN_IN,
    explains=when(
        lambda e: e.unsent is Unsent.KEYS_STALE,
        zh="主机刚刚称我方密钥过期", en="the host has just called our keys stale",
    ),
)  # fmt: skip

pin_key_stale = Cause(
    code="PIN_KEY_STALE", family=Family.SYSTEM, title=Words(zh="PIN 格式错", en="PIN block cannot be read"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.SIGN_IN_AGAIN,
    may_charge_again=True, may_be_debited=False, needs_support=False, guidance=SIGN_IN,
)  # fmt: skip

batch_out_of_step = Cause(
    code="BATCH_OUT_OF_STEP", family=Family.SYSTEM, title=Words(zh="批次号不一致", en="Batch number differs"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.SIGN_IN_AGAIN,
    may_charge_again=True, may_be_debited=False, needs_support=False, guidance=SIGN_IN,
)  # fmt: skip

trace_number_reused = Cause(
    code="TRACE_NUMBER_REUSED", family=Family.SYSTEM,
    title=Words(zh="流水号重复，内容不同或过期", en="Trace number used before"),
    looks_at=(Clue.RESPONSE_CODE, Clue.TRANSPORT), severity=Severity.HIGH, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=True,
    guidance=Guidance(
        cashier=Words(
            zh="这个流水号已用过，这次请求没有发往银行，前一笔需要核对。请勿重复刷卡。请先查询前一笔的结果。",
            en="This trace number was used before; this request was not sent, and the earlier payment has to be "
            "checked. Do not charge again. Look up the earlier payment first.",
        ),
        cardholder=LOOKED_INTO.cardholder,
    ),
    explains=when(
        lambda e: e.unsent is Unsent.TRACE_NUMBER_WAITS,
        zh="同一流水号的请求还在等应答", en="another request with its number still waits",
    ),
)  # fmt: skip
