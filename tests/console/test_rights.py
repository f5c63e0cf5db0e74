"""Every page asks for its right: one table of all pages and all roles, and nobody without a session sees any."""

import re

from tests.console.desk import ConsoleDesk, seen
from yuanlu.access.roles import RIGHTS, Right, Role
from yuanlu.console.pages.listing import PAGES, PLACES


def address(path: str) -> str:
    return "/en" + re.sub(r"\{\w+\}", "nothing", path)


def test_each_role_opens_what_its_rights_say_and_nothing_else(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        for role in Role:
            browser = await desk.staff(f"one of {role}", role)
            for page in PAGES:
                if page.right is None:
                    continue
                answer = await (browser.see if page.method == "GET" else browser.send)(address(page.path))
                allowed = page.right in RIGHTS[role]
                assert (answer.status_code == 403) is not allowed, f"{role} {page.method} {page.path}"
                assert answer.status_code < 500, f"{role} {page.method} {page.path}"

    run(seen(story, tmp_path))


def test_without_a_session_every_page_leads_to_the_sign_in_and_no_form_does_anything(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        browser = desk.browser()
        for page in PAGES:
            if page.right is None:
                continue
            answer = await (browser.see if page.method == "GET" else browser.send)(address(page.path))
            assert answer.status_code == (303 if page.method == "GET" else 401), page.path

    run(seen(story, tmp_path))


def test_the_navigation_names_pages_that_exist_with_their_right():
    rights = {page.path: page.right for page in PAGES if page.method == "GET"}
    assert {place.path: place.right for place in PLACES} == {place.path: rights.get(place.path) for place in PLACES}
    assert Right.USE_POS not in {page.right for page in PAGES} or "/pos" in rights
