"""Who is let in, and what a session lets nobody do."""

from tests.console.desk import PASSWORD, ConsoleDesk, seen, words
from yuanlu.access.roles import Role


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
