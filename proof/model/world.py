"""A world: one host, one or two gateways over one journal, tills, people and faults, run from a plan to its rest."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from proof.model.dice import Dice, Fates
from proof.model.disk import Disk
from proof.model.gateway import Gateway, ModelClock, terms_of
from proof.model.host import Host
from proof.model.journal import AFTER, BEFORE, MemoryJournal
from proof.model.loop import VirtualLoop, running
from proof.model.memory import Memory
from proof.model.network import Network
from proof.model.people import People
from proof.model.plan import Plan
from proof.model.reading import evidence_of
from proof.model.story import Story
from proof.model.till import Till
from proof.records import Evidence
from yuanlu.flow.recovery import recover
from yuanlu.journal import tasks

NOON_US, LATE_US = 1_797_307_200_000_000, 1_797_346_760_000_000
"""2026-12-15, Beijing time: noon, and 40 seconds before the host's day ends at 23:00."""

CALM_AFTER_S = 240.0
"""From then on no fault begins: what holds at rest is asked of a world that comes to rest."""

HORIZON_S = 4 * 3_600.0
LOOK_EVERY_S, CALM_LOOK_EVERY_S = 15.0, 60.0
RUNNERS_LOOK_EVERY_S, CALM_RUNNERS_LOOK_EVERY_S = 30.0, 150.0
"""Task runners look this often for work that nobody nudged; each second, as in production, costs too much time."""

SETTLED_S = 60.0
"""So long after its rest nothing is under way any more, not even a slow commit."""

