"""The console's words: English in the code, Chinese in `locale/zh_CN/*.po`, one file for each part of the console.

Messages name their values, `{n} payments`, and are put together by `str.format`: a `%` in a message stays one. A test
holds every message that templates and code use against the Chinese files.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from yuanlu.people.words import CHINESE, ENGLISH

LANGUAGES = (CHINESE, ENGLISH)
_FOLDER = Path(__file__).parent / "locale" / "zh_CN"


@cache
def catalogue() -> Mapping[str, str]:
    """Chinese for each English message."""
    found: dict[str, str] = {}
    for path in sorted(_FOLDER.glob("*.po")):
        with path.open("rb") as file:
            found |= {str(each.id): str(each.string) for each in read_po(file, locale="zh_CN") if each.id}
    return found


def say(language: str, message: str, **values: object) -> str:
    """The message in that language, with its values."""
    words = catalogue().get(message) if language == CHINESE else None
    return (words or message).format(**values)


def noted(message: str) -> str:
    """A message that is said later, from a list; the word tells the test that it is one."""
    return message
