"""Why a cause was found, in Chinese: the reasons of `yuanlu.causes`, which a fact keeps in English.

A test reads every reason from its source and holds it against this table, so that the two cannot part.
"""

from yuanlu.people.notes.saying import Note

CARD_AND_DEVICES = (
    Note("the host answered {host_code}", "主机应答码 {host_code}"),
    Note("the host answered {code}, which is in no list", "主机应答码 {code} 未收录"),
    Note("we answered {code} ourselves", "本网关答复 {code}"),
    Note("the terminal could not read the card {n} times", "终端报告读卡 {n} 次未成功"),
    Note("the terminal says that the card was taken out too early", "终端报告交易完成前卡已拔出"),
    Note("the host approved, and the chip then refused", "主机批准后芯片未接受"),
    Note("a QR sale, and the host does not accept this code", "二维码交易，主机不认这个付款码"),
    Note("its battery is at {n}%", "终端电量只有 {n}%"),
    Note("the terminal started anew while it waited", "终端在等待应答时重新启动"),
    Note("the terminal reversed it for reason A0: wrong MAC on the answer", "终端冲正，原因 A0：应答 MAC 不符"),
    Note("approved, and the terminal says that no slip was printed", "已批准，终端报告小票未打印"),
    Note("the terminal reports a fault: {text}", "终端自报故障：{text}"),
    Note("code {code}, and the terminal's software is out of date", "应答码 {code}，终端软件版本落后"),
    Note("the host has just called our keys stale", "主机刚刚称我方密钥过期"),
    Note("another request with its number still waits", "同一流水号的请求还在等应答"),
)

PLACES = (
    Note("declared: an outage of the region", "已宣布：区域性故障"),
    Note("declared: an outage of the wallet", "已宣布：扫码支付平台故障"),
    Note("declared: an outage of the issuer", "已宣布：发卡行故障"),
    Note("declared: a power cut", "已宣布：停电"),
    Note("declared: the shop's network is down", "已宣布：门店网络中断"),
    Note("declared: the acquirer's host is down", "已宣布：收单主机中断"),
    Note("declared: a natural disaster", "已宣布：自然灾害"),
    Note("declared: a cyber attack", "已宣布：网络攻击"),
    Note("declared: business stopped by order", "已宣布：按要求暂停业务"),
    Note("declared: an outage of the carrier", "已宣布：运营商网络故障"),
    Note("declared: planned maintenance", "已宣布：计划内维护"),
    Note("declared: a business peak", "已宣布：业务高峰"),
    Note("{n} more terminals of this shop restarted at the same time", "本店另有 {n} 台终端同时重启"),
    Note("{n} more merchants on {n2} hosts fail in this region", "本地区另有 {n} 家商户、{n2} 家主机同时异常"),
    Note("cards of this issuer fail at {n} more terminals at the same time", "同一发卡行的卡在另外 {n} 台终端同时异常"),
    Note("QR sales of {n} more merchants fail, cards go through", "另有 {n} 家商户的扫码同时异常，刷卡正常"),
    Note(
        "{n} more terminals of this shop fail at the same time, other shops do not",
        "本店另有 {n} 台终端同时异常，其他商户正常",
    ),
    Note("{n} more merchants of this host fail at the same time", "另有 {n} 家商户在同一主机同时异常"),
)

