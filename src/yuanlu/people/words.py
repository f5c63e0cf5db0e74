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
    "ANSWERED": ("已答复终端", "The terminal was answered"),
    "PENDING": ("等待顾客确认", "Waiting for the customer to confirm"),
    "RETURNING": ("退回中", "Going back"),
    "CAPTURED": ("已入账", "Captured"),
    "SETTLEMENT": ("终端批结算", "The terminal settles its batch"),
    "BATCH_UPLOAD": ("终端批上送", "The terminal uploads its batch"),
    "BATCH_FINDING": ("与终端批次不符", "The terminal's batch differs"),
    "OBSERVED": ("有人或终端报告", "Reported by a person or the terminal"),
    "CLEARED": ("清算文件已确认", "Confirmed by the clearing files"),
    "CARDHOLDER_FEEDBACK": ("持卡人反馈", "What the cardholder says of it"),
    "ADVICE_SENT": ("已向主机转发通知", "Advice forwarded to the host"),
    "ADVICE_ANSWER": ("主机对通知的应答，未定论", "The host on the advice: not definite yet"),
}

TELLING_KINDS = {
    "TELLING": ("待通知", "To be told"),
    "TOLD": ("已通知", "Told"),
    "TOLD_DELIVERED": ("通知已送达", "Told, and delivered"),
    "NOT_TOLD": ("未能通知", "Could not be told"),
    "TELLING_AGAIN": ("要求再次通知", "To be told once more"),
    "CONTACT_GIVEN": ("持卡人留下手机号", "Number given to be told by"),
    "CONTACT_TAKEN_BACK": ("手机号已撤回", "Number taken back; it is told nothing more"),
    "TELLING_OVERTAKEN": ("已有更新的消息，不再通知", "Not told: better news came first"),
    "TELLING_UNWANTED": ("对方不愿接收", "Not told: not wanted"),
}
"""What happens to a message to people."""

WORDING_KINDS = {
    "WORDING_PROPOSED": ("提出通知文字，待复核", "Words for messages proposed; a second person has to approve"),
    "WORDING_APPROVED": ("复核同意通知文字，开始使用", "Words approved; they are used from now on"),
    "WORDING_REFUSED": ("通知文字被驳回", "Words refused"),
    "WORDING_WITHDRAWN": ("撤回通知文字", "Proposed words withdrawn"),
}
"""What people do to the words of messages."""

WAY_KINDS = {
    f"{kind}_{step}": (f"{zh}{zh_step}", f"{en}{en_step}")
    for kind, zh, en in (
        ("VOID", "撤销", "Void"),
        ("REFUND", "退货", "Refund"),
        ("PREAUTH_VOID", "预授权撤销", "Pre-authorisation void"),
        ("COMPLETION", "预授权完成", "Completion"),
        ("COMPLETION_VOID", "预授权完成撤销", "Completion void"),
        ("COMPLETION_ADVICE", "预授权完成通知", "Completion advice"),
        ("ADJUSTMENT_ADVICE", "调整通知", "Adjustment advice"),
        ("TIP_ADVICE", "小费通知", "Tip advice"),
        ("SCRIPT_RESULT", "脚本结果通知", "Script result"),
        ("ADJUSTMENT", "贷记调整", "Credit adjustment"),
    )
    for step, zh_step, en_step in (
        ("INTENT", "，已落账，准备发出", ": intent durable, about to be sent"),
        ("DONE", "已被主机受理", ": accepted by the host"),
        ("UNKNOWN", "结果未知，不再重发", ": outcome unknown; it is not sent again"),
        ("WITHOUT_EFFECT", "未生效，原交易不变", ": without effect; the original stands"),
    )
}
"""What happens to a payment through a message about it."""

