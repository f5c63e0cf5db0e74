"""Whoever is of one merchant meets nothing of another's: no row, no number, no page, no form, no file."""

import re

from tests.console.desk import Browser, ConsoleDesk, seen, words
from tests.scenario.stage import MERCHANT, TERMINALS
from tests.scenario.test_causes_and_cases import case_of, escalated
from yuanlu.access.roles import Role
from yuanlu.cases.people import Actor
from yuanlu.cases.records import Case
from yuanlu.cases.store import get_case
from yuanlu.cases.work import attach
from yuanlu.people import ordering
from yuanlu.people.casework import perform

OTHER = "898440153110002"
TEXT = b"the bank's letter"


def test_another_merchants_case_order_file_and_terminal_are_as_if_they_were_not_there(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        case = await case_of(desk.stage, await escalated(desk.stage))
        sold = desk.stage.payment(amount=500, terminal=1)
        assert await desk.stage.code(desk.stage.sale(sold)) == "00"
        store, payment = desk.app.state.console.store, await desk.stage.find(sold)
        order = await store.act(
            ordering.propose, payment.transaction_id, reason="r", by="Li Na", amount="", kind=""
        )  # fmt: skip
        who = Actor(name="Li Na", via="test")
        await store.act(
            perform, who, case.case_id, "attach", lambda at: attach(at.case, who, "letter.txt", TEXT, 0, at.now_us)
        )
        before = await desk.stage.read(lambda c: get_case(c, case.case_id))
        mine = await desk.staff("Qian Wu", Role.FINANCE, checker=True, merchant_id=MERCHANT)
        theirs = await desk.staff("Hu Die", Role.FINANCE, Role.SUPPORT, checker=True, merchant_id=OTHER)
        pages = [
            f"/en/cases/{case.case_id}", f"/en/cases/{case.case_id}/files/1", f"/en/returns/{order.order_id}",
            f"/en/terminals/{TERMINALS[0]}",
        ]  # fmt: skip
        for path in pages:
            assert (await mine.see(path)).status_code == 200, path
            missing = await theirs.see(path)
            assert missing.status_code == 404
            nowhere = await theirs.see(path.replace("C2", "C1").replace(order.order_id, "x").replace("T0", "T9"))
            assert words(missing).split()[-20:] == words(nowhere).split()[-20:], "which of the two is not said"
        assert "All open 1" in words(await mine.see("/en/cases"))
        for tab in ("mine", "unassigned", "review", "all", "snoozed", "closed"):
            page = words(await theirs.see("/en/cases", tab=tab, m=MERCHANT))
            assert (case.case_id in page, "All open 0" in page) == (False, True)
        assert case.case_id not in words(await theirs.see("/en/cases", group="incident"))
        assert order.order_id[-8:] not in words(await theirs.see("/en/returns"))
        assert "No payment goes by this." in words(await theirs.see("/en/returns/new", what=payment.transaction_id))
        assert TERMINALS[0] not in words(await theirs.see("/en/terminals"))
        await nothing_can_be_done(desk, theirs, before, order.order_id, payment.transaction_id)
        taken = await theirs.send("/en/cases/next")
        assert taken.headers["location"] == "/en/cases?done=none"

    run(seen(story, tmp_path))


async def nothing_can_be_done(desk: ConsoleDesk, theirs: Browser, before: Case, order_id: str, payment: str) -> None:
    """Every form of another merchant's case and order is turned away."""
    typed = {"seen": str(before.version), "reason": "x", "text": "x", "outcome": "returned", "needed": "no"}
    deeds = ("claim", "assign", "note", "attach", "snooze", "wake", "escalate", "handover", "reopen", "close",
             "preview", "propose", "withdraw", "approve", "refuse")  # fmt: skip
    for deed in deeds:
        answer = await theirs.send(f"/en/cases/{before.case_id}/{deed}", **typed, kind="manual_credit", minutes="30")
        assert answer.status_code in (404, 422), deed
        assert before.title.en not in words(answer)
    for deed in ("approve", "refuse", "withdraw", "paid", "failed"):
        answer = await theirs.send(f"/en/returns/{order_id}/{deed}", seen="1", reason="x", reference="x")
        assert answer.status_code == 404
    answer = await theirs.send("/en/returns/new", what=payment, amount="1", reason="x", sure="1")
    assert answer.status_code == 422
    assert await desk.stage.read(lambda c: get_case(c, before.case_id)) == before, "nothing was done"


def test_each_role_has_what_is_its_work_and_no_more(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        case = await case_of(desk.stage, await escalated(desk.stage))
        path = f"/en/cases/{case.case_id}"
        cashier = await desk.staff("Chen Yu", Role.CASHIER)
        assert [(await cashier.see(each)).status_code for each in (path, "/en/cases", "/en/returns")] == [403] * 3
        officer = await desk.staff("He Gui", Role.COMPLIANCE)
        page = await officer.see(path)
        assert page.status_code == 200
        forms = re.findall('method="post" action="(/en/cases[^"]*)"', page.text)
        assert forms == [f"{path}/evidence"], "sees, takes the papers, and does nothing"
        for deed in ("claim", "note", "close", "preview", "propose", "approve", "refuse", "withdraw"):
            assert (await officer.send(f"{path}/{deed}", seen="1")).status_code == 403, deed
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        for deed in ("preview", "propose", "approve", "refuse"):
            assert (await support.send(f"{path}/{deed}", seen="1")).status_code == 403, deed
        finance = await desk.staff("Li Na", Role.FINANCE)
        for deed in ("approve", "refuse"):
            assert (await finance.send(f"{path}/{deed}", seen="1")).status_code == 403, deed

    run(seen(story, tmp_path))


def test_a_file_is_saved_and_never_shown_and_one_with_a_card_number_is_refused(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        case = await case_of(desk.stage, await escalated(desk.stage))
        browser = await desk.staff("Li Na", Role.FINANCE)
        path = f"/zh/cases/{case.case_id}"
        version = str((await desk.stage.read(lambda c: get_case(c, case.case_id))).version)

        async def upload(name: str, content: bytes):
            return await browser.client.post(
                f"{path}/attach", data={"csrf": browser.csrf, "seen": version}, files={"file": (name, content)}
            )

        page = b"<script>alert(document.cookie)</script>"
        assert (await upload("函件 <b>.html", page)).status_code == 303
        answer = await browser.client.get(f"{path}/files/1")
        assert answer.content == page
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E5%87%BD")
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
        for name, content, why in (
            ("log.txt", b"PAN 6200000000000005", "有完整卡号"),
            ("6200000000000005.txt", b"x", "有完整卡号"),
            ("empty.txt", b"", "空文件"),
            ("x" * 200, b"x", "文件名须为"),
            ("big.bin", b"\x00" * (5 * 1024 * 1024 + 1), "最多可保存 5,242,880 字节"),
        ):
            refused = await upload(name, content)
            assert (refused.status_code, why in words(refused)) == (422, True), words(refused)[:400]
        none = await browser.client.post(f"{path}/attach", data={"csrf": browser.csrf, "seen": version})
        assert "请先选择文件" in words(none)
        too_much = await upload("huge.bin", b"\x00" * (7 * 1024 * 1024))
        assert too_much.status_code == 413
        for number in ("2", "0", "x", "9" * 30, "١"):
            assert (await browser.client.get(f"{path}/files/{number}")).status_code == 404

    run(seen(story, tmp_path))
