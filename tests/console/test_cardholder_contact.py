"""The cardholder gives a number to hear the news by, and takes it back, from the page behind the slip's code."""

import re

import pytest

from tests.console.desk import Browser, ConsoleDesk, seen, words
from tests.console.people_at_work import FIELD
from tests.scenario.messages import SILENT, arrives, comes_to, inbox, spoken, texts, told
from tests.scenario.scripted_host import Hush
from tests.scenario.stage import MERCHANT
from yuanlu.access.roles import Role
from yuanlu.console.limits import Limiter
from yuanlu.notification.states import Sending
from yuanlu.notification.store import contacts_of
from yuanlu.people.cardholder import link_of

NUMBER = "138 0000 0000"
ASKED = "留下手机号"


@pytest.fixture(autouse=True)
def looks(monkeypatch):
    """Each story has its own allowance of looks from one address."""
    monkeypatch.setattr("yuanlu.console.pages.cardholder.LOOKS", Limiter(burst=60, per_minute=60))


async def in_doubt(desk: ConsoleDesk, **more):
    """A sale that nobody has answered; the payment, its id, and the path of its page."""
    desk.stage.host.will("0200", Hush())
    desk.stage.host.will("0400", *[Hush()] * SILENT)
    payment = desk.stage.payment(**more)
    assert await desk.stage.code(desk.stage.sale(payment)) == "98"
    name = (await desk.stage.find(payment)).transaction_id
    return payment, name, f"/zh/m/{link_of(desk.stage.store, name)}"


async def gives(browser: Browser, path: str, number: str = NUMBER, **more: str):
    return await browser.send(f"{path}/contact", **{"number": number, "agreed": "1"} | more)


async def kept(desk: ConsoleDesk, name: str) -> list[str]:
    return [each.masked for each in await desk.stage.read(lambda c: contacts_of(c, name))]


