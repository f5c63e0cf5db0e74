"""What is written about a payment on its way, and about its reversal, in Chinese."""

from yuanlu.people.notes.messages import MESSAGES
from yuanlu.people.notes.saying import Note

SENDING = (
    Note("taken over", "已接管，将转发主机"),
    Note("taken over before", "此前已接管"),
    Note("attempt {n}", "第 {n} 次"),
    Note("no answer in time", "限时内没有应答"),
    Note("connection lost before the answer", "收到应答前连接断开"),
    Note("answer with a wrong MAC", "应答的 MAC 不符"),
    Note("answer that cannot be read", "应答无法解读"),
    Note("the host cannot be reached", "连不上主机"),
    Note("no connection to the host", "没有到主机的连接"),
    Note("a request with the same trace number is still waiting", "同一流水号的请求还在等待应答"),
    Note("the host has just called our keys stale; the next request signs in", "主机刚称我方密钥过期，下一笔先签到"),
    Note("the host has stopped answering", "主机已停止应答"),
    Note("too many requests are waiting for the host", "等待主机应答的请求过多"),
    Note("too many requests in flight", "在途请求过多"),
    Note("an incident holds new sales", "事件期间暂停新交易"),
    Note("the disk is nearly full; new sales wait, reversals go on", "磁盘将满：新交易暂停，冲正照常"),
)
"""Why something was not sent, or has no answer that counts."""

ANSWERS = (
    Note("answered {code}", "应答码 {code}"),
    Note("answered {code}: {meaning}", "应答码 {code}：{meaning}"),
    Note("answered {code}: its reversal came first", "答复 {code}：终端的冲正先到"),
    Note("the host says: {meaning}", "主机答复：{meaning}"),
    Note(
        "the host's {code}: our keys upstream were stale; the next payment signs in first",
        "主机应答码 {code}：我方上行密钥已过期，下一笔先签到",
    ),
    Note("the host's {code} leaves the outcome open", "主机应答码 {code}，结果未定"),
    Note("the host's {code} is taken as said", "主机应答码 {code}，按其所说处理"),
    Note("declined without a MAC", "拒绝应答没有 MAC"),
    Note("approved, but the terminal's time was over", "主机已批准，但终端的等待时间已过"),
    Note("approved, but the terminal was gone", "主机已批准，但终端连接已断开"),
    Note("the customer is confirming", "顾客正在确认"),
    Note("is it paid?", "查询是否已付款"),
    Note("its batch had closed", "所在批次已结算"),
    Note("batch {n}", "批次 {n}"),
    Note("late answer {host_code}", "迟到的应答，应答码 {host_code}"),
    Note("late answer ", "迟到的应答，没有应答码"),
    Note(
        "late answer {host_code}: approved after it was declined; it is not reversed",
        "迟到的应答，应答码 {host_code}：先拒绝后批准，不作冲正",
    ),
    Note("late answer {host_code} to the reversal", "冲正的应答迟到，应答码 {host_code}"),
    Note("late answer None to the reversal", "冲正的应答迟到，没有应答码"),
    Note("approval with a wrong MAC", "批准应答的 MAC 不符"),
)
"""What the host said, in time or late."""

TERMINALS = (
    Note("same trace number, other content", "流水号相同，内容不同"),
    Note("a repeat that comes too late", "重发过迟"),
    Note("its reversal came before it", "其冲正已先到"),
    Note("answered from the journal", "按账本答复"),
    Note("repeated while the first was being refused", "首笔正被拒绝时重发"),
    Note("the terminal reversed it", "终端已冲正"),
    Note("a {kind} is never reversed", "{kind}不能冲正"),
    Note("its amount is not the payment's", "金额与原交易不符"),
    Note("its card is not the payment's", "卡号与原交易不符"),
    Note("joins: a {kind} of it is under way", "并入：该交易正在{kind}"),
    Note("joins: already {state}", "并入：原交易已是“{state}”"),
    Note("part of it went back, or it was completed", "已部分退回，或预授权已完成"),
    Note("reversal of a payment whose batch is closed", "冲正的交易所在批次已结算"),
)
"""What the terminal asked for again, or took back."""

REVERSALS = (
    Note("reversal, reason {code}", "冲正，原因 {code}"),
    Note("the host refuses this reversal for good", "主机最终拒绝此冲正"),
    Note("the host says that a linked transaction was there before (22)", "主机称已有关联交易（22）"),
    Note(
        "the host does not know the original; only the clearing file can tell",
        "主机查无原交易，只有清算文件能定论",
    ),
    Note(
        "the host approved the original and now says that it does not know it",
        "主机曾批准原交易，现在又称查无此笔",
    ),
    Note(
        "the host's day changed, so 'not found' may only mean 'not today'",
        "主机已日切，“查无”可能只是“今日查无”",
    ),
    Note("the host calls the first reversal a duplicate (94)", "主机称首次冲正为重复（94）"),
    Note("no definite answer, and this host must not be asked twice", "没有定论，而该主机不能重复冲正"),
    Note(
        "the host's day changed; a reversal of yesterday's payment may not be repeated",
        "主机已日切，不能重发昨日交易的冲正",
    ),
    Note("no definite answer yet", "尚无定论"),
    Note("the host's day changed, and it does not know the refund", "主机已日切，且查无此笔退货"),
    Note(
        "in flight in a journal that was restored: what became of it is not known here",
        "账本恢复前在途，结果此处无从得知",
    ),
    Note(
        "the journal is older than what hosts were told: it may have been sent once more",
        "账本比主机所知的旧：可能已多发过一次",
    ),
)
"""Where a return stands, and why a person has it."""

CLEARING = (
    Note("clearing file: in no file from {date} to {date2}", "清算文件：{date} 至 {date2} 的文件中都没有"),
    Note("clearing file: {text}", "清算文件：{text}"),
)

REFUSALS = (
    Note("batch {n} is settled", "批次 {n} 已结算"),
    Note("this terminal's acquirer speaks {name}", "该终端的收单机构使用 {name} 报文"),
    Note("incident {id} ({incident}, {scope}) holds new sales", "事件 {id}（{incident}，{scope}）期间暂停新交易"),
    Note("the original is not known here", "查无原交易"),
    Note("its card is not the original's", "卡号与原交易不符"),
    Note("there is no {kind} of a {kind2}", "{kind2}不能做{kind}"),
    Note("the original never took effect", "原交易未生效"),
    Note("all of it has been given back already", "已全额退回"),
    Note(
        "the original is {state}: it is being returned, or its outcome is open",
        "原交易当前为“{state}”：正在退回，或结果未定",
    ),
    Note("a {kind} of it is under way", "该交易正在{kind}"),
    Note("the pre-authorisation has been completed", "预授权已完成"),
    Note("the currency is not the original's", "币种与原交易不符"),
    Note("more than 115 % of the pre-authorisation", "超过预授权金额的 115%"),
    Note("more than is left of the payment", "超过可退金额"),
    Note("part of it has been given back; only a refund is possible", "已部分退回，只能做退货"),
    Note("a void is of the whole amount", "撤销须为全额"),
    Note("older than {n} days", "已超过 {n} 天"),
    Note("its batch is closed or the day has changed; only a refund is possible", "批次已结算或已日切，只能做退货"),
)
"""Why the gateway itself said no."""

PAYMENTS = (*SENDING, *ANSWERS, *TERMINALS, *REVERSALS, *CLEARING, *REFUSALS, *MESSAGES)
