"""Rows of the line and of the systems: what is lost, late or damaged on its way, for real."""

import asyncio

from tests.scenario.rows import DECLINED, GONE_BACK, NEVER_CHARGED, NO_EFFECT, RETURNED, Play, Row
from tests.scenario.rows_said import answered
from tests.scenario.sandbox_town import SandboxTown
from tests.scenario.stage import SOON_S
from yuanlu.acquirers.link import TOGETHER_S
from yuanlu.causes.fraud import FORGED_IN_A_ROW
from yuanlu.causes.network import RECONNECTS_OF_A_BAD_LINE
from yuanlu.sandbox.faults import find_fault
from yuanlu.sandbox.till import Behaviour
from yuanlu.sandbox.till_messages import EntryMode, Payment, sale_frame
from yuanlu.terminals import TERMINAL_MARGIN_MS

SHORT_MS = 7_000
"""What a till waits that must not wait long: two seconds are left for the host."""


def befallen(fault: str, host: str = "plain") -> Play:
    """A sale that this fault of the sandbox befalls."""

    async def play(town: SandboxTown) -> Payment:
        return await town.place(host).sell(find_fault(fault).magic_minor)

    return play


async def hangs_up(town: SandboxTown) -> Payment:
    """The till's line is gone before the approval."""
    place = town.place("slow")
    payment, line = place.payment(), await place.line()
    with town.thinking("slow"):
        await line.send(sale_frame(place.identity, payment, None))
        await town.until(lambda: town.core("slow").state_of(payment.ref) is not None)
        await town.hang_up(line)
    return payment


async def impatient(town: SandboxTown) -> Payment:
    """The till reverses while the host still works."""
    place = town.place("slow")
    payment, line = place.payment(), await place.line()
    with town.thinking("slow"):
        await line.send(sale_frame(place.identity, payment, None))
        await town.until(lambda: town.core("slow").state_of(payment.ref) is not None)
        assert await place.reverse(payment, "98") == "00"
    return payment


async def not_heard(town: SandboxTown) -> Payment:
    """The approval went out, and the till says that it saw none."""
    place = town.place()
    payment = await place.sell()
    assert await place.reverse(payment, "98") == "00"
    return payment


async def refused_by_till(town: SandboxTown) -> Payment:
    place = town.place()
    payment = await place.sell()
    assert await place.reverse(payment, "A0") == "00"
    return payment


async def changes_mind(town: SandboxTown) -> Payment:
    """The cashier presses cancel after the approval."""
    place = town.place()
    payment = await place.sell(behaviour=Behaviour.CHANGES_MIND)
    await place.till.work_off_duty()
    return payment


async def never_sent(town: SandboxTown) -> Payment:
    """The till loses its power before its request has left, and reverses when it is back."""
    place = town.place()
    payment = place.payment()
    assert await place.reverse(payment, "98") == "00"
    return payment


async def not_confirmed(town: SandboxTown) -> Payment:
    """The customer never types the password."""
    return await town.place("brief").sell(find_fault("code_09").magic_minor, entry=EntryMode.QR)


async def line_lost_at_sign_in(town: SandboxTown) -> Payment:
    """The host takes our sign-in, and the connection ends before the payment can leave."""
    place = town.place("keys")
    place.order("close_after_answer", "sign_in")
    return await place.sell()


async def same_number_waits(town: SandboxTown) -> Payment:
    """A till that was reset counts from one again while its first request still waits."""
    place = town.place("slow")
    before = town.core("slow").counters["frames"]
    with town.thinking("slow"):
        first = asyncio.create_task(place.sell())
        await town.until(lambda: town.core("slow").counters["frames"] > before)
        place.till.count_anew("000002")
        second = place.payment(5678)
        line = await place.line()
        await line.send(sale_frame(place.identity, second, None))
        assert (await line.receive(SOON_S))[39] == "91"
        line.cut()
    await first
    return second


def again_and_again(fault: str, host: str, times: int) -> Play:
    """The same fault befalls so many sales in a row; the last one."""

    async def play(town: SandboxTown) -> Payment:
        place = town.place(host)
        payments = []
        for _ in range(times):
            payments.append(await place.sell(find_fault(fault).magic_minor))
            assert place.code == "98"
            await asyncio.sleep(2 * TOGETHER_S)  # what is lost together has one reason
        return payments[-1]

    return play


