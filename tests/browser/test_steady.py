"""What a reader looks at stays where it is: no page moves while it opens and brings itself up to date."""

import pytest

from tests.browser.window import SIZES, Windows, looked_at
from tests.console.test_transactions import one_of_each
from tests.scenario.messages import FINANCE, spoken
from yuanlu.access.roles import Role
from yuanlu.cases.people import Actor
from yuanlu.people.incidents import declared

SHIFT_MAX = 0.02
MOVED = """new Promise((told) => {
  let moved = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((each) => { moved += each.value; }))
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => told(moved), 100);
})"""
LIVE = ("/monitor", "/cases", "/incidents", "/terminals")
WHO = Actor(name="Zhao Lei", via="test")


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_while_a_page_opens_and_looks_again(run, tmp_path, chromium, size):
    async def story(windows: Windows) -> None:
        desk = windows.desk
        await one_of_each(desk)
        for scope in (("host", "h1"), ("all", "")):
            await desk.app.state.console.store.act(
                declared, "carrier_outage", scope, WHO, "the street is dark", hold=False, since_minutes=0
            )
        await windows.account("everybody", Role.RISK, *Role)
        page = await windows.signed_in("everybody", size=size)
        moved = {}
        for path in LIVE:
            async with page.expect_response(lambda answer: "x-fragment" in answer.request.headers):
                await page.goto(f"/zh{path}")
            await page.wait_for_timeout(500)
            moved[path] = await page.evaluate(MOVED)
        assert {path: shift for path, shift in moved.items() if shift >= SHIFT_MAX} == {}

    run(looked_at(story, tmp_path, chromium, more=spoken(FINANCE)))
