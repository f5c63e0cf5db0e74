"""What people come for, in a real browser: signing in, watching live, finding a payment, following the money home."""

from tests.browser.window import Windows, looked_at
from tests.console.people_at_work import press, two
from tests.console.test_orders import asked_for
from tests.console.test_transactions import one_of_each
from tests.console.tilling import free_port
from tests.scenario.linked import sold
from tests.scenario.scripted_host import Hush
from tests.scenario.stage import MERCHANT
from yuanlu.access.roles import Role
from yuanlu.people.cardholder import link_of
from yuanlu.settings import Console


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


def test_the_keys_are_listed_and_whoever_does_not_want_them_switches_them_off(run, tmp_path, chromium):
    async def story(windows: Windows) -> None:
        await windows.account("risk", Role.RISK)
        page = await windows.signed_in("risk")
        await page.keyboard.press("?")
        assert "升级工单" in await page.inner_text("#keys")
        await page.click("text=在此浏览器停用快捷键")
        await page.goto("/zh/cases")
        await page.keyboard.press("/")
        assert await page.evaluate("document.activeElement.nodeName") == "BODY"
        await page.click("#keys summary")
        await page.click("text=启用快捷键")
        await page.keyboard.press("/")
        assert await page.evaluate("document.activeElement.id") == "t"

    run(looked_at(story, tmp_path, chromium))


def test_the_row_that_a_reader_has_chosen_keeps_the_focus_while_others_come_and_go(run, tmp_path, chromium):
    async def story(windows: Windows) -> None:
        await sold(windows.desk.stage)
        maker, checker = await two(windows.desk)
        first, second = [(await asked_for(maker, amount=f"{n}.00")).rpartition("/")[2] for n in (1, 2)]
        await windows.account("Sun Li", Role.FINANCE)
        page = await windows.signed_in("Sun Li")
        await page.goto("/zh/returns")
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        chosen = "document.activeElement.getAttribute('href')"
        assert await page.evaluate(chosen) == f"/zh/returns/{second}"
        await page.wait_for_function("document.getElementById('live').dataset.kind === 'on'")
        await press(checker, await checker.see(f"/zh/returns/{first}"), f"/returns/{first}/refuse", reason="小票不符")
        await page.wait_for_selector(f"#o-{first}", state="detached")
        assert await page.evaluate(chosen) == f"/zh/returns/{second}"
        third = (await asked_for(maker, amount="3.00")).rpartition("/")[2]
        await page.wait_for_selector(f"#o-{third}")
        assert await page.evaluate(chosen) == f"/zh/returns/{second}"
        await page.keyboard.press("j")
        assert await page.evaluate(chosen) == f"/zh/returns/{third}", "the next one, and not the first once more"
        await page.keyboard.press("k")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/returns/{second}")

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


def test_a_cashiers_timed_out_payment_comes_home_and_ends_at_the_slip(run, tmp_path, chromium):
    async def story(windows: Windows) -> None:
        stage = windows.desk.stage
        stage.host.will("0200", Hush())
        await windows.account("Zhou Li", Role.CASHIER, merchant_id=MERCHANT)
        page = await windows.signed_in("Zhou Li")
        await page.fill("#amount", "128.00")
        await page.click("button.big")
        await page.wait_for_selector("h1:has-text('收单机构已受理退回')")
        assert "现在可以重新收款" in await page.inner_text(".guide")
        await page.click("text=打印小票")
        assert "¥128.00" in await page.inner_text(".slip")
        await page.click("text=打开查询页面")
        assert "退回已受理，等待您的银行入账" in await page.inner_text("main")

    more = {"console": Console(listen="127.0.0.1:0", second_factor="optional", sandbox_control="127.0.0.1:9")}
    gateway = {"listen": f"127.0.0.1:{free_port()}"}
    run(looked_at(story, tmp_path, chromium, gateway=gateway, more=more))


def test_a_passkey_signs_in_without_password_and_code(run, tmp_path, chromium):
    async def story(windows: Windows) -> None:
        await windows.account("Li Wei", Role.RISK)
        windows.address = windows.address.replace("127.0.0.1", "localhost")  # a number is nobody's name
        page = await windows.signed_in("Li Wei", "en")
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("WebAuthn.enable")
        device = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                  "isUserVerified": True, "automaticPresenceSimulation": True}  # fmt: skip
        await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": device})
        await page.goto("/en/me")
        await page.fill("#key-name", "phone")
        await page.click("text=Add a passkey")
        await page.wait_for_selector("text=The passkey is added")
        await page.click("text=Sign out")
        await page.click("text=Sign in with a passkey")
        await page.wait_for_url("**/en/monitor")
        assert "passkey phone" in str(await windows.desk.stage.events("STAFF_SIGNED_IN"))
        await page.goto("/en/me")
        await page.click("text=Remove")
        await page.wait_for_selector("text=The passkey is removed")
        await page.click("text=Sign out")
        await page.click("text=Sign in with a passkey")
        await page.wait_for_selector("text=This passkey does not open an account here")

    run(looked_at(story, tmp_path, chromium))
