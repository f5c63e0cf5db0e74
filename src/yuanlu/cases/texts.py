"""What people write into a case, and what must not stay in it: full card numbers.

People paste what they have before them. A number of 13 to 19 digits with a card scheme's prefix and a right check
digit (ISO/IEC 7812-1, Luhn) is taken as a card number, also with blanks or hyphens between its groups. In a text it
is shortened to its last four digits; a file that holds one is refused (PCI DSS 4.0.1, 3.4 and 12.10).
"""

import re
import unicodedata

from yuanlu.cases.errors import CaseError
from yuanlu.kernel.card_numbers import has_card_number, without_card_numbers

TEXT_CHARACTERS_MAX = 2_000
REFERENCE_CHARACTERS_MAX = 64
_PUNCTUATION = re.compile("([，：；？！（）])")


def text_of(given: str, what: str) -> str:
    """A text that may be kept. CaseError when it is empty or too long; `what` names it."""
    kept = "".join(c for c in _one_form(given).strip() if c.isprintable() or c == "\n")
    if not kept:
        raise CaseError(f"{what} is missing: say it in a few words")
    if len(kept) > TEXT_CHARACTERS_MAX:
        raise CaseError(f"{what} has {len(kept)} characters, at most {TEXT_CHARACTERS_MAX} are kept; attach a file")
    return without_card_numbers(kept)


def _one_form(given: str) -> str:
    """Digits and blanks of any width as one form, so that no card number hides; Chinese keeps its punctuation."""
    parts = _PUNCTUATION.split(given)
    return "".join(part if n % 2 else unicodedata.normalize("NFKC", part) for n, part in enumerate(parts))


def reference_of(given: str) -> str:
    """A bank's reference, "" for none. CaseError when it is too long or looks like a card number."""
    kept = " ".join(unicodedata.normalize("NFKC", given).split())
    if len(kept) > REFERENCE_CHARACTERS_MAX or not kept.isprintable():
        raise CaseError(f"a bank reference has at most {REFERENCE_CHARACTERS_MAX} printable characters")
    if has_card_number(kept):
        raise CaseError("this looks like a card number, not a bank reference; card numbers are not kept")
    return kept
