"""Every format there is, by its name."""

from yuanlu.reconciliation.clearing import ClearingWrong, Format
from yuanlu.reconciliation.formats.plain_csv import CSV
from yuanlu.reconciliation.formats.union_zm import ZM

FORMATS = {each.name: each for each in (CSV, ZM)}


def get_format(name: str) -> Format:
    """The format of this name. Raises ClearingWrong."""
    if name not in FORMATS:
        raise ClearingWrong(f'--format "{name}": there are {", ".join(FORMATS)}')
    return FORMATS[name]
