"""Returns by decision at the console: asked for, approved by a second person, closed by reference."""

import asyncio
import csv
import io
import re

from tests.console.desk import Browser, ConsoleDesk, seen, words
from tests.console.people_at_work import forms, press, two
from tests.scenario.linked import sold
from tests.scenario.scripted_host import Say
from tests.scenario.stage import TERMINALS
from yuanlu.access.roles import Role
from yuanlu.returns.orders import orders_of
from yuanlu.sandbox.till_messages import Payment

WHAT = f"{TERMINALS[0]}+000001"


async def order_is(desk: ConsoleDesk, payment, state: str):
    """Wait for the payment's last order in this state."""
    found = await desk.stage.find(payment)
    async with asyncio.timeout(6):
        while (last := (await desk.stage.read(lambda c: orders_of(c, found.transaction_id)))[-1]).state != state:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return last


async def asked_for(maker, amount: str = "12.34", kind: str = "", reason: str = "goods came back") -> str:
    """The path of a new order."""
    page = await maker.see("/en/returns/new", what=WHAT)
    preview = await press(maker, page, "/returns/new", amount=amount, kind=kind, reason=reason)
    assert preview.status_code == 200, words(preview)
    made = await press(maker, preview, "/returns/new")
    assert made.status_code == 303, words(made)
    return re.sub(r"^/en(/returns/[^?]+).*", r"\1", made.headers["location"])


