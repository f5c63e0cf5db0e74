"""What a terminal says of itself in a status upload: 0820 with 60.3 = 362, field 62. Pure.

Our own format, since no public document gives one (`docs/decisions/0014-observations.md`): ASCII, `key=value` pairs
with `;` between them, for example `slip_failed=1;stan=000123;batch=000001`. Keys are the kinds of `observations`;
`stan` and `batch` name the payment that it is about. Other keys are left to their makers and ignored.
"""

import re

from msgspec import Struct

from yuanlu.fleet.observations import TERMINAL_KINDS, ObservationWrong, Told, told

STATUS_CODE = "362"
"""60.3, or field 70 in the 1987 dialect: status upload."""

PAIRS_MAX = 32

_PAIR = re.compile(r"([a-z][a-z0-9_.-]{0,31})=([ -:<-~]{1,64})")
_SIX_DIGITS = re.compile(r"[0-9]{6}")


class Status(Struct, frozen=True, kw_only=True):
    """One upload: what is told, and the trace and batch number of the payment that it is about, "" for none."""

    told: tuple[Told, ...]
    stan: str = ""
    batch_no: str = ""


def read_status(text: str) -> Status:
    """Field 62 of a status upload. Raises ObservationWrong saying what is wrong with it."""
    pairs = _pairs(text)
    stan, batch_no = pairs.pop("stan", ""), pairs.pop("batch", "")
    for name, value in (("stan", stan), ("batch", batch_no)):
        if value and not _SIX_DIGITS.fullmatch(value):
            raise ObservationWrong(f'{name} "{value}": give six digits')
    if batch_no and not stan:
        raise ObservationWrong("batch without stan names no payment")
    known = tuple(told(key, value) for key, value in pairs.items() if key in TERMINAL_KINDS)
    return Status(told=known, stan=stan, batch_no=batch_no)


def _pairs(text: str) -> dict[str, str]:
    if not text:
        raise ObservationWrong("field 62 is missing; it says what the terminal's status is")
    parts = text.removesuffix(";").split(";")
    if len(parts) > PAIRS_MAX:
        raise ObservationWrong(f"{len(parts)} pairs, at most {PAIRS_MAX}")
    pairs: dict[str, str] = {}
    for place, part in enumerate(parts, start=1):
        found = _PAIR.fullmatch(part)
        if found is None:
            raise ObservationWrong(f"pair {place} is not key=value in printable ASCII")
        if found[1] in pairs:
            raise ObservationWrong(f"{found[1]} is given twice")
        pairs[found[1]] = found[2]
    return pairs
