"""Every page, in both languages, light and dark, on a desk and on a phone: axe finds nothing, nothing overflows."""

from pathlib import Path

import axe_playwright_python
import pytest

from tests.browser.window import SIZES, Windows, looked_at
from tests.console.desk import ConsoleDesk
from tests.console.test_transactions import one_of_each
from tests.scenario.messages import FINANCE, comes_true, spoken
from yuanlu.access.roles import Role
from yuanlu.console.pages.listing import PAGES
from yuanlu.notification.records import Message
from yuanlu.notification.store import told_of_transaction
from yuanlu.people import cardholder
from yuanlu.people.cardholder import link_of

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NOT_PAGES = {"/events"}
WIDE = "document.documentElement.scrollWidth - window.innerWidth"


async def told(desk: ConsoleDesk, transaction_id: str) -> str:
    """The id of what the merchant was told first of a payment."""
    found: list[Message] = []

    async def any_told() -> bool:
        found.extend(await desk.stage.read(lambda c: told_of_transaction(c, transaction_id)))
        return bool(found)

    await comes_true(any_told)
    return found[0].message_id


async def complained(desk: ConsoleDesk, transaction_id: str) -> str:
    """The id of a case about a payment, by whose messages its page is as full as any."""
    case = await desk.app.state.console.store.act(cardholder.complained, transaction_id, "Where is my money?")
    return str(case.case_id)


async def addresses(windows: Windows) -> list[str]:
    """Every page there is, below its language; those about one thing, about a real one."""
    _, lost = await one_of_each(windows.desk)
    names = {
        "transaction_id": lost, "link": link_of(windows.desk.stage.store, lost),
        "message_id": await told(windows.desk, lost), "case_id": await complained(windows.desk, lost),
        "template": "outcome_unknown",
    }  # fmt: skip
    found = []
    for page in PAGES:
        if page.method == "GET" and page.path not in NOT_PAGES:
            path = page.path
            for name, value in names.items():
                path = path.replace("{" + name + "}", value)
            if "{" not in path:
                found.append(path)
    return found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_shuts_anybody_out(run, tmp_path, chromium, size, scheme, language):
    async def story(windows: Windows) -> None:
        await windows.account("everybody", Role.RISK, *Role)
        paths = await addresses(windows)
        page = await windows.signed_in("everybody", size=size, scheme=scheme)
        problems = []
        for path in paths:
            await page.goto(f"/{language}{path}")
            found = await page.evaluate(
                AXE + "; axe.run(document, {runOnly: " + str(RULES) + ", resultTypes: ['violations']})"
            )
            problems += [
                f"{path}: {each['id']} {[node['html'][:120] for node in each['nodes'][:2]]}"
                for each in found["violations"]
            ]
            if (over := await page.evaluate(WIDE)) > 0:
                problems.append(f"{path}: {over} px too wide")
        assert not problems, "\n".join(problems)

    run(looked_at(story, tmp_path, chromium, more=spoken(FINANCE)))
