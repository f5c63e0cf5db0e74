"""A case's evidence pack from its page: who may make it, what it says, and that it is on record."""

import hashlib
import re
from io import BytesIO

import httpx2
from pypdf import PdfReader

from tests.console.desk import Browser, ConsoleDesk, seen, words
from tests.console.people_at_work import forms, press, two
from tests.console.test_cases import OTHER, current
from tests.scenario.stage import CARD
from tests.scenario.test_causes_and_cases import case_of, escalated
from yuanlu.access.roles import Role
from yuanlu.cases.records import Case, EventKind
from yuanlu.cases.store import events_of
from yuanlu.evidence import press as printing


def text_of(answer: httpx2.Response) -> str:
    assert answer.status_code == 200, words(answer)
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages)


async def made(browser: Browser, case: Case, **typed: str) -> httpx2.Response:
    path = f"/cases/{case.case_id}"
    return await press(browser, await browser.see(f"/zh{path}"), f"{path}/evidence", **typed)


async def at_work(desk: ConsoleDesk) -> tuple[Browser, Browser, Case]:
    case = await case_of(desk.stage, await escalated(desk.stage))
    return *(await two(desk)), case


def test_the_pack_is_the_case_in_chinese_and_no_card_number_is_in_it(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        maker, checker, case = await at_work(desk)
        path = f"/cases/{case.case_id}"
        await press(maker, await maker.see(f"/zh{path}"), f"{path}/note", text=f"顾客来电，卡 {CARD.pan} #eval(1)")
        page = await maker.see(f"/zh{path}")
        asked = forms(page)[f"{path}/preview"] | {
            "kind": "manual_credit",
            "reason": "银行确认已扣款",
            "reference": "BJ7",
        }
        assert (await maker.send(f"/zh{path}/propose", **asked)).status_code == 303
        await press(checker, await checker.see(f"/zh{path}"), f"{path}/refuse", reason="来函缺印章")
        answer = await made(maker, case)
        assert answer.headers["content-type"] == "application/pdf"
        name = answer.headers["content-disposition"].partition("''")[2]
        assert re.fullmatch(rf"{case.case_id}-\d{{8}}-\d{{6}}%2B0800-zh\.pdf", name)
        text = text_of(answer)
        for each in (
            "交易异常处理证据材料", "卡号 620000******0005（已屏蔽）", "人民币壹拾贰元叁角肆分", "退回未完成，人工处理",
            "理由 银行确认已扣款", "申请人 Li Na", "复核人 Wang Fang", "已驳回", "复核意见 来函缺印章", "#eval(1)",
            "网关 → 主机　0400", "清算文件尚未载入", "立案", "第 1 页 共", "制作人 Li Na",
        ):  # fmt: skip
            assert each in text, f"{each} is not in {text}"
        assert CARD.pan not in text
        assert CARD.pan.encode() not in answer.content

    run(seen(story, tmp_path))


def test_english_is_made_on_request_whatever_the_page_speaks(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        maker, _, case = await at_work(desk)
        assert "Evidence of an abnormal payment" in text_of(await made(maker, case, lang="en"))
        assert "交易异常处理证据材料" in text_of(await made(maker, case, lang="<x>"))

    run(seen(story, tmp_path))


def test_its_making_is_in_the_timeline_and_the_audit_trail_with_its_digest_and_the_case_does_not_move(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        maker, checker, case = await at_work(desk)
        path = f"/cases/{case.case_id}"
        opened = await checker.see(f"/zh{path}")
        before = await current(desk, case.case_id)
        answer = await made(maker, case)
        assert await current(desk, case.case_id) == before
        [event] = [
            e for e in await desk.stage.read(lambda c: events_of(c, case.case_id)) if e.kind is EventKind.EXPORTED
        ]
        [content] = PdfReader(BytesIO(answer.content)).attachments["content.json"]
        assert event.text == (
            f"PDF zh, SHA-256 {hashlib.sha256(answer.content).hexdigest()}; "
            f"content.json SHA-256 {hashlib.sha256(content).hexdigest()}"
        )
        assert (event.who, event.via) == ("Li Na", "console")
        assert "导出证据材料" in words(await maker.see(f"/zh{path}"))
        auditor = await desk.staff("Chen Jing", Role.COMPLIANCE)
        trail = words(await auditor.see("/zh/audit"))
        assert f"Li Na 控制台 导出证据材料 {case.case_id} PDF zh, SHA-256" in trail, trail
        done = await press(checker, opened, f"{path}/claim")
        assert done.status_code == 303, "a colleague's page is not out of date by it"
        assert "导出证据材料" in text_of(await made(maker, case)), "the next pack tells of the one before"

    run(seen(story, tmp_path))


def test_only_who_may_export_makes_one_and_of_his_own_merchants_case(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        maker, _, case = await at_work(desk)
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        path = f"/cases/{case.case_id}"
        assert f"{path}/evidence" not in forms(await support.see(f"/zh{path}"))
        assert (await support.send(f"/zh{path}/evidence")).status_code == 403
        elsewhere = await desk.staff("Sun Yi", Role.FINANCE, merchant_id=OTHER)
        assert (await elsewhere.send(f"/zh{path}/evidence")).status_code == 404
        assert (await maker.send("/zh/cases/C000000-00000000/evidence")).status_code == 404
        assert (await maker.see(f"/zh{path}/evidence")).status_code == 405, "what is recorded is not done by a link"
        kinds = [event.kind for event in await desk.stage.read(lambda c: events_of(c, case.case_id))]
        assert EventKind.EXPORTED not in kinds

    run(seen(story, tmp_path))


def test_a_pack_that_cannot_be_set_is_said_and_nothing_is_recorded(run, tmp_path, monkeypatch):
    async def story(desk: ConsoleDesk) -> None:
        maker, _, case = await at_work(desk)
        monkeypatch.setattr(printing, "PRESS_S_MAX", 0.001)
        answer = await made(maker, case)
        assert (answer.status_code, "证据材料未能生成" in words(answer)) == (422, True)
        kinds = [event.kind for event in await desk.stage.read(lambda c: events_of(c, case.case_id))]
        assert EventKind.EXPORTED not in kinds

    run(seen(story, tmp_path))
