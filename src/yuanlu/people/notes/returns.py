"""What is written about giving money back by void, refund and order, in Chinese."""

from yuanlu.people.notes.saying import Note
from yuanlu.returns.decision import WAYS

REASONS = (
    Note("the money came back after {n} minutes", "款项在 {n} 分钟后才退回"),
    Note(
        "batch {n}: approved, but the terminal's batch does not have it, and nothing shows that it heard of it",
        "批次 {n}：我方已批准，终端批次中没有，也没有迹象表明终端知道",
    ),
    Note(
        "approved, but the terminal's batch does not have it, and nothing shows that it heard of it",
        "我方已批准，终端批次中没有，也没有迹象表明终端知道",
    ),
    Note("the cashier voided it, and nobody knew the outcome", "收银员已撤销，但撤销结果未知"),
    Note("{seen}, reference {text}", "{seen}，单号 {text}"),
    Note("goods went out although the payment does not stand", "已交货，这笔付款却不成立"),
    Note("cash went out although the payment does not stand", "已退现金，这笔付款却不成立"),
)
"""Why money is to be given back, where the machine says so. A person's reason stays as it was typed."""

HOW = (
    *(Note(way.why[1], way.why[0]) for way in {way.why: way for way in WAYS}.values()),
    Note(
        "{why}; above the limit of {amount} for a return by itself: two people",
        "{why}；超过单笔自动退款限额 {amount}，由两人决定",
    ),
    Note(
        "{why}; above the limit of {amount} a day for returns by themselves: two people",
        "{why}；超过每日自动退款限额 {amount}，由两人决定",
    ),
    Note(
        "{why}; above contract {name}'s limit of {amount} for a return by itself: two people",
        "{why}；超过合同 {name} 的单笔自动退款限额 {amount}，由两人决定",
    ),
    Note(
        "{why}; above contract {name}'s limit of {amount} a day for returns by themselves: two people",
        "{why}；超过合同 {name} 的每日自动退款限额 {amount}，由两人决定",
    ),
    Note("{why}; within the limits of contract {name}", "{why}；在合同 {name} 的限额内"),
    Note("compensation by contract; one person approves, another pays", "按合同补偿；一人复核，另一人支付"),
    Note("the void was reversed; it is made again, or becomes a refund", "撤销已被冲正；将再次撤销，或改为退货"),
    Note(
        "open in a journal that was restored: it may be done already, look before you pay",
        "账本恢复前未了结：可能已经完成，支付前请先核对",
    ),
    Note("given back", "已退回"),
)
"""Which way an order goes, and how it ended."""

LEGS = (
    Note("by {id}", "由交易 {id}"),
    Note("{amount} given back", "已退回 {amount}"),
    Note("{amount} given back, reference {text}", "已退回 {amount}，参考号 {text}"),
    Note("all of it, by {kind}", "已全额退回，方式：{kind}"),
    Note("{kind}: {why}; it is never sent again, only evidence decides", "{kind}：{why}；不再重发，以证据为准"),
    Note("the {kind} was undone", "该{kind}已被撤回"),
    Note("{why}: the payment stands again", "{why}；原交易重新有效"),
    Note(
        "{decision} by {name} and {name2}, reference {text}",
        "{decision}，申请人 {name}，复核人 {name2}，参考号 {text}",
    ),
    Note("{decision} by {name} and {name2}, reference ", "{decision}，申请人 {name}，复核人 {name2}"),
    Note("once more, by {name} and {name2}", "再发一次，申请人 {name}，复核人 {name2}"),
)

RETURNS = (*REASONS, *HOW, *LEGS)

PROPOSED = (
    Note("{kind} of {amount} by {name}: {reason}", "{kind} {amount}，{name} 提出：{reason}"),
    Note("{kind} {amount}: {reason}", "{kind} {amount}：{reason}"),
)
ORDERS: dict[str, tuple[Note, ...]] = {
    "RETURN_PROPOSED": PROPOSED,
    "RETURN_ORDERED": PROPOSED,
    "RETURN_APPROVED": (
        Note("{kind} of {amount} by {name}", "{kind} {amount}，{name} 同意"),
        Note("{kind} {amount}: {reason}", "{kind} {amount}：{reason}"),
    ),
    "RETURN_REFUSED": (
        Note("{kind} of {amount} by {name}: {text}", "{kind} {amount}，{name} 驳回：{text}"),
        Note("{kind} {amount}: {text}", "{kind} {amount}：{text}"),
        Note("{amount} proposed by {name}: {refusal}", "{name} 申请退回 {amount}：{refusal}"),
        Note("{id} by {name}: {refusal}", "{name} 办理 {id}：{refusal}"),
    ),
    "RETURN_EXPIRED": (
        Note("{kind} of {amount}: not approved in time", "{kind} {amount}：逾期未复核"),
        Note("{kind} of {amount}: {why}", "{kind} {amount}：{why}"),
    ),
    "RETURN_PAID": (
        Note("{amount} by {name}, reference {text}", "{name} 支付 {amount}，参考号 {text}"),
        Note("{kind} {amount}, reference {text}", "{kind} {amount}，参考号 {text}"),
    ),
    "RETURN_FAILED": (
        Note("{kind} of {amount} by {name}: {refusal}", "{kind} {amount}，{name} 未能支付：{refusal}"),
        Note("{kind} of {amount}: {refusal}", "{kind} {amount}：{refusal}"),
        Note("{kind} {amount}: {refusal}", "{kind} {amount}：{refusal}"),
    ),
    "RETURN_DONE": (Note("{kind} of {amount}: {refused}", "{kind} {amount}：{refused}"),),
    "RETURN_ESCALATED": (Note("{kind} of {amount}: {refused}", "{kind} {amount}：{refused}"),),
}
"""What happens to an order, by the kind of the fact; the audit trail says it without who did it."""
