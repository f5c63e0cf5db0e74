"""`yuanlu return list`: orders by people, as text."""

from yuanlu.journal.visiting import visit
from yuanlu.kernel.clock import SystemClock
from yuanlu.people.database import on_database
from yuanlu.people.notes.reading import REASON, WHY, in_words
from yuanlu.people.ordering import link_of
from yuanlu.people.words import CHINESE, language_of
from yuanlu.returns.orders import Order, open_orders, orders_of
from yuanlu.settings import Settings

LISTED_MAX = 100


@on_database
def listed(settings: Settings, what: str, lang: str) -> str:
    """Open orders, oldest first, or all of one transaction, as text."""
    with (
        visit(settings.store.url, settings.folder, SystemClock()) as visitor,
        visitor.reading() as connection,
    ):
        if what:
            found = orders_of(connection, link_of(connection, what).original.transaction_id)
        else:
            found = open_orders(connection, LISTED_MAX)
    language = language_of(lang)
    head = (
        "编号  状态  方式  金额  提出 / 复核  原因"
        if language == CHINESE
        else "order  state  kind  amount  maker / checker  why"
    )
    return "\n".join([head, *(_line(order, language) for order in found)])


def _line(order: Order, language: str) -> str:
    people = f"{order.maker} / {order.checker or '-'}"
    why = f"{in_words(order.reason, language, REASON)}  ({in_words(order.explanation, language, WHY)})"
    return f"{order.order_id}  {order.state}  {order.kind}  {order.amount}  {people}  {why}"
