"""What people come for, in a real browser: signing in, watching live, finding a payment, following the money home."""

from tests.browser.window import Windows, looked_at
from tests.console.test_transactions import one_of_each
from tests.scenario.scripted_host import Hush
from yuanlu.access.roles import Role
from yuanlu.people.cardholder import link_of


def test_the_monitor_shows_a_payment_that_goes_wrong_while_somebody_watches(run, tmp_path, chromium):
    async def story(windows: Windows) -> None:
        await windows.account("risk", Role.RISK)
        page = await windows.signed_in("risk")
        assert "实时监控" in await page.title()
        stage = windows.desk.stage
        stage.host.will("0200", Hush())
        lost = stage.payment(amount=777)
        assert await stage.code(stage.sale(lost)) == "98"
        await stage.becomes(lost, "RETURNED")
        await page.wait_for_selector("text=¥7.77")
        assert await page.inner_text("#live") == "实时"

    run(looked_at(story, tmp_path, chromium))


def test_paused_nothing_moves_and_what_came_is_counted(run, tmp_path, chromium):
    async def story(windows: Windows) -> None:
        await windows.account("risk", Role.RISK)
        page = await windows.signed_in("risk", "en")
        await page.wait_for_function("document.getElementById('live').dataset.kind === 'on'")
        await page.keyboard.press("p")
        before = await page.inner_text("#now")
        await one_of_each(windows.desk)
        await page.wait_for_selector("#waiting:not([hidden])")
        assert await page.inner_text("#now") == before
        await page.click("#waiting")
        await page.wait_for_selector("text=¥36.50")

    run(looked_at(story, tmp_path, chromium))


def test_a_payment_is_found_from_the_keyboard_alone(run, tmp_path, chromium):
    async def story(windows: Windows) -> None:
        good, _ = await one_of_each(windows.desk)
        await windows.account("risk", Role.RISK)
        page = await windows.signed_in("risk")
        await page.keyboard.press("g")
        await page.keyboard.press("t")
        await page.wait_for_url("**/transactions")
        await page.keyboard.press("/")
        await page.keyboard.type("123456789012")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**q=123456789012**")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/transactions/{good}")

    run(looked_at(story, tmp_path, chromium))


def test_the_cardholders_page_follows_the_money_home_without_any_script(run, tmp_path, chromium):
    async def story(windows: Windows) -> None:
        stage = windows.desk.stage
        stage.host.will("0200", Hush())
        stage.host.will("0400", Hush())
        lost = stage.payment(amount=128_000)
        assert await stage.code(stage.sale(lost)) == "98"
        page = await windows.open(size="phone", script=False)
        await page.goto(f"/zh/m/{link_of(stage.store, (await stage.find(lost)).transaction_id)}")
        assert "如已扣款，将退回您的原付款账户" in await page.inner_text("main")
        await stage.becomes(lost, "RETURNED")
        await page.click("text=刷新")
        assert "退回已受理，等待您的银行入账" in await page.inner_text("main")
        await page.click("summary:has-text('投诉')")
        await page.fill("#complaint", "还没有到账")
        await page.click("text=提交")
        assert "已收到您的投诉" in await page.inner_text("main")

    run(looked_at(story, tmp_path, chromium))
