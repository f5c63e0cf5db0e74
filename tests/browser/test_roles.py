"""Each role's main journey in a real browser: finance, support, the administrator, compliance."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable

import pyotp
from playwright.async_api import APIResponse, Locator, Page

from tests.browser.window import Windows, looked_at
from tests.console.desk import PASSWORD
from tests.console.people_at_work import press as send_form
from tests.console.test_orders import order_is
from tests.scenario.linked import sold
from tests.scenario.stage import CARD
from tests.scenario.test_causes_and_cases import case_of, escalated
from yuanlu.access.roles import Role
from yuanlu.cli.account_work import first_administrator
from yuanlu.settings import Console


async def says(page: Page, text: str) -> None:
    """Wait until the page says it."""
    await page.wait_for_function("text => document.querySelector('main').innerText.includes(text)", arg=text)


async def press(page: Page, button: str) -> None:
    await leads_on(page, page.get_by_role("button", name=button, exact=True))


async def follow(page: Page, link: str) -> None:
    await leads_on(page, page.get_by_role("link", name=link, exact=True))


async def leads_on(page: Page, what: Locator) -> None:
    """Click it, and wait until the page behind it takes keys."""
    async with page.expect_navigation():
        await what.click()


async def chooses_the_first(page: Page) -> None:
    """From the keyboard, in a list."""
    await page.keyboard.press("j")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


def test_finance_asks_for_a_refund_on_the_payments_page_and_a_colleague_lets_it_go(
    run, tmp_path, chromium, monkeypatch
):
    async def story(windows: Windows) -> None:
        stage = windows.desk.stage
        payment = await sold(stage)
        await windows.account("李娜", Role.FINANCE, checker=True)
        await windows.account("王芳", Role.FINANCE, checker=True)
        maker = await windows.signed_in("李娜")
        its_page = f"/zh/transactions/{(await stage.find(payment)).transaction_id}"
        await maker.goto(its_page)
        await says(maker, "已扣款")
        await follow(maker, "申请退回")
        await maker.fill("#amount", "10.00")
        await maker.fill("#reason", "顾客退了一件")
        await press(maker, "预览")
        await says(maker, "尾号 0005")
        await press(maker, "提出申请")
        await says(maker, "由您提出，须由另一位同事复核")
        await tries_to_approve_it_himself(maker)
        await maker.go_back()

        monkeypatch.setattr("yuanlu.console.proving.FRESH_US", -1)
        checker = await windows.signed_in("王芳")
        await follow(checker, "退回申请")
        await chooses_the_first(checker)
        await says(checker, "同意后")
        await checker.fill("#password", "wrong")
        await press(checker, "同意")
        await says(checker, "密码不正确，未作任何变动")
        await checker.fill("#password", PASSWORD)
        await press(checker, "同意")
        await order_is(windows.desk, payment, "DONE")
        for page in (maker, checker):
            await says(page, "已完成")
        await maker.goto(its_page)
        await says(maker, "已受理退回\n¥10.00\n退回途中\n¥0.00\n尚可退回，最多\n¥2.34")
        await says(maker, "王芳 同意")
        await says(maker, "退货 ¥10.00 · 已完成 · 申请人 李娜 · 顾客退了一件")

    run(looked_at(story, tmp_path, chromium))


async def tries_to_approve_it_himself(maker: Page) -> None:
    """The page offers no such button, so he makes one of another form."""
    assert await maker.get_by_role("button", name="同意").count() == 0
    await maker.evaluate(
        "() => { const form = document.querySelector('form[action$=withdraw]'); "
        "form.action = form.action.replace('withdraw', 'approve'); form.querySelector('textarea').required = false; }"
    )
    await maker.click("summary:has-text('撤回')")
    await press(maker, "撤回申请")
    await says(maker, "须由另一位同事复核")


def test_support_works_on_an_escalated_payment_from_the_keyboard_until_it_is_with_technical_support(
    run, tmp_path, chromium
):
    async def story(windows: Windows) -> None:
        case = await case_of(windows.desk.stage, await escalated(windows.desk.stage))
        await windows.account("赵磊", Role.SUPPORT)
        page = await windows.signed_in("赵磊")
        await says(page, case.case_id)
        await chooses_the_first(page)
        await page.wait_for_url(f"**/cases/{case.case_id}")
        await reads_evidence_and_guidance(page)
        await page.keyboard.press("c")
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        await says(page, "负责人\n赵磊")
        await writes(page, "写备注", "银行说明天上午答复", "保存备注")
        await says(page, "银行说明天上午答复")
        await puts_it_off_and_takes_it_up_again(page, case.case_id)
        await page.keyboard.press("e")
        assert await focused(page) == "escalate-reason"
        await page.keyboard.type("银行两次没有答复")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await says(page, "二线")
        await hands_it_to_technical_support(page, case.case_id)

    run(looked_at(story, tmp_path, chromium))


async def reads_evidence_and_guidance(page: Page) -> None:
    for text in ("可能已扣款\n¥12.34", "人工处理中，尚未退回", "凭终端号、流水号、时间和金额", "对收银员"):
        await says(page, text)
    await page.click("summary:has-text('应答码 40')")
    await says(page, "检索参考号")


async def puts_it_off_and_takes_it_up_again(page: Page, case_id: str) -> None:
    await page.keyboard.press("z")
    assert await focused(page) == "minutes"
    await page.fill("#snooze-reason", "等银行答复")
    await press(page, "确认暂缓")
    await says(page, "暂缓至")
    assert case_id not in await listed(page, "全部")
    assert case_id in await listed(page, "暂缓中")
    await chooses_the_first(page)
    await press(page, "立即恢复处理")
    await says(page, "一线")


async def hands_it_to_technical_support(page: Page, case_id: str) -> None:
    """It gets a ticket and the diagnostic bundle, and leaves the queue in which it was."""
    await writes(page, "转技术支持", "主机的应答 40 查无说明", "连同诊断包转交")
    await says(page, f"{case_id}-T")
    async with page.expect_download() as saving:
        await page.click("text=diagnostics.json")
    bundle = json.loads(await (await page.request.get((await saving.value).url)).text())
    assert bundle["case"]["case_id"] == case_id
    assert CARD.pan not in str(bundle)
    await page.goto("/zh/cases?q=returns")
    await says(page, "没有符合条件的工单")
    await page.goto("/zh/cases?q=support")
    await says(page, case_id)


async def focused(page: Page) -> str:
    return str(await page.evaluate("document.activeElement.id"))


async def writes(page: Page, what: str, text: str, button: str) -> None:
    """Open one of the case's forms, type, send."""
    form = page.locator("details", has=page.locator("summary", has_text=what))
    await form.locator("summary").click()
    await form.locator("textarea").fill(text)
    await leads_on(page, form.get_by_role("button", name=button))
    await says(page, "已完成，并记入经过")


