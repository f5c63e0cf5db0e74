"""Why something was refused, in the reader's language: one table from what the rules say to what a page shows.

The rules speak English, as the command line does, and name its options. A test reads every message that they can raise
from their source and holds it against this table, so that none reaches a page untranslated.
"""

import re
from functools import cache
from typing import NamedTuple

from yuanlu.people.words import CHINESE, case_word, word

_VALUE = re.compile(r"\\\{(\w+)\\\}")


class Saying(NamedTuple):
    """A message with its values in braces; its Chinese; its English for pages where the rule's own names options."""

    rule: str
    zh: str
    en: str = ""


CASES = (
    Saying("the name of the owner or of the queue is too long", "负责人或队列名称过长"),
    Saying("{case} is {owner}'s already", "工单 {case} 已由 {owner} 负责"),
    Saying("a case has at most {n} attachments", "每张工单最多 {n} 个附件"),
    Saying(
        "{name} holds a full card number; black it out first, card numbers are not kept",
        "{name} 中有完整卡号，请先遮盖；系统不保存卡号",
    ),
    Saying("a file's name has 1 to {n} printable characters, and no path", "文件名须为 1 至 {n} 个字符，且不含路径"),
    Saying("{name} is empty", "{name} 是空文件"),
    Saying("{name} has {n} bytes; at most {most} are kept", "{name} 有 {n} 字节，最多可保存 {most} 字节"),
    Saying("it can sleep until {until} at most, and not into the past", "最晚只能暂缓到 {until}，且须晚于现在"),
    Saying("{case} is the manager's already; there is nobody above", "工单 {case} 已由主管处理，无法再升级"),
    Saying(
        "the money is not settled yet ({money}); propose a decision, or wait for the machine",
        "资金尚未了结（{money}），不能关闭。请提出处理申请，或等待系统完成",
    ),
    Saying("{case} is {state} and cannot {what}", "工单 {case} 当前为“{state}”，不能{what}"),
    Saying(
        "a decision still waits ({kind}, {state}); settle it first", "还有处理申请未了结（{kind}，{state}），请先处理"
    ),
    Saying(
        "not possible now (case {state}, money {money}); allowed: {names}",
        "当前不能这样处理（工单：{state}；资金：{money}）。可提出：{names}",
    ),
    Saying("{case} has a decision that still waits; only one at a time", "工单 {case} 已有一项处理申请，须先了结"),
    Saying(
        "to declare it returned, give the bank's reference (--reference)",
        "认定已退回，须填写银行参考号",
        "to declare it returned, give the bank's reference",
    ),
    Saying("{case} is about no payment of ours, so no money can be moved", "工单 {case} 不对应我方交易，不能动用资金"),
    Saying(
        "this host's profile does not allow one more reversal: it might pay twice",
        "该主机不识别重复冲正，再发一次可能多退，不允许",
    ),
    Saying("{amount} is of another currency than the case ({whole})", "{amount} 与工单币种（{whole}）不同"),
    Saying("{amount} is not within 0 … {whole}, what the case is about", "金额 {amount} 须大于 0 且不超过 {whole}"),
    Saying(
        "{kind} is about the whole {whole}; only a manual credit can be a part",
        "“{kind}”针对全额 {whole}；仅人工贷记可为部分金额",
    ),
    Saying(
        "{amount} is above {limit}: escalate the case to the manager first", "{amount} 超过 {limit}，请先升级至主管"
    ),
    Saying("{maker} proposed this; a second person has to approve it", "{maker} 是申请人，须由另一位同事复核"),
    Saying("the proposal expired at {at}; propose again", "申请已于 {at} 失效，请重新提出"),
    Saying("{case} is {state} already", "工单 {case} 已为“{state}”"),
    Saying(
        "{case} has no proposal that waits; it has expired, or was answered",
        "工单 {case} 没有待复核的申请：已失效，或已有结论",
    ),
    Saying("{what} is missing: say it in a few words", "请填写{what}"),
    Saying(
        "{what} has {n} characters, at most {most} are kept; attach a file",
        "{what}有 {n} 字，最多 {most} 字；更多内容请用附件",
    ),
    Saying("a bank reference has at most {n} printable characters", "银行参考号最多 {n} 个字符"),
    Saying(
        "this looks like a card number, not a bank reference; card numbers are not kept",
        "这像是卡号而不是银行参考号；系统不保存卡号",
    ),
    Saying(
        "{case} changed meanwhile, nothing was done ({reason}); look at it again",
        "工单 {case} 刚刚有变动，本次操作未执行，请重新查看",
        "{case} changed meanwhile; nothing was done",
    ),
    Saying("a name has at most {n} printable characters", "姓名最多 {n} 个字符"),
    Saying('"{name}" is the machine itself; give your own name', "“{name}”是系统本身的名称，请使用本人姓名"),
    Saying('"{case}" is no case; see: yuanlu case list', "没有工单 {case}", "there is no case {case}"),
    Saying("{case} has no attachment {n}", "工单 {case} 没有附件 {n}"),
    Saying('"{name}" is no decision', "没有处理申请 {name}"),
    Saying(
        "the journal could not be written ({why}); look at the case before you try again",
        "账本暂时无法写入，请先查看工单再重试",
    ),
)

