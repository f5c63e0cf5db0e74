"""Guards (L5): each is taken away by itself, and the model must notice. Who tests the tests.

A guard is a function of the product that is replaced by one that does not guard, a rule of the database that does not
hold, or the order of commit and send. `breaks` are the invariants by which its absence must show. `profile` narrows the
hosts to those whom it protects, `faults` makes the faults certain to take part that it is there for, `alone` leaves the
others out. `first` is the seed to begin with, where it takes many to see it, and `times_ms` are the
host's answer time-out and packet life, where it takes certain ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import structs

from proof.model import queries
from proof.model.network import BROKEN_PROMISE
from proof.model.plan import Plan, plan_of
from proof.model.queries import replaced
from proof.model.run import violations
from proof.model.world import Guards
from proof.records import Violation
from yuanlu.acquirers.terms import APPROVALS, HostTerms
from yuanlu.flow import late, recovery
from yuanlu.flow.records import note
from yuanlu.journal.tasks import FAR_US
from yuanlu.journal.unit import Change
from yuanlu.kernel.clock import Moment
from yuanlu.returns import policy, proposing, steps, store
from yuanlu.returns.policy import Close, Inquire, Leg, Send, Step
from yuanlu.returns.states import State


@dataclass(frozen=True, kw_only=True)
class Guard:
    """One guard and how it is taken away."""

    name: str
    breaks: tuple[str, ...]
    without: Mapping[Any, Any] = field(default_factory=dict)
    world: Guards = field(default_factory=Guards)
    profiles: tuple[str, ...] = ()
    faults: Mapping[str, float] = field(default_factory=dict)
    alone: bool = False
    first: int = 0
    times_ms: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class Noticed:
    """After how many seeds something was noticed, and what; None when nothing was."""

    seeds: int
    violation: Violation | None


def _always(*_: object) -> bool:
    return True


def _nothing_left(*_: object) -> int:
    return 0


def _always_again(leg: Leg, terms: HostTerms, now: Moment) -> Step:
    return Send()


def _final_whatever_was_said(leg: Leg, terms: HostTerms, now: Moment) -> Step:
    return Close(state=State.NO_EFFECT, watch="")


def _left_by_wall(leg: Leg, terms: HostTerms, now: Moment) -> int:
    return max(0, terms.packet_life_us - (now.wall_us - leg.original_sent_at_us))


def _readings_are_kept(*_: object) -> None:
    return None


def _named_anew(leg: Leg, now: Moment) -> Change:
    """Readings of a machine whose clock began long after this one's are taken for this one's."""
    kept = (-FAR_US, now.boot_id, leg.last_boot_us, now.boot_id, leg.asked_boot_us, leg.unanswered_boot_us)
    return Change(statement=store.RESTART_WINDOW, row=(*kept, leg.return_id, leg.original_boot_id))


def _all_is_answered(leg: Leg, step: str, outcome: Any, meaning: Any, packet_life_us: int) -> Leg:
    return structs.replace(leg, last_meaning=meaning.value, reason=steps.reason_after(leg, step, outcome))


def _escalated_is_sent_again(leg: Leg, terms: HostTerms, now: Moment) -> Step:
    return Inquire() if terms.profile.inquiry else Send()


async def _only_noted(desk: Any, found: Any, text: str, frames: bytes) -> bool:
    return await note(desk, found, "LATE_ANSWER", text, frames)


async def _nobody_recovers(desk: Any) -> int:
    return 0


def _every_code_is_definite(code: str, terms: HostTerms) -> str:
    return "approved" if code in APPROVALS else "declined"


_real_approved = proposing.approved


def _anybody_approves(order: Any, link_: Any, checker: str, now: Moment) -> Any:
    """As the real one, and the maker's own name does not matter to it."""
    facts, changes = _real_approved(order, link_, "somebody" if checker == order.maker else checker, now)
    if checker != order.maker:
        return facts, changes
    named = [
        _renamed(change, "somebody", checker) if change.statement.table.name == "orders" else change
        for change in changes
    ]
    return facts, named


def _renamed(change: Any, old: str, new: str) -> Any:
    """The change with another name in its row."""
    row = tuple(new if value == old else value for value in change.row)
    return type(change)(statement=change.statement, row=row)


_TALK = {"request lost": 0.3, "answer lost": 0.3}
_OVERTAKEN = {"request delayed": 0.5}
_TILL_REPEATS = {"till repeats": 0.6, "till asks twice at once": 0.5}
_PEOPLE = {"people give back": 0.7, "people click twice": 0.9}

