"""What orders have given back by themselves, for the limit of the day."""

from datetime import datetime

from tests.store.journals import inserted, opened, transaction
from yuanlu.kernel.clock import CHINA
from yuanlu.kernel.money import Money
from yuanlu.returns.orders import Order, OrderState, automatic_today_minor, insert_order
from yuanlu.returns.states import State

MIDNIGHT_US = int(datetime(2026, 11, 23, tzinfo=CHINA).timestamp()) * 1_000_000
MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000


def automatic(name: str, at_us: int, minor: int) -> Order:
    return Order(
        order_id=name, transaction_id="t1", kind="refund", paid_from="original", state=OrderState.RUNNING,
        amount=Money(minor=minor, currency="156"), origin="settlement", reason="r", explanation="e", automatic=True,
        maker="policy", proposed_at_us=at_us, expires_at_us=at_us,
    )  # fmt: skip


def test_the_day_of_the_limit_is_a_day_in_china(place):
    with opened(place) as (run, at):
        payment = transaction("t1", State.APPROVED)
        before, after = automatic("a", MIDNIGHT_US - MINUTE_US, 7), automatic("b", MIDNIGHT_US + MINUTE_US, 5)
        run(lambda: at.journal.commit([], [inserted(payment), insert_order(before), insert_order(after)]))

        def given(now_us: int) -> int:
            merchant = payment.key.merchant_id
            return run(lambda: at.journal.read(lambda c: automatic_today_minor(c, merchant, "156", now_us)))

        assert given(MIDNIGHT_US + 3 * HOUR_US) == 5, "at 03:00 in China it is still yesterday in Greenwich"
        assert given(MIDNIGHT_US + 9 * HOUR_US) == 5, "at 09:00 the day in Greenwich has just begun"
