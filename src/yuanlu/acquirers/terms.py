"""What a host promises (profiles P1 … P5) and what its codes mean, as data.

Source: `docs/returns.md` §2. The profile is a promise that the configuration makes about a host; `yuanlu probe`
tests it.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from functools import cached_property

from yuanlu.kernel.clock import CHINA, local_time
from yuanlu.settings import Acquirer

APPROVALS = frozenset({"00", "10", "11", "16", "A2", "A4", "A5", "A6"})
"""Field 39 of an approved payment: class A of the response-code table (10 is partial, A2 … A6 defective)."""

PARTIAL_APPROVAL = "10"
PENDING_QR = "09"


class Meaning(Enum):
    """What an answer to a reversal, or to an inquiry about its original, says."""

    RETURNED = "returned"
    NOT_FOUND = "not found"
    VERIFY = "verify"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"
    KEYS = "keys"
    REFUSED = "refused for good"
    STILL_APPROVED = "approved and not reversed"
    DECLINED = "declined by the host"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a kind of host can be relied on for.

    `repeats`: it recognises a repeated reversal. `remembers_unseen`: a reversal whose original it has not seen will
    make it decline that original later. `inquiry`: it answers what became of a transaction.
    """

    name: str
    repeats: bool
    remembers_unseen: bool
    inquiry: bool

    @property
    def automatic(self) -> bool:
        """Whether the return can be exactly once without a person."""
        return self.repeats or self.inquiry


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(name="P1", repeats=True, remembers_unseen=True, inquiry=False),
        Profile(name="P2", repeats=True, remembers_unseen=False, inquiry=False),
        Profile(name="P3", repeats=False, remembers_unseen=False, inquiry=True),
        Profile(name="P4", repeats=False, remembers_unseen=False, inquiry=False),
        Profile(name="P5", repeats=False, remembers_unseen=False, inquiry=False),
    )
}


@dataclass(frozen=True, kw_only=True)
class HostTerms:
    """One acquirer's terms, made from its settings."""

    name: str
    settings: Acquirer

    @cached_property
    def profile(self) -> Profile:
        """Its promise."""
        return PROFILES[self.settings.profile]

    @cached_property
    def packet_life_us(self) -> int:
        """Longest life of a message between us and the host, in microseconds."""
        return self.settings.packet_life_ms * 1000

    @cached_property
    def _reversal_meanings(self) -> dict[str, Meaning]:
        answers = self.settings.reversal_answers
        return {
            code: meaning
            for meaning, codes in (
                (Meaning.RETURNED, answers.returned),
                (Meaning.NOT_FOUND, answers.not_found),
                (Meaning.VERIFY, answers.verify),
                (Meaning.DUPLICATE, answers.duplicate),
                (Meaning.KEYS, answers.keys),
                (Meaning.REFUSED, answers.refused),
            )
            for code in codes
        }

    def reversal_meaning(self, code: str) -> Meaning:
        """What this code in an 0410 means; a code that is not listed leaves the outcome unknown."""
        return self._reversal_meanings.get(code, Meaning.UNKNOWN)

    def is_doubtful(self, code: str) -> bool:
        """Whether this explicit answer to a payment leaves its outcome open."""
        return code in self.settings.doubtful_codes.reverse

    def is_watched(self, code: str) -> bool:
        """Whether this answer is taken as said and put on the watch list."""
        return code in self.settings.doubtful_codes.watch

    def business_day(self, wall_us: int) -> int:
        """The number of the host's business day; it changes at the cut-over, Beijing time."""
        at = local_time(wall_us)
        hour, minute = (int(part) for part in self.settings.cut_over.split(":"))
        return at.toordinal() + ((at.hour, at.minute) >= (hour, minute))

    def day_began_us(self, day: int) -> int:
        """When the host's business day of this number began, in microseconds since 1970 UTC."""
        eve = datetime.combine(date.fromordinal(day - 1), time.fromisoformat(self.settings.cut_over), CHINA)
        return int(eve.timestamp()) * 1_000_000
