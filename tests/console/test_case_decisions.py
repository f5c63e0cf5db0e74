"""Two people decide about the money of a case: one proposes, another approves, and nobody does both."""

from tests.console.desk import ConsoleDesk, seen, words
from tests.console.people_at_work import forms, press, two
from tests.scenario.test_causes_and_cases import case_of, escalated
from yuanlu.access.roles import Role
from yuanlu.cases.store import find_open_decision


def test_money_moves_when_one_proposes_and_another_approves_and_the_case_closes(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment = await escalated(desk.stage)
        case = await case_of(desk.stage, payment)
        maker, checker = await two(desk)
        path = f"/cases/{case.case_id}"
        typed = {"kind": "declare_returned", "reference": "ICBC-77", "reason": "银行来函", "amount": "12.34"}
        preview = await press(maker, await maker.see(f"/zh{path}"), f"{path}/preview", **typed)
        assert preview.status_code == 200
        assert "现在 退回未完成，人工处理 执行后 已受理退回，待入账" in words(preview)
        assert await desk.stage.read(lambda c: find_open_decision(c, case.case_id)) is None, "nothing is written yet"
        assert (await press(maker, preview, f"{path}/propose")).status_code == 303
        own = await maker.see(f"/zh{path}")
        assert f"{path}/approve" not in forms(own), "the maker sees no button"
        assert "须由另一位同事复核" in words(own)
        assert case.case_id in words(await checker.see("/zh/cases", tab="review"))
        agreed = await press(checker, await checker.see(f"/zh{path}"), f"{path}/approve", remark="已核对")
        assert agreed.status_code == 303
        await desk.stage.becomes(payment, "RETURNED")
        closed = await case_of(desk.stage, payment, "CLOSED")
        assert (closed.outcome, closed.person_needed) == ("returned", True)
        text = words(await maker.see(f"/zh{path}"))
        assert "已关闭" in text
        assert "主机已受理退回，待清算文件确认入账" in text
        assert case.case_id in words(await maker.see("/zh/cases", tab="closed"))

    run(seen(story, tmp_path))


def test_nobody_approves_his_own_proposal_not_even_past_the_page(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        case = await case_of(desk.stage, await escalated(desk.stage))
        both = await desk.staff("Sun Li", Role.FINANCE, checker=True)
        path = f"/cases/{case.case_id}"
        typed = {"kind": "manual_credit", "reason": "the bank agrees", "amount": "10.00", "reference": ""}
        preview = await press(both, await both.see(f"/en{path}"), f"{path}/preview", **typed)
        assert "¥10.00" in words(preview)
        assert (await press(both, preview, f"{path}/propose")).status_code == 303
        page = await both.see(f"/en{path}")
        version = forms(page)[f"{path}/withdraw"]["seen"]
        answer = await both.send(f"/en{path}/approve", seen=version, remark="")
        assert answer.status_code == 422
        assert "Sun Li proposed this; a second person has to approve it" in words(answer)
        assert (await press(both, page, f"{path}/withdraw", reason="a slip of mine")).status_code == 303
        assert await desk.stage.read(lambda c: find_open_decision(c, case.case_id)) is None

    run(seen(story, tmp_path))


def test_a_proposal_that_the_rules_forbid_is_refused_before_anything_is_written(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        case = await case_of(desk.stage, await escalated(desk.stage))
        maker, checker = await two(desk)
        path = f"/cases/{case.case_id}"
        page = await maker.see(f"/zh{path}")
        for typed, why in (
            ({"kind": "declare_returned", "reference": ""}, "须填写银行参考号"),
            ({"kind": "declare_returned", "reference": "6200000000000005"}, "这像是卡号"),
            ({"kind": "manual_credit", "amount": "99.99"}, "金额 ¥99.99 须大于 0 且不超过 ¥12.34"),
            ({"kind": "manual_credit", "amount": "1e3"}, "不是金额"),
            ({"kind": "pay_me", "amount": "1"}, "请选择处理方式"),
        ):
            answer = await press(maker, page, f"{path}/preview", reason="理由在此", **typed)
            assert answer.status_code == 422
            assert why in words(answer)
            assert "理由在此" in answer.text
        stale = await press(maker, page, f"{path}/preview", kind="manual_credit", amount="1", reason="旧页面")
        assert (await press(checker, await checker.see(f"/zh{path}"), f"{path}/claim")).status_code == 303
        answer = await press(maker, stale, f"{path}/propose")
        assert answer.status_code == 409
        assert "旧页面" in answer.text

    run(seen(story, tmp_path))


def test_who_moves_money_long_after_signing_in_gives_the_password_again(run, tmp_path, monkeypatch):
    async def story(desk: ConsoleDesk) -> None:
        case = await case_of(desk.stage, await escalated(desk.stage))
        maker, checker = await two(desk)
        path = f"/cases/{case.case_id}"
        typed = {"kind": "manual_credit", "reason": "r", "amount": "1.00", "reference": ""}
        preview = await press(maker, await maker.see(f"/en{path}"), f"{path}/preview", **typed)
        await press(maker, preview, f"{path}/propose")
        monkeypatch.setattr("yuanlu.console.proving.FRESH_US", -1)
        page = await checker.see(f"/en{path}")
        assert "Your password, again" in words(page)
        for password, why in (("", "Give your password again"), ("wrong", "The password is wrong")):
            answer = await press(checker, page, f"{path}/approve", remark="checked", password=password)
            assert (answer.status_code, why in words(answer), "checked" in answer.text) == (422, True, True)
            assert password == "" or password not in answer.text.replace("wrong. Nothing", "")
        agreed = await press(checker, page, f"{path}/approve", password="correct horse 9 battery")
        assert agreed.status_code == 303

    run(seen(story, tmp_path))
