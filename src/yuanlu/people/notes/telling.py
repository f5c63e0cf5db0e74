"""What is written about messages to people, in Chinese. What providers answered stays as it is."""

from yuanlu.people.notes.saying import Note

TELLINGS = (
    Note("overtaken by {template}", "已有更新的通知（{template}）"),
    Note("does not want to be told", "对方不愿接收通知"),
    Note("there is no address any more", "地址已不存在"),
    Note("its time is over: -", "已过有效时间"),
    Note("its time is over: {text}", "已过有效时间：{text}"),
    Note("{name}: once more", "{name}：重新发送"),
)
"""Why a message stands as it does."""

_TOLD, _TOLD_ZH = "{id}: {template} to {masked}", "{id}：{template}，发给 {masked}"
_LINES = (
    Note(_TOLD, _TOLD_ZH),
    Note(_TOLD + " by {channel}", _TOLD_ZH + "（{channel}）"),
    Note(_TOLD + ": {telling}", _TOLD_ZH + "：{telling}"),
    Note(_TOLD + " by {channel}: {telling}", _TOLD_ZH + "（{channel}）：{telling}"),
)

MESSAGES = dict.fromkeys(
    ("TELLING", "TOLD", "TOLD_DELIVERED", "NOT_TOLD", "TELLING_OVERTAKEN", "TELLING_UNWANTED"), _LINES
)
"""The facts of a message, by their kinds; see `yuanlu.notification.writing`."""

_CASE, _CASE_ZH = "{sending}: {template} → {masked}", "{sending}：{template} → {masked}"
IN_CASE = (
    Note(_CASE, _CASE_ZH),
    Note(_CASE + " ({channel})", _CASE_ZH + "（{channel}）"),
    Note(_CASE + ": {telling}", _CASE_ZH + "：{telling}"),
    Note(_CASE + " ({channel}): {telling}", _CASE_ZH + "（{channel}）：{telling}"),
)
"""The line of a case's timeline; see `yuanlu.flow.telling`."""
