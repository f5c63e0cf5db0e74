"""What a terminal can show of a cause: one line, from what the cause tells the cashier.

The first sentence says what happened; that nobody may charge again comes with it wherever the cause says so. What else
fits follows, by whole sentences.
"""

import re
from collections.abc import Callable

from yuanlu.causes.cause import Words

DO_NOT = Words(zh="请勿重复刷卡。", en="Do not charge again.")
_CLAUSES = {"zh": "，", "en": ", "}


def prompt(cashier: Words, language: str, bytes_max: int, encoding: str) -> str:
    """At most so many bytes in this encoding; the warning alone where not even the first clause fits beside it."""
    words, do_not = (cashier.zh, DO_NOT.zh) if language == "zh" else (cashier.en, DO_NOT.en)
    gap = "" if language == "zh" else " "
    first, *rest = sentences(words)
    warning = do_not[:-1]  # it may go on, as in 请勿重复刷卡或扫码

    def fits(*parts: str) -> bool:
        return len(gap.join(parts).encode(encoding)) <= bytes_max

    shown = [first]
    if warning in words and warning not in first:
        shown = [*([short] if (short := _shortened(first, language, lambda s: fits(s, do_not))) else []), do_not]
        rest = [each for each in rest if warning not in each]
    for each in rest:
        if not fits(*shown, each):
            break
        shown.append(each)
    return gap.join(shown)


def sentences(words: str) -> list[str]:
    """One after the other, each with its end."""
    return [each.strip() for each in re.findall(r"[^。.]+[。.]", words)]


def _shortened(sentence: str, language: str, fits: Callable[[str], bool]) -> str:
    """The sentence without as many of its last clauses as must go; "" when none fits."""
    clauses = sentence[:-1].split(_CLAUSES[language])
    for length in range(len(clauses), 0, -1):
        short = _CLAUSES[language].join(clauses[:length]) + sentence[-1]
        if fits(short):
            return short
    return ""
