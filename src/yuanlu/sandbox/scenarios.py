"""How each fault must end at each profile, as data: the table that whole-system tests and readers go by.

Ends are the journal's states once everything has come to rest. `docs/returns.md` §4.5 gives the reasons; P4 and P5
have one send only, so what befalls their reversal ends with a person.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from yuanlu.sandbox.faults import FAULTS, Commit, Fault, Reply
from yuanlu.settings import ProfileName

PROFILES: tuple[ProfileName, ...] = ("P1", "P2", "P3", "P4", "P5")
ONE_SEND = frozenset({"P4", "P5"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One sale with one fault at one host: the journal's state at rest, and the cardholder's net in minor units."""

    fault: Fault
    profile: ProfileName
    end: str
    net_minor: int
    why: str


def scenarios() -> Iterator[Scenario]:
    """Every fault at every profile; hosts are taken to use MACs."""
    for fault in FAULTS:
        for profile in PROFILES:
            end, why = _end(fault, profile)
            charged = end == "APPROVED" or (end == "ESCALATED" and _still_charged(fault))
            net_minor = -fault.magic_minor if charged else 0
            yield Scenario(fault=fault, profile=profile, end=end, net_minor=net_minor, why=why)


def _end(fault: Fault, profile: ProfileName) -> tuple[str, str]:
    if fault.sale.reply is Reply.TWICE:
        return "APPROVED", "a second answer changes nothing"
    if fault.name == "close_after_answer":
        return "APPROVED", "it was answered before the connection closed"
    if fault.name == "reversal_refused":
        return "ESCALATED", "refused for good: a person decides"
    if fault.reversal is not None and profile in ONE_SEND and fault.name != "reversal_a0":
        return "ESCALATED", "one send only, and it has no answer that settles anything"
    match fault.sale.commit:
        case Commit.NEVER:
            return _never_posted(profile)
        case Commit.LATE if profile == "P1":
            return "NO_EFFECT", "it remembers the reversal and declines the original when that comes"
        case Commit.LATE | Commit.NOW:
            return "RETURNED", "posted, and given back once"


def _never_posted(profile: ProfileName) -> tuple[str, str]:
    match profile:
        case "P1" | "P2" | "P3":
            return "NO_EFFECT", "the host proves that it has nothing to give back"
        case "P4":
            return "RETURNED", "it answers 00 to everything; the clearing file confirms"
        case "P5":
            return "ESCALATED", "its 25 proves nothing: a person looks at the clearing file"


def _still_charged(fault: Fault) -> bool:
    """Whether the money is still with the merchant when the last send of a one-send host is over."""
    return fault.sale.commit is not Commit.NEVER and (
        fault.reversal is not None and fault.reversal.commit is Commit.NEVER
    )
