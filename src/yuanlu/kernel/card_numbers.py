"""Card numbers in what people and configurations say: found, and shortened to their last four digits.

A number of 13 to 19 digits with a card scheme's prefix and a right check digit (ISO/IEC 7812-1, Luhn) is taken as a
card number, also with blanks or hyphens between its groups (PCI DSS 4.0.1, 3.4). A case's own number is none.
"""

import re
from collections.abc import Iterator

CARD_DIGITS_MIN, CARD_DIGITS_MAX = 13, 19

_GROUPS = re.compile(r"[0-9]+(?:[ -][0-9]+)*")
_GROUP = re.compile(r"[0-9]+")
_OWN_NUMBER = re.compile(r"C[0-9]{6}-[0-9]{8}")
_SCHEMES = re.compile(
    r"(?:62|81|955|5[0-8]|6[0345])[0-9]{13,17}|4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|3[47][0-9]{13}|3[0689][0-9]{12,17}"
    r"|35[0-9]{14,17}|(?:22[2-9]|2[3-6][0-9]|27[0-2])[0-9]{13}"
)
"""Prefix and number of digits, scheme by scheme."""


def without_card_numbers(text: str) -> str:
    """The same text, each card number shortened to its last four digits."""
    for start, end in reversed(list(_card_numbers(text))):
        digits = "".join(_GROUP.findall(text[start:end]))
        text = f"{text[:start]}••{digits[-4:]}{text[end:]}"
    return text


def has_card_number(text: str) -> bool:
    """Whether the text holds a full card number."""
    return next(_card_numbers(text), None) is not None


def _card_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers stand: each begins and ends with a group of digits. A case's own number is none."""
    text = _OWN_NUMBER.sub(lambda found: "C" * len(found[0]), text)
    for run in _GROUPS.finditer(text):
        groups = [(run.start() + g.start(), run.start() + g.end()) for g in _GROUP.finditer(run[0])]
        first = 0
        while first < len(groups):
            ends = (first, *range(len(groups) - 1, first, -1))  # written in one piece, else as far as it reaches
            last = next((n for n in ends if _is_card(text, groups[first : n + 1])), -1)
            if last >= 0:
                yield groups[first][0], groups[last][1]
                first = last
            first += 1


def _is_card(text: str, groups: list[tuple[int, int]]) -> bool:
    digits = "".join(text[start:end] for start, end in groups[: CARD_DIGITS_MAX + 1])
    if not CARD_DIGITS_MIN <= len(digits) <= CARD_DIGITS_MAX or not _SCHEMES.fullmatch(digits):
        return False
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(map(int, digits[::-2]))) % 10 == 0
