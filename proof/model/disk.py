"""How long a gateway's commits and reads take: mostly nothing, and now and then the disk stands still for a while.

A disk stands still at certain moments, whoever commits in them, so that one commit more delays no other.
"""

from proof.model.dice import Fates
from proof.model.plan import Plan

COMMIT_S, STALL_S = (0.0005, 0.004), (0.05, 6.0)
SLOW_READ_S = (0.0, 0.05)


class Disk:
    """One gateway's disk."""

    def __init__(self, plan: Plan, fates: Fates, writer_id: int) -> None:
        self._fates = fates
        self._commits, self._reads = fates.dice("commits", writer_id), fates.dice("reads", writer_id)
        self._stalls = fates.dice("stalls", writer_id)
        self._reads_slowly = "slow reads" in plan.faults
        self._stalled = plan.chance("slow commits")
        """The share of the time in which it stands still."""
        self._from_s = self._until_s = 0.0

    def commit_s(self, now_s: float) -> float:
        """How long a commit takes that begins now."""
        wait_s = self._commits.uniform(*COMMIT_S)
        if self._stalled and not self._fates.calm and (left_s := self._left_s(now_s)):
            self._fates.hits.add("slow commits")
            wait_s += left_s
        return wait_s

    def read_s(self) -> float:
        """How long a read takes."""
        if self._reads_slowly and self._fates.befall("slow reads", self._reads):
            return self._reads.uniform(*SLOW_READ_S)
        return 0.0

    def _left_s(self, now_s: float) -> float:
        """Until it goes on; 0 when it does not stand still."""
        while now_s >= self._until_s:
            for_s = self._stalls.uniform(*STALL_S)
            between_s = sum(STALL_S) / 2 * (1 - self._stalled) / self._stalled
            self._from_s = self._until_s + self._stalls.uniform(0.0, 2 * between_s)
            self._until_s = self._from_s + for_s
        return self._until_s - now_s if now_s >= self._from_s else 0.0
