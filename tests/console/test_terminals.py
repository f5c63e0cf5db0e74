"""Terminals at the console: the list, one of them, and what people report of it."""

from tests.console.desk import ConsoleDesk, seen, words
from tests.console.people_at_work import press
from tests.scenario.linked import sold
from tests.scenario.stage import MERCHANT, TERMINALS
from tests.scenario.test_causes_and_cases import charged_twice, explained
from yuanlu.access.roles import Role


def test_the_list_shows_what_each_terminal_did_and_what_was_said_of_it(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        await charged_twice(desk.stage)
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        text = words(await support.see("/zh/terminals"))
        assert f"{TERMINALS[0]} {MERCHANT} – h1" in text
        assert "2 1 (50.0%) 无报告 1" in text, "two payments, one abnormal, one case"
        assert "24 小时内无交易" in text
        page = await support.see(f"/zh/terminals/{TERMINALS[0]}")
        assert "同卡同额重复扣款" in words(page)
        path = f"/terminals/{TERMINALS[0]}/report"
        assert (await press(support, page, path, kind="tampered", value="", stan="")).status_code == 303
        assert "疑似被拆改" in words(await support.see("/zh/terminals"))
        told = words(await support.see(f"/zh/terminals/{TERMINALS[0]}"))
        assert "嫌疑 疑似被拆改" in told
        assert "疑似被拆改 · Zhao Lei" in told
        assert "No terminal matches." in words(await support.see("/en/terminals", t="zzz"))
        assert TERMINALS[1] not in words(await support.see("/en/terminals", t=TERMINALS[0]))

    run(seen(story, tmp_path))


def test_a_report_about_one_payment_has_it_looked_into_again(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment = await sold(desk.stage)
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        page = await support.see(f"/en/terminals/{TERMINALS[0]}")
        path = f"/terminals/{TERMINALS[0]}/report"
        assert (await press(support, page, path, kind="slip_failed", value="", stan="1")).status_code == 303
        await explained(desk.stage, payment, "SLIP_NOT_PRINTED")

    run(seen(story, tmp_path))


def test_a_wrong_report_is_refused_in_the_readers_language(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        page = await support.see(f"/zh/terminals/{TERMINALS[0]}")
        path = f"/terminals/{TERMINALS[0]}/report"
        for typed, why in (
            ({"kind": "signal", "value": "200"}, "“信号强度（%）”的内容不对：0 至 100 的整数"),
            ({"kind": "hardware_fault", "value": "6200000000000005"}, "可能是卡号"),
            ({"kind": "hardware_fault", "value": ""}, "几个字，最多 64 字"),
            ({"kind": "exploded", "value": ""}, "请选择要报告的内容"),
            ({"kind": "restarted", "value": "", "stan": "12x"}, "终端流水号为六位数字"),
            ({"kind": "restarted", "value": "", "stan": "77"}, "没有流水号为 000077 的交易"),
        ):
            answer = await press(support, page, path, **typed)
            assert (answer.status_code, why in words(answer)) == (422, True), words(answer)

    run(seen(story, tmp_path))


def test_finance_sees_terminals_and_reports_nothing(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        finance = await desk.staff("Li Na", Role.FINANCE)
        assert (await finance.see(f"/en/terminals/{TERMINALS[0]}")).status_code == 200
        answer = await finance.send(f"/en/terminals/{TERMINALS[0]}/report", kind="restarted")
        assert answer.status_code == 403
        assert (await finance.see("/en/terminals/T9999999")).status_code == 404

    run(seen(story, tmp_path))
