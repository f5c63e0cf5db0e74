"""What the till shows the cashier beside the code: in field 63, under a right MAC, and never over the host's words."""

import pytest

from tests.scenario.linked import request, sold
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import Stage, told

ON = {"guidance": "field63"}
FUNDS = "   可用余额不足，本次未扣款。请顾客换一张卡或其他方式支付。"


def test_a_decline_tells_the_cashier_what_to_do(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(code="51"))
        answer = await stage.ask(stage.sale(stage.payment()))
        assert (answer[39], answer[63]) == ("51", FUNDS)
        assert len(answer.value_bytes(63)) - 2 <= 63

    run(told(story, tmp_path, gateway=ON))


def test_an_unknown_outcome_tells_not_to_charge_again_and_a_repeat_hears_the_same(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        frame = stage.sale(stage.payment())
        for _ in range(2):
            answer = await stage.ask(frame)
            assert (answer[39], answer[63]) == ("98", "   交易结果未知，系统正在自动冲正。请勿重复刷卡。")

    run(told(story, tmp_path, gateway=ON))


def test_a_refusal_of_our_own_and_a_refund_in_doubt_have_their_own_words(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage)
        stage.host.will("0220", Hush())
        answer = await stage.ask(request("refund", 50, 1234, rrn="000000000001"))
        assert answer[63] == "   撤销或退货的结果未知，正在查证。请勿重复刷卡。"
        answer = await stage.ask(stage.sale(stage.payment(amount=0)))
        assert answer[39] == "13"

    run(told(story, tmp_path, gateway=ON))


@pytest.mark.parametrize(
    ("said", "shown"),
    [("CUP", "CUP" + FUNDS[3:]), ("CUP请联系发卡行", "CUP请联系发卡行"), ("   ", FUNDS)],
)
def test_the_card_organisation_stays_and_what_the_host_wrote_is_left_alone(run, tmp_path, said, shown):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(code="51", fields={63: said}))
        assert (await stage.ask(stage.sale(stage.payment())))[63] == shown

    run(told(story, tmp_path, gateway=ON))


def test_what_is_approved_is_answered_as_the_host_did_and_a_part_with_a_warning(run, tmp_path):
    async def story(stage: Stage) -> None:
        answer = await stage.ask(stage.sale(stage.payment()))
        assert answer[39] == "00"
        assert not answer.has(63)
        stage.host.will("0200", Say(code="10", fields={4: "000000001000"}))
        answer = await stage.ask(stage.sale(stage.payment()))
        assert answer[63].startswith("   银行只批准了一部分金额")

    run(told(story, tmp_path, gateway=ON))


def test_the_mac_covers_the_line(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.sign_in()
        key = stage.keys.mac_key("unionpay-ecb")
        for line, code in ((Say(code="51"), "51"), (Hush(), "98")):
            stage.host.will("0200", line)
            answer = await stage.ask(stage.sale(stage.payment()))
            assert answer[39] == code
            assert answer.has(63)
            assert key.verify(answer.mac_input(), answer.value_bytes(64))

    run(told(story, tmp_path, gateway=ON | {"mac": "unionpay-ecb"}, mac="unionpay-ecb", sign_in="link"))


def test_a_dialect_without_chinese_is_answered_in_english(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(code="51"))
        answer = await stage.ask(stage.sale(stage.payment()))
        assert answer[63].startswith("Not enough funds. Nothing was charged.")

    run(told(story, tmp_path, gateway=ON, dialect="iso87-ascii"))


def test_without_the_setting_nothing_is_added(run, tmp_path):
    async def story(stage: Stage) -> None:
        for line in (Say(code="51"), Hush()):
            stage.host.will("0200", line)
            assert not (await stage.ask(stage.sale(stage.payment()))).has(63)

    run(told(story, tmp_path))