async def listed(page: Page, tab: str) -> str:
    """What a list of cases shows."""
    await page.keyboard.press("g")
    await page.keyboard.press("c")
    await page.wait_for_url("**/cases")
    await leads_on(page, page.locator(".chips a", has_text=tab))
    return await page.inner_text("#cases-list")


def test_the_administrator_sets_the_console_up_lets_a_colleague_in_and_finds_these_deeds_in_the_trail(
    run, tmp_path, chromium
):
    async def story(windows: Windows) -> None:
        await asyncio.to_thread(first_administrator, windows.desk.stage.settings, "李伟", PASSWORD)
        admin = await windows.open()
        await signs_in_the_first_time(admin, "李伟", PASSWORD)
        await follow(admin, "人员与权限")
        await admin.fill("#new-name", "王芳")
        await admin.get_by_label("财务").last.check()
        await press(admin, "建立账号")
        given = re.search(r"王芳 可用密码 (\S+) 登录", await admin.inner_text("main"))
        assert given
        colleague = await windows.open()
        secret = await signs_in_the_first_time(colleague, "王芳", given[1])
        await changes_the_password(colleague, secret, given[1])

        await follow(admin, "API 密钥")
        program = await makes_a_key(admin)
        assert (await program()).status == 200
        await admin.click("summary:has-text('吊销')")
        await admin.fill("textarea", "试用结束")
        await press(admin, "确认吊销")
        assert (await program()).status == 401

        await follow(admin, "操作审计")
        deeds = [line.split("\t")[1:] for line in (await admin.inner_text("tbody")).splitlines()]
        assert [(who.split()[0], what) for who, what, *_ in deeds] == [
            ("李伟", "吊销 API 密钥"), ("李伟", "建立 API 密钥"),
            ("王芳", "登录"), ("王芳", "更换密码"), ("王芳", "登录"), ("王芳", "设置动态验证码"),
            ("李伟", "建立账号"), ("李伟", "登录"), ("李伟", "设置动态验证码"), ("初始设置", "建立账号"),
        ]  # fmt: skip
        assert [deeds[0][3], deeds[6][3]] == ["试用结束", "王芳，财务"]

    run(looked_at(story, tmp_path, chromium, more={"console": Console(listen="127.0.0.1:0")}))


