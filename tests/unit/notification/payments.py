"""A payment as people are told of it, and the terms of a merchant."""

from datetime import datetime
from typing import Any

from yuanlu.causes.cause import Words
from yuanlu.kernel.clock import CHINA
from yuanlu.kernel.money import Money
from yuanlu.notices import Notification, Recipient, Sandbox, Shop
from yuanlu.notification.deciding import Payment, Standing
from yuanlu.notification.records import Contact, Subject

MERCHANT = "898440153110001"


def beijing_us(text: str) -> int:
    """An instant in Beijing, as in "11-23 05:47"."""
    at = datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)
    return int(at.timestamp()) * 1_000_000


NOON_US = beijing_us("11-23 12:00")
SUBJECT = Subject(merchant_id=MERCHANT, terminal_id="T0000001", transaction_id="01KAQ")


def yuan(minor: int) -> Money:
    return Money(minor=minor, currency="156")


def payment(**more: Any) -> Payment:
    """In return for a minute, its cause known, nobody on it yet."""
    given: dict[str, Any] = {
        "subject": SUBJECT, "money": Standing.OPEN, "amount": yuan(128_000), "last4": "1451", "stan": "000123",
        "at_us": NOON_US, "changed_at_us": NOON_US, "late_at_us": NOON_US + 600_000_000,
        "cause": Words(zh="应答丢失", en="Answer lost"), "todo": Words(zh="请等待。", en="Wait."), "explained": True,
        "duplicate": False, "incident": False, "case_id": "",
    }  # fmt: skip
    return Payment(**given | more)


CONTACT = Contact(
    contact_id="c1", transaction_id="01KAQ", merchant_id=MERCHANT, masked="138****0000", token="tok", sealed=b"-",
    language="zh", told_by="till", at_us=NOON_US,
)  # fmt: skip
FINANCE = Recipient(name="finance", via=("chat",), to="finance@example.cn")
SHOP = Shop(name="南站出口店", short="南站店")


def terms(**more: Any) -> Notification:
    """Two channels, a recipient, a shop with a name."""
    given: dict[str, Any] = {
        "brand": "原路支付", "sms": ("phone",), "recipients": (FINANCE,), "shops": {MERCHANT: SHOP},
        "channels": {"phone": Sandbox(), "chat": Sandbox()},
    }  # fmt: skip
    return Notification(**given | more)
