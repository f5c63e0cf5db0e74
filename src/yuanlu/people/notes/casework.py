"""What is written into the timeline of a case, in Chinese. What people typed stays as it is."""

from yuanlu.cases.texts import text_of
from yuanlu.flow.clearing import NOW_RETURNED, STILL_TAKEN
from yuanlu.people.notes.saying import Note

OPENED = (Note("{cause}: {both}", "{cause}：{both}"),)
DECIDED = (
    Note("{id} {decision} {amount}: {remark}", "{id} {decision} {amount}：{remark}"),
    Note("{id} {decision} {amount}, reference {reference}: {remark}",
         "{id} {decision} {amount}，参考号 {reference}：{remark}"),
)  # fmt: skip

SILENT = "nothing has come from {scope} for {n} minutes; it cannot end by itself, look after it"

CASES: dict[str, tuple[Note, ...]] = {
    "CASE_OPENED": OPENED,
    "CASE_JOINED": OPENED,
    "CASE_REOPENED": OPENED,
    "CASE_ASSIGNED": (
        Note("{owner} → {owner2}", "{owner} → {owner2}"),
        Note("{owner} → {owner2}, {queue} → {queue2}", "{owner} → {owner2}，{queue} → {queue2}"),
    ),
    "CASE_NOTE": (
        *(
            Note(text_of(f"{words.zh} / {words.en}", "the note"), words.zh, words.en)
            for words in (STILL_TAKEN, NOW_RETURNED)
        ),
        Note("{text} / " + SILENT, "{text}", SILENT),
    ),
    "CASE_ATTACHED": (),
    "CASE_ESCALATED": (
        Note("{word} → {word2}: not closed in time", "{word} → {word2}：逾期未结"),
        Note("{word} → {word2}: {text}", "{word} → {word2}：{text}"),
    ),
    "CASE_SNOOZED": (),
    "CASE_WOKEN": (Note("slept {n} min", "暂缓了 {n} 分钟"),),
    "CASE_HANDED_OVER": (Note("{id}: complex: {cause}", "{id}：情况复杂（{cause}）"),),
    "CASE_CLOSED": (
        Note("{word}; a person was needed", "{word}；需要人工"),
        Note("{word}; no person was needed", "{word}；无需人工"),
        Note("{word}; a person was needed; {remark}", "{word}；需要人工；{remark}"),
        Note("{word}; no person was needed; {remark}", "{word}；无需人工；{remark}"),
    ),
    "CASE_DECISION_PROPOSED": DECIDED,
    "CASE_DECISION_APPROVED": DECIDED,
    "CASE_DECISION_REFUSED": DECIDED,
    "CASE_DECISION_EXPIRED": DECIDED,
    "CASE_DECISION_CARRIED_OUT": DECIDED,
    "CASE_REFUSED": (Note("{attempt}: {refusal}", "{attempt}：{refusal}"),),
}
"""What happens to a case, by the kind of the fact; as the case's timeline has it, without who did it."""

REPORT = (
    Note(
        "{n} transactions of {n2} terminals, {n3} returned, {n4} open",
        "{n2} 台终端的 {n} 笔交易，已退回 {n3} 笔，未结 {n4} 笔",
    ),
    Note(
        "{n} transactions of {n2} terminals about {amounts}, {n3} returned, {n4} open",
        "{n2} 台终端的 {n} 笔交易，合计 {amounts}，已退回 {n3} 笔，未结 {n4} 笔",
    ),
)

REMARKS = (
    *REPORT,
    Note("the return ended by itself", "退回已自行完成"),
    Note("{name} is loaded", "{name} 已装入"),
    Note("overtaken: the money is settled", "资金已了结，申请作废"),
    Note("withdrawn: {text}", "已撤回：{text}"),
    Note("the amount is only held, so nothing can be credited", "该笔只是冻结，未扣款，无可退回"),
    Note("the payment is {state} by now", "该交易现已是“{state}”"),
    Note("{decision}, reference {text}", "{decision}，参考号 {text}"),
)
"""What the machine adds where people may add a remark."""

ATTEMPTS = {
    "claim": "领取", "assign": "分派", "note": "备注", "attach": "附件", "snooze": "暂缓", "wake": "恢复",
    "escalate": "升级", "handover": "转交", "reopen": "重新打开", "close": "关闭", "propose": "提出申请",
    "withdraw": "撤回申请", "approve": "同意", "refuse": "驳回",
}  # fmt: skip
"""What was tried, by the name of the command or form."""
