"""The pack's own words, in both languages. Kinds, states and ways have theirs in `yuanlu.people.words`."""

from dataclasses import dataclass
from typing import Protocol

from yuanlu.people.notes.reading import in_words
from yuanlu.people.words import CHINESE, case_word, kind_word, word

NUMERALS = "零一二三四五六七八九十"

WORDS: dict[str, tuple[str, str]] = {
    "title": ("交易异常处理证据材料", "Evidence of an abnormal payment"),
    "subtitle": ("工单 {case}", "Case {case}"),
    "page": ("第 ", "Page "),
    "of pages": (" 页 共 ", " of "),
    "pages": (" 页", ""),
    "digest": ("内容摘要 SHA-256", "SHA-256 of the content"),
    "none": ("无", "none"),
    "system": ("系统", "system"),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    # head
    "case no": ("工单编号", "Case number"),
    "case state": ("工单状态", "State of the case"),
    "made at": ("制作时间", "Made at"),
    "made by": ("制作人", "Made by"),
    "zone": ("{time}（北京时间，UTC+8）", "{time} (Beijing time, UTC+8)"),
    # 1
    "what happened": ("事实概要", "What happened"),
    "sentence": ("{title}。{text}", "{title}. {text}"),
    "cause": ("原因", "Cause"),
    "cause of": ("{title}（{code}）", "{title} ({code})"),
    "opened": ("立案时间", "Opened at"),
    "since": ("异常发生时间", "Went wrong at"),
    "closed": ("结案时间", "Closed at"),
    "outcome": ("处理结果", "Outcome"),
    "owner": ("负责人", "Owner"),
    "nobody": ("未分派", "nobody"),
    "incident": ("相关事件或批次", "Incident or batch"),
    "ticket": ("技术支持单", "Support ticket"),
    "evidence": ("判断依据", "What it rests on"),
    # 2
    "identity": ("交易要素", "The payment"),
    "no payment": ("本工单不对应单笔交易。", "This case is not about one payment."),
    "kind": ("交易类型", "Kind"),
    "amount": ("交易金额", "Amount"),
    "in capitals": ("金额大写", "Amount in words"),
    "approved amount": ("批准金额", "Amount approved"),
    "card": ("卡号", "Card number"),
    "card of": ("{bin}******{last4}（已屏蔽）", "{bin}******{last4} (masked)"),
    "received": ("受理时间", "Received at"),
    "merchant": ("商户编号", "Merchant number"),
    "terminal": ("终端编号", "Terminal number"),
    "batch": ("批次号", "Batch number"),
    "trace": ("终端流水号", "Trace number"),
    "rrn": ("检索参考号（RRN）", "Retrieval reference number (RRN)"),
    "auth": ("授权码", "Authorisation code"),
    "answer": ("应答码", "Response code"),
    "acquirer": ("收单渠道", "Acquirer"),
    "transaction": ("系统交易号", "Id in the journal"),
    "state": ("交易状态", "State"),
    # 3
    "money": ("资金位置", "Where the money is"),
    "position": ("截至制作时间", "As of the making"),
    "charged": ("已扣款", "Charged"),
    "perhaps charged": ("可能已扣款", "Perhaps charged"),
    "returned": ("主机已受理退回", "Return accepted by the host"),
    "confirmed": ("已退回（清算已确认）", "Returned, confirmed by clearing"),
    "under way": ("退回处理中", "Going back"),
    "ordered": ("申请待复核", "Proposed, waits for approval"),
    "left": ("尚可退回，最多", "Still to be given back, at most"),
    "legs": ("退回明细", "Each return"),
    "no leg": ("没有退回记录。", "There is no return."),
    "way": ("方式", "Way"),
    "stands": ("状态", "State"),
    "began": ("开始", "Began"),
    "ended": ("结束", "Ended"),
    "sent": ("发送次数", "Times sent"),
    "reference": ("参考号", "Reference"),
    # 4
    "timeline": ("处理经过", "Timeline"),
    "timeline note": (
        "时间为北京时间（UTC+8）。M 加数字指“报文”部分中的报文；备注全文见“备注”部分。",
        "Times are Beijing time (UTC+8). M and a number name a message at the end; notes have their own part.",
    ),
    "left out": (
        "为控制篇幅，第 {first} 条与第 {last} 条之间略去 {n} 条；账本中全部保留。",
        "To keep this short, {n} lines between no. {first} and no. {last} are left out; the journal has them all.",
    ),
    "earlier left out": (
        "另有更早的 {n} 条未列出；账本中全部保留。",
        "{n} earlier lines are not listed here; the journal has them all.",
    ),
    "number": ("序号", "No."),
    "time": ("时间", "Time"),
    "happened": ("事项", "What"),
    "who": ("经办", "Who"),
    "said": ("说明", "Text"),
    "message": ("报文", "Message"),
    "see note": ("见备注第 {n} 条", "see note {n}"),
    # 5
    "decisions": ("处理决定（双人复核）", "Decisions, each by two people"),
    "no decision": ("没有需要双人复核的处理决定。", "No decision was proposed."),
    "decision": ("处理申请 {n}：{kind}", "Decision {n}: {kind}"),
    "order": ("退回申请 {n}：{kind}", "Return order {n}: {kind}"),
    "reason": ("理由", "Reason"),
    "maker": ("申请人", "Proposed by"),
    "checker": ("复核人", "Approved by"),
    "answer to it": ("复核意见", "What the second person said"),
    "expires": ("复核时限", "To be approved by"),
    "carried out": ("执行时间", "Carried out at"),
    "bank reference": ("银行参考号", "Bank reference"),
    "person at": ("{name}，{time}", "{name}, {time}"),
    "automatic": ("按规则自动，无须复核", "by policy, needs no approval"),
    "explanation": ("依据", "Rests on"),
    # 6
    "clearing": ("与清算文件核对", "Reconciliation with the clearing files"),
    "no file": (
        "交易日起 {days} 日内的清算文件尚未载入，未能核对。",
        "No clearing file of the {days} days from the payment on is loaded; nothing could be compared.",
    ),
    "not listed": (
        "下列清算文件均未记载本交易及其退回。",
        "None of these clearing files lists this payment or its return.",
    ),
    "listed": ("清算文件中记载的本交易及其退回：", "What the clearing files list of this payment and its return:"),
    "file": ("文件", "File"),
    "day": ("清算日", "Settlement date"),
    "line": ("行", "Line"),
    "side": ("借贷", "Side"),
    "debit": ("借记（扣款）", "debit"),
    "credit": ("贷记（退回）", "credit"),
    "loaded": ("载入", "Loaded"),
    "our net": ("我方账：扣款减退回", "Our journal: charged less returned"),
    "file net": ("清算文件：借记减贷记", "Clearing files: debits less credits"),
    "difference": ("差额", "Difference"),
    # 7
    "promises": ("承诺与时限", "What was promised, and by when"),
    "promise": ("事项", "What"),
    "by": ("承诺时间", "By"),
    "done at": ("实际时间", "Done at"),
    "kept": ("结果", "Result"),
    "case by": ("立案", "Case opened"),
    "second line": ("一线处理；此后转二线", "First line; then the second line"),
    "merchant line": ("二线处理；此后转商户运营", "Second line; then the merchant's operations"),
    "manager line": ("商户运营处理；此后转主管", "Merchant's operations; then the manager"),
    "in time": ("按时", "in time"),
    "late": ("逾期", "late"),
    "open": ("未到期", "not due yet"),
    "overdue": ("已过期，未完成", "overdue"),
    "decision by": ("复核“{kind}”", "Answer to: {kind}"),
    "contract": ("适用合同", "Contract"),
    "standard": ("标准条款", "standard terms"),
    "compensation": ("逾期补偿", "Compensation for lateness"),
    "no compensation": ("合同未约定", "none in the contract"),
    "compensation after": (
        "受理后 {minutes} 分钟仍未退回的，按合同补偿，最高 {most}",
        "by contract, when the money is not back {minutes} minutes after the payment; at most {most}",
    ),
    "told cashier": ("对收银员的说明", "To the cashier"),
    "told cardholder": ("对持卡人的说明", "To the cardholder"),
    # 8–11
    "told": ("通知记录", "Who was told what"),
    "nobody told": ("没有通知记录。", "Nobody was told anything by message."),
    "whom": ("对象", "Whom"),
    "channel": ("渠道", "By way of"),
    "to cardholder": ("持卡人", "Cardholder"),
    "to merchant": ("商户", "Merchant"),
    "to support": ("技术支持", "Technical support"),
    "notes": ("备注", "Notes"),
    "no note": ("没有备注。", "There is no note."),
    "attachments": ("附件清单", "Attachments"),
    "no attachment": ("没有附件。", "There is no attachment."),
    "attachments note": (
        "附件不随本材料装订，以 SHA-256 核对是否为同一文件。",
        "The files themselves are not bound in; by its SHA-256 each can be told to be the same.",
    ),
    "name": ("文件名", "Name"),
    "size": ("大小", "Size"),
    "bytes": ("{n} 字节", "{n} bytes"),
    "messages": ("报文（已屏蔽敏感信息）", "Messages, masked"),
    "no message": ("没有报文。", "There is no message."),
    "message title": ("M{n}　{arrow}　{mti}　首次 {time}", "M{n}   {arrow}   {mti}   first at {time}"),
    "message again": ("，共 {n} 次", ", {n} times in all"),
    "messages note": (
        "卡号只保留前六位和后四位，磁道、密码、有效期及敏感数据以 * 或 0 覆盖；内容相同的报文只列一次。",
        "Of a card number the first six and last four digits are kept; track, PIN, expiry and other sensitive data are "
        "overwritten with * or 0. Messages with the same content stand here once.",
    ),
    "messages left out": (
        "另有 {n} 份内容不同的报文未列出，账本中全部保留。",
        "{n} more messages of other content are not listed here; the journal has them all.",
    ),
    # 12
    "making": ("制作说明", "How this was made"),
    "making text": (
        "本材料由系统按账本记录自动生成，文字未经人工编辑。账本只追加、不改写；每次制作均记入工单经过和审计记录，"
        "并记下本 PDF 文件的 SHA-256。",
        "This document was made from the journal by the program; nobody edited its text. The journal is append-only. "
        "Each making is recorded in the case's timeline and in the audit trail, with the SHA-256 of the PDF.",
    ),
    "digest text": (
        "全部内容另存于本 PDF 所附的 content.json。取出该附件并计算 SHA-256，应与每页页脚所印的摘要一致。",
        "All of the content is attached to this PDF as content.json. The SHA-256 of that file is the one in the "
        "footer of each page.",
    ),
    "versions": ("软件版本", "Versions"),
    "signed by": ("经办人（签字）", "Prepared by (signature)"),
    "checked by": ("复核人（签字）", "Checked by (signature)"),
    "seal": ("单位（盖章）", "Organisation (seal)"),
    "date": ("日期", "Date"),
}


