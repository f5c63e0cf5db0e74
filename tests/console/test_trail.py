"""What the staff did beside cases is found twice: in the audit trail, and in the timeline of what it was done to."""

import re

from tests.console.desk import ConsoleDesk, seen, words
from tests.console.people_at_work import press, two
from tests.console.test_cardholder_contact import gives, in_doubt
from tests.console.test_notifications import two_told
from tests.console.test_orders import asked_for, for_people, order_is
from tests.console.test_people import rows
from tests.scenario.linked import sold
from tests.scenario.messages import FINANCE, SUPPORT, comes_true, spoken, told_about
from tests.scenario.stage import MERCHANT
from tests.scenario.test_causes_and_cases import declined
from yuanlu.access.api_keys import Mode, Scope
from yuanlu.access.roles import Role
from yuanlu.cases.people import Actor
from yuanlu.notification.records import Message
from yuanlu.notification.states import Sending
from yuanlu.notification.store import contacts_of
from yuanlu.people import api_keys
from yuanlu.people.contacts import gave, took_back

OTHER = "898440153110002"


async def trail(desk: ConsoleDesk, merchant_id: str = "", language: str = "zh", **query: str) -> list[str]:
    """The lines of the audit trail as compliance reads them, the latest first."""
    name = f"reads {merchant_id or 'all'} {language} {len(query)}"
    reader = await desk.staff(name, Role.COMPLIANCE, merchant_id=merchant_id)
    return rows(await reader.see(f"/{language}/audit", **query))


async def timeline(desk: ConsoleDesk, transaction_id: str) -> str:
    reader = await desk.staff("reads timelines", Role.RISK)
    return words(await reader.see(f"/zh/transactions/{transaction_id}"))


def about(lines: list[str], what: str) -> list[str]:
    return [line for line in lines if what in line]


