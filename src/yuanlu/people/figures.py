"""Amounts and times as people read them, on pages and on paper: one formatter for each kind of value."""

import re

from yuanlu.kernel.clock import local_time
from yuanlu.kernel.money import Money, alphabetic, numeric

SYMBOLS = {"156": "¥", "344": "HK$", "446": "MOP$", "840": "US$", "978": "€", "392": "JP¥"}
WHOLE = frozenset({"392"})
"""Currencies without minor units."""

YUAN = "156"
_NAMED = re.compile(rf"\b({'|'.join(map(alphabetic, SYMBOLS))}) (-?)([0-9][0-9,]*(?:\.[0-9]{{2}})?)(?![0-9])")
_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿")


def amount_text(amount: Money) -> str:
    """¥1,280.00"""
    return minor_text(amount.minor, amount.currency)


def minor_text(minor: int, currency: str) -> str:
    """¥1,280.00, −¥36.50; whole units where the currency has no others."""
    sign, minor = ("−" if minor < 0 else ""), abs(minor)
    symbol = SYMBOLS.get(currency, currency + " ")
    if currency in WHOLE:
        return f"{sign}{symbol}{minor:,}"
    return f"{sign}{symbol}{minor // 100:,}.{minor % 100:02}"


def with_symbols(text: str) -> str:
    """A text that the machine wrote, with amounts as pages have them: ¥1,280.00 for CNY 1,280.00."""
    return _NAMED.sub(lambda found: ("−" if found[2] else "") + SYMBOLS[numeric(found[1])] + found[3], text)


def when_text(at_us: int) -> str:
    """An instant in Beijing time, to the second."""
    return f"{local_time(at_us):%Y-%m-%d %H:%M:%S}"


def instant_text(at_us: int) -> str:
    """An instant in Beijing time, to the millisecond, as evidence needs it."""
    return f"{when_text(at_us)}.{at_us // 1000 % 1000:03}"


def capital_text(amount: Money) -> str:
    """人民币壹仟贰佰捌拾元整: an amount as vouchers on paper write it; "" for another currency than the yuan.

    After the rules for filling in bills and settlement vouchers (正确填写票据和结算凭证的基本规定): 元整 without jiao
    and fen, 整 after jiao alone, one 零 for zeros within.
    """
    if amount.currency != YUAN:
        return ""
    yuan, rest = divmod(amount.minor, 100)
    jiao, fen = divmod(rest, 10)
    text = _whole_yuan(yuan) + "元" if yuan else ""
    if not rest:
        return f"人民币{text or '零元'}整"
    text += _DIGITS[jiao] + "角" if jiao else "零" if yuan else ""
    return f"人民币{text}{_DIGITS[fen]}分" if fen else f"人民币{text}整"


def _whole_yuan(yuan: int) -> str:
    text, zero = "", False
    digits = str(yuan)
    for n, digit in enumerate(digits):
        group, place = divmod(len(digits) - 1 - n, 4)
        if digit == "0":
            zero = bool(text)
        else:
            text += ("零" if zero else "") + _DIGITS[int(digit)] + _PLACES[place]
            zero = False
        if place == 0 and int(digits[max(0, n - 3) : n + 1]):
            text, zero = text + _GROUPS[group], False if group else zero
    return text