class Both(Protocol):
    """The same in both languages."""

    @property
    def zh(self) -> str:
        """In Chinese."""
        ...

    @property
    def en(self) -> str:
        """In English."""
        ...


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes in one language."""

    language: str

    def say(self, key: str, **values: object) -> str:
        """The pack's own words."""
        zh, en = WORDS[key]
        return (zh if self.language == CHINESE else en).format(**values)

    def said(self, words: Both) -> str:
        """The words of one language."""
        return words.zh if self.language == CHINESE else words.en

    def word(self, kind: str) -> str:
        """A kind of fact, or a state."""
        return word(kind, self.language)

    def case_word(self, name: str) -> str:
        """A state, level, decision or outcome of the work list."""
        return case_word(name, self.language)

    def note(self, text: str, kind: str) -> str:
        """What a fact of this kind says; what people typed stays as it is."""
        return in_words(text, self.language, kind)

    def kind(self, kind: str) -> str:
        """A kind of transaction or return."""
        return kind_word(kind, self.language)

    def numbered(self, number: int, title: str) -> str:
        """一、事实概要; or 1 What happened."""
        if self.language != CHINESE:
            return f"{number}  {title}"
        tens, ones = divmod(number, 10)
        return f"{'十' if tens else ''}{NUMERALS[ones] if ones or not tens else ''}、{title}"