def test_who_had_a_message_sent_once_more_stands_in_the_trail_and_in_the_payments_timeline(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment_id, message_id = await two_told(desk)
        support = await desk.staff("赵磊", Role.SUPPORT)
        page = await support.see(f"/zh/notifications/{message_id}")
        assert (await press(support, page, f"/notifications/{message_id}/again")).status_code == 303
        [line] = about(await trail(desk), "要求再次通知")
        assert line == f"赵磊 要求再次通知 {message_id} {payment_id}：向 138****0000 发送 outcome_unknown@1"
        [line] = about(await trail(desk, MERCHANT, who="赵磊"), "要求再次通知")
        assert about(await trail(desk, OTHER), "要求再次通知") == []
        assert "要求再次通知 赵磊：向 138****0000 发送 outcome_unknown@1" in await timeline(desk, payment_id)

    run(seen(story, tmp_path, more=spoken(FINANCE)))


def test_who_had_a_message_about_a_case_sent_once_more_stands_in_the_cases_timeline(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        await declined(desk.stage, 8)
        support = await desk.staff("赵磊", Role.SUPPORT)
        [number] = set(re.findall(r"/zh/cases/(C[0-9-]+)", (await support.see("/zh/cases", f="fraud")).text))
        path = f"/cases/{number}"
        await press(support, await support.see(f"/zh{path}"), f"{path}/escalate", reason="太多")
        sent: list[Message] = []

        async def was_sent() -> bool:
            found = await told_about(desk.stage, number)
            sent[:] = [each for each in found if each.state in (Sending.SENT, Sending.DELIVERED)]
            return bool(sent)

        await comes_true(was_sent)
        page = await support.see(f"/zh/notifications/{sent[0].message_id}")
        again = f"/notifications/{sent[0].message_id}/again"
        assert (await press(support, page, again)).status_code == 303
        said = words(await support.see(f"/zh{path}"))
        assert "通知 · 赵磊 待通知：case_escalated.support@1 → sup***" in said
        [line] = about(await trail(desk), "要求再次通知")
        assert line.startswith(f"赵磊 要求再次通知 {sent[0].message_id} {number}：")

    run(seen(story, tmp_path, more=spoken(SUPPORT)))


def test_who_paid_an_order_by_hand_stands_in_the_trail_and_in_the_payments_timeline(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment, path, _ = await for_people(desk)
        payer = await desk.staff("Zhou Min", Role.FINANCE)
        await press(payer, await payer.see(f"/zh{path}"), f"{path}/paid", reference="ICBC-2026-7")
        await order_is(desk, payment, "DONE")
        await desk.stage.becomes(payment, "RETURNED")
        [line] = about(await trail(desk, MERCHANT), "已由人工支付")
        number = path.rpartition("/")[2]
        assert line == f"Zhou Min 已由人工支付 {number} 消费撤销 ¥12.34，参考号 ICBC-2026-7"
        assert about(await trail(desk, who="Wang Fang"), "已由人工支付") == []
        assert about(await trail(desk, OTHER), "已由人工支付") == []
        name = (await desk.stage.find(payment)).transaction_id
        assert "已由人工支付 Zhou Min 支付 ¥12.34，参考号 ICBC-2026-7" in await timeline(desk, name)

    run(seen(story, tmp_path))


def test_who_could_not_pay_an_order_by_hand_stands_there_as_well(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment = await sold(desk.stage)
        maker, checker = await two(desk)
        path = await asked_for(maker, kind="adjustment")
        await press(checker, await checker.see(f"/zh{path}"), f"{path}/approve")
        await press(maker, await maker.see(f"/zh{path}"), f"{path}/failed", reason="银行退回")
        await order_is(desk, payment, "FAILED")
        [line] = about(await trail(desk), "未能退回")
        assert line.startswith("Li Na 未能退回")
        assert line.endswith("银行退回")
        name = (await desk.stage.find(payment)).transaction_id
        assert "Li Na 未能支付：银行退回" in await timeline(desk, name)

    run(seen(story, tmp_path))


def test_a_number_that_a_cardholder_gives_and_takes_back_stands_in_the_payments_timeline_without_its_middle(
    run, tmp_path
):
    async def story(desk: ConsoleDesk) -> None:
        _, name, path = await in_doubt(desk)
        browser = desk.browser()
        await browser.see(path)
        await gives(browser, path)
        [contact] = await desk.stage.read(lambda c: contacts_of(c, name))
        await browser.send(f"{path}/contact/back", contact=contact.contact_id, everywhere="1")
        said = await timeline(desk, name)
        assert "持卡人留下手机号 持卡人在查询页同意：138****0000" in said
        assert "手机号已撤回 持卡人在查询页撤回：138****0000，不再接收任何交易的通知" in said
        assert about(await trail(desk), "138****0000") == [], "no deed of the staff's"

    run(seen(story, tmp_path, more=spoken(FINANCE)))


def test_a_number_that_the_staff_gives_or_takes_back_for_a_cardholder_stands_in_the_trail(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, name, _ = await in_doubt(desk)
        console = desk.app.state.console
        contact = await console.store.act(gave, console.keys, name, "138 0000 0000", "zh", "赵磊")
        await console.store.act(took_back, name, contact.contact_id, "赵磊", everywhere=False)
        back, given = about(await trail(desk, MERCHANT, who="赵磊"), "138****0000")
        assert given == f"赵磊 持卡人留下手机号 {name} 138****0000"
        assert back == f"赵磊 手机号已撤回 {name} 138****0000"
        assert about(await trail(desk, OTHER), "138****0000") == []

    run(seen(story, tmp_path, more=spoken(FINANCE)))


def test_who_made_and_revoked_an_api_key_stands_in_the_trail(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        wanted = api_keys.NewKey(name="till", mode=Mode.TEST, scopes=[Scope.PAYMENTS_READ], merchant_id=MERCHANT)
        li = Actor(name="Li Na", via="console")
        _, key = await desk.app.state.console.store.act(api_keys.created, wanted, li)
        await desk.app.state.console.store.act(api_keys.revoked, key.key_id, li, "lost")
        gone, made = about(await trail(desk, language="en"), key.key_id)
        assert made == f"Li Na API key made {key.key_id} till, test, payments:read, {MERCHANT}"
        assert gone == f"Li Na API key revoked {key.key_id} lost"
        assert about(await trail(desk, OTHER), key.key_id) == []
        assert about(await trail(desk, MERCHANT), key.key_id)

    run(seen(story, tmp_path))
