"""What is left of English in a text that a Chinese page shows."""

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select

from yuanlu.journal.tables import facts
from yuanlu.people.notes.reading import in_words

CODES = frozenset(
    {"MAC", "CNY", "HKD", "GBK", "ASCII", "PIN", "VIP", "STAN", "RRN", "CVN", "POS", "CSV", "PDF", "JSON", "Apprise"}
)
"""Names of protocols, currencies and fields, which are Chinese usage, too."""
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def english_in(text: str, but: Iterable[str] = ()) -> list[str]:
    """Its words in Latin letters that are no code and no id; `but` are names and what people typed."""
    for known in sorted(but, key=len, reverse=True):
        text = text.replace(known, " ")
    return [each for each in _WORD.findall(text) if each not in CODES and not _is_id(each)]


def sentences_in(text: str, but: Iterable[str] = ()) -> list[str]:
    """Runs of three words and more in Latin letters: an English sentence."""
    for known in sorted(but, key=len, reverse=True):
        text = text.replace(known, "。")
    runs = re.findall(r"[A-Za-z][A-Za-z']*(?:[ ,;:]+[A-Za-z][A-Za-z']*){2,}", text)
    return [run for run in runs if len([each for each in run.split() if each.strip(",;:") not in CODES]) > 2]


def _is_id(word: str) -> bool:
    return any(each.isdigit() for each in word) or len(word) == 1


def notes_left_english(connection: Connection, but: Iterable[str] = ()) -> dict[str, Any]:
    """Facts of the journal whose note is not Chinese for a Chinese reader, by how it reads."""
    rows = connection.execute(select(facts.c.kind, facts.c.note).where(facts.c.note != "")).all()
    said = {in_words(row.note, "zh", row.kind): (row.kind, row.note) for row in rows}
    return {text: where for text, where in said.items() if english_in(text, but)}
