"""An outage of a region: many tills lose their lines at the same moment, in the middle of their payments."""

import asyncio
from collections.abc import Callable

OUTAGE = "region_outage"
"""What a till was up to when the outage left it without an answer."""

RUSH_S = 0.02
"""So long after a rush of payments the lines die: some are answered by then, some are not, some never left."""


class Region:
    """The network of some tills. While it is `dark` none of them reaches anyone; `rush` calls them to sell at once."""

    def __init__(self) -> None:
        self.dark = False
        self.rush = asyncio.Event()
        self._cuts: list[Callable[[], None]] = []

    def join(self, cut: Callable[[], None]) -> None:
        """A till whose line goes through it; `cut` ends that line."""
        self._cuts.append(cut)

    async def fail(self, after_s: float, for_s: float) -> None:
        """Wait, let every till begin a payment, cut all lines at once, and come back."""
        await asyncio.sleep(after_s)
        self.rush.set()
        await asyncio.sleep(RUSH_S)
        self.dark = True
        for cut in self._cuts:
            cut()
        self.rush.clear()
        await asyncio.sleep(for_s)
        self.dark = False
