"""By when somebody must have looked: the ladder's rungs, and each merchant's times for them."""

from enum import IntEnum

from msgspec import Struct

from yuanlu.contracts import Agreements, ServiceLevel


class Level(IntEnum):
    """Whose turn it is, bottom to top."""

    L1 = 1
    """First line: operations on duty."""
    L2 = 2
    """Second line: payment specialists."""
    MERCHANT = 3
    """The merchant's own operations."""
    MANAGER = 4


class ServiceLevels(Struct, frozen=True, kw_only=True):
    """The times of all merchants, as their contracts say."""

    agreements: Agreements = Agreements()

    def of(self, merchant_id: str) -> ServiceLevel:
        """The times agreed with this merchant."""
        return self.agreements.of(merchant_id).service_levels