ORDER_KINDS = {
    "RETURN_PROPOSED": ("提出退回，待复核", "Return proposed; a second person has to approve"),
    "RETURN_ORDERED": ("按规则自动退回", "Return ordered by policy"),
    "RETURN_APPROVED": ("复核同意退回", "Return approved"),
    "RETURN_REFUSED": ("退回被拒绝，未作任何变动", "Return refused; nothing moved"),
    "RETURN_EXPIRED": ("退回申请逾期失效", "The proposal expired"),
    "RETURN_PAID": ("已由人工支付", "Paid by hand"),
    "RETURN_FAILED": ("未能退回", "Nothing could be given back"),
    "RETURN_DONE": ("退回完成", "Given back"),
    "RETURN_ESCALATED": ("退回转人工办理", "The return goes on by hand"),
    "REFUND_INQUIRY": ("查询退货结果", "Inquiry about the refund sent"),
    "UNVERIFIED_ANSWER": ("收到 MAC 不符的批准应答，仅记录", "An approval with a wrong MAC came; noted only"),
    "EXPLAINED": ("原因", "Cause"),
    "RESTORED": ("账本恢复自较旧的备份", "The journal was restored from an older backup"),
    "DECIDED": ("按两人决定处理", "Carried out as two people decided"),
}

CASE_KINDS = {
    "CASE_OPENED": ("开立工单", "Case opened"),
    "CASE_JOINED": ("工单补充情况", "More became known"),
    "CASE_ASSIGNED": ("分派", "Assigned"),
    "CASE_NOTE": ("备注", "Note"),
    "CASE_ATTACHED": ("附件", "File attached"),
    "CASE_ESCALATED": ("升级", "Escalated"),
    "CASE_SNOOZED": ("暂缓", "Snoozed"),
    "CASE_WOKEN": ("恢复处理", "Woken"),
    "CASE_HANDED_OVER": ("转技术支持", "Handed over to technical support"),
    "CASE_REOPENED": ("重新打开工单", "Case opened again"),
    "CASE_CLOSED": ("关闭工单", "Case closed"),
    "CASE_DECISION_PROPOSED": ("提出处理申请，待复核", "Decision proposed; a second person has to approve"),
    "CASE_DECISION_APPROVED": ("复核同意", "Decision approved"),
    "CASE_DECISION_REFUSED": ("复核驳回", "Decision refused"),
    "CASE_DECISION_EXPIRED": ("申请逾期失效", "Proposal expired"),
    "CASE_DECISION_CARRIED_OUT": ("处理已执行", "Decision carried out"),
    "CASE_EXPORTED": ("导出证据材料", "Evidence pack exported"),
    "CASE_REFUSED": ("操作被拒绝，未作任何变动", "An action was refused; nothing moved"),
    "CASE_TOLD": ("通知", "Telling people"),
}
"""The facts of a case, and so the lines of its timeline."""

CASE_WORDS = {
    "OPEN": ("待处理", "open"),
    "IN_HAND": ("处理中", "in hand"),
    "SNOOZED": ("暂缓中", "snoozed"),
    "SUPPORT": ("技术支持中", "with support"),
    "CLOSED": ("已关闭", "closed"),
    "L1": ("一线", "first line"),
    "L2": ("二线", "second line"),
    "MERCHANT": ("商户运营", "merchant"),
    "MANAGER": ("主管", "manager"),
    "PROPOSED": ("待复核", "waits for approval"),
    "APPROVED": ("已同意，待执行", "approved, not carried out yet"),
    "REFUSED": ("已驳回", "refused"),
    "EXPIRED": ("已失效", "expired"),
    "CARRIED_OUT": ("已执行", "carried out"),
    "declare_returned": ("认定已退回", "declare returned"),
    "declare_no_effect": ("认定未扣款", "declare no effect"),
    "send_once_more": ("再发一次冲正", "send the reversal once more"),
    "manual_credit": ("人工贷记", "manual credit"),
    "returned": ("已退回", "returned"),
    "no_effect": ("未扣款", "no effect"),
    "credited": ("已人工贷记", "credited"),
    "payment_stands": ("交易有效", "the payment stands"),
    "repaired": ("故障已排除", "repaired"),
    "false_alarm": ("误报", "false alarm"),
}
"""States, levels, decisions and outcomes of the work list."""


