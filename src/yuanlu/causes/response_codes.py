"""What each response code (field 39) says, and the cause it stands for.

Classes: A success, B may be tried again, C must not be tried again, D the operator deals with it, E system fault.
A host's code and the same code of our own are two things: our 91 was never sent, a host's 91 was.
Source: UnionPay POS response-code annex as reported by several implementations (domain §1.9).
"""

from msgspec import Struct

from yuanlu.causes import card_data, devices, fraud, network, operator, system
from yuanlu.causes.cause import Cause, Reason


class ResponseCode(Struct, frozen=True, kw_only=True):
    """One code: its meaning in the field's words, its class, and its cause; None where it explains nothing alone."""

    code: str
    zh: str
    action: str
    cause: Cause | None
    reason: Reason


def _row(code: str, zh: str, action: str, cause: Cause | None) -> ResponseCode:
    said = Reason(zh=f"主机应答码 {code}：{zh}", en=f"the host answered {code}")
    return ResponseCode(code=code, zh=zh, action=action, cause=cause, reason=said)


HOST_CODES = {
    row.code: row
    for row in (
        _row("00", "承兑或交易成功", "A", None),
        _row("01", "查发卡方", "C", card_data.ask_issuer),
        _row("02", "查发卡方的特殊条件", "C", card_data.ask_issuer),
        _row("03", "无效商户", "C", system.merchant_invalid),
        _row("04", "没收卡", "D", fraud.card_to_be_kept),
        _row("05", "身份认证失败或不予承兑", "C", card_data.issuer_declined),
        _row("06", "出错", "C", system.host_error),
        _row("07", "特殊条件下没收卡", "D", fraud.card_to_be_kept),
        _row("09", "请求正在处理中", "B", system.still_processing),
        _row("10", "部分金额批准", "A", card_data.partly_approved),
        _row("11", "VIP 批准", "A", None),
        _row("12", "无效（关联）交易", "C", system.transaction_invalid),
        _row("13", "无效金额", "B", operator.amount_invalid),
        _row("14", "无效卡号", "B", card_data.card_number_invalid),
        _row("15", "无此发卡方", "C", card_data.card_not_accepted),
        _row("16", "批准，更新第三磁道", "A", None),
        _row("17", "客户取消", "C", operator.customer_cancelled),
        _row("19", "重新送入交易", "C", system.reentry_asked),
        _row("20", "无效应答", "C", system.issuer_answer_invalid),
        _row("21", "卡未初始化或睡眠卡", "C", card_data.card_not_active),
        _row("22", "故障怀疑，关联交易错误", "C", operator.linked_transaction_wrong),
        _row("23", "不可接受的交易费", "C", system.fee_refused),
        _row("25", "找不到原始交易", "C", system.original_not_found),
        _row("30", "报文格式错误", "C", system.format_refused),
        _row("31", "交换中心不支持的银行", "C", card_data.card_not_accepted),
        _row("33", "过期卡（没收）", "D", card_data.card_expired),
        _row("34", "有作弊嫌疑", "D", fraud.issuer_suspects_fraud),
        _row("35", "联系安全部门", "D", fraud.card_to_be_kept),
        _row("36", "受限制的卡", "D", fraud.card_to_be_kept),
        _row("37", "联系安全部门", "D", fraud.card_to_be_kept),
        _row("38", "超过允许的 PIN 试输入", "D", card_data.pin_tries_exceeded),
        _row("39", "无贷记账户", "C", card_data.account_missing),
        _row("40", "请求的功能尚不支持", "C", system.function_unsupported),
        _row("41", "挂失卡", "D", fraud.card_lost_or_stolen),
        _row("43", "被窃卡", "D", fraud.card_lost_or_stolen),
        _row("45", "降级交易，请插卡", "C", card_data.chip_required),
        _row("51", "资金不足", "C", card_data.funds_insufficient),
        _row("54", "过期的卡", "C", card_data.card_expired),
        _row("55", "不正确的 PIN", "C", card_data.pin_wrong),
        _row("57", "不允许持卡人进行的交易", "C", card_data.card_restricted),
        _row("58", "不允许终端进行的交易", "C", devices.terminal_not_permitted),
        _row("59", "有作弊嫌疑（CVN）", "C", fraud.card_check_failed),
        _row("61", "超出金额限制", "C", card_data.amount_limit_exceeded),
        _row("62", "受限制的卡", "C", card_data.card_restricted),
        _row("64", "原始金额错误", "C", operator.return_amount_differs),
        _row("65", "超出消费次数限制", "C", card_data.count_limit_exceeded),
        _row("68", "发卡行响应超时", "C", system.issuer_silent),
        _row("75", "允许的 PIN 输入次数超限", "C", card_data.pin_tries_exceeded),
        _row("77", "批次号不一致", "D", devices.batch_out_of_step),
        _row("90", "正在日终处理", "C", system.day_cut_over),
        _row("91", "发卡方不能操作", "C", system.issuer_down),
        _row("92", "金融机构或网络设施无法达到", "C", network.issuer_line_down),
        _row("94", "重复交易", "C", system.host_says_duplicate),
        _row("95", "调节控制错", "C", system.batch_differs),
        _row("96", "处理中心系统异常", "C", system.switch_fault),
        _row("97", "POS 终端号找不到", "D", devices.terminal_unknown),
        _row("98", "银联处理中心收不到发卡方应答", "E", system.issuer_silent),
        _row("99", "PIN 格式错", "B", devices.pin_key_stale),
        _row("A0", "MAC 鉴别失败", "B", devices.host_refused_mac),
        _row("A1", "转账货币不一致", "C", card_data.account_currency_differs),
        _row("A2", "有缺陷的成功", "A", system.approved_defectively),
        _row("A3", "资金到账行无此账户", "C", card_data.account_missing),
        _row("A4", "有缺陷的成功", "A", system.approved_defectively),
        _row("A5", "有缺陷的成功", "A", system.approved_defectively),
        _row("A6", "有缺陷的成功", "A", system.approved_defectively),
        _row("A7", "安全处理失败", "C", system.security_fault),
    )
}
"""Every code of the annex. A success explains nothing by itself: what went wrong with it lies elsewhere."""