ORDERS = (
    Saying("the payment keeps changing; try again", "交易状态正在变化，请重试"),
    Saying(
        "the order keeps changing; look at it again: yuanlu return list",
        "退回申请正在变化，请重新查看",
        "the order keeps changing; look at it again",
    ),
    Saying("{order} is no order; see: yuanlu return list", "没有退回申请 {order}", "there is no order {order}"),
    Saying("the order changed meanwhile; nothing was done", "退回申请刚刚有变动，本次操作未执行，请重新查看"),
    Saying("--kind {kind}: there are {known}", "没有“{kind}”这种退回方式", "there is no way back called {kind}"),
    Saying("the payment's acquirer, {name}, is not in the configuration", "交易的收单机构 {name} 不在配置中"),
    Saying(
        '"{what}" is no transaction: give its id, its reference number (RRN) or TERMINAL+STAN',
        "找不到交易“{what}”：请填写交易编号、参考号或“终端号+流水号”",
    ),
    Saying('"{what}" names {n} transactions; give the id: {ids}', "“{what}”对应 {n} 笔交易，请填写交易编号：{ids}"),
    Saying(
        '--amount "{text}": write it like 12.50',
        "金额“{text}”格式不对，请写成 12.50",
        '"{text}" is no amount; write it like 12.50',
    ),
    Saying("--amount must be above zero", "金额须大于 0", "the amount must be above zero"),
    Saying("{checker} proposed it; a second person must approve", "{checker} 是申请人，须由另一位同事复核"),
    Saying(
        "the order is {state}; only one that is approved and unpaid can be closed",
        "退回申请当前为“{state}”；仅已同意且未支付的可以登记",
    ),
    Saying(
        "this order goes by itself; it is a person's only when it has been handed over",
        "此退回由系统自动完成；转人工后才能登记",
    ),
    Saying("{who} approved it; a second person must pay it", "{who} 是复核人，须由另一位同事支付"),
    Saying(
        "name the bank's or the file's reference (--reference)",
        "请填写银行或清算文件的参考号",
        "name the bank's or the file's reference",
    ),
    Saying(
        "the order is {state}; only one that people carry out can be closed so",
        "退回申请当前为“{state}”；仅人工办理的可以这样登记",
    ),
    Saying("the order is {state}; only a proposed one can be decided", "退回申请当前为“{state}”，已无需复核"),
    Saying("the proposal has expired; propose it anew", "申请已失效，请重新提出"),
    Saying("a {kind} of this payment is under way; wait for its end", "该交易正在{kind}，请等待其结束"),
    Saying("nothing is left of it to give back", "已没有可退的金额"),
    Saying(
        "together with what is already proposed or given back, that is more than was paid",
        "连同已申请和已退回的，超过了扣款金额",
    ),
    Saying(
        "the pre-authorisation has been completed; give the completion back instead",
        "预授权已完成，请退回对应的预授权完成交易",
    ),
    Saying(
        "the amount is only held, so nothing can be credited; where no void releases it, a person asks the issuer to",
        "该笔只是冻结，未扣款，无可退回；无法撤销时请联系发卡行解冻",
    ),
    Saying("a {kind} gave money back; there is nothing to return", "该笔是{kind}，本身就是退款，无可退回"),
    Saying("the payment never took effect", "该交易未生效，无可退回"),
    Saying(
        "the payment is {state}: it is being returned, or its outcome is open",
        "该交易当前为“{state}”：正在退回，或结果未定",
    ),
    Saying("the payment is in {one}, not in {other}", "该交易币种为 {one}，不是 {other}"),
    Saying("only {left} of it is left to give back", "最多还可退 {left}"),
    Saying(
        "the {kind} is still on its way to the host; ask again once it has answered",
        "该{kind}尚未送达主机，待主机答复后再试",
    ),
    Saying(
        "the host refused the {kind}: nothing was charged that could go back", "主机拒绝了该{kind}，未扣款，无可退回"
    ),
)

