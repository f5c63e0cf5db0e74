"""What people report about terminals and declare about payments, as lines."""

from yuanlu.cli.casework import actor
from yuanlu.people import observing
from yuanlu.people.words import CHINESE, language_of
from yuanlu.settings import Settings


def reported(
    settings: Settings, terminal_id: str, kind: str, value: str, name: str, lang: str, *, stan: str, batch: str
) -> str:
    """Something about a terminal, and how many payments it concerns. Raises ObservationWrong or CaseError."""
    what, concerned = observing.reported(settings, terminal_id, kind, value, actor(name), stan=stan, batch=batch)
    said = what.kind.value + (f" {what.value}" if what.value != "1" else "")
    if language_of(lang) == CHINESE:
        return f"{terminal_id}  已记录：{said}；涉及交易 {concerned} 笔"
    return f"{terminal_id}  recorded: {said}; payments concerned: {concerned}"


def clearing(settings: Settings, what: str, how: str, reference: str, name: str, lang: str) -> str:
    """How the clearing file differs about a payment. Raises DeclarationRefused or CaseError."""
    found, named = observing.clearing(settings, what, how, reference, actor(name))
    if language_of(lang) == CHINESE:
        return f"{found.transaction_id}  已记录：与清算文件不符（{how}），{named}"
    return f"{found.transaction_id}  recorded: the clearing file differs ({how}), {named}"


def handed_over(settings: Settings, what: str, given: str, name: str, lang: str) -> str:
    """Goods or cash went out although the payment does not stand. Raises DeclarationRefused or CaseError."""
    found, done = observing.handed_over(settings, what, given, actor(name))
    assert done.order is not None, "the order stands in the declaration's own commit"
    order, chinese = done.order, language_of(lang) == CHINESE
    waits = f"yuanlu return approve {order.order_id} --as NAME"
    if chinese:
        head = "已记录" if done.changes else "此前已声明，未作变动"
        return f"{found.transaction_id}  {head}；工单 {done.case_id}；补付 {order.amount} {order.state}，复核：{waits}"
    head = "recorded" if done.changes else "declared before, nothing changed"
    return f"{found.transaction_id}  {head}; case {done.case_id}; re-payment of {order.amount} {order.state}: {waits}"