GUARDS: tuple[Guard, ...] = (
    Guard(
        name="a reversal's 'not found' is final only after the packet life", breaks=("I4",),
        without={policy._sent_after_window: _always, policy._asked_after_window: _always}, profiles=("P2", "P3"),
        faults=_OVERTAKEN,
    ),
    Guard(
        name="P4 and P5 spend their one send only when the original can no longer arrive", breaks=("I4",),
        without={policy._window_left_us: _nothing_left}, profiles=("P4",), faults=_OVERTAKEN,
    ),
    Guard(
        name="windows are measured on a clock that does not jump", breaks=("I4",),
        without={policy._window_left_us: _left_by_wall}, profiles=("P4", "P5"),
        faults={"wall clock jumps": 1.0, "request delayed": 0.6, "till voids": 0.8}, alone=True, first=150,
    ),
    Guard(
        name="after a boot every window begins anew", breaks=("I4", "I10"),
        without={queries.restart_windows: _readings_are_kept, store.restart_window: _named_anew},
        profiles=("P2", "P4"),
        faults={"machine boots": 0.8, "crash": 0.8, "request delayed": 0.5, "request lost": 0.2},
    ),
    Guard(
        name="'not found' may answer an earlier attempt that was silent", breaks=("I4",),
        without={steps.as_answered: _all_is_answered}, profiles=("P2",),
        faults={"request delayed": 0.7, "answer delayed": 0.8, "request lost": 0.4, "answer lost": 0.4},
        alone=True,
        times_ms=(10_000, 20_000), first=840,
    ),
    Guard(
        name="'not found' after an approval, or on another day of the host, is a person's", breaks=("I4",),
        without={policy._not_found_is_final: _final_whatever_was_said}, profiles=("P3",),
        faults={"day changes": 1.0, "request lost": 0.4, "answer lost": 0.4}, alone=True,
    ),
    Guard(
        name="no blind repeat at a host that pays each one (P3)", breaks=("I2",),
        without={policy._no_definite_answer: _always_again}, profiles=("P3",),
        faults={"answer lost": 0.5, "reversal left open": 0.4},
    ),
    Guard(
        name="P4 and P5 send once", breaks=("I2",),
        without={policy._no_definite_answer: _escalated_is_sent_again}, profiles=("P4", "P5"),
        faults={"answer lost": 0.5, "reversal left open": 0.4},
    ),
    Guard(
        name="'still approved' counts only when the last reversal can no longer arrive (P3)", breaks=("I2",),
        without={policy._asked_window_left_us: _nothing_left}, profiles=("P3",),
        faults={**_OVERTAKEN, "answer lost": 0.3},
    ),
    Guard(
        name="a second answer about stale keys may be the first one's double", breaks=("I2",),
        without={policy._stale_keys: _always_again}, profiles=("P3", "P5"),
        faults={"answer doubled": 0.7, "reversal refused for keys": 0.5, "answer lost": 0.3, "request delayed": 0.3},
        first=530,
    ),
    Guard(
        name="a late approval re-opens what was closed without effect", breaks=("I4",),
        without={late._reopen: _only_noted}, profiles=("P2", "P3"),
        faults={BROKEN_PROMISE: 0.8, "request delayed": 0.8}, alone=True,
    ),
    Guard(
        name="a late code that leaves the outcome open proves nothing", breaks=("I4",),
        without={late._what_it_says: _every_code_is_definite}, profiles=("P2", "P4", "P5"),
        faults={"request delayed": 0.4, "host leaves it open": 0.4}, first=170,
    ),
    Guard(
        name="what was in flight is recovered after a crash", breaks=("I10",),
        without={recovery.recover: _nobody_recovers}, faults={"crash": 0.8, "request delayed": 0.3},
        first=130,
    ),
    Guard(
        name="a commit is durable before its caller goes on", breaks=("I5", "I6", "I7"),
        world=Guards(told_early=True), faults={"crash at a commit": 0.15, "slow commits": 0.3},
    ),
    Guard(
        name="unique key of a transaction", breaks=("I8",), world=Guards(rules=frozenset({"unique key"})),
        faults=_TILL_REPEATS,
    ),
    Guard(
        name="compare and set, by the row's version and the fact's", breaks=("I2", "I4", "I7", "I10", "I13", "I17"),
        world=Guards(rules=frozenset({"compare and set", "fact key"})), faults={"two gateways": 1.0, **_TALK},
    ),
    Guard(
        name="a task is moved only by who holds it", breaks=("I2", "I4", "I10"),
        world=Guards(rules=frozenset({"lease fence"})),
        faults={"two gateways": 1.0, "slow commits": 0.3, "answer lost": 0.3, "till voids": 0.6,
                "people give back": 0.7},
    ),
    Guard(
        name="one live leg, held by the database and asked before", breaks=("I2", "I4", "I10", "I11"),
        world=Guards(rules=frozenset({"one live leg", "cap", "compare and set"})),
        faults={"people give back": 0.7, "till refunds": 0.6, "till voids": 0.6, "slow commits": 0.3},
    ),
    Guard(
        name="two people", breaks=("I14",), without={proposing.approved: _anybody_approves},
        world=Guards(rules=frozenset({"two people"})), faults=_PEOPLE,
    ),
    Guard(
        name="the cap on orders and legs", breaks=("I2", "I4", "I11"),
        world=Guards(rules=frozenset({"cap"})), faults=_PEOPLE,
    ),
)  # fmt: skip


def plan_for(guard: Guard, seed: int) -> Plan:
    """The seed's world, with hosts and faults that this guard is there for."""
    profile = guard.profiles[seed % len(guard.profiles)] if guard.profiles else ""
    plan = plan_of(seed, profile)
    answer_ms, life_ms = guard.times_ms
    return replace(
        plan,
        faults={**({} if guard.alone else plan.faults), **guard.faults},
        answer_timeout_ms=answer_ms or plan.answer_timeout_ms,
        packet_life_ms=life_ms or plan.packet_life_ms,
    )


def unnoticed_after(guard: Guard, seeds: int) -> Noticed:
    """Run seeds without the guard until the model notices what it does not find with it; call it within `modelled`."""
    for seed in range(guard.first, guard.first + seeds):
        plan = plan_for(guard, seed)
        with replaced(guard.without):
            found = _of_those(guard, violations(plan, guard.world))
        if found is not None and _of_those(guard, violations(plan)) is None:
            return Noticed(seeds=seed + 1 - guard.first, violation=found)
    return Noticed(seeds=seeds, violation=None)


def _of_those(guard: Guard, found: Sequence[Violation]) -> Violation | None:
    """The first of these violations that the guard's absence is to show."""
    return next((violation for violation in found if violation.invariant in guard.breaks), None)