async def signs_in_the_first_time(page: Page, name: str, password: str) -> str:
    """Name and password, then the second factor in an app; the app's key."""
    await page.goto("/zh/sign-in")
    await page.fill("#name", name)
    await page.fill("#password", password)
    await press(page, "登录")
    secret = await page.locator("main .note .num").inner_text()
    await page.fill("#code", pyotp.TOTP(secret).now())
    await press(page, "继续")
    await says_above(page, name)
    return secret


async def says_above(page: Page, name: str) -> None:
    """Who is signed in stands at the top of each page."""
    await page.wait_for_selector(f"header >> text={name}")


async def changes_the_password(page: Page, secret: str, given: str) -> None:
    await follow(page, "王芳")
    await page.fill("#old", given)
    await page.fill("#new", PASSWORD)
    await press(page, "修改并重新登录")
    await says(page, "密码已更换")
    await page.fill("#name", "王芳")
    await page.fill("#password", PASSWORD)
    await page.fill("#code", pyotp.TOTP(secret).at(int(time.time()) + 30))  # the last one is used up
    await press(page, "登录")
    await says_above(page, "王芳")
    assert page.url.endswith("/zh/cases")


async def makes_a_key(page: Page) -> Callable[[], Awaitable[APIResponse]]:
    """A program that shows the new key, and asks for payments."""
    await page.fill("#key-name", "门店收银")
    await page.get_by_label("查询付款与交易").check()
    await press(page, "建立密钥")
    secret = await page.inner_text("main code")
    assert secret.startswith("yl_test_")
    return lambda: page.request.get("/v1/transactions", headers={"Authorization": f"Bearer {secret}"})


def test_compliance_reads_and_takes_a_file_along_and_can_do_nothing_else(run, tmp_path, chromium):
    async def story(windows: Windows) -> None:
        stage = windows.desk.stage
        case = await case_of(stage, await escalated(stage))
        paid = (await stage.find(await sold(stage))).transaction_id
        support = await windows.desk.staff("赵磊", Role.SUPPORT)
        path = f"/cases/{case.case_id}"
        await send_form(support, await support.see(f"/zh{path}"), f"{path}/note", text="已致电银行")
        await windows.account("孙琪", Role.COMPLIANCE)
        page = await windows.signed_in("孙琪")
        assert page.url.endswith("/zh/audit")
        await page.fill("#who", "赵磊")
        await press(page, "搜索")
        await says(page, "已致电银行")
        async with page.expect_download() as saving:
            await page.get_by_role("link", name="CSV").click()
        file = await (await page.request.get((await saving.value).url)).text()
        assert f"{case.case_id},已致电银行" in file
        await follow(page, case.case_id)
        await says(page, "资金位置")
        assert await buttons(page) == ["中文 PDF", "英文 PDF"]
        await page.goto(f"/zh/transactions/{paid}")
        assert await page.locator("main").get_by_text("申请退回").count() == 0
        for forbidden in ("/zh/returns/new", "/zh/staff", "/zh/keys", "/zh/pos"):
            answer = await page.goto(forbidden)
            assert answer is not None
            assert answer.status == 403
            await says(page, "此页面不在您的职责范围内")

    run(looked_at(story, tmp_path, chromium))


async def buttons(page: Page) -> list[str]:
    """What can be pressed on the page itself."""
    return await page.locator("main button").all_inner_texts()
