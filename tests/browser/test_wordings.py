"""Other words for messages in the browser: proposed without a script, and no state of the page shuts anybody out."""

import pytest

from tests.browser.test_accessible import AXE, RULES, WIDE
from tests.browser.window import SIZES, Windows, looked_at
from tests.console.test_wordings import AT, EN, TYPED, ZH
from tests.scenario.messages import spoken
from yuanlu.access.roles import Role
from yuanlu.notification.wording_store import in_use


async def typed_in(page, **changed: str) -> None:
    """The form is filled in."""
    for name, value in (TYPED | changed).items():
        await page.fill(f"[name={name}]", value)


async def looked_over(page) -> list[str]:
    """What axe finds on this page, and whether it is too wide."""
    found = await page.evaluate(AXE + "; axe.run(document, {runOnly: " + str(RULES) + ", resultTypes: ['violations']})")
    said = [f"{each['id']} {[node['html'][:120] for node in each['nodes'][:2]]}" for each in found["violations"]]
    over = await page.evaluate(WIDE)
    return said + ([f"{over} px too wide"] if over > 0 else [])


async def pressed(page, text: str) -> None:
    """A button is pressed, and the next page is there."""
    await page.click(f"main button:has-text('{text}')")
    await page.wait_for_load_state()


def test_words_are_previewed_and_sent_for_approval_without_a_script(run, tmp_path, chromium):
    async def story(windows: Windows) -> None:
        await windows.account("writer", Role.SUPPORT)
        page = await windows.signed_in("writer", script=False)
        await page.goto(f"/zh{AT}")
        await typed_in(page, text_zh=ZH + "字" * 30)
        await pressed(page, "预览")
        said = await page.inner_text("main")
        assert "短信最多容纳 70 字" in said
        assert "变量取最长值时 73/70 字，2 条短信" in said
        assert await page.input_value("#text_en") == EN
        await page.fill("#text_zh", ZH)
        await pressed(page, "预览")
        assert "变量取最长值时 43/70 字，1 条短信" in await page.inner_text("main")
        await pressed(page, "提交复核")
        assert "outcome_unknown@101" in await page.inner_text("main")

    run(looked_at(story, tmp_path, chromium, more=spoken()))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_state_of_the_page_shuts_anybody_out(run, tmp_path, chromium, size, scheme):
    async def story(windows: Windows) -> None:
        await windows.account("writer", Role.SUPPORT)
        await windows.account("checker", Role.COMPLIANCE, checker=True)
        writer = await windows.signed_in("writer", size=size, scheme=scheme)
        checker = await windows.signed_in("checker", language="en", size=size, scheme=scheme)
        problems = []
        await writer.goto(f"/zh{AT}")
        await typed_in(writer, text_zh=ZH + "a.cn", text_en=EN + " {")
        await pressed(writer, "提交复核")
        problems += await looked_over(writer)
        await typed_in(writer)
        await pressed(writer, "提交复核")
        problems += await looked_over(writer)
        await checker.goto(f"/en{AT}")
        problems += await looked_over(checker)
        await pressed(checker, "Approve")
        problems += await looked_over(checker)
        assert not problems, "\n".join(problems)
        [used] = await windows.desk.stage.read(in_use)
        assert (used.key, used.checker) == ("outcome_unknown@101", "checker")

    run(looked_at(story, tmp_path, chromium, more=spoken()))
