"""Every simulated host, over real sockets, against real tills: what all hosts of a profile must do."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from yuanlu.iso8583.codec import Message
from yuanlu.kernel.clock import SystemClock
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.keys.transport import parts_of_field_62
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.sandbox.cards import make_card
from yuanlu.sandbox.demo_plan import HOSTS
from yuanlu.sandbox.errands import Errand, ErrandPlan, run_errand
from yuanlu.sandbox.fault_board import ActiveFault
from yuanlu.sandbox.faults import FAULTS, Line, Reply, find_fault
from yuanlu.sandbox.host import HostServer
from yuanlu.sandbox.host_core import HostCore
from yuanlu.sandbox.host_process import build_core
from yuanlu.sandbox.host_terms import HostTerms
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.till import Behaviour, SalePlan, Till
from yuanlu.sandbox.till_line import LineClosed, TillLine, open_line
from yuanlu.sandbox.till_linked import (
    completion_frame,
    linked_reversal_frame,
    offline_sale_frame,
    preauth_frame,
    refund_frame,
    slip_of,
    void_frame,
)
from yuanlu.sandbox.till_messages import (
    EntryMode,
    Payment,
    ReversalDuty,
    TillIdentity,
    is_authentic,
    keys_content,
    sale_frame,
    sign_in_frame,
)
from yuanlu.sandbox.told import Told

TERMINAL = "20000001"
PROMPT = {"processing_ms_max": 2, "delay_ms": 150, "late_commit_ms": 200, "restart_ms": 30, "down_ms": 60}

REFUSALS = {
    Errand.WRONG_AMOUNT_VOIDED: {"64"},
    Errand.WRONG_SLIP_VOIDED: {"25"},
    Errand.VOIDED_AGAIN: {"22"},
    Errand.REFUND_TOO_HIGH: {"61"},
    Errand.KEYING_ERRORS: {"14"},
    Errand.SIGN_IN_FORGOTTEN: {"A0"},
}
"""What the mistakes are answered with; everything else is approved."""
REFUSALS_OF: dict[tuple[Errand, str], set[str]] = {(Errand.SIGN_IN_FORGOTTEN, "p4"): set()}
"""P4 of the demo uses no MACs."""


class Bench:
    """One host on a free port and one till that speaks to it as the gateway would."""

    def __init__(
        self, till: Till, core: HostCore, told: list[Told], store: SoftwareKeyStore, address: tuple[str, int]
    ) -> None:
        self.till = till
        self.core = core
        self.told = told
        self.store = store
        self.address = address

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
            await story(Bench(till, server.core, told, store, ("127.0.0.1", server.port)))
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


def test_a_host_refuses_one_sign_in_when_it_is_told_to_and_takes_the_next():
    async def story(bench: Bench) -> None:
        refusal = ActiveFault(fault=find_fault("code_58"), message_class="sign_in", remaining=1)
        bench.core.faults.switch_on(refusal)
        with pytest.raises(LineClosed):
            await bench.till.ready_line()
        assert await bench.till.sell(SalePlan(amount_minor=1234, entry=EntryMode.CHIP)) == "00"
        assert bench.core.counters["sign_ins"] == 2

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


class Counter:
    """A line of its own to the host, signed in where the host asks for it, for what a simulated till does not do."""

    def __init__(self, bench: Bench, line: TillLine) -> None:
        self.identity = bench.till.identity
        self.keys: WorkingKeys | None = None
        self._store = bench.store
        self._line = line
        self._stan = 0

    async def sign_in(self) -> None:
        if self.identity.mac == "none":
            return
        answer = await self._exchange(sign_in_frame(self.identity, "000001", "900001"))
        self.keys = self._store.import_working_keys(self.identity.key_scope, parts_of_field_62(keys_content(answer)))

    async def approved(self, frame: bytes) -> Message:
        answer = await self._exchange(frame)
        assert is_authentic(answer, self.identity, self.keys)
        assert answer[39] == "00"
        return answer

    def payment(self, amount_minor: int, entry: EntryMode = EntryMode.CHIP) -> Payment:
        self._stan += 1
        extended = self.identity.codec.dialect.extended
        ref = PaymentRef(
            terminal_id=self.identity.terminal_id,
            merchant_id=self.identity.merchant_id,
            batch_no="000000" if extended else "000001",
            stan=f"{self._stan:06}",
        )
        at_us, card = SystemClock().now().wall_us, make_card(random.Random(7))
        return Payment(ref=ref, amount_minor=amount_minor, entry=entry, card=card, at_us=at_us)

    async def _exchange(self, frame: bytes) -> Message:
        await self._line.send(frame)
        answer = await self._line.receive(2.0)
        assert answer is not None
        return answer


@pytest.mark.parametrize("host", [plan.name for plan in HOSTS])
def test_every_host_takes_what_comes_after_a_sale(host):
    async def story(bench: Bench) -> None:
        line = await open_line(bench.address, bench.till.identity.codec)
        counter = Counter(bench, line)
        await counter.sign_in()
        me, keys = counter.identity, counter.keys
        sale = counter.payment(1000)
        slip = slip_of(Kind.SALE, sale, await counter.approved(sale_frame(me, sale, keys)))
        void = counter.payment(1000)
        await counter.approved(void_frame(me, void, slip, keys))
        duty = ReversalDuty(payment=void)
        await counter.approved(linked_reversal_frame(me, Kind.VOID, duty, slip, keys))
        await counter.approved(refund_frame(me, counter.payment(300), slip, keys))
        hold = counter.payment(500)
        hold_slip = slip_of(Kind.PREAUTH, hold, await counter.approved(preauth_frame(me, hold, keys)))
        await counter.approved(completion_frame(me, counter.payment(575), hold_slip, keys))
        await counter.approved(offline_sale_frame(me, counter.payment(20), keys))
        assert bench.net_minor() == -(1000 - 300) - 575 - 20
        assert bench.core.ledger.total_minor() == 0
        line.cut()

    asyncio.run(at_bench(host, story, wait_ms=2000))


@pytest.mark.parametrize("errand", Errand, ids=lambda errand: errand.value)
@pytest.mark.parametrize("host", ["p1", "p3", "p4"])
def test_every_errand_ends_with_books_that_are_the_tills_own_totals(host, errand):
    async def story(bench: Bench) -> None:
        for _ in range(2):
            await run_errand(bench.till, ErrandPlan(errand=errand, amount_minor=1230, entry=EntryMode.CHIP))
        totals = bench.till.memory.totals().domestic
        assert bench.net_minor() == totals.credit_minor - totals.debit_minor
        assert bench.core.ledger.total_minor() == 0
        assert {told.errand for told in bench.told} == {errand.value}
        assert {told.code for told in bench.told} - {"00"} == REFUSALS_OF.get(
            (errand, host), REFUSALS.get(errand, set())
        )

    asyncio.run(at_bench(host, story, wait_ms=2000))
