"""What the ways back and the states of a return order are called."""

from yuanlu.cases.records import Words
from yuanlu.returns.decision import COMPENSATION, REPAYMENT, VOID_WAY
from yuanlu.returns.orders import POLICY, OrderState
from yuanlu.returns.ways import ADJUSTMENT

WAY_WORDS: dict[str, Words] = {
    VOID_WAY: Words(zh="撤销", en="Void"),
    "refund": Words(zh="退货", en="Refund"),
    ADJUSTMENT: Words(zh="贷记调整（人工）", en="Credit adjustment, by hand"),
    REPAYMENT: Words(zh="补付（人工）", en="Re-payment, by hand"),
    COMPENSATION: Words(zh="合同补偿（人工）", en="Compensation by contract, by hand"),
}

ORDER_WORDS: dict[str, Words] = {
    OrderState.PROPOSED: Words(zh="待复核", en="waits for approval"),
    OrderState.RUNNING: Words(zh="退回中", en="under way"),
    OrderState.ESCALATED: Words(zh="转人工", en="goes on by hand"),
    OrderState.DONE: Words(zh="已完成", en="done"),
    OrderState.FAILED: Words(zh="未能退回", en="failed"),
    OrderState.REFUSED: Words(zh="已驳回", en="refused"),
    OrderState.EXPIRED: Words(zh="已失效", en="expired"),
    OrderState.CANCELLED: Words(zh="已取消", en="cancelled"),
}

MAKERS = {POLICY: Words(zh="系统规则", en="the policy")}
"""A maker that is no person."""
