"""What pages call messages: what they are about, where they stand, whose words they are; and example values."""

from typing import Any

from yuanlu.cases.records import Words
from yuanlu.notices import Event
from yuanlu.notification.states import Sending
from yuanlu.notification.templates import Audience
from yuanlu.notification.wordings import WordingState

EVENT_WORDS = {
    Event.OUTCOME_UNKNOWN: Words(zh="交易结果未知", en="Result unknown"),
    Event.NOT_CHARGED: Words(zh="未扣款", en="Not charged"),
    Event.DUPLICATE_FOUND: Words(zh="疑似重复扣款", en="Charged twice"),
    Event.RETURN_ACCEPTED: Words(zh="退回已受理", en="Return accepted"),
    Event.RETURN_CONFIRMED: Words(zh="退回已确认", en="Return confirmed"),
    Event.RETURN_DELAYED: Words(zh="退回延迟", en="Return delayed"),
    Event.COMPENSATION_PAID: Words(zh="补偿已支付", en="Compensation paid"),
    Event.CASE_ESCALATED: Words(zh="工单已升级", en="Case escalated"),
    Event.INCIDENT_BEGAN: Words(zh="事件开始", en="Incident began"),
    Event.INCIDENT_ENDED: Words(zh="事件结束", en="Incident ended"),
}

SENDING_WORDS = {
    Sending.WAITING: Words(zh="待发送", en="Waiting"),
    Sending.SENT: Words(zh="已发出，未回执", en="Sent, no receipt yet"),
    Sending.DELIVERED: Words(zh="已送达", en="Delivered"),
    Sending.UNDELIVERED: Words(zh="未送达", en="Not delivered"),
    Sending.FAILED: Words(zh="发送失败", en="Could not be sent"),
    Sending.OVERTAKEN: Words(zh="未发：已有更新的消息", en="Not sent: better news came"),
    Sending.UNWANTED: Words(zh="未发：对方不愿接收", en="Not sent: not wanted"),
}
"""Sent is not delivered: only the provider's receipt says that."""

TONES = {
    Sending.DELIVERED: "ok", Sending.WAITING: "warn", Sending.UNDELIVERED: "bad", Sending.FAILED: "bad",
}  # fmt: skip
"""The colour beside the words."""

OUTCOME_WORDS = {
    "accepted": Words(zh="已接收", en="accepted"),
    "refused": Words(zh="已拒绝", en="refused"),
    "unreachable": Words(zh="无法连接", en="not reached"),
}
"""What a channel said to one try."""

AUDIENCE_WORDS = {
    Audience.CARDHOLDER: Words(zh="持卡人", en="Cardholder"),
    Audience.MERCHANT: Words(zh="商户", en="Merchant"),
    Audience.SUPPORT: Words(zh="技术支持", en="Support"),
}

WORDING_WORDS = {
    WordingState.PROPOSED: Words(zh="待复核", en="Waits for a second person"),
    WordingState.APPROVED: Words(zh="已同意", en="Approved"),
    WordingState.REFUSED: Words(zh="已驳回", en="Refused"),
    WordingState.WITHDRAWN: Words(zh="已撤回", en="Withdrawn"),
}
"""Where words of people's own stand."""

VARIABLE_WORDS = {
    "amount": Words(zh="金额", en="the amount"),
    "brand": Words(zh="短信签名", en="the signature of an SMS"),
    "by": Words(zh="在此之前更新或处理", en="the time by which there is news, or by which it is due"),
    "card": Words(zh="卡号后四位", en="the card’s last four digits"),
    "case": Words(zh="工单号", en="the case"),
    "cause": Words(zh="原因", en="the cause"),
    "count": Words(zh="受影响的交易笔数", en="how many payments are affected"),
    "extra": Words(zh="另付的补偿", en="the compensation on top"),
    "incident": Words(zh="事件号", en="the incident"),
    "level": Words(zh="工单级别", en="the level of the case"),
    "merchant": Words(zh="商户号", en="the merchant’s number"),
    "money": Words(zh="受影响的金额", en="how much money is affected"),
    "open": Words(zh="尚未了结的笔数", en="how many are still open"),
    "place": Words(zh="事件范围", en="where the incident is"),
    "ref": Words(zh="工单或凭证号，供查询", en="the case or voucher to ask for"),
    "shop": Words(zh="商户名称", en="the shop’s name, as its room allows"),
    "terminal": Words(zh="终端号", en="the terminal"),
    "terminals": Words(zh="受影响的终端数", en="how many terminals are affected"),
    "time": Words(zh="交易、退回或事件的时间", en="the time of the payment, of its return or of the incident"),
    "title": Words(zh="工单或事件的标题", en="the title of the case or incident"),
    "todo": Words(zh="收银员该做什么", en="what the cashier has to do"),
    "why": Words(zh="说明", en="the explanation"),
}
"""What the variables of templates stand for."""

WORDS: dict[str, Any] = {
    "event_words": EVENT_WORDS, "sending_words": SENDING_WORDS, "audience_words": AUDIENCE_WORDS,
    "outcome_words": OUTCOME_WORDS, "tones": TONES, "wording_words": WORDING_WORDS, "variable_words": VARIABLE_WORDS,
}  # fmt: skip
"""What templates call things."""

EXAMPLES = {
    "zh": {
        "card": "尾号1451的卡", "shop": "南站出口店", "amount": "¥1,280.00", "extra": "¥5.00", "time": "11月23日05:47",
        "by": "11月24日18:00", "ref": "凭证000123", "case": "C261123-48301926", "title": "冲正未得到银行确认",
        "level": "二线", "merchant": "898440153110001", "why": "银行三次未应答冲正请求", "cause": "银行未应答",
        "place": "高新万达店", "incident": "I261123-01", "count": "38", "terminals": "6", "money": "¥9,120.00",
        "open": "4", "terminal": "T0000001", "todo": "请勿要求顾客再次支付。",
    },
    "en": {
        "card": "card 1451", "shop": "South Exit", "amount": "¥1,280.00", "extra": "¥5.00", "time": "23 Nov 05:47",
        "by": "24 Nov 18:00", "ref": "voucher 000123", "case": "C261123-48301926",
        "title": "The bank has not confirmed the reversal", "level": "the second line", "merchant": "898440153110001",
        "why": "three reversals were not answered", "cause": "The bank did not answer", "place": "Gaoxin Wanda",
        "incident": "I261123-01", "count": "38", "terminals": "6", "money": "¥9,120.00", "open": "4",
        "terminal": "T0000001", "todo": "Do not ask the customer to pay again.",
    },
}  # fmt: skip
"""What the variables of templates may look like. The brand is the settings' own."""
