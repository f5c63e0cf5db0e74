"""What a customer can present at the virtual POS: test cards and payment codes, for trying and training.

The numbers are made here: a test prefix, a short body, and the check digit (ISO/IEC 7812-1, Luhn). No bank gave them
out. A code is another one each time, as a wallet's is.
"""

from collections.abc import Callable

from msgspec import Struct

from yuanlu.till.records import CardData, Entry, QrCode, Source

EXPIRY_YYMM, EXPIRED_YYMM = "3012", "2001"
SERVICE_CODE = "201"


class Presented(Struct, frozen=True, kw_only=True):
    """One choice: its words, and the source that it makes. `random_digits` gives so many."""

    key: str
    zh: str
    en: str
    make: Callable[[Callable[[int], str]], Source]


def _card(body: str, entry: Entry, expiry: str = EXPIRY_YYMM) -> Callable[[Callable[[int], str]], Source]:
    pan = body + _check_digit(body)
    track2 = f"{pan}={expiry}{SERVICE_CODE}00000"
    return lambda _digits: CardData(entry=entry, pan=pan, expiry_yymm=expiry, track2=track2)


def _code(prefix: str) -> Callable[[Callable[[int], str]], Source]:
    return lambda digits: QrCode(code=prefix + digits(18 - len(prefix)))


def _check_digit(digits: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


CHOICES: tuple[Presented, ...] = (
    Presented(
        key="debit", zh="借记卡（挥卡）", en="Debit card, contactless", make=_card("620000000000101", Entry.CONTACTLESS)
    ),
    Presented(
        key="credit", zh="信用卡（刷磁条）", en="Credit card, swiped", make=_card("621626100000202", Entry.MAGSTRIPE)
    ),
    Presented(key="wechat", zh="微信付款码", en="WeChat Pay code", make=_code("13")),
    Presented(key="alipay", zh="支付宝付款码", en="Alipay code", make=_code("28")),
    Presented(key="quickpass", zh="云闪付付款码", en="UnionPay QR code", make=_code("62")),
)
"""In the order in which they are offered."""


def choice_of(key: str) -> Presented | None:
    """The choice that goes by this key."""
    return next((each for each in CHOICES if each.key == key), None)
