"""The contracts' part of `yuanlu config check`."""

from collections.abc import Iterator

from yuanlu.contracts import MINUTE_MS, Agreements
from yuanlu.kernel.money import format_minor
from yuanlu.settings import Settings

CURRENCY = "156"
"""Limits are in minor units of the payment's currency; shown as those of the yuan."""


def contract_lines(settings: Settings, known: set[str]) -> Iterator[str]:
    """Each contract as it is meant. `known` are the merchants of the list of terminals."""
    agreements = settings.agreements()
    for name, contract in settings.contracts.items():
        yield f"contract   {name}: {len(contract.merchants)} merchants, {_terms(agreements, contract.merchants[0])}"
        for merchant_id in contract.merchants:
            if merchant_id not in known:
                yield f"warning    {name}: no terminal has merchant {merchant_id}"


def _terms(agreements: Agreements, merchant_id: str) -> str:
    terms = agreements.of(merchant_id)
    returns, owed = terms.returns, terms.compensation
    one, day = (
        format_minor(minor, CURRENCY) for minor in (returns.automatic_max_minor, returns.automatic_per_day_minor)
    )
    late = f"compensation after {owed.after_minutes} min" if owed.after_minutes else "no compensation"
    person = f"a person after {terms.service_levels.l1_after_ms // MINUTE_MS} min"
    return f"by itself {one} a return and {day} a day, approval in {returns.approval_hours} h, {late}, {person}"
