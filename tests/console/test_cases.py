"""The work list and a case's page, as people use them."""

import asyncio
import csv
import io
import re

from tests.console.desk import ConsoleDesk, seen, words
from tests.console.people_at_work import forms, press, two
from tests.scenario.stage import MERCHANT, TERMINALS
from tests.scenario.test_causes_and_cases import case_of, charged_twice, declined, escalated
from yuanlu.access.roles import Role
from yuanlu.cases.store import get_case

OTHER = "898440153110002"


async def current(desk: ConsoleDesk, case_id: str):
    return await desk.stage.read(lambda c: get_case(c, case_id))


def test_the_list_shows_what_waits_and_the_next_one_is_taken_by_one_press(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, case = await charged_twice(desk.stage)
        maker, checker = await two(desk)
        page = await maker.see("/zh/cases")
        assert f"P2 {case.case_id} ¥12.34" in words(page)
        assert "疑似重复扣款" in words(page) or case.title.zh in words(page)
        assert "已扣款" in words(page)
        taken = await press(maker, page, "/cases/next")
        assert taken.headers["location"] == f"/zh/cases/{case.case_id}?tab=mine&done=assign"
        assert (await current(desk, case.case_id)).owner == "Li Na"
        assert case.case_id in words(await maker.see("/zh/cases", tab="mine"))
        assert case.case_id not in words(await checker.see("/zh/cases", tab="mine"))
        assert case.case_id not in words(await checker.see("/zh/cases", tab="unassigned"))
        again = await press(checker, await checker.see("/zh/cases"), "/cases/next")
        assert "所有工单都有人负责" in words(await checker.client.get(again.headers["location"]))

    run(seen(story, tmp_path))


def test_filters_narrow_the_list_and_an_empty_one_says_why(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, case = await charged_twice(desk.stage)
        maker = await desk.staff("Li Na", Role.FINANCE)
        for query in ({"f": "operator"}, {"q": "returns"}, {"p": "2"}, {"m": MERCHANT}, {"t": TERMINALS[0]}):
            assert case.case_id in words(await maker.see("/en/cases", **query)), query
        for query in ({"f": "network"}, {"q": "support"}, {"p": "1"}, {"m": OTHER}, {"t": "T9999999"}):
            page = words(await maker.see("/en/cases", **query))
            assert case.case_id not in page, query
            assert "No case matches." in page
        assert "Nothing waits here. Last looked:" in words(await maker.see("/en/cases", tab="snoozed"))
        assert "Of no incident 1 P2" in words(await maker.see("/en/cases", group="incident"))
        odd = {"tab": "<script>", "f": "'; DROP", "p": "99999999999999999999", "t": "x" * 500, "after": "", "q": "\x00"}
        assert (await maker.see("/en/cases", **odd)).status_code == 200
        assert (await maker.see("/en/cases", after="C1")).status_code == 404

    run(seen(story, tmp_path))


def test_the_list_goes_away_as_a_file_as_it_is_narrowed(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        case = await case_of(desk.stage, await escalated(desk.stage))
        finance = await desk.staff("Wang Fang", Role.FINANCE)
        page = await finance.see("/zh/cases")
        assert 'href="/zh/cases?format=csv"' in page.text
        answer = await finance.see("/zh/cases", format="csv")
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        named = dict(zip(rows[2], rows[3], strict=True))
        assert (named["工单"], named["金额"], named["终端"], len(rows)) == (case.case_id, "12.34", TERMINALS[0], 4)
        assert (await finance.see("/zh/cases", format="xlsx", tab="closed")).content.startswith(b"PK")
        other = await desk.staff("Qian Qi", Role.FINANCE, merchant_id=OTHER)
        assert case.case_id not in (await other.see("/zh/cases", format="csv")).text
        support = await desk.staff("Zhao Min", Role.SUPPORT)
        assert (await support.see("/zh/cases", format="csv")).status_code == 404

    run(seen(story, tmp_path))


def test_a_page_that_refreshes_itself_gets_its_part_alone(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, case = await charged_twice(desk.stage)
        maker = await desk.staff("Li Na", Role.FINANCE)
        for path in ("/en/cases", f"/en/cases/{case.case_id}", "/en/returns", "/en/incidents", "/en/terminals"):
            page = await maker.see(path)
            [(address, element)] = [
                (found[1], found[0]) for found in re.finditer(r'<\w+[^>]*data-from="([^"]+)"[^>]*>', page.text)
            ]
            part = await maker.client.get(address.replace("&amp;", "&"), headers={"x-fragment": "1"})
            assert part.status_code == 200
            assert "<html" not in part.text, path
            assert re.search(r'id="[a-z-]+"', element), "what is refreshed has a name"

    run(seen(story, tmp_path))


def test_a_case_page_says_what_happened_where_the_money_is_and_what_to_do(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment = await escalated(desk.stage)
        case = await case_of(desk.stage, payment)
        maker = await desk.staff("Li Na", Role.FINANCE)
        page = await maker.see(f"/zh/cases/{case.case_id}")
        text = words(page)
        for part in ("发生了什么", "资金位置", "我们正在做什么", "您需要做什么", "经过", "证据", "可能已扣款 ¥12.34"):
            assert part in text
        assert "退回未完成，人工处理" in text
        assert "先查询：本交易没有参考号，请凭终端号、流水号、时间和金额向银行核实，不要直接退款" in text
        assert "人工处理中，尚未退回 ¥12.34" in text
        assert "开立工单 · 网关" in text
        assert "终端 → 网关" in text
        assert "应答码 40" in text, "each message can be opened"
        assert "尾号 0005" in text
        assert "6200000000000005" not in page.text
        assert "finance" not in text
        english = words(await maker.see(f"/en/cases/{case.case_id}"))
        assert "Query first: there is no reference number, so ask the bank with the terminal" in english
        assert "•• 0005" in english

    run(seen(story, tmp_path))


def test_support_is_told_to_give_the_banks_answer_to_finance_and_not_to_propose(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        case = await case_of(desk.stage, await escalated(desk.stage))
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        text = words(await support.see(f"/zh/cases/{case.case_id}"))
        assert "并分派给财务，由财务提出处理申请" in text
        assert "就按此提出申请" not in text

    run(seen(story, tmp_path))


def test_a_case_of_a_terminal_has_no_money_and_a_page_all_the_same(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        await declined(desk.stage, 8)
        maker = await desk.staff("Li Na", Role.FINANCE)
        page = await maker.see("/en/cases", f="fraud")
        [number] = set(re.findall(r"/en/cases/(C[0-9-]+)", page.text))
        text = words(await maker.see(f"/en/cases/{number}"))
        assert "Look at the terminal and its latest payments" in text
        assert "Where the money is" not in text

    run(seen(story, tmp_path))


def test_notes_snooze_escalation_hand_over_and_a_new_owner_are_in_the_timeline(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, case = await charged_twice(desk.stage)
        maker = await desk.staff("Li Na", Role.FINANCE)
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        path = f"/cases/{case.case_id}"

        async def do(browser, name: str, **typed: str) -> str:
            answer = await press(browser, await browser.see(f"/zh{path}"), f"{path}/{name}", **typed)
            assert answer.status_code == 303, words(answer)
            return words(await browser.client.get(answer.headers["location"]))

        assert "接手" in words(await maker.see(f"/zh{path}"))
        assert "负责人 Li Na" in await do(maker, "claim")
        said = await do(maker, "note", text="called the shop, card 6200000000000005 <b>bold</b>")
        assert "called the shop, card" in said
        assert "6200000000000005" not in said
        assert "<b>bold</b>" in said, "markup is text"
        assert "二线" in await do(maker, "escalate", reason="too large for me")
        assert "暂缓至" in await do(maker, "snooze", reason="the bank answers at ten", minutes="30", until="")
        assert "处理中" in await do(maker, "wake")
        assert "负责人 Zhao Lei" in await do(maker, "assign", owner="Zhao Lei", queue="returns")
        text = await do(support, "handover", reason="needs the trace")
        assert "diagnostics.json" in text
        assert f"技术支持单 {case.case_id}-T" in text
        bundle = await support.see(f"/zh{path}/files/1")
        assert bundle.json()["case"]["case_id"] == case.case_id
        after = await current(desk, case.case_id)
        assert (after.state.value, after.queue, after.level.name) == ("SUPPORT", "support", "L2")

    run(seen(story, tmp_path))


def test_what_is_missing_is_said_in_the_readers_language_and_what_was_typed_stays(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, case = await charged_twice(desk.stage)
        maker = await desk.staff("Li Na", Role.FINANCE)
        path = f"/cases/{case.case_id}"
        page = await maker.see(f"/zh{path}")
        refused = [
            ("snooze", {"reason": "等银行", "until": "2020-01-01T10:00"}, "且须晚于现在"),
            ("snooze", {"reason": "等银行", "until": "tomorrow"}, "不是时间"),
            ("snooze", {"reason": "", "minutes": "30"}, "请简要写明理由"),
            ("close", {"outcome": "returned", "remark": "等银行"}, "这次需要人工吗"),
            ("close", {"outcome": "<x>", "needed": "yes", "remark": "等银行"}, "请选择结果"),
            ("assign", {"owner": "x" * 400, "queue": "等银行"}, "名称过长"),
            ("note", {"text": "等银行" + "y" * 2500}, "备注有 2503 字"),
        ]
        for name, typed, why in refused:
            answer = await press(maker, page, f"{path}/{name}", **typed)
            assert answer.status_code == 422
            assert why in words(answer), words(answer)[:600]
            if "等银行" in "".join(typed.values()) and name != "assign":
                assert "等银行" in answer.text.replace(case.title.zh, ""), name
        assert (await current(desk, case.case_id)).version == case.version, "nothing half done"
        odd = await maker.send(f"/zh{path}/note", text="x", seen="abc")
        assert (odd.status_code, "表单不完整" in words(odd)) == (422, True)

    run(seen(story, tmp_path))


def test_two_people_at_once_the_second_sees_what_changed_and_keeps_his_words(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, case = await charged_twice(desk.stage)
        maker, checker = await two(desk)
        path = f"/cases/{case.case_id}"
        both = await asyncio.gather(maker.see(f"/zh{path}"), checker.see(f"/zh{path}"))
        assert (await press(maker, both[0], f"{path}/claim")).status_code == 303
        answer = await press(checker, both[1], f"{path}/escalate", reason="我来升级")
        assert answer.status_code == 409
        text = words(answer)
        assert "刚刚有变动，本次操作未执行" in text
        assert "期间他人的操作" in text
        assert "Li Na" in text
        assert "我来升级" in answer.text
        assert (await current(desk, case.case_id)).level.name == "L1"
        assert (await press(checker, answer, f"{path}/escalate", reason="我来升级")).status_code == 303

    run(seen(story, tmp_path))


def test_a_case_is_closed_with_its_outcome_and_whether_a_person_was_needed_and_opened_again(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, case = await charged_twice(desk.stage)
        maker = await desk.staff("Li Na", Role.FINANCE)
        path = f"/cases/{case.case_id}"
        answer = await press(
            maker,
            await maker.see(f"/zh{path}"),
            f"{path}/close",
            outcome="payment_stands",
            needed="no",
            remark="两位顾客",
        )
        assert answer.status_code == 303
        done = await current(desk, case.case_id)
        assert (done.outcome, done.person_needed) == ("payment_stands", False)
        page = await maker.see(f"/zh{path}")
        assert f"{path}/close" not in forms(page)
        assert (await press(maker, page, f"{path}/reopen", reason="顾客来电")).status_code == 303
        assert (await current(desk, case.case_id)).state.value == "OPEN"

    run(seen(story, tmp_path))


def test_keys_lead_to_the_neighbours_in_the_list(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, first = await charged_twice(desk.stage)
        second = await case_of(desk.stage, await escalated(desk.stage))
        maker = await desk.staff("Li Na", Role.FINANCE)
        page = await maker.see("/en/cases")
        order = re.findall(r'href="/en/cases/(C[0-9-]+)"', page.text)
        assert set(order) == {first.case_id, second.case_id}
        one = await maker.see(f"/en/cases/{order[0]}")
        assert f'/en/cases/{order[1]}" data-press="]"' in one.text
        assert 'data-press="["' not in one.text
        other = await maker.see(f"/en/cases/{order[1]}")
        assert f'/en/cases/{order[0]}" data-press="["' in other.text

    run(seen(story, tmp_path))