OUR_CODES = {
    "03": system.merchant_invalid,
    "05": card_data.issuer_declined,
    "12": system.transaction_invalid,
    "13": operator.amount_invalid,
    "14": card_data.card_number_invalid,
    "22": operator.linked_transaction_wrong,
    "25": system.original_not_found,
    "30": system.format_refused,
    "40": system.function_unsupported,
    "58": devices.terminal_not_permitted,
    "61": operator.return_amount_differs,
    "64": operator.return_amount_differs,
    "77": devices.batch_out_of_step,
    "91": network.host_unreachable,
    "94": devices.trace_number_reused,
    "96": system.gateway_busy,
    "97": devices.terminal_unknown,
    "99": devices.pin_key_stale,
    "A0": devices.terminal_mac_wrong,
}
"""What we say ourselves. Our 98 is missing on purpose: it follows from a doubt, and the doubt explains it."""

OF_RETURNS = {"61": operator.return_amount_differs}
"""What a host's code means where money is to go back: nobody's limit is exceeded, more is asked for than was paid."""

UNLISTED = system.code_unlisted


def cause_of_host_code(code: str, *, gives_back: bool = False) -> tuple[Cause, Reason] | None:
    """The cause a host's code stands for; a code that no annex lists is a cause of its own.

    `gives_back`: it answers a void or refund.
    """
    row = HOST_CODES.get(code)
    if row is None:
        return UNLISTED, Reason(zh=f"主机应答码 {code} 未收录", en=f"the host answered {code}, which is in no list")
    cause = OF_RETURNS.get(code, row.cause) if gives_back else row.cause
    return None if cause is None else (cause, row.reason)


def cause_of_our_code(code: str) -> tuple[Cause, Reason] | None:
    """The cause of a refusal of our own."""
    cause = OUR_CODES.get(code)
    return None if cause is None else (cause, Reason(zh=f"本网关答复 {code}", en=f"we answered {code} ourselves"))
