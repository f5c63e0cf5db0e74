"""Both languages are complete: every message of code and templates has its Chinese, with the same values."""

import re
from io import BytesIO
from pathlib import Path
from string import Formatter

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import yuanlu.console as console
from yuanlu.console.pages.listing import PLACES
from yuanlu.console.texts import catalogue

FOLDER = Path(console.__path__[0])
HAN = re.compile(r"[\u4e00-\u9fff]")


def used() -> dict[str, str]:
    """Each message in use, and where."""
    methods = [("**/templates/**.html", "jinja2.ext.babel_extract"), ("**.py", "python")]
    options = {"**/templates/**.html": {"silent": "false", "trimmed": "false"}}
    found = extract_from_dir(FOLDER, methods, options, keywords={"_": None, "say": None, "noted": None})
    messages = {message: f"{name}:{line}" for name, line, message, _, _ in found if isinstance(message, str)}
    return messages | {place.name: "navigation" for place in PLACES}


def names(message: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(message) if name is not None}


def test_every_message_has_its_chinese():
    missing = {message: where for message, where in used().items() if not HAN.search(catalogue().get(message, ""))}
    assert not missing


def test_a_translation_has_the_values_of_its_message():
    assert not {m: zh for m, zh in catalogue().items() if names(m) != names(zh)}


def test_no_translation_is_kept_that_nothing_uses():
    assert not set(catalogue()) - set(used())


def test_no_message_stands_in_two_files():
    seen: dict[str, str] = {}
    for path in sorted((FOLDER / "locale/zh_CN").glob("*.po")):
        for message in read_po(BytesIO(path.read_bytes()), locale="zh_CN"):
            if message.id:
                assert str(message.id) not in seen, f"{message.id!r} in {path.name} and {seen[str(message.id)]}"
                seen[str(message.id)] = path.name
