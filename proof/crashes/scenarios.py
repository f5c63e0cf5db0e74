"""The stories of L1: every fault of the sandbox's host, every misbehaviour of a till, every errand of a cashier, a day
that settles, and what follows a payment in doubt.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial

from proof.virtual.town import Town
from yuanlu.sandbox.errands import Errand, ErrandPlan, run_errand
from yuanlu.sandbox.fault_board import ActiveFault
from yuanlu.sandbox.faults import FAULTS, FAULTS_BY_NAME, MessageClass
from yuanlu.sandbox.till import Behaviour, SalePlan
from yuanlu.sandbox.till_closing import close_batch
from yuanlu.sandbox.till_line import LineClosed
from yuanlu.sandbox.till_messages import EntryMode
from yuanlu.settings import ProfileName

AMOUNT_MINOR = 1_234
STORY_S_MAX = 60.0
RETRY_S = 0.25

OTHER_PROFILES: tuple[ProfileName, ...] = ("P2", "P3", "P4", "P5")

Script = Callable[[Town], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One story at a host of one profile."""

    name: str
    profile: ProfileName
    script: Script


IN_DOUBT = ("drop_before_commit", "drop_after_commit", "delay", "cut_mid_frame", "wrong_stan")
"""Faults that leave a request without its answer, in several ways."""

FOLLOWING: tuple[tuple[MessageClass, Errand], ...] = (
    ("void", Errand.VOID),
    ("void", Errand.PREAUTH_VOIDED),
    ("void", Errand.COMPLETION_VOIDED),
    ("refund", Errand.PARTIAL_REFUND),
    ("refund", Errand.FULL_REFUND),
    ("completion", Errand.PREAUTH_COMPLETED),
    ("preauth", Errand.PREAUTH_VOIDED),
)
"""Requests after the first that go wrong in their turn."""


def scenarios() -> Iterator[Scenario]:
    """All of them."""
    for fault in FAULTS:
        yield Scenario(name=f"fault {fault.name}", profile="P1", script=partial(_sale, fault.magic_minor))
    yield Scenario(name="sale", profile="P1", script=partial(_sale, AMOUNT_MINOR))
    yield Scenario(name="decline", profile="P1", script=partial(_sale, 660_051))
    yield Scenario(name="qr sale", profile="P1", script=partial(_sale, AMOUNT_MINOR, entry=EntryMode.QR))
    for behaviour in Behaviour:
        late = FAULTS_BY_NAME["delay"].magic_minor
        for amount_minor in (AMOUNT_MINOR, late):
            name = f"till {behaviour.value}{' at a late answer' if amount_minor == late else ''}"
            yield Scenario(name=name, profile="P1", script=partial(_sale, amount_minor, behaviour=behaviour))
    for errand in Errand:
        yield Scenario(name=f"errand {errand.value}", profile="P1", script=partial(_errand, errand))
    for message_class, errand in FOLLOWING:
        for name in IN_DOUBT:
            script = partial(_errand, errand, fault=name, message_class=message_class)
            yield Scenario(name=f"{errand.value}, its {message_class}: {name}", profile="P1", script=script)
    for profile in OTHER_PROFILES:
        for name in IN_DOUBT:
            script = partial(_sale, FAULTS_BY_NAME[name].magic_minor)
            yield Scenario(name=f"fault {name} at {profile}", profile=profile, script=script)
        yield Scenario(name=f"refund at {profile}", profile=profile, script=partial(_errand, Errand.FULL_REFUND))
    for name in IN_DOUBT:
        script = partial(_errand, Errand.FULL_REFUND, fault=name, message_class="refund")
        yield Scenario(name=f"refund at P3: {name}", profile="P3", script=script)
    yield Scenario(name="a day that settles", profile="P1", script=_day)


async def _sale(
    amount_minor: int, town: Town, *, behaviour: Behaviour = Behaviour.NORMAL, entry: EntryMode = EntryMode.CHIP
) -> None:
    plan = SalePlan(amount_minor=amount_minor, entry=entry, behaviour=behaviour)
    await _when_reached(lambda: town.tills[0].sell(plan))
    await _when_reached(town.tills[0].work_off_duty)


async def _errand(errand: Errand, town: Town, *, fault: str = "", message_class: MessageClass = "sale") -> None:
    if fault:
        town.host.core.faults.switch_on(
            ActiveFault(fault=FAULTS_BY_NAME[fault], message_class=message_class, remaining=1)
        )
    plan = ErrandPlan(errand=errand, amount_minor=AMOUNT_MINOR, entry=EntryMode.CHIP)
    await _when_reached(lambda: run_errand(town.tills[0], plan))
    await _when_reached(town.tills[0].work_off_duty)


async def _day(town: Town) -> None:
    for amount_minor in (AMOUNT_MINOR, FAULTS_BY_NAME["drop_after_commit"].magic_minor, 4_321):
        await _sale(amount_minor, town)
    await _when_reached(lambda: close_batch(town.tills[0]))
    await _sale(777, town)


async def _when_reached(ask: Callable[[], Awaitable[object]]) -> None:
    """Ask once the gateway can be reached; a till that was answered, or cut off after it had asked, goes on."""
    async with asyncio.timeout(STORY_S_MAX):
        while True:
            try:
                await ask()
            except LineClosed:
                await asyncio.sleep(RETRY_S)
            else:
                return
