"""What the gateway refuses itself has its cause, too: in the record, in the log line, and counted."""

import pytest

from tests.scenario.linked import CUP, request, sold
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import Stage, told
from tests.scenario.test_observations import upload
from yuanlu.causes.fraud import FORGED_IN_A_ROW
from yuanlu.sandbox.till_messages import EntryMode


def counted(stage: Stage) -> dict[str, int]:
    return stage.gateway.server.counters.refused_by_cause


async def noted(stage: Stage, frame: bytes, code: str) -> str:
    """The note of the one refusal that this frame makes."""
    before = await stage.events("REFUSED")
    assert await stage.code(frame) == code
    [note] = [each for each in await stage.events("REFUSED") if each not in before]
    return note


def test_a_terminal_that_nobody_knows_is_counted_and_not_journaled(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = stage.payment()
        frame = CUP.decode(stage.sale(payment)).splice({41: b"T9999999"})
        assert await stage.code(frame) == "97"
        assert await stage.code(CUP.decode(stage.sale(payment)).splice({42: b"898440153119999"})) == "03"
        assert counted(stage) == {"TERMINAL_UNKNOWN": 1, "MERCHANT_INVALID": 1}
        assert stage.gateway.server.counters.as_dict()["refused_by_cause"] == counted(stage)
        assert await stage.events("REFUSED") == []

    run(told(story, tmp_path))


def test_a_wrong_mac_is_a_forgotten_sign_in_then_a_wrong_mac_then_a_suspicion(run, tmp_path):
    async def story(stage: Stage) -> None:
        unsigned = stage.sale(stage.payment())
        assert await stage.code(unsigned) == "A0"
        assert counted(stage) == {"SIGN_IN_FORGOTTEN": 1}
        await stage.sign_in()
        for _ in range(FORGED_IN_A_ROW):
            assert await stage.code(unsigned) == "A0"
        assert counted(stage) == {
            "SIGN_IN_FORGOTTEN": 1, "TERMINAL_MAC_WRONG": FORGED_IN_A_ROW - 1, "MESSAGES_FORGED": 1,
        }  # fmt: skip
        assert await stage.code(stage.sale(stage.payment(entry=EntryMode.CONTACTLESS))) == "00"
        assert await stage.code(unsigned) == "A0"
        assert counted(stage)["MESSAGES_FORGED"] == 1, "an authentic request ended the row"
        assert await stage.events("REFUSED") == []

    run(told(story, tmp_path, gateway={"mac": "unionpay-ecb"}))


SAID = [
    ({3: "990000"}, "40", "FUNCTION_UNSUPPORTED"),
    ({4: "000000000000"}, "13", "AMOUNT_INVALID"),
    ({4: None}, "30", "FORMAT_REFUSED"),
    ({2: None, 35: None}, "14", "CARD_NUMBER_INVALID"),
]


@pytest.mark.parametrize(("change", "code", "cause"), SAID, ids=[row[2] for row in SAID])
def test_a_request_that_is_refused_says_why_in_its_record(run, tmp_path, change, code, cause):
    async def story(stage: Stage) -> None:
        fields = CUP.decode(stage.sale(stage.payment())).fields() | change
        frame = CUP.encode(mti="0200", fields={n: v for n, v in fields.items() if v is not None})
        note = await noted(stage, frame, code)
        assert note.startswith(f"{code}: ")
        assert note.endswith(f" [{cause}]")
        assert counted(stage) == {cause: 1}

    run(told(story, tmp_path))


def test_an_old_software_is_why_its_request_is_not_served(run, tmp_path):
    async def story(stage: Stage) -> None:
        assert await stage.code(upload("software_outdated=1")) == "00"
        frame = CUP.decode(stage.sale(stage.payment())).splice({3: bytes.fromhex("990000")})
        assert (await noted(stage, frame, "40")).endswith("[SOFTWARE_OUTDATED]")

    run(told(story, tmp_path))


def test_a_payment_that_is_being_reversed_is_given_back_by_hand_too(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Say(held=True))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        assert (await noted(stage, request("void", 50, 1234, of=1), "22")).endswith("[RETURNED_BY_HAND_TOO]")
        await stage.until(lambda: stage.host.holding == 1)
        stage.host.let_go()
        await stage.becomes(payment, "RETURNED")
        assert (await noted(stage, request("refund", 51, 1234, rrn="", of=1), "22")).endswith("[RETURNED_BY_HAND_TOO]")
        assert (await noted(stage, request("void", 52, 1234, of=9), "25")).endswith("[ORIGINAL_NOT_FOUND]")
        assert counted(stage) == {"RETURNED_BY_HAND_TOO": 2, "ORIGINAL_NOT_FOUND": 1}

    run(told(story, tmp_path))


def test_a_refund_of_more_than_was_paid_has_another_amount(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage)
        note = await noted(stage, request("refund", 50, 99_999, rrn="000000000001"), "61")
        assert note == "61: more than is left of the payment [RETURN_AMOUNT_DIFFERS]"

    run(told(story, tmp_path))


def test_a_host_that_cannot_be_reached_is_why_nothing_was_sent(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.host.stop()
        await stage.until(lambda: not stage.gateway.hosts["h1"].link.up)
        assert (await noted(stage, stage.sale(stage.payment()), "91")).endswith("[HOST_UNREACHABLE]")

    run(told(story, tmp_path))
