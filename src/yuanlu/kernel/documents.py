"""A TOML document with the environment over it, before it becomes settings."""

from collections.abc import Mapping
from typing import Any

import msgspec

from yuanlu.kernel.errors import ConfigurationError

ENVIRONMENT_PREFIX = "YUANLU_"


def tables(document: dict[str, Any], name: str) -> list[tuple[str, Any]]:
    """The tables below `name`, each with its own name; none where there is no table."""
    found = document.get(name)
    return list(found.items()) if isinstance(found, dict) else []


def over(general: dict[str, Any], own: Any) -> Any:
    """One table over another; what is no table is left to the check."""
    return general | own if isinstance(own, dict) else own


def check_table(table: Any, kind: Any, where: str) -> None:
    """Check one named table by itself, so that the message can say its name. Raises msgspec.ValidationError."""
    try:
        msgspec.convert(table, kind, strict=False)
    except msgspec.ValidationError as error:
        text, at, key = str(error).partition(" - at `$")
        raise msgspec.ValidationError(f"{text} - at `$.{where}{key if at else '`'}") from None


def overlay(document: dict[str, Any], environment: Mapping[str, str]) -> None:
    """Put what the environment says over the document. Raises ConfigurationError."""
    for name, value in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or "__" not in name:
            continue
        *folders, last = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        table = document
        for folder in folders:
            table = table.setdefault(_same_name(table, folder), {})
            if not isinstance(table, dict):
                raise ConfigurationError(f"environment variable {name}: `{folder}` is not a table")
        table[_same_name(table, last)] = value


def _same_name(table: Mapping[str, Any], name: str) -> str:
    return next((key for key in table if key.lower() == name), name)


def in_words(error: msgspec.ValidationError) -> str:
    """What is wrong, and in which table."""
    text = str(error)
    where = text.rsplit(" - at `$.", 1)
    if len(where) == 2:
        return f"[{where[1].rstrip('`')}] {where[0]}"
    return text
