"""What a merchant's people read, by e-mail, chat or webhook: staff read 冲正, and the case number."""

from yuanlu.causes.cause import Words
from yuanlu.notices import Event
from yuanlu.notification.templates import Audience, Template


def _note(event: Event, version: int, title: Words, text: Words, *, urgent: bool = False) -> Template:
    return Template(
        event=event, audience=Audience.MERCHANT, version=version, title=title, text=text, urgent=urgent
    )  # fmt: skip


PAYMENT_ZH = "{shop}，终端 {terminal}，{time}，{amount}，{card}，{ref}。"
PAYMENT_EN = "{shop}, terminal {terminal}, {time}, {amount}, {card}, {ref}. "

OUTCOME_UNKNOWN = _note(
    Event.OUTCOME_UNKNOWN, 1,
    Words(zh="交易结果未知：{amount}，{shop}", en="Result unknown: {amount}, {shop}"),
    Words(
        zh=PAYMENT_ZH + "结果未知，系统正在冲正；若已扣款会退回原账户。请勿重复收款。原因：{cause}。",
        en=PAYMENT_EN + "The result is unknown and the payment is being reversed; if charged, the money goes back. "
        "Do not charge again. Cause: {cause}.",
    ),
    urgent=True,
)  # fmt: skip

NOT_CHARGED = _note(
    Event.NOT_CHARGED, 1,
    Words(zh="未扣款：{amount}，{shop}", en="Not charged: {amount}, {shop}"),
    Words(
        zh=PAYMENT_ZH + "已确认原交易未生效，未扣款。可以重新收款。",
        en=PAYMENT_EN + "Confirmed: the payment never took effect, nothing was charged. You may charge again.",
    ),
)  # fmt: skip

DUPLICATE_FOUND = _note(
    Event.DUPLICATE_FOUND, 1,
    Words(zh="疑似重复扣款：{amount}，{shop}", en="Possibly charged twice: {amount}, {shop}"),
    Words(
        zh=PAYMENT_ZH + "疑似重复扣款。{todo}",
        en=PAYMENT_EN + "Possibly charged twice. {todo}",
    ),
)  # fmt: skip

RETURN_ACCEPTED = _note(
    Event.RETURN_ACCEPTED, 1,
    Words(zh="已受理退回：{amount}，{shop}", en="Return accepted: {amount}, {shop}"),
    Words(
        zh=PAYMENT_ZH + "收单机构已受理退回，银行入账尚未确认。可以重新收款。",
        en=PAYMENT_EN + "The acquirer has accepted the return; that it arrived is not confirmed yet. You may charge "
        "again.",
    ),
)  # fmt: skip

RETURN_CONFIRMED = _note(
    Event.RETURN_CONFIRMED, 1,
    Words(zh="已确认退回：{amount}，{shop}", en="Return confirmed: {amount}, {shop}"),
    Words(
        zh=PAYMENT_ZH + "银行或清算文件已确认款项退回原账户。",
        en=PAYMENT_EN + "The bank or the clearing file confirms that the money went back to the account it came from.",
    ),
)  # fmt: skip

RETURN_DELAYED = _note(
    Event.RETURN_DELAYED, 1,
    Words(zh="退回延迟：{amount}，工单 {case}", en="Return delayed: {amount}, case {case}"),
    Words(
        zh=PAYMENT_ZH + "退回尚未确认，工单 {case} 有人跟进，{by} 前更新。原因：{cause}。",
        en=PAYMENT_EN + "The return is not confirmed yet. Case {case} is in hand; there is news by {by}. Cause: "
        "{cause}.",
    ),
)  # fmt: skip

COMPENSATION_PAID = _note(
    Event.COMPENSATION_PAID, 1,
    Words(zh="补偿已支付：{extra}", en="Compensation paid: {extra}"),
    Words(
        zh=PAYMENT_ZH + "退回晚于约定，已按约定另付顾客 {extra}。",
        en=PAYMENT_EN + "The money came back later than agreed; the customer was paid {extra} on top, as agreed.",
    ),
)  # fmt: skip

CASE_ESCALATED = _note(
    Event.CASE_ESCALATED, 1,
    Words(zh="工单 {case} 升级至{level}", en="Case {case} goes to {level}"),
    Words(
        zh="工单 {case}（{title}，{amount}）升级至{level}，须在 {by} 前处理。{why}",
        en="Case {case} ({title}, {amount}) has gone to {level}, due by {by}. {why}",
    ),
)  # fmt: skip

INCIDENT_BEGAN = _note(
    Event.INCIDENT_BEGAN, 1,
    Words(zh="事件 {incident}：{title}", en="Incident {incident}: {title}"),
    Words(
        zh="{place}自 {time} 起：{title}。{why}。系统不会自动重发扣款，只查询和冲正。请改用备用方式收款，"
        "勿重启正在等待的终端。",
        en="{place}, since {time}: {title}. {why}. Charging is not retried; only queries and reversals are. Use "
        "another "
        "way to take payments, and do not restart a waiting terminal.",
    ),
    urgent=True,
)  # fmt: skip

INCIDENT_ENDED = _note(
    Event.INCIDENT_ENDED, 1,
    Words(zh="事件 {incident} 已结束", en="Incident {incident} is over"),
    Words(
        zh="{place}：{title}已于 {time} 结束。影响 {count} 笔交易、{terminals} 台终端（{money}），尚未了结 {open} 笔，"
        "系统会继续处理。",
        en="{place}: {title} ended at {time}. {count} transactions of {terminals} terminals were affected ({money}); "
        "{open} are still open and go on by themselves.",
    ),
)  # fmt: skip

MERCHANT = (
    OUTCOME_UNKNOWN, NOT_CHARGED, DUPLICATE_FOUND, RETURN_ACCEPTED, RETURN_CONFIRMED, RETURN_DELAYED, COMPENSATION_PAID,
    CASE_ESCALATED, INCIDENT_BEGAN, INCIDENT_ENDED,
)  # fmt: skip
