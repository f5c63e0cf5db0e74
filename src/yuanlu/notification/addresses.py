"""Telephone numbers and e-mail addresses: how they are written, and how they are shown masked."""

import re

from yuanlu.kernel.errors import YuanluError

_MAINLAND = re.compile(r"1[3-9][0-9]{9}")
_ABROAD = re.compile(r"\+[1-9][0-9]{6,14}")


class AddressError(YuanluError):
    """This is no address that a message could go to. The text never repeats it."""


def mobile_number(given: str) -> str:
    """A mobile number in the form of E.164, as in +8613800000000; AddressError when it is none.

    Numbers of mainland China may come without +86, and any with blanks or hyphens.
    """
    digits = re.sub(r"[\s()-]", "", given)
    digits = digits.removeprefix("+86") if digits.startswith("+86") else digits
    if _MAINLAND.fullmatch(digits):
        return "+86" + digits
    if not given.strip().startswith("+86") and _ABROAD.fullmatch(digits):
        return digits
    raise AddressError("this is no mobile number: 11 digits, or + and the country's code before it")


def masked(address: str) -> str:
    """What may be shown of an address: enough to recognise it, too little to use it."""
    if "@" in address:
        name, _, domain = address.rpartition("@")
        return f"{name[:1]}***@{domain}"
    if address.startswith("+") and len(address) > 8:
        local = address.removeprefix("+86")
        return f"{local[:3]}****{local[-4:]}"
    return address[:3] + "***" if address else ""
