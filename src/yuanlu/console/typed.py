"""What people type into forms, read into values. What cannot be read is said above the form, in their language."""

from datetime import datetime

from yuanlu.console.asked import Asked
from yuanlu.console.proving import proved
from yuanlu.kernel.clock import CHINA
from yuanlu.kernel.errors import YuanluError
from yuanlu.kernel.money import MINOR_DIGITS_MAX, Money
from yuanlu.people.figures import WHOLE

NUMBER_DIGITS_MAX = 15


class Wrong(YuanluError):
    """A field is missing or cannot be read; the text says which, in the reader's language."""


def number(asked: Asked, name: str, low: int, high: int) -> int:
    """A whole number of the form. Raises Wrong."""
    text = asked.given(name)
    if not (text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS_MAX and low <= int(text) <= high):
        raise Wrong(asked.say("This form is not complete. Open the page again; nothing was done."))
    return int(text)


def amount(asked: Asked, name: str, currency: str) -> Money:
    """An amount as people write it: 1,280.00. Raises Wrong."""
    text = asked.given(name)
    whole, dot, rest = text.replace(",", "").removeprefix("¥").partition(".")
    digits = 0 if currency in WHOLE else 2
    readable = whole.isascii() and whole.isdecimal() and len(whole) <= MINOR_DIGITS_MAX - digits
    if not readable or len(rest) > digits or (dot and not (rest.isascii() and rest.isdecimal())):
        raise Wrong(asked.say('"{text}" is no amount. Write it like 12.50.', text=text))
    minor = int(whole + f"{rest:0<{digits}}")
    if not minor:
        raise Wrong(asked.say("The amount must be above zero."))
    return Money(minor=minor, currency=currency)


def instant_us(asked: Asked, name: str) -> int:
    """An instant of <input type=datetime-local>, in Beijing time. Raises Wrong."""
    text = asked.given(name)
    try:
        at = datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=CHINA)
        return round(at.timestamp()) * 1_000_000
    except (ValueError, OverflowError):
        raise Wrong(asked.say('"{text}" is no time. Write it like 2026-11-23T10:00.', text=text)) from None


def words(asked: Asked, name: str, missing: str) -> str:
    """A text that must be there; `missing` is what to say otherwise. Raises Wrong."""
    text = asked.given(name)
    if not text:
        raise Wrong(missing)
    return text


async def himself(asked: Asked, why: str = "") -> None:
    """Whoever decides is the one who signed in: lately proved, or by the password in the form. `why` is what it is
    needed for, where no money moves. Raises Wrong.
    """
    if not await proved(asked):
        if asked.form.get("password"):
            raise Wrong(asked.say("The password is wrong. Nothing was done."))
        raise Wrong(why or asked.say("Give your password again: you are about to move money. Nothing was done yet."))
