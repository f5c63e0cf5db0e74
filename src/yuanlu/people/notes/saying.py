"""A sentence that the code writes, with its Chinese, and how values are found in it.

What hosts wrote and people typed stands in notes, so a pattern must be cheap on any text: it fits the whole text or
nothing, every value but one has a limit of characters, and the one without a limit takes what the others leave.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

_PLACE = re.compile(r"\\\{([a-z_]+?)([0-9]?)\\\}")


class Note(NamedTuple):
    """What the code writes, with its values in braces, and the Chinese. A value's name says what it is: `{n}`, or
    `{n2}` for a second one; see `reading.VALUES`. `alone` is the English of what is written in both languages at once.
    """

    en: str
    zh: str
    alone: str = ""


class Value(NamedTuple):
    """What a value looks like, its Chinese, and its English where it is not as it stands; `limited` is False for the
    one that may be of any length.
    """

    form: str
    zh: Callable[[str], str]
    limited: bool = True
    en: Callable[[str], str] = str


Found = tuple[Note, dict[str, str]]


def value_name(place: str) -> str:
    """`n` for `n` and `n2`."""
    return place.rstrip("0123456789")


class Table:
    """Sentences to be found by their text. Of several that fit, the one with most words of its own is meant."""

    def __init__(self, notes: Iterable[Note], values: Mapping[str, Value]) -> None:
        notes = sorted(notes, key=_own_characters, reverse=True)
        self._whole = {note.en: note for note in notes if "{" not in note.en}
        self._forms = [(_form(note.en, values), note) for note in notes if "{" in note.en]

    def find(self, text: str) -> Found | None:
        """The sentence that this text is, with its values as they stand there."""
        whole = self._whole.get(text)
        if whole is not None:
            return whole, {}
        for form, note in self._forms:
            found = form.fullmatch(text)
            if found is not None:
                return note, found.groupdict()
        return None


def _form(en: str, values: Mapping[str, Value]) -> re.Pattern[str]:
    def place(found: re.Match[str]) -> str:
        return f"(?P<{found[1]}{found[2]}>{values[found[1]].form})"

    return re.compile(_PLACE.sub(place, re.escape(en)), re.DOTALL)


def _own_characters(note: Note) -> int:
    return len(re.sub(r"\{\w+\}", "", note.en))
