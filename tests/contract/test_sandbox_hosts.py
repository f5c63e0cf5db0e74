"""Every simulated host, over real sockets, against real tills: what all hosts of a profile must do."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from yuanlu.kernel.clock import SystemClock
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.sandbox.demo_plan import HOSTS
from yuanlu.sandbox.faults import FAULTS, Line, Reply
from yuanlu.sandbox.host import HostServer
from yuanlu.sandbox.host_core import HostCore
from yuanlu.sandbox.host_process import build_core
from yuanlu.sandbox.host_terms import HostTerms
from yuanlu.sandbox.till import Behaviour, SalePlan, Till
from yuanlu.sandbox.till_messages import EntryMode, TillIdentity
from yuanlu.sandbox.told import Told

TERMINAL = "20000001"
PROMPT = {"processing_ms_max": 2, "delay_ms": 150, "late_commit_ms": 200, "restart_ms": 30, "down_ms": 60}


class Bench:
    """One host on a free port and one till that speaks to it as the gateway would."""

    def __init__(self, till: Till, core: HostCore, told: list[Told]) -> None:
        self.till = till
        self.core = core
        self.told = told

    def net_minor(self) -> int:
        return sum(net.net_minor for net in self.core.ledger.nets())


async def at_bench(host_name: str, story: Callable[[Bench], Awaitable[None]], wait_ms: int = 100) -> None:
    plan = next(plan for plan in HOSTS if plan.name == host_name)
    store = SoftwareKeyStore(b"s" * 32, random.Random(3).randbytes)
    terms = HostTerms(
        name=plan.name,
        listen="127.0.0.1:0",
        dialect=plan.dialect,
        profile=plan.profile,
        mac=plan.mac,
        sign_in=plan.sign_in,
        **PROMPT,
    )
    server = HostServer(build_core(terms, store), SystemClock())
    await server.start()
    told: list[Told] = []
    scope = f"acquirer/{plan.name}" + (f"/{TERMINAL}" if plan.sign_in == "terminal" else "")
    till = Till(
        identity=TillIdentity(
            terminal_id=TERMINAL,
            merchant_id="898440153110001",
            dialect=plan.dialect,
            mac=plan.mac,
            key_scope=scope,
        ),
        address=("127.0.0.1", server.port),
        store=store,
        wait_ms=wait_ms,
        clock=SystemClock(),
        chance=random.Random(4),
        record=told.append,
    )
    try:
        async with asyncio.timeout(20):
            await story(Bench(till, server.core, told))
    finally:
        till.close()
        await server.stop()


@pytest.mark.parametrize("host", [plan.name for plan in HOSTS])
def test_every_host_takes_sales_of_every_entry_mode_after_the_sign_in_it_asks_for(host):
    async def story(bench: Bench) -> None:
        for entry in EntryMode:
            assert await bench.till.sell(SalePlan(amount_minor=1234, entry=entry)) == "00"
        assert bench.net_minor() == -1234 * len(EntryMode)
        assert bench.core.ledger.total_minor() == 0
        assert bench.core.counters["wrong_mac"] == 0

    asyncio.run(at_bench(host, story, wait_ms=2000))


@pytest.mark.parametrize("behaviour", [Behaviour.LOSES_POWER, Behaviour.CUT_THEN_REVERSES, Behaviour.CHANGES_MIND])
def test_a_till_that_was_interrupted_reverses_when_it_is_back(behaviour):
    async def story(bench: Bench) -> None:
        await bench.till.sell(SalePlan(amount_minor=1234, entry=EntryMode.CHIP, behaviour=behaviour))
        await bench.till.work_off_duty()
        assert bench.till.duty is None
        assert [told.code for told in bench.told if told.asked == "reversal"][-1] in ("00", "25")
        assert bench.net_minor() == 0

    asyncio.run(at_bench("p1", story, wait_ms=2000))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_does_over_the_wire_what_its_row_says(fault):
    async def story(bench: Bench) -> None:
        code = await bench.till.sell(SalePlan(amount_minor=fault.magic_minor, entry=EntryMode.CONTACTLESS))
        answered_well = fault.sale.reply in (Reply.NORMAL, Reply.TWICE) and fault.sale.commit.value != "late"
        assert (code is not None) == answered_well
        assert (bench.till.duty is None) == answered_well
        if fault.sale.line is not Line.STAYS:
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.25 if fault.sale.commit.value == "late" else 0)
        charged = fault.sale.commit.value != "never"
        assert bench.net_minor() == (-fault.magic_minor if charged else 0)
        assert bench.core.counters[f"fault.{fault.name}"] == 1

    asyncio.run(at_bench("p2", story))


def test_two_frames_sent_at_once_are_both_answered():
    async def story(bench: Bench) -> None:
        plan = SalePlan(amount_minor=500, entry=EntryMode.QR, behaviour=Behaviour.SENDS_TWICE)
        assert await bench.till.sell(plan) == "00"
        assert [told.code for told in bench.told] == ["94", "00"]
        assert bench.core.counters["originals_repeated"] == 1

    asyncio.run(at_bench("p1", story, wait_ms=2000))