async def says_that_it_had_approved(town: SandboxTown) -> Payment:
    """Answer and reversal are lost; asked what became of it, the host says that it had approved."""
    payment = await town.place("asked").sell(find_fault("reversal_lost_before").magic_minor)
    await town.until(lambda: town.core("asked").counters["inquiries"] > 0)
    return payment


async def disk_is_slow(town: SandboxTown) -> Payment:
    """The approval becomes durable when the terminal's time is over: another process writes for a while."""
    place = town.place("disk")
    payment, line = place.payment(), await place.line()
    town.servers["disk"].thinks = True
    await line.send(sale_frame(place.identity, payment, None))
    await town.until(lambda: town.core("disk").counters["frames"] > 0)
    with town.writing():
        town.servers["disk"].let_go()
        await asyncio.sleep((SHORT_MS - TERMINAL_MARGIN_MS) / 1000 + 0.1)
    answer = await line.receive(SOON_S)
    assert answer is not None
    assert answer[39] == "98", await town.timeline(payment)
    return payment


async def arrives_after_all(town: SandboxTown) -> Payment:
    """The sale is so late that its reversal is done with before; then the host posts it."""
    payment = await town.place("forgets").sell(find_fault("late_commit").magic_minor)
    await town.becomes(payment, NO_EFFECT)
    town.servers["forgets"].let_go()
    return payment


LOST: dict[str, Row] = {
    "APPROVED_AFTER_CLOSE": Row(play=arrives_after_all, ends=RETURNED, books=GONE_BACK, watch=True),
    "TRACE_NUMBER_REUSED": Row(play=same_number_waits, ends=DECLINED, books=NEVER_CHARGED, case=True),
    "HOST_UNREACHABLE": Row(play=line_lost_at_sign_in, ends=DECLINED, books=NEVER_CHARGED),
    "REQUEST_NEVER_ARRIVED": Row(play=never_sent, ends=NO_EFFECT, books=NEVER_CHARGED, watch=True),
    "TERMINAL_LINE_LOST": Row(play=hangs_up, ends=RETURNED, books=GONE_BACK),
    "DID_NOT_WAIT": Row(play=impatient, ends=RETURNED, books=GONE_BACK),
    "TERMINAL_REFUSED_ANSWER": Row(play=refused_by_till, ends=RETURNED, books=GONE_BACK),
    "CANCELLED_AT_TERMINAL": Row(play=changes_mind, ends=RETURNED, books=GONE_BACK),
    "TERMINAL_SAW_NO_ANSWER": Row(play=not_heard, ends=RETURNED, books=GONE_BACK),
    "CUSTOMER_DID_NOT_CONFIRM": Row(play=not_confirmed, ends=NO_EFFECT, books=NEVER_CHARGED, watch=True),
    "ANSWER_LATE": Row(play=befallen("delay"), ends=RETURNED, books=GONE_BACK),
    "REQUEST_LOST": Row(play=befallen("drop_before_commit"), ends=NO_EFFECT, books=NEVER_CHARGED, watch=True),
    "ANSWER_MAC_WRONG": Row(play=befallen("corrupt_mac", "sealed"), ends=RETURNED, books=GONE_BACK),
    "ANSWER_GARBLED": Row(play=befallen("no_code"), ends=RETURNED, books=GONE_BACK),
    "LINK_LOST": Row(play=befallen("close_after_commit", "cut"), ends=RETURNED, books=GONE_BACK),
    "DECLINE_UNSIGNED": Row(play=answered("51", host="sealed"), ends=DECLINED, books=NEVER_CHARGED, watch=True),
    "HOST_LINK_UNSTABLE": Row(
        play=again_and_again("close_after_commit", "shaky", RECONNECTS_OF_A_BAD_LINE), ends=RETURNED, books=GONE_BACK
    ),
    "MESSAGES_FORGED": Row(
        play=again_and_again("corrupt_mac", "faked", FORGED_IN_A_ROW), ends=RETURNED, books=GONE_BACK, case=True
    ),
    "ANSWER_FOREIGN": Row(play=befallen("wrong_amount", "foreign"), ends=RETURNED, books=GONE_BACK),
    "ANSWER_LOST": Row(play=says_that_it_had_approved, ends=RETURNED, books=GONE_BACK),
    "ANSWER_AFTER_DEADLINE": Row(play=disk_is_slow, ends=RETURNED, books=GONE_BACK),
    "NO_ANSWER": Row(play=befallen("drop_after_commit"), ends=RETURNED, books=GONE_BACK),
}
