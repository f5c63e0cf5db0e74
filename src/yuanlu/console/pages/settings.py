"""Settings, to be read: they are changed in the configuration file, which is kept under version control."""

from typing import Any

import msgspec
from starlette.responses import Response

from yuanlu.access.roles import Right
from yuanlu.console.asked import Asked
from yuanlu.console.routing import Page
from yuanlu.db.choosing import database_name
from yuanlu.settings import Settings


async def show(asked: Asked) -> Response:
    """Every table of the configuration, defaults included; no secret is in it but a database's password, left out."""
    return asked.page("settings.html", tables=_tables(asked.console.settings))


def _tables(settings: Settings) -> list[tuple[str, list[tuple[str, str]]]]:
    whole = msgspec.to_builtins(settings)
    whole["store"]["url"] = database_name(settings.store.url, settings.folder)
    whole["console"]["metrics_token"] = "…" if settings.console.metrics_token else ""
    found = [
        ("store", whole["store"]), ("gateway", whole["gateway"]), ("keys", whole["keys"]),
        *((f"acquirers.{name}", table) for name, table in whole["acquirers"].items()),
        ("returns", whole["returns"]), ("compensation", whole["compensation"]),
        ("service_levels", whole["service_levels"]), ("incidents", whole["incidents"]),
        *((f"contracts.{name}", table) for name, table in whole["contracts"].items()),
        ("console", whole["console"]), ("log", whole["log"]),
    ]  # fmt: skip
    return [(name, _rows(table)) for name, table in found]


def _rows(table: Any, before: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            rows += _rows(value, f"{before}{key}.")
        else:
            rows.append((before + key, _text(value)))
    return rows


def _text(value: Any) -> str:
    """As the configuration file has it, without quotes."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


PAGES = (Page(path="/settings", right=Right.SEE_SETTINGS, show=show),)