CRASHES_MAX = 4
RESTART_S = (1.0, 40.0)
JUMPS_S = (-3_000.0, -90.0, 30.0, 3_000.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """What is taken away to see whether anybody notices: rules of the database, and the order of commit and send."""

    rules: frozenset[str] = frozenset()
    told_early: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What a run came to: the evidence, the story if it was wanted, and what happened on the way, counted."""

    evidence: Evidence
    story: Sequence[str]
    counts: Counter[str]
    hits: frozenset[str]


class World:
    """Everything that a plan needs; `run` takes it to rest."""

    def __init__(self, plan: Plan, *, trace: bool = False, guards: Guards | None = None) -> None:
        self._plan = plan
        self._guards = guards or Guards()
        self.loop = VirtualLoop()  # type: ignore[abstract]  # it has what is used
        self.memory = Memory(self._guards.rules)
        self.story = Story(self.loop, wanted=trace)
        self._fates = Fates(plan.seed, plan.faults)
        self._dice = self._fates.dice("world")
        self._clock = ModelClock(self.loop, LATE_US if "day changes" in plan.faults else NOON_US)
        self._terms = terms_of(plan)
        self._host = Host(plan, self._fates)
        self._network = Network(plan=plan, loop=self.loop, host=self._host, fates=self._fates, story=self.story)
        self._people = People(
            plan=plan, loop=self.loop, memory=self.memory, clock=self._clock, fates=self._fates, terms=self._terms,
            story=self.story, writer_id=self._new_writer,
        )  # fmt: skip
        self._writers = 0
        self._gateways: list[Gateway] = []
        self._crashes = 0
        self._tills: list[Till] = []
        self._selling = 0
        self._at_rest = self._over = False
        self._recovered_alike = True

    def run(self) -> Course:
        """To its rest, or to the horizon."""
        with ExitStack() as stack:
            stack.enter_context(running(self.loop))
            tasks.LOOK_EVERY_S = RUNNERS_LOOK_EVERY_S
            for _ in range(self._plan.gateways):
                self._start_gateway()
            self._open_tills()
            self._plan_faults()
            self.loop.call_later(LOOK_EVERY_S, self._look)
            self.loop.run_until(HORIZON_S, lambda: self._at_rest)
            if self.loop.failures:
                raise self.loop.failures[0]
            self._over = self._fates.calm = True
            if self._crashes and self._at_rest:
                self._recover_again()
            return self._course()

    def _new_writer(self) -> int:
        self._writers += 1
        return self._writers

    def _start_gateway(self) -> None:
        writer_id = self._new_writer()
        strikes = self._fates.dice("strikes", writer_id)
        gateway: Gateway
        journal = MemoryJournal(
            memory=self.memory, loop=self.loop, writer_id=writer_id, disk=Disk(self._plan, self._fates, writer_id),
            strikes=lambda: self._strikes(strikes), crash=lambda: self._crash(gateway),
            told_early=self._guards.told_early,
        )  # fmt: skip
        gateway = Gateway(
            plan=self._plan, loop=self.loop, memory=self.memory, journal=journal, network=self._network,
            clock=self._clock, fates=self._fates, terms=self._terms,
        )  # fmt: skip
        self._gateways.append(gateway)
        gateway.start()

    def _open_tills(self) -> None:
        for number in range(2):
            sales = [sale for sale in self._plan.sales if sale.till == number]
            if sales:
                till = Till(
                    number=number, plan=self._plan, loop=self.loop, fates=self._fates,
                    story=self.story, gateways=lambda: self._gateways, people=self._people.asked,
                )  # fmt: skip
                self._tills.append(till)
                self._selling += 1
                self.loop.create_task(till.work(sales)).add_done_callback(self._sold_out)

    def _sold_out(self, task: "asyncio.Task[None]") -> None:
        self._selling -= 1
        if not task.cancelled() and (error := task.exception()) is not None:
            self.loop.failures.append(error)

    def _strikes(self, dice: Dice) -> str:
        if "crash at a commit" not in self._plan.faults or self._crashes >= CRASHES_MAX:
            return ""
        if not self._fates.befall("crash at a commit", dice):
            return ""
        return BEFORE if dice.random() < 0.5 else AFTER

    def _crash(self, gateway: Gateway) -> None:
        if gateway.journal.dead:
            return
        self._crashes += 1
        self.story.tell("gateway {} dies", gateway.journal.writer_id)
        gateway.die()
        self._gateways.remove(gateway)
        self.loop.call_later(self._dice.uniform(*RESTART_S), self._start_again)

    def _start_again(self) -> None:
        if self._fates.befall("machine boots", self._dice):
            self._clock.boot()
            self.story.tell("the machine has booted")
        self.story.tell("a gateway starts")
        self._start_gateway()

    def _plan_faults(self) -> None:
        """What befalls the machines themselves."""
        times = [self._dice.uniform(0.0, 120.0) for _ in range(4)]
        for at_s in times[:2]:
            if self._dice.random() < self._plan.chance("crash"):
                self.loop.call_at(at_s, self._crash_one)
        for at_s in times[2:]:
            jump_s = self._dice.uniform(*self._dice.choice((JUMPS_S[:2], JUMPS_S[2:])))
            if self._dice.random() < self._plan.chance("wall clock jumps"):
                self.loop.call_at(at_s, self._jump, jump_s)

    def _crash_one(self) -> None:
        if self._gateways and not self._over:
            self._fates.hits.add("crash")
            self._crash(self._dice.choice(self._gateways))

    def _jump(self, by_s: float) -> None:
        self._fates.hits.add("wall clock jumps")
        self.story.tell("the wall clock jumps by {:.0f} s", by_s)
        self._clock.jump(by_s)

    def _look(self) -> None:
        """Calm after a while; and over, when nobody has anything left to do."""
        if self.loop.now_s > CALM_AFTER_S:
            self._fates.calm = True
            tasks.LOOK_EVERY_S = CALM_RUNNERS_LOOK_EVERY_S
        if self._over:
            return
        waits = self._selling or self._people.busy or self._network.under_way
        waits = waits or sum(till.under_way for till in self._tills)
        self._at_rest = not waits and bool(self._gateways) and not self._is_work_left()
        self.loop.call_later(CALM_LOOK_EVERY_S if self._fates.calm else LOOK_EVERY_S, self._look)

    def _is_work_left(self) -> bool:
        tables = self.memory.tables
        if any(row["state"] in ("SEND_INTENT", "REOPENED") for row in tables["transactions"].values()):
            return True
        if any(kind in ("return", "refund") for kind, _ in tables["tasks"]):
            return True
        legs = tables["legs"].values()
        a_persons = {leg["transaction_id"] for leg in legs if leg["state"] == "ESCALATED"}
        a_persons |= {leg["transaction_id"] for leg in legs if leg["live"] and leg["message_id"] in a_persons}
        return any(
            order["state"] == "RUNNING" and order["kind"] in ("void", "refund")
            and order["transaction_id"] not in a_persons
            for order in tables["orders"].values()
        )  # fmt: skip

    def _recover_again(self) -> None:
        """Once more from what is durable: nothing may change (I17)."""
        self.loop.run_until(self.loop.now_s + SETTLED_S, lambda: False)
        before = {key: dict(row) for key, row in self.memory.tables["transactions"].items()}
        gateway = self._gateways[0]
        self.loop.create_task(recover(gateway.desk))
        self.loop.run_until(self.loop.now_s + 0.1, lambda: False)
        self._recovered_alike = before == self.memory.tables["transactions"]

    def _course(self) -> Course:
        hits = self._fates.hits
        if self._plan.gateways > 1:
            hits.add("two gateways")
        told = [each for till in self._tills for each in till.told]
        evidence = evidence_of(
            profile=self._plan.profile, memory=self.memory, postings=self._host.postings, sent=self._network.sent,
            told=told, at_rest=self._at_rest, recovered_alike=self._recovered_alike,
        )  # fmt: skip
        counts: Counter[str] = Counter(row.state for row in evidence.transactions)
        counts["payments"] = sum(1 for row in evidence.transactions if not row.about)
        counts["frames to the host"] = len(self._network.sent)
        counts["crashes"] = self._crashes
        return Course(evidence=evidence, story=self.story.lines, counts=counts, hits=frozenset(hits))
