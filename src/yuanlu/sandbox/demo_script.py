"""When the demo orders which fault from the hosts' fault API: what no magic amount can ask for.

Amounts work for sales and holds only. So that voids, completions and refunds come into doubt as well, the next one of
each host is ordered to go wrong, spread over the run; and one host goes down while a region has no network.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from yuanlu.sandbox.demo_plan import HOSTS, REGION_HOST, DemoPlan
from yuanlu.sandbox.faults import MessageClass

_ALL_HOSTS = tuple(host.name for host in HOSTS)
_AUTOMATIC = tuple(host.name for host in HOSTS if host.profile in ("P1", "P2", "P3"))
_ORDERS: tuple[tuple[MessageClass, str, tuple[str, ...]], ...] = (
    ("void", "drop_after_commit", _ALL_HOSTS),
    ("void", "drop_before_commit", _AUTOMATIC),
    ("void", "delay", _AUTOMATIC),
    ("completion", "drop_after_commit", _AUTOMATIC),
    ("refund", "drop_after_commit", _ALL_HOSTS),
    ("void", "close_after_commit", _AUTOMATIC),
    ("void", "late_commit", _AUTOMATIC),
    ("completion", "drop_before_commit", _AUTOMATIC),
    ("refund", "delay", _AUTOMATIC),
    ("void", "corrupt_mac", _AUTOMATIC),
)
"""What befalls the next message of a class, and at which hosts. The others send a reversal once, and then a person."""

LAST_SHARE = 0.6
"""Everything is ordered by this share of the run, so that it still happens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """An order for the fault API, `at_s` after the tills began."""

    at_s: float
    order: dict[str, Any]


def cues(plan: DemoPlan) -> list[Cue]:
    """One round of the script, in time."""
    step_s = plan.round_s * LAST_SHARE / len(_ORDERS)
    ordered = [
        Cue(at_s=step_s * n, order={"fault": fault, "message_class": message_class, "count": 1, "host": host})
        for n, (message_class, fault, hosts) in enumerate(_ORDERS)
        for host in hosts
    ]
    down = Cue(at_s=plan.outage_at_s, order={"fault": "host_down", "host": REGION_HOST, "count": 1})
    return sorted([*ordered, down], key=lambda cue: cue.at_s)


class Script:
    """Gives each cue once, when its time has come; a demo without end begins the script anew."""

    def __init__(self, plan: DemoPlan) -> None:
        self._plan = plan
        self._waiting = cues(plan)
        self._rounds = 0

    def due(self, elapsed_s: float) -> Iterator[Cue]:
        """What has become due since the last call."""
        while self._waiting and self._waiting[0].at_s <= elapsed_s:
            yield self._waiting.pop(0)
        if not self._waiting and not self._plan.seconds:
            self._rounds += 1
            later_s = self._rounds * self._plan.round_s
            self._waiting = [replace(cue, at_s=cue.at_s + later_s) for cue in cues(self._plan)]