def test_a_return_is_asked_for_with_everything_filled_in_and_goes_back_once_approved(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment = await sold(desk.stage)
        maker, checker = await two(desk)
        page = await maker.see("/zh/returns/new", what=WHAT)
        assert 'name="amount" inputmode="decimal" maxlength="20" required value="12.34"' in page.text
        assert "尾号 0005" in words(page)
        assert "account" not in dict(re.findall(r'name="([a-z]+)" (value)', page.text)), "there is no other account"
        path = await asked_for(maker)
        assert [m[3] for m in desk.stage.host.asked("0200")] == ["000000"], "nothing moves yet"
        own = await maker.see(f"/en{path}")
        assert f"{path}/approve" not in forms(own)
        assert "¥12.34 Void" in words(await checker.see("/en/returns"))
        shown = await checker.see(f"/en{path}")
        assert "Now On its way back: ¥0.00 Left: ¥12.34 Once approved On its way back: ¥12.34 Left: ¥0.00" in words(
            shown
        )
        assert (await press(checker, shown, f"{path}/approve")).status_code == 303
        await desk.stage.becomes(payment, "RETURNED")
        done = await order_is(desk, payment, "DONE")
        assert (done.maker, done.checker, done.reason) == ("Li Na", "Wang Fang", "goods came back")
        assert "No return is open." in words(await checker.see("/en/returns"))
        assert words(await checker.see(f"/zh{path}")).count("已完成") == 1

    run(seen(story, tmp_path))


def test_more_than_is_left_another_form_or_no_reason_is_refused_and_what_was_typed_stays(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment = await sold(desk.stage)
        maker = await desk.staff("Li Na", Role.FINANCE)
        page = await maker.see("/zh/returns/new", what=WHAT)
        for typed, why in (
            ({"amount": "12.35", "reason": "多收"}, "最多还可退 ¥12.34"),
            ({"amount": "0", "reason": "多收"}, "金额须大于 0"),
            ({"amount": "-5", "reason": "多收"}, "不是金额"),
            ({"amount": "9" * 40, "reason": "多收"}, "不是金额"),
            ({"amount": "1.00", "reason": "多收", "kind": "<b>"}, "没有“<b>”这种退回方式"),
            ({"amount": "1.00", "reason": " "}, "请写明理由"),
        ):
            answer = await press(maker, page, "/returns/new", **typed)
            assert answer.status_code == 422
            assert why in words(answer)
            assert typed["reason"].strip() in answer.text
        nothing = words(await maker.see("/zh/returns/new", what="<script>alert(1)</script>"))
        assert "找不到这笔交易" in nothing
        assert "RETURN_PROPOSED" not in await desk.stage.kinds(payment)

    run(seen(story, tmp_path))


def test_a_card_number_in_a_reason_is_shortened(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment = await sold(desk.stage)
        maker = await desk.staff("Li Na", Role.FINANCE)
        page = await maker.see("/en/returns/new", what=WHAT)
        preview = await press(maker, page, "/returns/new", amount="1.00", reason="card 6200000000000005 twice")
        assert (await press(maker, preview, "/returns/new")).status_code == 303
        order = await order_is(desk, payment, "PROPOSED")
        assert "6200000000000005" not in order.reason
        assert "0005" in order.reason

    run(seen(story, tmp_path))


def test_the_maker_cannot_approve_past_the_page_and_may_withdraw(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment = await sold(desk.stage)
        both = await desk.staff("Sun Li", Role.FINANCE, checker=True)
        path = await asked_for(both)
        page = await both.see(f"/zh{path}")
        version = forms(page)[f"{path}/withdraw"]["seen"]
        answer = await both.send(f"/zh{path}/approve", seen=version)
        assert (answer.status_code, "须由另一位同事复核" in words(answer)) == (409, True)
        assert (await press(both, page, f"{path}/withdraw", reason="顾客改变主意")).status_code == 303
        assert (await order_is(desk, payment, "REFUSED")).checker == ""

    run(seen(story, tmp_path))


def test_of_two_who_decide_at_once_one_is_told_that_it_changed(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment = await sold(desk.stage)
        maker, checker = await two(desk)
        other = await desk.staff("Zhou Min", Role.FINANCE, checker=True)
        path = await asked_for(maker)
        one, two_ = await checker.see(f"/zh{path}"), await other.see(f"/zh{path}")
        answers = await asyncio.gather(
            press(checker, one, f"{path}/approve"), press(other, two_, f"{path}/refuse", reason="小票不符")
        )
        assert sorted(answer.status_code for answer in answers) == [303, 409]
        late = next(answer for answer in answers if answer.status_code == 409)
        assert "刚刚有变动" in words(late) or "已无需复核" in words(late)
        await order_is(desk, payment, "DONE" if answers[0].status_code == 303 else "REFUSED")

    run(seen(story, tmp_path))


async def for_people(desk: ConsoleDesk) -> tuple[Payment, str, Browser]:
    """A payment, its order that the host refuses and people carry out, and who asked for it."""
    payment = await sold(desk.stage)
    desk.stage.host.will("0200", Say(code="57"))
    desk.stage.host.will("0220", Say(code="40"))
    maker, checker = await two(desk)
    path = await asked_for(maker)
    assert (await press(checker, await checker.see(f"/zh{path}"), f"{path}/approve")).status_code == 303
    await order_is(desk, payment, "ESCALATED")
    return payment, path, maker


def test_what_people_pay_is_closed_by_the_banks_reference(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment, path, maker = await for_people(desk)
        page = await maker.see(f"/en{path}")
        for reference, why in (("", "Give the bank"), ("6200000000000005", "looks like a card number")):
            answer = await press(maker, page, f"{path}/paid", reference=reference)
            assert answer.status_code in (409, 422)
            assert why in words(answer)
        assert (await press(maker, page, f"{path}/paid", reference="ICBC-2026-7")).status_code == 303
        assert (await order_is(desk, payment, "DONE")).reference == "ICBC-2026-7"

    run(seen(story, tmp_path))


def test_what_is_open_goes_away_as_a_file(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        await sold(desk.stage)
        maker, _ = await two(desk)
        path = await asked_for(maker, amount="10.00")
        page = await maker.see("/zh/returns")
        address = re.search(r'href="/zh/returns(\?format=csv)"', page.text)
        assert address
        file = await maker.client.get(f"/zh/returns{address[1]}")
        rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
        named = dict(zip(rows[2], rows[3], strict=True))
        assert len(rows) == 4
        assert (named["金额"], named["状态"], named["申请人"]) == ("10.00", "待复核", "Li Na")
        assert named["申请编号"] == path.rpartition("/")[2]
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        assert (await support.see("/zh/returns", format="csv")).status_code == 404

    run(seen(story, tmp_path))