def test_who_gives_a_number_hears_at_once_how_the_payment_stands(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, name, path = await in_doubt(desk, amount=128_000)
        browser = desk.browser()
        page = await browser.see(path)
        assert ASKED in words(page)
        assert "您可以不留手机号，退回照常进行" in words(page)
        answer = await gives(browser, path)
        assert "进展将发送至 138****0000" in words(answer)
        assert "13800000000" not in re.sub(r"\s", "", answer.text)
        await arrives(lambda: len(texts(desk.stage)) == 1)
        assert inbox(desk.stage)[0]["to"] == "+8613800000000"
        assert "¥1,280.00交易结果待确认" in texts(desk.stage)[0]
        [contact] = await desk.stage.read(lambda c: contacts_of(c, name))
        assert contact.told_by == "cardholder page, consent 1"
        assert b"13800000000" not in contact.sealed

    run(seen(story, tmp_path, more=spoken()))


def test_the_news_come_in_the_language_of_the_page(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, _, path = await in_doubt(desk)
        await gives(desk.browser(), path.replace("/zh/", "/en/"))
        await arrives(lambda: len(texts(desk.stage)) == 1)
        assert "is being confirmed" in texts(desk.stage)[0]

    run(seen(story, tmp_path, more=spoken()))


def test_without_consent_or_with_a_wrong_number_nothing_is_kept(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, name, path = await in_doubt(desk)
        browser = desk.browser()
        for typed, why in (
            ({"agreed": ""}, "未获您同意"),
            ({"number": "12345"}, "手机号不正确"),
            ({"number": "6200000000000005"}, "手机号不正确"),
        ):
            answer = await gives(browser, path, **typed)
            assert (answer.status_code, why in words(answer)) == (422, True), typed
            assert typed.get("number", NUMBER) not in answer.text
        assert await kept(desk, name) == []

    run(seen(story, tmp_path, more=spoken()))


def contact_on(page) -> str:
    [contact] = {value for name, value in FIELD.findall(page.text) if name == "contact"}
    return contact


def test_a_number_that_is_taken_back_hears_nothing_more_of_this_payment_but_of_another(run, tmp_path, each_database):
    async def story(desk: ConsoleDesk) -> None:
        payment, _, path = await in_doubt(desk)
        browser = desk.browser()
        await gives(browser, path)
        await comes_to(desk.stage, payment, Sending.DELIVERED)
        answer = await browser.send(f"{path}/contact/back", contact=contact_on(await browser.see(path)))
        assert "号码已撤回" in words(answer)
        assert "138****0000 不再接收通知" in words(await browser.see(path))
        again = await gives(browser, path)
        assert (again.status_code, "不能用于接收" in words(again)) == (422, True)
        desk.stage.host.forget("0400")
        await desk.stage.relink()
        await desk.stage.becomes(payment, "RETURNED")
        await comes_to(desk.stage, payment, Sending.DELIVERED, Sending.UNWANTED)
        other, _, elsewhere = await in_doubt(desk)
        await gives(browser, elsewhere)
        await comes_to(desk.stage, other, Sending.DELIVERED)
        assert len(texts(desk.stage)) == 2

    run(seen(story, tmp_path, more=spoken()))


def test_a_number_that_is_taken_back_everywhere_is_told_of_no_payment(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        first, _, path = await in_doubt(desk)
        browser = desk.browser()
        await gives(browser, path)
        await comes_to(desk.stage, first, Sending.DELIVERED)
        contact = contact_on(await browser.see(path))
        await browser.send(f"{path}/contact/back", contact=contact, everywhere="1")
        _, name, elsewhere = await in_doubt(desk)
        assert (await gives(browser, elsewhere)).status_code == 422
        assert await kept(desk, name) == []

    run(seen(story, tmp_path, more=spoken()))


def test_one_slip_takes_back_no_number_of_another_payment(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        first, _, path = await in_doubt(desk)
        _, _, elsewhere = await in_doubt(desk)
        browser = desk.browser()
        await gives(browser, path)
        contact = contact_on(await browser.see(path))
        for wrong in (contact, "", "x' OR 1=1"):
            answer = await browser.send(f"{elsewhere}/contact/back", contact=wrong)
            assert (answer.status_code, "没有登记该号码" in words(answer)) == (422, True)
        await comes_to(desk.stage, first, Sending.DELIVERED)
        assert "正在接收通知" in words(await browser.see(path))

    run(seen(story, tmp_path, more=spoken()))


def test_a_payment_takes_five_numbers_and_the_same_one_once(run, tmp_path, monkeypatch):
    async def story(desk: ConsoleDesk) -> None:
        monkeypatch.setattr("yuanlu.console.pages.cardholder.WORDS", Everything())
        _, name, path = await in_doubt(desk)
        browser = desk.browser()
        for n in (1, 1, 2, 3, 4, 5):
            assert (await gives(browser, path, f"1380000000{n}")).status_code == 200
        assert (await gives(browser, path, "13800000006")).status_code == 422
        assert len(await kept(desk, name)) == 5
        assert ASKED not in words(await browser.see(path))

    run(seen(story, tmp_path, more=spoken()))


class Everything:
    """A limiter without a limit."""

    def wait_s(self, _name: str, _now_s: float) -> float:
        return 0.0


def test_who_writes_too_often_waits(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, _, path = await in_doubt(desk)
        browser = desk.browser()
        answers = [await gives(browser, path, "1") for _ in range(6)]
        assert "一分钟后再试" in words(answers[-1])

    run(seen(story, tmp_path, more=spoken()))


def test_nobody_is_asked_where_no_sms_is_sent_or_no_news_is_to_come(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        good = desk.stage.payment()
        assert await desk.stage.code(desk.stage.sale(good)) == "00"
        name = (await desk.stage.find(good)).transaction_id
        path, browser = f"/zh/m/{link_of(desk.stage.store, name)}", desk.browser()
        assert ASKED not in words(await browser.see(path))
        assert (await gives(browser, path)).status_code == 422
        assert await kept(desk, name) == []
        assert await told(desk.stage, good) == []

    run(seen(story, tmp_path, more=spoken()))


def test_without_sms_the_page_asks_for_no_number(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, name, path = await in_doubt(desk)
        browser = desk.browser()
        assert ASKED not in words(await browser.see(path))
        assert (await gives(browser, path)).status_code == 422
        assert await kept(desk, name) == []

    run(seen(story, tmp_path, more=spoken(sms=())))


def test_page_and_staff_see_the_shops_name_and_no_number(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, name, path = await in_doubt(desk)
        browser = desk.browser()
        await gives(browser, path)
        assert "南站出口店" in words(await browser.see(path))
        staff = await desk.staff("Li Na", Role.FINANCE, merchant_id=MERCHANT)
        assert "13800000000" not in (await staff.see(f"/zh/transactions/{name}")).text

    run(seen(story, tmp_path, more=spoken()))
