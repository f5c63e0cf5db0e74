"""Chinese pages say everything in Chinese, also what the journal keeps in English; only what people typed stays.

English pages say everything in English, also where the machine writes both.
"""

import re

from tests.chinese import sentences_in
from tests.console.desk import Browser, ConsoleDesk, seen, words
from tests.console.people_at_work import press, two
from tests.console.test_incidents import declared
from tests.console.test_orders import asked_for, order_is
from tests.scenario.linked import sold
from tests.scenario.test_causes_and_cases import case_of, escalated
from yuanlu.access.roles import Role
from yuanlu.cli.case_texts import case_text
from yuanlu.cli.reading import show_text

TYPED = "the bank calls back at ten, no answer in time"
PEOPLE = ("English", "Li Na", "Wang Fang", "Zhao Lei", "Sun Li")
"""Who is signed in stands on each page, beside the way to the English one."""


async def all_chinese(browser: Browser, path: str, but: tuple[str, ...] = ()) -> str:
    """The page's words, among which no English sentence is."""
    page = await browser.see(f"/zh{path}")
    assert page.status_code == 200, path
    text = words(page)
    assert not sentences_in(text, (*but, *PEOPLE)), path
    return text


async def all_english(browser: Browser, path: str, but: tuple[str, ...] = ()) -> str:
    """The page's words, none of them Chinese but the way to the Chinese one and the brand."""
    page = await browser.see(f"/en{path}")
    assert page.status_code == 200, path
    text = words(page)
    for known in ("原路", "中文", *but):
        text = text.replace(known, "")
    assert not re.findall("[\u4e00-\u9fff]+", text), path
    return text


def test_a_sale_that_timed_out_is_told_in_chinese_from_its_first_line_to_its_case(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment = await escalated(desk.stage)
        case, found = await case_of(desk.stage, payment), await desk.stage.find(payment)
        maker, checker = await two(desk)
        text = await all_chinese(maker, f"/transactions/{found.transaction_id}")
        for said in (
            "结果未知 限时内没有应答",
            "冲正，原因 98",
            "第 1 次",
            "应答码 40：最终拒绝",
            "主机最终拒绝此冲正",
        ):
            assert said in text
        path = f"/cases/{case.case_id}"
        page = await maker.see(f"/zh{path}")
        assert (await press(maker, page, f"{path}/note", text=TYPED)).status_code == 303
        page = await maker.see(f"/zh{path}")
        assert (await press(maker, page, f"{path}/escalate", reason="too large for me")).status_code == 303
        text = await all_chinese(checker, path, but=(TYPED, "too large for me"))
        assert TYPED in text, "what people typed stays as it is"
        assert "一线 → 二线：too large for me" in text
        assert "已发出，限时内没有应答" in text, "its evidence"
        stage = desk.stage
        said = show_text(stage.settings, found.transaction_id, "zh", frames=False)
        assert "结果未知: 限时内没有应答" in said
        assert "流水号 000001" in said
        assert "网关 → 主机" in said
        assert not sentences_in(said), "heads and messages, too"
        assert "no answer in time" in show_text(stage.settings, found.transaction_id, "en", frames=False)
        text = await all_english(checker, path, but=(TYPED,))
        assert "No answer in time: it was sent, and no answer came in time" in text
        told = await stage.read(lambda c: case_text(c, case, 0, "zh"))
        assert not sentences_in(told, (TYPED, "too large for me", "yuanlu"))

    run(seen(story, tmp_path))


def test_an_order_and_its_payment_say_in_chinese_which_way_it_goes_and_why(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment = await sold(desk.stage)
        maker, checker = await two(desk)
        path = await asked_for(maker, reason=TYPED)
        text = await all_chinese(checker, path, but=(TYPED,))
        assert "当日当批次全额：撤销" in text
        assert TYPED in await all_chinese(checker, "/returns", but=(TYPED,))
        shown = await checker.see(f"/zh{path}")
        assert (await press(checker, shown, f"{path}/approve")).status_code == 303
        await desk.stage.becomes(payment, "RETURNED")
        await order_is(desk, payment, "DONE")
        found = await desk.stage.find(payment)
        text = await all_chinese(checker, f"/transactions/{found.transaction_id}", but=(TYPED,))
        for said in (f"Li Na 提出：{TYPED}", "Wang Fang 同意", "已退回 ¥12.34", "已全额退回，方式：消费撤销"):
            assert said in text

    run(seen(story, tmp_path))


def test_an_incident_and_the_trail_of_who_did_what_are_in_chinese(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        made = await declared(support, reason=TYPED, hold="1")
        path = made.headers["location"].removeprefix("/en").partition("?")[0]
        page = await support.see(f"/zh{path}")
        assert (await press(support, page, f"{path}/end", reason="the lights are on")).status_code == 303
        text = await all_chinese(support, path, but=(TYPED, "the lights are on"))
        assert f"停电，主机 h1：{TYPED}；暂停新交易" in text
        assert "the lights are on；0 台终端的 0 笔交易，已退回 0 笔，未结 0 笔" in text
        compliance = await desk.staff("Sun Li", Role.COMPLIANCE)
        trail = await all_chinese(compliance, "/audit", but=(TYPED, "the lights are on"))
        assert "开立工单" in trail
        assert "Sun Li，合规" in trail
        file = await compliance.see("/zh/audit", format="csv")
        assert f"停电：{TYPED}" in file.text

    run(seen(story, tmp_path))
