"""What tills say of themselves, over real sockets: it leads to the cause of the payment concerned, and to its case."""

import asyncio

import pytest

from tests.scenario.linked import CUP, sold
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import MERCHANT, SOON_S, TERMINALS, Stage, told
from tests.scenario.test_causes_and_cases import case_of, explained
from yuanlu.iso8583.codec import codec_for
from yuanlu.iso8583.subfields import F60
from yuanlu.kernel.clock import SystemClock


def upload(text: str | None, *, stan: int = 700, dialect: str = "cup-pos") -> bytes:
    """0820 that says how the terminal is."""
    fields: dict[int, str | bytes] = {11: f"{stan:06}", 41: TERMINALS[0], 42: MERCHANT}
    if dialect == "cup-pos":
        fields[60] = F60(type_code="00", batch_no="000001", management_code="362").build()
    else:
        fields[70] = "362"
    if text is not None:
        fields[62] = text
    return codec_for(dialect).encode(mti="0820", fields=fields)


async def said(stage: Stage, text: str, code: str = "00") -> None:
    answer = await stage.ask(upload(text, dialect=stage.dialect))
    assert answer is not None
    assert (answer.mti, answer[39]) == ("0830", code)


async def observed(stage: Stage) -> list[tuple[str, str, bool]]:
    """Kind, value, and whether a payment is named."""
    query = "SELECT kind, value, transaction_id FROM observations WHERE kind <> 'signed_in' ORDER BY at_us"
    rows = await stage.read(lambda c: c.exec_driver_sql(query).all())
    return [(kind, value, bool(transaction)) for kind, value, transaction in rows]


STANDING = [
    ("slip_failed=1;stan=000001;batch=000001", "SLIP_NOT_PRINTED", False),
    ("slip_failed=1", "SLIP_NOT_PRINTED", False),
    ("tampered=1", "TERMINAL_TAMPERED", True),
    ("moved=1", "TERMINAL_MOVED", True),
]


@pytest.mark.parametrize(("text", "cause", "case"), STANDING, ids=[row[0] for row in STANDING])
@pytest.mark.parametrize("dialect", ["cup-pos", "iso87-ascii"])
def test_what_a_till_says_explains_a_payment_that_stands(run, tmp_path, dialect, text, cause, case):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        await said(stage, text if dialect == "cup-pos" else text.replace(";batch=000001", ""))
        await explained(stage, payment, cause)
        assert (await stage.find(payment)).state == "APPROVED"
        assert len(await stage.events("OBSERVED")) == 1
        if case:
            assert (await case_of(stage, payment)).cause == cause

    run(told(story, tmp_path, dialect=dialect))


GONE_WRONG = [
    ("restarted=1;stan=000001", "TERMINAL_LOST_POWER"),
    ("card_removed=1", "CARD_REMOVED_EARLY"),
    ("chip_refused=1", "CHIP_REFUSED_APPROVAL"),
]


@pytest.mark.parametrize(("text", "cause"), GONE_WRONG, ids=[row[0] for row in GONE_WRONG])
def test_what_a_till_says_explains_a_payment_that_went_wrong(run, tmp_path, text, cause):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        payment = stage.payment()
        await stage.code(stage.sale(payment))
        await stage.becomes(payment, "RETURNED")
        await said(stage, text)
        stage.later(1.5)
        async with asyncio.timeout(SOON_S):
            while (await stage.find(payment)).cause != cause:  # noqa: ASYNC110 - the journal has no event
                await asyncio.sleep(0.02)

    run(told(story, tmp_path))


def test_an_old_software_is_why_a_host_refuses_the_format(run, tmp_path):
    async def story(stage: Stage) -> None:
        await said(stage, "software_outdated=1")
        stage.host.will("0200", Say(code="30"))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "30"
        await explained(stage, payment, "SOFTWARE_OUTDATED")

    run(told(story, tmp_path))


def test_the_latest_slip_is_meant_where_none_is_named(run, tmp_path):
    async def story(stage: Stage) -> None:
        first, second = await sold(stage, 1000), await sold(stage, 2000)
        await said(stage, "slip_failed=1")
        await explained(stage, second, "SLIP_NOT_PRINTED")
        assert (await stage.find(first)).cause == ""

    run(told(story, tmp_path))


WRONG = [None, "signal=200", "no pairs", "tampered=1;tampered=0", "hardware_fault=6200000000000005"]


@pytest.mark.parametrize("text", WRONG, ids=[str(text) for text in WRONG])
def test_a_status_that_cannot_be_read_is_refused_and_recorded(run, tmp_path, text):
    async def story(stage: Stage) -> None:
        await sold(stage)
        assert await stage.code(upload(text)) == "30"
        [note] = await stage.events("REFUSED")
        assert note.startswith("30: status: ")
        assert await stage.events("OBSERVED") == []
        assert await observed(stage) == []

    run(told(story, tmp_path))


def test_what_is_well_or_said_before_takes_no_row(run, tmp_path):
    async def story(stage: Stage) -> None:
        for text in ("signal=90;battery=80;tampered=0", "signal=9", "signal=90", "signal=91", "moved=1", "moved=1",
                     "moved=0", "restarted=0", "slip_failed=1;stan=000777", "vendor=x"):  # fmt: skip
            await said(stage, text)
        assert await observed(stage) == [
            ("signal", "9", False), ("signal", "90", False), ("moved", "1", False), ("moved", "0", False),
        ]  # fmt: skip
        notes = await stage.events("OBSERVED")
        assert len(notes) == 10
        assert "terminal: slip_failed 1, about 000777, not known here" in notes
        assert "terminal: nothing that is known here" in notes

    run(told(story, tmp_path))


def test_a_number_as_long_as_a_cards_is_not_kept_in_the_frame(run, tmp_path):
    async def story(stage: Stage) -> None:
        await said(stage, "vendor=6200000000000005;slip_failed=0")
        rows = await stage.read(lambda c: c.exec_driver_sql("SELECT frames FROM facts WHERE kind = 'OBSERVED'").all())
        assert rows
        assert not any(b"6200000000000005" in row[0] for row in rows)

    run(told(story, tmp_path))


def test_a_status_with_a_wrong_mac_is_not_believed(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.sign_in()
        forged = CUP.decode(upload("tampered=1")).splice({64: b"00000000"})
        assert await stage.code(forged) == "A0"
        assert await stage.events("OBSERVED") == []
        signed = stage.keys.mac_key("unionpay-ecb").make
        answer = await stage.ask(CUP.decode(upload("tampered=1")).splice({}, mac=signed))
        assert (answer[39], answer.has(64)) == ("00", True)

    run(told(story, tmp_path, gateway={"mac": "unionpay-ecb"}))


def test_a_sign_in_is_an_observation_of_the_gateways_own(run, tmp_path):
    async def story(stage: Stage) -> None:
        before_us = SystemClock().wall_us()
        await stage.sign_in()
        [row] = await stage.read(lambda c: c.exec_driver_sql("SELECT * FROM observations").all())
        assert (row.kind, row.value, row.told_by, row.terminal_id) == ("signed_in", "000001", "gateway", TERMINALS[0])
        assert row.at_us >= before_us

    run(told(story, tmp_path))
