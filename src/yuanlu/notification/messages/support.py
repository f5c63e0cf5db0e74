"""What technical support reads, as a ticket: what, where, since when, and the case that has all of it."""

from yuanlu.causes.cause import Words
from yuanlu.notices import Event
from yuanlu.notification.templates import Audience, Template


def _ticket(event: Event, version: int, title: Words, text: Words) -> Template:
    return Template(event=event, audience=Audience.SUPPORT, version=version, title=title, text=text, urgent=True)


CASE_ESCALATED = _ticket(
    Event.CASE_ESCALATED, 1,
    Words(zh="[{case}] {title}：转{level}", en="[{case}] {title}: to {level}"),
    Words(
        zh="工单 {case}，商户 {merchant}，终端 {terminal}，{amount}。{title}：{why}。级别：{level}，期限 {by}。",
        en="Case {case}, merchant {merchant}, terminal {terminal}, {amount}. {title}: {why}. Level: {level}, due by "
        "{by}.",
    ),
)  # fmt: skip

INCIDENT_BEGAN = _ticket(
    Event.INCIDENT_BEGAN, 1,
    Words(zh="[{incident}] {title}（{place}）", en="[{incident}] {title} ({place})"),
    Words(zh="{place}，自 {time} 起：{title}。{why}", en="{place}, since {time}: {title}. {why}"),
)  # fmt: skip

INCIDENT_ENDED = _ticket(
    Event.INCIDENT_ENDED, 1,
    Words(zh="[{incident}] 已结束", en="[{incident}] is over"),
    Words(
        zh="{place}：{title}于 {time} 结束。{count} 笔交易，{terminals} 台终端，{money}，未了结 {open} 笔。",
        en="{place}: {title} ended at {time}. {count} transactions, {terminals} terminals, {money}, {open} still open.",
    ),
)  # fmt: skip

SUPPORT = (CASE_ESCALATED, INCIDENT_BEGAN, INCIDENT_ENDED)
