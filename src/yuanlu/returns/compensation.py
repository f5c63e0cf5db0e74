"""What a cardholder is owed because the money came back late: by contract, computed, and then two people's (补偿)."""

from yuanlu.contracts import Compensation
from yuanlu.kernel.money import Money

MINUTE_US = 60_000_000
DAY_US = 86_400_000_000


def compensation_due(contract: Compensation, amount: Money, late_us: int) -> Money | None:
    """The sum for `amount` that came back after `late_us`; None while the contract gives nothing. Pure.

    Each day begun beyond the time agreed counts, and the sum never exceeds the contract's.
    """
    beyond_us = late_us - contract.after_minutes * MINUTE_US
    if not contract.after_minutes or beyond_us <= 0:
        return None
    days = -(-beyond_us // DAY_US)
    minor = min(contract.max_minor, days * (contract.per_day_minor + amount.minor * contract.per_day_per_mille // 1000))
    return Money(minor=minor, currency=amount.currency) if minor else None
