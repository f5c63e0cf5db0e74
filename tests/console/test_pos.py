"""The virtual POS: a cashier charges at the real gateway, is guided, and nobody pays twice."""

import asyncio
import re

from tests.console.desk import Browser, ConsoleDesk, words
from tests.console.tilling import at_a_till
from tests.scenario.messages import spoken
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import MERCHANT, TERMINALS
from yuanlu.access.roles import Role
from yuanlu.console.pos_screen import sentences
from yuanlu.settings import Console

NOBODY = "127.0.0.1:9"
"""No simulated host listens there; a scenario cannot be ordered, but test cards may be used."""
TRAINING = {"console": Console(listen="127.0.0.1:0", second_factor="optional", sandbox_control=NOBODY)}


async def charged(cashier: Browser, amount: str = "12.80", source: str = "debit", **more: str) -> str:
    """Charge; the payment's page."""
    answer = await cashier.send("/zh/pos", amount=amount, source=source, terminal=TERMINALS[0], **more)
    assert answer.status_code == 303, words(answer)
    return str(answer.headers["location"])


async def says(cashier: Browser, path: str, wanted: str) -> str:
    """Wait until the machine says it."""
    for _ in range(400):
        said = words(await cashier.see(path))
        if wanted in said:
            return said
        await asyncio.sleep(0.02)
    raise AssertionError(said)


def test_an_approved_sale_has_a_slip_and_is_given_back_to_the_same_card(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        cashier = await desk.staff("Zhou Li", Role.CASHIER, merchant_id=MERCHANT)
        path = await charged(cashier)
        said = await says(cashier, path, "交易成功")
        assert "请将小票交给顾客" in said
        slip = await cashier.see(f"{path}/slip")
        for part in ("¥12.80", "尾号 1011", "模拟交易", TERMINALS[0], f"南站出口店 {MERCHANT}"):
            assert part in words(slip)
        link = re.search(r'href="http://testserver(/zh/m/[\w-]+)"', slip.text)
        assert link
        assert "这笔款已付清" in words(await desk.browser().see(link[1]))
        back = await cashier.send(f"{path}/refund", amount="12.80")
        assert "消费撤销" in await says(cashier, str(back.headers["location"]), "交易成功")
        await says(cashier, path, "收单机构已受理退回")

    run(at_a_till(story, tmp_path, more=TRAINING | spoken()))


def test_a_lost_answer_is_reversed_while_the_cashier_watches_and_nobody_charges_meanwhile(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        desk.stage.host.will("0200", Hush())
        desk.stage.host.will("0400", Say(held=True))
        cashier = await desk.staff("Zhou Li", Role.CASHIER, merchant_id=MERCHANT)
        path = await charged(cashier)
        said = await says(cashier, path, "交易结果未知，系统正在自动冲正")
        assert "如已扣款，会退回您的原付款账户" in said
        again = await cashier.send("/zh/pos", amount="12.80", source="debit", terminal=TERMINALS[0])
        assert again.status_code == 409
        assert "请勿重复收款" in words(again)
        other = await charged(cashier, amount="3.00", source="wechat")
        await says(cashier, other, "交易成功")
        await desk.stage.until(lambda: bool(desk.stage.host.asked("0400")))
        desk.stage.host.let_go()
        assert "现在可以重新收款" in await says(cashier, path, "收单机构已受理退回")
        await charged(cashier)

    run(at_a_till(story, tmp_path, more=TRAINING))


def test_a_declined_card_says_that_nothing_was_charged_and_what_to_ask_for(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        desk.stage.host.will("0200", Say(code="51"))
        cashier = await desk.staff("Zhou Li", Role.CASHIER, merchant_id=MERCHANT)
        said = await says(cashier, await charged(cashier), "交易未成功，未扣款")
        assert "对顾客说" in said

    run(at_a_till(story, tmp_path, more=TRAINING))


def test_wrong_amounts_terminals_and_cards_are_said_and_what_was_typed_is_kept(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        cashier = await desk.staff("Zhou Li", Role.CASHIER, merchant_id=MERCHANT)
        await cashier.see("/zh/pos")
        for amount in ("", "0", "-1", "1.234", "1e9", "１２", "abc", "9" * 40, "<b>"):
            answer = await cashier.send("/zh/pos", amount=amount, source="debit", terminal=TERMINALS[0])
            assert (answer.status_code, "金额请输入如" in words(answer)) == (422, True), amount
        answer = await cashier.send("/zh/pos", amount="5.55", source="gold", terminal=TERMINALS[0])
        assert 'value="5.55"' in answer.text
        assert (await cashier.send("/zh/pos", amount="5.55", source="debit", terminal="T9999999")).status_code == 422
        assert not desk.stage.host.asked("0200")
        assert (
            await cashier.send("/zh/pos", amount="5", source="debit", terminal=TERMINALS[0], scenario="x")
        ).status_code == 503

    run(at_a_till(story, tmp_path, more=TRAINING))


def test_at_real_hosts_the_machine_takes_no_test_card(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        cashier = await desk.staff("Zhou Li", Role.CASHIER, merchant_id=MERCHANT)
        assert "虚拟 POS 仅支持测试卡" in words(await cashier.see("/zh/pos"))
        answer = await cashier.send("/zh/pos", amount="5.55", source="debit", terminal=TERMINALS[0])
        assert answer.status_code == 422
        assert not desk.stage.host.asked("0200")

    run(at_a_till(story, tmp_path))


def test_another_shops_machine_shows_nothing_of_a_payment(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        own = await desk.staff("Zhou Li", Role.CASHIER, merchant_id=MERCHANT)
        other = await desk.staff("Sun Bo", Role.CASHIER, merchant_id="898440153119999")
        path = await charged(own)
        await says(own, path, "交易成功")
        assert "12.80" not in words(await other.see(path))
        assert (await other.see(f"{path}/slip")).status_code == 404
        assert (await other.send(f"{path}/cancel")).status_code == 404
        assert (await other.send("/zh/pos", amount="1", source="debit", terminal=TERMINALS[0])).status_code == 422

    run(at_a_till(story, tmp_path, more=TRAINING))


def test_a_gateway_that_is_away_charges_nobody(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        cashier = await desk.staff("Zhou Li", Role.CASHIER, merchant_id=MERCHANT)
        await desk.stage.gateway.server.stop()
        said = await says(cashier, await charged(cashier), "未发出")
        assert "未扣款" in said

    run(at_a_till(story, tmp_path, more=TRAINING))


def test_guidance_is_cut_into_steps():
    assert sentences("请勿重复刷卡。请等待。") == ["请勿重复刷卡。", "请等待。"]
    assert sentences("Do not charge again. Wait.") == ["Do not charge again.", "Wait."]
