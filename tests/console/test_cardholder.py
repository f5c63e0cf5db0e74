"""The page behind the slip's code: what is confirmed, for whoever holds the slip, and for nobody else."""

from tests.console.desk import ConsoleDesk, seen, words
from tests.console.test_transactions import one_of_each
from yuanlu.access.roles import Role
from yuanlu.people.cardholder import link_of


def test_the_page_says_where_the_money_is_without_a_sign_in_in_both_languages(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        good, lost = await one_of_each(desk)
        browser = desk.browser()
        page = await browser.see(f"/zh/m/{link_of(desk.stage.store, lost)}")
        said = words(page)
        for part in ("¥36.50", "尾号 0005", "退回已受理，等待您的银行入账", "已向银行发出退回请求", "请勿重复支付"):
            assert part in said
        assert "已退回（已确认）" not in said
        assert len(page.content) < 30_000
        assert "<script" not in page.text
        english = words(await browser.see(f"/en/m/{link_of(desk.stage.store, good)}"))
        assert "You paid this amount. Nothing is open." in english

    run(seen(story, tmp_path))


def test_a_code_that_is_not_ours_says_nothing_about_any_payment(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        good, _ = await one_of_each(desk)
        link, browser = link_of(desk.stage.store, good), desk.browser()
        wrong = ["A" * len(link), link[:-4] + "AAAA", "x", "%00", "ü" * 20, "A" * 5000, good, link + "=="]
        said = {words(answer) for each in wrong if (answer := await browser.see(f"/en/m/{each}")).status_code == 404}
        assert len(said) == 1
        assert "does not open" in said.pop()

    run(seen(story, tmp_path))


def test_a_complaint_becomes_a_case_with_a_deadline_and_keeps_no_card_number(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        good, _ = await one_of_each(desk)
        path, browser = f"/zh/m/{link_of(desk.stage.store, good)}", desk.browser()
        answer = await browser.send(f"{path}/complaint", text="扣了两次，卡号 6200000000000005 <b>")
        assert "已收到您的投诉，编号 C" in words(answer)
        page = await browser.see(path)
        assert "工单 C" in words(page)
        again = await browser.send(f"{path}/complaint", text="还没有消息")
        assert words(again).split("编号 ")[1][:16] == words(answer).split("编号 ")[1][:16]
        kept = await desk.stage.events("CASE_OPENED")
        assert any("扣了两次" in note for note in kept)
        assert not any("6200000000000005" in note for note in kept)

    run(seen(story, tmp_path))


def test_an_empty_or_endless_complaint_is_not_taken(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        good, _ = await one_of_each(desk)
        path, browser = f"/en/m/{link_of(desk.stage.store, good)}", desk.browser()
        assert (await browser.send(f"{path}/complaint", text=" ")).status_code == 422
        too_long = await browser.send(f"{path}/complaint", text="long " * 700)
        assert too_long.status_code == 422
        for _ in range(5):
            last = await browser.send(f"{path}/feedback", helpful="1", text="fine")
        assert last.status_code == 429

    run(seen(story, tmp_path))


def test_feedback_stands_in_the_payments_timeline(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, lost = await one_of_each(desk)
        await desk.browser().send(f"/en/m/{link_of(desk.stage.store, lost)}/feedback", helpful="0", text="too slow")
        assert await desk.stage.events("CARDHOLDER_FEEDBACK") == ["not helpful: too slow"]

    run(seen(story, tmp_path))


def test_whoever_is_signed_in_is_nobody_on_the_public_page(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        good, _ = await one_of_each(desk)
        browser = await desk.staff("Wang Fang", Role.FINANCE)
        answer = await browser.client.post(f"/en/m/{link_of(desk.stage.store, good)}/feedback", data={"helpful": "1"})
        assert "Thank you." in words(answer)

    run(seen(story, tmp_path))