INCIDENT_KINDS = {
    "INCIDENT_DECLARED": ("宣布事件", "Incident declared"),
    "INCIDENT_HELD": ("暂停新交易", "New sales held"),
    "INCIDENT_RELEASED": ("恢复新交易", "New sales taken again"),
    "INCIDENT_ENDED": ("事件结束", "Incident ended"),
    "INCIDENT_SETTLED": ("事件涉及的资金已全部了结", "Nothing of it is open any more"),
}
INCIDENT_STATES = {"ACTIVE": ("进行中", "active"), "ENDED": ("已结束", "ended")}

TRANSACTION_KINDS = {
    "balance": ("余额查询", "Balance inquiry"),
    "sale": ("消费", "Sale"),
    "qr_sale": ("扫码消费", "QR sale"),
    "void": ("消费撤销", "Void"),
    "refund": ("退货", "Refund"),
    "preauth": ("预授权", "Pre-authorisation"),
    "preauth_void": ("预授权撤销", "Pre-authorisation void"),
    "completion": ("预授权完成", "Completion"),
    "completion_void": ("预授权完成撤销", "Completion void"),
    "completion_advice": ("预授权完成通知", "Completion advice"),
    "offline_sale": ("离线消费", "Offline sale"),
    "offline_upload": ("离线上送", "Offline upload"),
    "adjustment_advice": ("结算调整", "Adjustment"),
    "tip_advice": ("小费", "Tip"),
    "script_result": ("脚本结果通知", "Script result"),
    "reversal": ("冲正", "Reversal"),
    "adjustment": ("贷记调整", "Credit adjustment"),
    "repayment": ("补发款项", "Re-payment"),
    "compensation": ("补偿", "Compensation"),
    "other": ("其他", "Other"),
}
"""Kinds of transaction, and of giving back."""

ROLE_WORDS = {
    "cashier": ("收银员", "cashier"),
    "finance": ("财务", "finance"),
    "support": ("技术支持", "support"),
    "risk": ("风控", "risk"),
    "compliance": ("合规", "compliance"),
    "administrator": ("管理员", "administrator"),
}

STAFF_KINDS = {
    "STAFF_CREATED": ("建立账号", "Account made"),
    "STAFF_CHANGED": ("变更账号", "Account changed"),
    "STAFF_PASSWORD": ("更换密码", "Password changed"),
    "STAFF_CODE": ("设置动态验证码", "One-time codes set up"),
    "STAFF_PASSKEY": ("变更通行密钥", "Passkeys changed"),
    "STAFF_SIGNED_IN": ("登录", "Signed in"),
    "STAFF_REFUSED": ("登录被拒绝", "Sign-in refused"),
}
"""What happens to a person's account."""

KEY_KINDS = {
    "KEY_CREATED": ("建立 API 密钥", "API key made"),
    "KEY_REVOKED": ("吊销 API 密钥", "API key revoked"),
}
"""What happens to an API key."""

ALL_KINDS = KINDS | WAY_KINDS | ORDER_KINDS | CASE_KINDS | INCIDENT_KINDS | STAFF_KINDS | KEY_KINDS
ALL_KINDS |= TELLING_KINDS | WORDING_KINDS
"""Every kind of fact that the timeline of a payment, a case, an incident or an account can show."""


def case_word(name: str, language: str) -> str:
    """The words for a kind, state, level, decision or outcome of the work list; the name itself when it has none."""
    words = CASE_KINDS.get(name) or CASE_WORDS.get(name)
    return name if words is None else words[0 if language == CHINESE else 1]


def kind_word(kind: str, language: str) -> str:
    """The words for a kind of transaction or return; the name itself when it has none."""
    words = TRANSACTION_KINDS.get(kind)
    return kind if words is None else words[0 if language == CHINESE else 1]


def incident_word(name: str, language: str) -> str:
    """The words for a fact or state of an incident."""
    return (INCIDENT_KINDS | INCIDENT_STATES)[name][0 if language == CHINESE else 1]


def word(kind: str, language: str) -> str:
    """The words for a kind or state; the code itself when it has none."""
    words = ALL_KINDS.get(kind)
    return kind if words is None else words[0 if language == CHINESE else 1]


def language_of(given: str) -> str:
    """zh or en: as given, else by the environment."""
    if given in (CHINESE, ENGLISH):
        return given
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return CHINESE if spoken.startswith("zh") else ENGLISH
