"""A host that numbers batches itself: what is about an earlier transaction names that one as the host has it."""

import pytest

from tests.scenario.linked import request, sold
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.settling import flags, settlement
from tests.scenario.stage import MERCHANT, TERMINALS, Stage, told
from tests.scenario.test_advices import becomes
from tests.scenario.test_orders import SALE, desk
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.subfields import F61

TILL = "000001"
FIRST, SECOND = "000777", "000778"
HOST = {
    "batch": "host", "mac": "unionpay-ecb", "sign_in": "link", "own_terminal_id": "GW000001",
    "own_merchant_id": MERCHANT,
}  # fmt: skip


async def new_day(stage: Stage, batch: str | None) -> None:
    """The host gives this batch number at the next sign-in; None: none at all."""
    sessions = stage.gateway.hosts["h1"]._sessions
    await stage.until(lambda: sessions.current("") is not None)  # of the start
    signed_in = len(stage.host.asked("0800"))
    stage.host.will("0800", Say(fields={60: f"00{batch}003" if batch else None}))
    await stage.relink()
    await stage.until(lambda: len(stage.host.asked("0800")) > signed_in and sessions.current("") is not None)


def batches(message: Message) -> tuple[str, str]:
    """60.2, and all of 61: batch, trace number and what else there is."""
    return message[60][2:8], message[61]


def test_a_void_names_the_batch_under_which_the_host_has_the_sale(run, tmp_path):
    async def story(stage: Stage) -> None:
        await new_day(stage, FIRST)
        payment = await sold(stage)
        await new_day(stage, SECOND)
        assert await stage.code(request("void", 50, 1234, of=1)) == "00"
        sale, void = stage.host.asked("0200")
        assert sale[60][2:8] == FIRST
        assert batches(void) == (SECOND, f"{FIRST}000001")
        assert (await stage.find(payment)).state == "RETURNED"

    run(told(story, tmp_path, **HOST))


ABOUT = [
    ("refund", {"f61": F61(batch_no=TILL, stan="000001", date_mmdd="1123").build()}, f"{FIRST}0000011123"),
    ("refund", {"rrn": "000000000001"}, "0000000000001123"),
    ("tip_advice", {"f61": F61(batch_no=TILL, stan="000001", date_mmdd="0000").build()}, f"{FIRST}0000010000"),
]


@pytest.mark.parametrize(("kind", "about", "said"), ABOUT, ids=["by trace number", "by the day alone", "an advice"])
def test_the_rest_of_field_61_stays_as_it_was(run, tmp_path, kind, about, said):
    async def story(stage: Stage) -> None:
        await new_day(stage, FIRST)
        await sold(stage)
        await new_day(stage, SECOND)
        assert await stage.code(request(kind, 50, 34, **about)) == "00"
        await becomes(stage, 50, "APPROVED")
        [sent] = stage.host.asked("0220")
        assert batches(sent) == (SECOND, said)

    run(told(story, tmp_path, **HOST))


def test_a_reversal_of_the_void_repeats_what_the_void_said(run, tmp_path):
    async def story(stage: Stage) -> None:
        await new_day(stage, FIRST)
        await sold(stage)
        await new_day(stage, SECOND)
        stage.host.will("0200", Hush())
        assert await stage.code(request("void", 50, 1234, of=1)) == "98"
        await stage.until(lambda: len(stage.host.asked("0400")) == 1)
        [reversal] = stage.host.asked("0400")
        assert batches(reversal) == (SECOND, f"{FIRST}000001")

    run(told(story, tmp_path, **HOST))


def test_a_completion_and_its_void_go_the_same_way(run, tmp_path):
    async def story(stage: Stage) -> None:
        await new_day(stage, FIRST)
        assert await stage.code(request("preauth", 10, 1000)) == "00"
        await new_day(stage, SECOND)
        assert await stage.code(request("completion", 11, 900, of=10)) == "00"
        await new_day(stage, "000779")
        assert await stage.code(request("completion_void", 12, 900, of=11)) == "00"
        completion, void = stage.host.asked("0200")
        assert batches(completion) == (SECOND, f"{FIRST}000010")
        assert batches(void) == ("000779", f"{SECOND}000011")

    run(told(story, tmp_path, **HOST))


def test_an_advice_that_went_again_is_named_by_its_last_sending(run, tmp_path):
    async def story(stage: Stage) -> None:
        await new_day(stage, FIRST)
        stage.host.will("0220", Say(code="91"))
        assert await stage.code(request("offline_sale", 20, 500)) == "00"
        await stage.until(lambda: len(stage.host.asked("0220")) == 1)
        await new_day(stage, SECOND)  # the link is back, so it goes again
        await becomes(stage, 20, "APPROVED")
        assert [message[60][2:8] for message in stage.host.asked("0220")] == [FIRST, SECOND]
        await new_day(stage, "000779")
        about = F61(batch_no=TILL, stan="000020").build()
        assert await stage.code(request("refund", 50, 500, f61=about)) == "00"
        assert batches(stage.host.asked("0220")[-1]) == ("000779", f"{SECOND}000020")

    run(told(story, tmp_path, **HOST))


def test_what_two_people_order_names_it_too_after_a_restart(run, tmp_path):
    async def story(stage: Stage, at) -> None:
        await new_day(stage, FIRST)
        payment = await sold(stage)
        await stage.close()
        await stage.open()
        await new_day(stage, SECOND)
        order = await at.propose(SALE)
        assert "approved" in await at.say("approve", order, who="wang")
        await at.becomes(payment, "DONE")
        void = stage.host.asked("0200")[-1]
        assert batches(void)[0] == SECOND
        assert batches(void)[1].startswith(f"{FIRST}000001")

    run(desk(story, tmp_path, **HOST))


def test_where_terminals_number_their_batches_field_61_passes_as_it_came(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage)
        assert flags(await stage.ask(settlement(stage, [1234]))) == ("00", "1", "1")
        about = F61(batch_no=TILL, stan="000001", date_mmdd="1123").build()
        assert await stage.code(request("refund", 50, 1, batch="000002", f61=about)) == "00"
        [sent] = stage.host.asked("0220")
        assert batches(sent) == ("000002", about)

    run(told(story, tmp_path))


def test_a_host_that_gives_no_number_gets_the_terminals(run, tmp_path):
    async def story(stage: Stage) -> None:
        await new_day(stage, None)
        await sold(stage)
        assert await stage.code(request("void", 50, 1234, of=1)) == "00"
        sale, void = stage.host.asked("0200")
        assert sale[60][2:8] == TILL
        assert batches(void) == (TILL, f"{TILL}000001")

    run(told(story, tmp_path, **HOST))


def test_a_field_61_that_cannot_be_read_is_refused(run, tmp_path):
    async def story(stage: Stage) -> None:
        await new_day(stage, FIRST)
        payment = await sold(stage)
        assert await stage.code(request("void", 50, 1234, f61="00000100000", f37="000000000001")) == "30"
        assert (await stage.find(payment)).state == "APPROVED"
        assert payment.ref.terminal_id == TERMINALS[0]

    run(told(story, tmp_path, **HOST))
