"""What is agreed with merchants: limits of returns, compensation, service levels, who is told; for all and by contract.

A merchant has at most one contract. What that leaves out is as for everybody, and who has none gets what everybody
gets. `Agreements.of` is the one place that answers which terms a merchant has; whoever decides gets them as an
argument. The service-level defaults are promises of this program, no law.
"""

from collections.abc import Mapping
from datetime import time
from typing import Annotated

from msgspec import Meta, Struct

from yuanlu.kernel.errors import ConfigurationError
from yuanlu.kernel.section import NotNegative, Section
from yuanlu.notices import Telling

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
YEAR_DAYS = 366

AUTOMATIC_MAX_MINOR, AUTOMATIC_PER_DAY_MINOR, APPROVAL_HOURS = 100_000, 1_000_000, 24

Hours = Annotated[int, Meta(ge=1, le=YEAR_DAYS * 24)]
Milliseconds = Annotated[int, Meta(ge=0, le=YEAR_DAYS * DAY_MS)]
Days = Annotated[int, Meta(ge=0, le=YEAR_DAYS)]
TimeOfDay = Annotated[time, Meta(tz=False)]
MerchantId = Annotated[str, Meta(min_length=15, max_length=15)]


class Returns(Section, frozen=True, kw_only=True):
    """`[returns]`: what goes back by itself, and what two people must decide."""

    automatic_max_minor: NotNegative = AUTOMATIC_MAX_MINOR
    """Largest single return that policy may make by itself, in minor units; reversals are not counted."""
    automatic_per_day_minor: NotNegative = AUTOMATIC_PER_DAY_MINOR
    """So much a merchant and day at most, in minor units; above it two people decide."""
    approval_hours: Hours = APPROVAL_HOURS
    """How long a proposal waits for the second person before it expires."""


class Compensation(Section, frozen=True, kw_only=True):
    """`[compensation]`: what the contract gives a cardholder whose money came back late."""

    after_minutes: NotNegative = 0
    """So late, counted from the payment, before anything is owed; 0: the contract gives nothing."""
    per_day_minor: NotNegative = 0
    """For each day begun beyond that, in minor units."""
    per_day_per_mille: NotNegative = 0
    """And so many thousandths of the amount for each such day."""
    max_minor: NotNegative = 5_000
    """At most, in minor units."""


class ServiceLevel(Section, frozen=True, kw_only=True):
    """`[service_levels]`: by when somebody must have looked at a case; all times count from when it went wrong."""

    l1_after_ms: Milliseconds = 10 * MINUTE_MS
    """So long the machine has before a person of the first line is asked: the latest time to open a case."""
    l2_after_ms: Milliseconds = 30 * MINUTE_MS
    """Then it is the second line's."""
    merchant_after_ms: Milliseconds = 2 * HOUR_MS
    """Then the merchant's own operations'."""
    manager_after_days: Days = 1
    """And a manager's so many days later …"""
    manager_at: TimeOfDay = time(10, 0)
    """… at this time, Beijing time."""
    decision_ms: Milliseconds = 4 * HOUR_MS
    """A decision about a case that no second person has answered by then expires."""
    manager_snooze_ms_max: Milliseconds = 7 * DAY_MS
    """How long a manager's case may sleep at most; a lower one wakes when it becomes the manager's."""
    manual_minor_max: NotNegative = 10_000_000
    """A larger amount, in minor units, is decided only when the case has reached the manager."""


class Contract(Section, frozen=True, kw_only=True):
    """`[contracts.NAME]`: what is agreed with some merchants; what it leaves out is as for everybody."""

    merchants: Annotated[tuple[MerchantId, ...], Meta(min_length=1)]
    """Merchant numbers (field 42). A merchant has at most one contract."""
    automatic_max_minor: NotNegative = AUTOMATIC_MAX_MINOR
    """Instead of `[returns]`'s."""
    automatic_per_day_minor: NotNegative = AUTOMATIC_PER_DAY_MINOR
    """Instead of `[returns]`'s; for each merchant of the contract by himself."""
    approval_hours: Hours = APPROVAL_HOURS
    """Instead of `[returns]`'s."""
    compensation: Compensation = Compensation()
    """Any key of `[compensation]`, as in `compensation.after_minutes = 60`."""
    service_levels: ServiceLevel = ServiceLevel()
    """Any key of `[service_levels]`, as in `service_levels.l2_after_ms = 900000`."""
    notification: Telling = Telling()
    """Any key of `[notification]`, as in `notification.quiet_from = 21:00:00`; the channels are everybody's."""


class Terms(Struct, frozen=True, kw_only=True):
    """What holds for one merchant. `contract` is its name; "" says that he has none."""

    contract: str = ""
    returns: Returns = Returns()
    compensation: Compensation = Compensation()
    service_levels: ServiceLevel = ServiceLevel()
    telling: Telling = Telling()


class Agreements(Struct, frozen=True, kw_only=True):
    """The terms of all merchants."""

    default: Terms = Terms()
    by_merchant: Mapping[str, Terms] = {}

    def of(self, merchant_id: str) -> Terms:
        """The terms of this merchant: his contract's, else everybody's."""
        return self.by_merchant.get(merchant_id, self.default)


def agreements(default: Terms, contracts: Mapping[str, Contract]) -> Agreements:
    """Every merchant's terms. Raises ConfigurationError for a merchant who is named twice."""
    by_merchant: dict[str, Terms] = {}
    for name, contract in contracts.items():
        terms = _terms(name, contract)
        for merchant_id in contract.merchants:
            if merchant_id in by_merchant:
                where = by_merchant[merchant_id].contract
                raise ConfigurationError(
                    f"[contracts.{name}] merchant {merchant_id} is in [contracts.{where}] already; "
                    "a merchant has one contract, named once"
                )
            by_merchant[merchant_id] = terms
    return Agreements(default=default, by_merchant=by_merchant)


def _terms(name: str, contract: Contract) -> Terms:
    returns = Returns(
        automatic_max_minor=contract.automatic_max_minor,
        automatic_per_day_minor=contract.automatic_per_day_minor,
        approval_hours=contract.approval_hours,
    )
    return Terms(
        contract=name, returns=returns, compensation=contract.compensation, service_levels=contract.service_levels,
        telling=contract.notification,
    )  # fmt: skip