PLACES = (
    Saying(
        "it keeps changing; look at it again: yuanlu incident list",
        "事件正在变化，请重新查看",
        "it keeps changing; look at it again",
    ),
    Saying('"{kind}" is no kind of incident; there are {known}', "没有“{kind}”这种事件"),
    Saying(
        '--issuer "{name}" is not how cards begin; give their first {n} digits',
        "请填写发卡行卡号前 {n} 位数字",
        "give the first {n} digits of the issuer's cards",
    ),
    Saying('--{kind} "{name}" is not {where}; there are: {known}', "范围“{name}”不存在", 'there is no {kind} "{name}"'),
    Saying(
        "{scope} has an active incident already, {number}; end it first, or hold it",
        "该范围已有进行中的事件 {number}，请先结束它，或在其中暂停新交易",
    ),
    Saying(
        '"{number}" is no incident; see: yuanlu incident list', "没有事件 {number}", "there is no incident {number}"
    ),
    Saying("{number}: its sales are held already, by {who}", "事件 {number} 的新交易已由 {who} 暂停"),
    Saying("{number}: no sales are held", "事件 {number} 没有暂停新交易"),
    Saying("{number} is over already, by {who}", "事件 {number} 已由 {who} 结束"),
    Saying("this looks like a card number; card numbers are not kept", "这像是卡号；系统不保存卡号"),
    Saying('"{terminal}" is no terminal of {file}', "没有终端 {terminal}", "there is no terminal {terminal}"),
    Saying("{terminal} has no payment with trace number {stan}", "终端 {terminal} 没有流水号为 {stan} 的交易"),
    Saying("it was not recorded: {reason}", "未能记录，请重试"),
    Saying('"{kind}" is no kind of observation; there are {known}', "没有“{kind}”这种报告"),
    Saying('{kind} "{given}": give {words}', "“{kind}”的内容不对：{words}"),
    Saying("{kind}: so long a number may be a card's, and is not kept", "“{kind}”：过长的数字可能是卡号，系统不保存"),
)

WORDINGS = (
    Saying('"{name}" is no template', "没有模板“{name}”"),
    Saying("the words break a rule; nothing was proposed", "文字不符合规则，未提交"),
    Saying("other words for {name} wait for a decision; one proposal at a time", "{name} 已有待复核的文字，请先了结"),
    Saying("these words are said already", "与正在使用的文字相同，无需提交"),
    Saying("{key} waits for no decision; nothing was done", "{key} 已无需复核，本次操作未执行"),
    Saying("{key} changed meanwhile; nothing was done", "{key} 刚刚有变动，本次操作未执行，请重新查看"),
    Saying("{maker} proposed these words; only who proposed them withdraws them", "仅提交人 {maker} 可以撤回"),
    Saying("{maker} proposed these words; a second person has to decide", "{maker} 是提交人，须由另一位同事复核"),
    Saying(
        "{key} breaks a rule of this program by now; propose other words", "{key} 已不符合当前程序的规则，请重新提交"
    ),
)

