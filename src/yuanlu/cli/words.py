"""What the journal's kinds and states are called, for staff, in both languages."""

import os

CHINESE, ENGLISH = "zh", "en"

KINDS = {
    "SEND_INTENT": ("收到请求，准备发往主机", "Received; about to be sent to the host"),
    "APPROVED": ("主机批准，已告知终端", "Approved by the host; the terminal was told"),
    "DECLINED": ("已拒绝，未扣款", "Declined; nothing was charged"),
    "UNKNOWN": ("结果未知", "Outcome unknown"),
    "RETURN_INTENT": ("决定原路退回，已落账", "Return decided and durable"),
    "RETURN_REVERSAL": ("发出冲正", "Reversal sent"),
    "RETURN_INQUIRY": ("发出状态查询", "Status inquiry sent"),
    "RETURN_NOT_SENT": ("冲正未能发出", "The reversal could not be sent"),
    "REVERSAL_ANSWER": ("冲正应答", "Answer to the reversal"),
    "INQUIRY_ANSWER": ("查询应答", "Answer to the inquiry"),
    "RETURNED": ("主机已受理退回", "Return accepted by the host"),
    "NO_EFFECT": ("原交易未生效，无需退回", "The original never took effect; nothing to return"),
    "ESCALATED": ("已转人工", "A person is on it"),
    "REOPENED": ("出现相反证据，重新打开", "Contradicting evidence; opened again"),
    "JOINED": ("终端的冲正并入已有的退回", "The terminal's reversal joins the return that exists"),
    "TOMBSTONE": ("终端冲正了一笔我们未收到的交易", "The terminal reversed a payment that never reached us"),
    "REPEAT": ("终端重发，已按账答复", "Repeated by the terminal; answered from the journal"),
    "TWIN_REFUSED": ("同号不同内容或过期重发，已拒绝", "Same number with other content, or too late; refused"),
    "LATE_ANSWER": ("迟到的应答，只记录", "Late answer, recorded only"),
    "PENDING": ("等待顾客确认", "Waiting for the customer to confirm"),
    "RETURNING": ("退回中", "Going back"),
    "CAPTURED": ("已入账", "Captured"),
}


def word(kind: str, language: str) -> str:
    """The words for a kind or state; the code itself when it has none."""
    words = KINDS.get(kind)
    return kind if words is None else words[0 if language == CHINESE else 1]


def language_of(given: str) -> str:
    """zh or en: as given, else by the environment."""
    if given in (CHINESE, ENGLISH):
        return given
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return CHINESE if spoken.startswith("zh") else ENGLISH
