"""The terminals that may speak to us: a CSV file, read at start.

Columns `terminal_id,merchant_id,acquirer`; optional `wait_ms`, how long the terminal itself waits for an answer,
`region`, a name of your own for the area whose terminals fail together, and `virtual`, 1 for a terminal without a
machine, which the virtual POS uses.
"""

import csv
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from yuanlu.kernel.errors import ConfigurationError
from yuanlu.kernel.limits import TERMINAL_MARGIN_MS

REQUIRED = ("terminal_id", "merchant_id", "acquirer")
OPTIONAL = ("wait_ms", "region", "virtual")
WAIT_MS_DEFAULT = 30_000
WAIT_MS_MAX = 600_000
REGION_CHARACTERS_MAX = 40
TERMINAL_ID_CHARACTERS, MERCHANT_ID_CHARACTERS = 8, 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """One terminal: its field 41 and field 42, where its payments go, how long it waits, and where it stands."""

    terminal_id: str
    merchant_id: str
    acquirer: str
    wait_ms: int = WAIT_MS_DEFAULT
    region: str = ""
    virtual: bool = False
    """It has no machine: set aside for the virtual POS."""


def read_terminals(path: Path, acquirers: Collection[str]) -> dict[str, Terminal]:
    """The terminals by number. Raises ConfigurationError naming the file, the line and what is wrong with it."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _parse(path, csv.DictReader(file), acquirers)
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such file; [gateway] terminals names the list of terminals") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _parse(path: Path, rows: "csv.DictReader[str]", acquirers: Collection[str]) -> dict[str, Terminal]:
    names = rows.fieldnames or []
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in REQUIRED + OPTIONAL]
    if missing or unknown:
        problem = f"missing columns {', '.join(missing)}" if missing else f"unknown columns {', '.join(unknown)}"
        raise ConfigurationError(f"{path}: {problem}; expected {','.join(REQUIRED)} and perhaps {','.join(OPTIONAL)}")
    terminals: dict[str, Terminal] = {}
    for row in rows:
        terminal = _terminal(f"{path}, line {rows.line_num}", row, acquirers)
        if terminal.terminal_id in terminals:
            raise ConfigurationError(f"{path}, line {rows.line_num}: terminal {terminal.terminal_id} is listed twice")
        terminals[terminal.terminal_id] = terminal
    return terminals


def _terminal(where: str, row: dict[str, str | None], acquirers: Collection[str]) -> Terminal:
    values = {name: (row.get(name) or "").strip() for name in REQUIRED + OPTIONAL}
    if row.get(None):  # type: ignore[call-overload]  # DictReader keeps surplus cells under None
        raise ConfigurationError(f"{where}: more cells than columns")
    if len(values["terminal_id"]) != TERMINAL_ID_CHARACTERS:
        raise ConfigurationError(f"{where}: terminal_id must have {TERMINAL_ID_CHARACTERS} characters (field 41)")
    if len(values["merchant_id"]) != MERCHANT_ID_CHARACTERS:
        raise ConfigurationError(f"{where}: merchant_id must have {MERCHANT_ID_CHARACTERS} characters (field 42)")
    if values["acquirer"] not in acquirers:
        known = ", ".join(sorted(acquirers))
        raise ConfigurationError(f"{where}: no [acquirers.{values['acquirer']}] is configured; there are: {known}")
    if len(values["region"]) > REGION_CHARACTERS_MAX or not values["region"].isprintable():
        raise ConfigurationError(f"{where}: region has at most {REGION_CHARACTERS_MAX} printable characters")
    if values["virtual"] not in ("", "0", "1"):
        raise ConfigurationError(f'{where}: virtual is 1 or left out, not "{values["virtual"]}"')
    wait = values["wait_ms"] or str(WAIT_MS_DEFAULT)
    readable = wait.isdecimal() and len(wait) <= len(str(WAIT_MS_MAX))
    if not readable or not TERMINAL_MARGIN_MS < int(wait) <= WAIT_MS_MAX:
        raise ConfigurationError(
            f'{where}: wait_ms "{wait}" must be a number above {TERMINAL_MARGIN_MS} (we answer that much earlier) '
            f"and at most {WAIT_MS_MAX}"
        )
    return Terminal(
        terminal_id=values["terminal_id"],
        merchant_id=values["merchant_id"],
        acquirer=values["acquirer"],
        wait_ms=int(wait),
        region=values["region"],
        virtual=values["virtual"] == "1",
    )