ACCOUNTS = (
    Saying("give at least one role", "请至少选择一个角色"),
    Saying('there is an account "{name}" already; give another name', "已有账号“{name}”，请换一个姓名"),
    Saying('"{account}" is no account', "没有此账号"),
    Saying("the account keeps changing; try again", "账号正在变更，请重试"),
    Saying("the account has just been changed; sign in again", "账号刚刚有变更，请重新登录"),
    Saying("an account has at most {n} passkeys", "每个账号最多 {n} 个通行密钥"),
    Saying("this passkey is known already", "此通行密钥已登记"),
    Saying("the old password is wrong", "原密码不正确"),
    Saying("a password has {n} to {most} characters", "密码须为 {n} 至 {most} 个字符"),
    Saying("a password has letters and at least one digit or sign", "密码须含字母，并至少有一个数字或符号"),
    Saying("a password does not hold your name", "密码不得包含您的姓名"),
    Saying(
        "the account has one-time codes already; an administrator can take them away",
        "此账号已设置动态验证码，可由管理员清除",
    ),
    Saying("the code is wrong; is the clock of your phone right?", "验证码不正确，请核对手机时间"),
    Saying("this is no set-up of ours; sign in again", "设置已失效，请重新登录"),
    Saying("the set-up took too long; sign in again", "设置超时，请重新登录"),
    Saying(
        "a key's name has 1 to {n} printable characters; say which program it is",
        "密钥名称须为 1 至 {n} 个字符，写明用于哪个程序",
    ),
    Saying("give at least one scope: {scopes}", "请至少选择一项权限", "give at least one scope"),
    Saying(
        "test keys work in a sandbox only, and this is production; make a live key",
        "测试密钥只能用于沙箱；这里是正式环境，请建立正式密钥",
    ),
    Saying("the key was not made: {reason}", "密钥未能建立，请重试"),
    Saying('"{key}" is no key; see: yuanlu key list', "没有此密钥", "there is no such key"),
    Saying("{key} is revoked already", "密钥 {key} 早已吊销"),
    Saying('"{merchant}" is no merchant of {file}', "没有此商户", "there is no such merchant"),
)

SAYINGS = (*CASES, *ORDERS, *PLACES, *WORDINGS, *ACCOUNTS)

_WORDS = {
    "nobody": "无人",
    "nothing": "无",
    "the note": "备注",
    "the reason": "理由",
    "the reason to snooze": "暂缓的理由",
    "the reason to escalate": "升级的理由",
    "the reason to hand over": "转交的理由",
    "the reason to open it again": "重新打开的理由",
    "the reason to refuse": "驳回的理由",
    "the remark": "说明",
    "be assigned": "分派",
    "be snoozed": "暂缓",
    "be woken": "恢复",
    "be escalated": "升级",
    "be handed over": "转交",
    "be opened again": "重新打开",
    "be closed": "关闭",
    "void": "撤销",
    "refund": "退货",
    "adjustment": "贷记调整",
    "reversal": "冲正",
    "advice": "通知",
    "1": "填 1",
    "1, or 0 to take it back": "填 1；撤回填 0",
}
_NUMBERS = re.compile(r"a whole number from (\d+) to (\d+)")
_FEW = re.compile(r"a few words, at most (\d+) characters")


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Saying], ...]:
    return tuple(
        (re.compile(_VALUE.sub(r"(?P<\1>.*?)", re.escape(each.rule)), re.DOTALL), each)
        for each in sorted(SAYINGS, key=_fixed_characters, reverse=True)  # the one that says most is meant
    )


def _fixed_characters(saying: Saying) -> int:
    return len(re.sub(r"\{\w+\}", "", saying.rule))


def find_saying(text: str) -> tuple[Saying, dict[str, str]] | None:
    """The saying that this text is, with its values."""
    for pattern, saying in _patterns():
        found = pattern.fullmatch(text)
        if found is not None:
            return saying, found.groupdict()
    return None


def refusal(text: str, language: str) -> str:
    """What a page shows for an error's text. What the table does not know is shown as it is, behind words that say
    that nothing moved.
    """
    found = find_saying(text)
    if found is None:
        return f"操作未执行，未作任何变动：{text}" if language == CHINESE else text
    saying, values = found
    if language == CHINESE:
        return saying.zh.format(**{name: _value(value) for name, value in values.items()})
    said = (saying.en or saying.rule).format(**values)
    return said[:1].upper() + said[1:]


def _value(text: str) -> str:
    """A value in Chinese, where it is a word of ours."""
    if text in _WORDS:
        return _WORDS[text]
    if numbers := _NUMBERS.fullmatch(text):
        return f"{numbers[1]} 至 {numbers[2]} 的整数"
    if few := _FEW.fullmatch(text):
        return f"几个字，最多 {few[1]} 字"
    return "、".join(_one(each) for each in text.split(", "))


def _one(text: str) -> str:
    known = case_word(text, CHINESE)
    return known if known != text else word(text, CHINESE)
