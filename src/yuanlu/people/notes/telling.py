"""What is written about messages to people, in Chinese: who was told, and why not."""

from yuanlu.flow.contacting import GIVEN, TAKEN_BACK
from yuanlu.notification.writing import AGAIN, FACTS
from yuanlu.people.notes.saying import Note

SENT = (
    Note("does not want to be told", "对方不愿接收"),
    Note("its time is over: -", "已过时限"),
    Note("its time is over: {tries}", "已过时限：{tries}"),
    Note("there is no address any more", "已没有可用的地址"),
    Note("overtaken by {id}", "已由 {id} 取代"),
    Note("{name}: once more", "{name} 要求再发一次"),
    Note("no template is registered for {id}.{id2}", "没有为 {id}.{id2} 登记模板"),
    Note("answered {id}", "应答 {id}"),
    Note("answered {id} {id2}", "应答 {id} {id2}"),
    Note("answered {id}, and no JSON", "应答 {id}，内容不是 JSON"),
    Note("answered {id}, and not what was expected", "应答 {id}，内容不符"),
    Note("this is no e-mail address", "不是电子邮箱地址"),
    Note("the recipient was refused with {n}", "收件人被拒收，代码 {n}"),
    Note("{text} was refused with {n}", "{text} 被拒收，代码 {n}"),
    Note("Apprise does not know this address", "Apprise 不识别此地址"),
    Note("Apprise could not deliver it", "Apprise 未能送达"),
    Note("there is no such channel any more", "该渠道已不存在"),
    Note("a defect of the channel: {id}", "渠道缺陷：{id}"),
    Note("the sending process cannot be reached ({id})", "发送进程无法联系（{id}）"),
    Note("the sending process ended", "发送进程已退出"),
    Note("no answer within {n} s", "{n} 秒内没有应答"),
    Note("the sandbox was told to fail", "沙箱按要求失败"),
    Note("the inbox cannot be written ({id})", "收件箱无法写入（{id}）"),
)
"""Why a message waits, failed or was not wanted; what a provider says itself stays as it is."""

_MESSAGES = (
    Note("{id}: {id2} to {masked}", "{id}：向 {masked} 发送 {id2}"),
    Note("{id}: {id2} to {masked}: {tries}", "{id}：向 {masked} 发送 {id2}：{tries}"),
    Note("{id}: {id2} to {masked} by {channel}", "{id}：经 {channel} 向 {masked} 发送 {id2}"),
    Note("{id}: {id2} to {masked} by {channel}: {tries}", "{id}：经 {channel} 向 {masked} 发送 {id2}：{tries}"),
)
MESSAGES: dict[str, tuple[Note, ...]] = {
    **dict.fromkeys(FACTS.values(), _MESSAGES),
    AGAIN: (
        Note("{id}: {id2} to {masked}", "{id}：向 {masked} 发送 {id2}"),
        Note("{id} to {masked}", "向 {masked} 发送 {id}"),
    ),
    GIVEN: (
        Note("cardholder page, consent {n}: {masked}", "持卡人在查询页同意：{masked}"),
        Note("{name}: {masked}", "{name}：{masked}"),
    ),
    TAKEN_BACK: (
        Note("cardholder page, consent {n}: {masked}", "持卡人在查询页撤回：{masked}"),
        Note(
            "cardholder page, consent {n}: {masked}, of every payment",
            "持卡人在查询页撤回：{masked}，不再接收任何交易的通知",
        ),
        Note("{name}: {masked}", "{name}：{masked}"),
        Note("{name}: {masked}, of every payment", "{name}：{masked}，不再接收任何交易的通知"),
    ),
    "CASE_TOLD": (
        Note("{sending}: {id} → {masked}", "{sending}：{id} → {masked}"),
        Note("{sending}: {id} → {masked} ({channel})", "{sending}：{id} → {masked}（{channel}）"),
        Note("{sending}: {id} → {masked}: {tries}", "{sending}：{id} → {masked}：{tries}"),
        Note("{sending}: {id} → {masked} ({channel}): {tries}", "{sending}：{id} → {masked}（{channel}）：{tries}"),
    ),
    "CASE_EXPORTED": (),
}