PEOPLE = (
    Note("{n} other cards were declined here within ten minutes", "十分钟内另有 {n} 张不同的卡被拒"),
    Note("the same card was refused for its limit, then charged a smaller amount", "同一张卡超限被拒后改刷较小金额"),
    Note("{n} large round amounts of one card within an hour", "一小时内同卡 {n} 笔整额大额"),
    Note("{n} returns to one card within an hour", "一小时内向同一张卡退回 {n} 笔"),
    Note("{n} wrong MACs in a row although the keys are fresh", "签到之后连续 {n} 个 MAC 不符"),
    Note("the terminal reports that it was opened", "终端报告被拆动"),
    Note("the terminal is not where it is registered", "终端不在登记地址"),
    Note(
        "the same card and amount was charged {n} s before, with the result still unknown",
        "{n} 秒前同卡同额的一笔结果未知，又收了一次",
    ),
    Note("the same card and amount was charged twice within {n} s", "相隔 {n} 秒，同卡同额扣款两次"),
    Note(
        "{amount} was taken back and {amount2} charged to the same card: off by a decimal place",
        "已撤回 {amount}，同卡另收 {amount2}：差一个小数位",
    ),
    Note(
        "{amount} was taken back and {amount2} charged to the same card: two digits swapped",
        "已撤回 {amount}，同卡另收 {amount2}：相邻两位颠倒",
    ),
    Note("{kind} was taken back and made anew as {kind2}", "已撤回{kind}，同卡同额改做{kind2}"),
    Note("after this void the sale was made anew, and another one voided", "撤销后同卡同额重新收款，并撤销了另一笔"),
    Note("a test amount on a live terminal: {amount}", "正式终端上的测试金额 {amount}"),
    Note("{n} keyed entries in a row were wrong", "连续 {n} 次手工输入有误"),
    Note("the same card was declined {n} times before", "同一张卡此前被拒 {n} 次"),
    Note("its card is not that of the original", "卡号与原交易不符"),
    Note("the cashier says that goods went out, and the payment does not stand", "收银员声明已交货，这笔付款却不成立"),
    Note("the cashier says that cash went out, and the payment does not stand", "收银员声明已退现金，这笔付款却不成立"),
    Note("the terminal's batch counts it as paid, and it is going back", "终端批次里记为成功，这笔钱却正在退回"),
    Note("it was given back by hand when its original was {state} already", "手工退回时，原交易已是“{state}”"),
    Note("the terminal has not signed in; code {code}", "终端今天没有签到，应答码 {code}"),
    Note("it was reversed after {n} ms", "{n} 毫秒后就冲正"),
    Note("the terminal reversed it for reason {code}", "终端冲正，原因 {code}"),
    Note("the host's day has changed since the original", "原交易之后已日切"),
    Note("the customer did not confirm in time", "顾客未在限时内确认付款"),
)

LINES = (
    Note("the terminal's signal is at {n}%", "终端信号 {n}%"),
    Note("the terminal repeated {n} times and reconnected {n2} times", "终端重发 {n} 次，重连 {n2} 次"),
    Note("the terminal reversed a payment that never reached us", "终端冲正了一笔我们没有收到的交易"),
    Note("the answer {code} came after we had given up waiting", "应答 {code} 在放弃等待之后才到"),
    Note("no answer, and the host has not seen the payment", "没有应答，主机也没有见过原交易"),
    Note("the terminal reversed it for reason 98: it saw no answer", "终端冲正，原因 98：没有收到应答"),
    Note("the link to the host was lost {n} times in minutes", "到主机的连接几分钟内断开 {n} 次"),
    Note("{n} answers came that fit no request", "收到 {n} 个对不上的应答"),
    Note("no answer, and the host says when asked that it had approved", "没有应答，但主机查询说曾批准"),
    Note("the host approved when the terminal's time was over", "主机批准时终端的等待已到期"),
    Note("the host approved, and the terminal's connection was closed", "主机已批准，终端连接已断开"),
    Note("sent, and the connection was lost before the answer", "已发出，应答之前断线"),
    Note("an answer came that cannot be read", "收到应答，但无法解读"),
    Note("it was sent, and no answer came in time", "已发出，限时内没有应答"),
    Note("no connection to the host; not one byte left", "连不上主机，一个字节也没有发出"),
)

SYSTEMS = (
    Note("no cause explains this evidence", "没有任何原因能解释现有证据"),
    Note("against the terminal's batch: {break}", "与终端批次核对：{break}"),
    Note("against the clearing file: {break}", "与清算文件核对：{break}"),
    Note("the gateway stopped before the answer", "网关在收到应答前停止"),
    Note("the host stopped answering; nothing is sent for now", "主机连续不应答，已暂停发送"),
    Note("the host refuses our sign-in", "主机拒绝我方签到"),
    Note("too many requests in flight; nothing was sent", "在途请求过多，发送前已拒绝"),
    Note("the disk is nearly full; new sales wait", "磁盘将满，新交易暂停"),
    Note("the host approved it after it was closed", "结案之后主机又批准"),
    Note("the answer's MAC is wrong", "应答的 MAC 不正确"),
    Note("the decline came without a MAC", "拒绝应答没有 MAC"),
)

REASONS = (*CARD_AND_DEVICES, *PLACES, *PEOPLE, *LINES, *SYSTEMS)
