"""Who is let in, and what a session lets nobody do."""

import re

import pyotp

from tests.console.desk import PASSWORD, ConsoleDesk, seen, words
from yuanlu.access.roles import Role
from yuanlu.cases.people import Actor
from yuanlu.people.staff import NewStaff, created
from yuanlu.settings import Console


def test_whoever_gives_name_and_password_lands_on_the_page_of_his_work(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        await desk.staff("Wang Fang", Role.FINANCE)
        browser = desk.browser()
        answer = await browser.send("/zh/sign-in", name="ｗang  fang", password=PASSWORD)
        assert (answer.status_code, answer.headers["location"]) == (303, "/zh/cases")
        assert {"httponly", "samesite=strict"} <= set(answer.headers["set-cookie"].lower().split("; "))

    run(seen(story, tmp_path))


def test_a_wrong_sign_in_says_only_that_it_is_wrong_and_ten_lock_the_account(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        await desk.staff("Wang Fang", Role.FINANCE)
        browser = desk.browser()
        nobody = words(await browser.send("/en/sign-in", name="nobody", password=PASSWORD)).replace("nobody", "")
        for _ in range(10):
            answer = await browser.send("/en/sign-in", name="Wang Fang", password="wrong")
            assert (answer.status_code, words(answer)) == (403, nobody)
        assert (await browser.send("/en/sign-in", name="Wang Fang", password=PASSWORD)).status_code == 403
        assert len(await desk.stage.events("STAFF_REFUSED")) == 11

    run(seen(story, tmp_path))


def test_a_form_from_another_site_or_an_earlier_session_does_nothing(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        browser = await desk.staff("Wang Fang", Role.FINANCE)
        elsewhere = await browser.client.post(
            "/en/sign-out", data={"csrf": browser.csrf}, headers={"origin": "https://evil.example"}
        )
        assert elsewhere.status_code == 403
        assert (await browser.send("/en/sign-out", csrf="old")).status_code == 403
        assert (await browser.see("/en/sign-in")).status_code == 303  # still in
        assert (await browser.send("/en/sign-out")).status_code == 303
        assert (await browser.see("/en/sign-in")).status_code == 200

    run(seen(story, tmp_path))


def test_nobody_is_sent_on_to_another_site(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        await desk.staff("Wang Fang", Role.FINANCE)
        for wanted in ("https://evil.example/", "//evil.example/", "/en//evil.example", "/\\evil.example"):
            answer = await desk.browser().send("/en/sign-in", name="Wang Fang", password=PASSWORD, to=wanted)
            assert answer.headers["location"] == "/en/cases"

    run(seen(story, tmp_path))


def test_where_codes_are_needed_the_first_sign_in_sets_them_up_and_the_next_needs_one(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        wanted = NewStaff(name="Li Wei", roles=(Role.RISK,), password=PASSWORD)
        await desk.app.state.console.store.act(created, wanted, Actor(name="test", via="test"))
        browser = desk.browser()
        page = await browser.send("/en/sign-in", name="Li Wei", password=PASSWORD)
        assert "set-cookie" not in page.headers
        secret, offer = (
            re.search(r">([A-Z2-7]{32})<", page.text)[1],
            re.search(r'name="offer" value="(\w+)"', page.text)[1],
        )
        now_s = desk.app.state.console.clock.wall_us() // 1_000_000
        wrong = await browser.send("/en/sign-in/code", offer=offer, code="000000")
        assert wrong.status_code == 403
        assert (await browser.send("/en/sign-in/code", offer="00" * 40, code="000000")).status_code == 403
        done = await browser.send(
            "/en/sign-in/code", offer=offer, code=pyotp.TOTP(secret).at(now_s), to="/en/transactions"
        )
        assert done.headers["location"] == "/en/transactions", "password and code were right, so this is a sign-in"
        assert (await browser.see("/en/settings")).status_code == 403
        browser = desk.browser()
        without = await browser.send("/en/sign-in", name="Li Wei", password=PASSWORD)
        used = await browser.send("/en/sign-in", name="Li Wei", password=PASSWORD, code=pyotp.TOTP(secret).at(now_s))
        assert (without.status_code, used.status_code) == (403, 403)
        fresh = await browser.send(
            "/en/sign-in", name="Li Wei", password=PASSWORD, code=pyotp.TOTP(secret).at(now_s + 30)
        )
        assert fresh.headers["location"] == "/en/monitor"
        assert (
            await browser.send("/en/sign-in/code", offer=offer, code=pyotp.TOTP(secret).at(now_s))
        ).status_code == 403

    run(seen(story, tmp_path, more={"console": Console(listen="127.0.0.1:0")}))
