"""Each role's main journey in a real browser: finance, support, the administrator, compliance."""

import json

from playwright.async_api import Locator, Page

from tests.browser.window import Windows, looked_at
from tests.console.desk import PASSWORD
from tests.console.test_orders import order_is
from tests.scenario.linked import sold
from tests.scenario.stage import CARD
from tests.scenario.test_causes_and_cases import case_of, escalated
from yuanlu.access.roles import Role


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
