"""Who was told what, at the console: the list, one message, sending it again, and the templates."""

import asyncio

from tests.console.desk import Browser, ConsoleDesk, seen, words
from tests.console.people_at_work import press
from tests.scenario.messages import FINANCE, SUPPORT, arrives, comes_to, given, inbox, spoken, texts, timed_out
from tests.scenario.stage import MERCHANT, SOON_S
from tests.scenario.test_causes_and_cases import case_of, escalated
from yuanlu.access.roles import Role
from yuanlu.notices import AliyunSms, Sandbox
from yuanlu.notification.states import Sending

OTHER = "898440153119999"
INBOX = {name: Sandbox(file="inbox.jsonl") for name in ("phone", "chat")}


async def two_told(desk: ConsoleDesk) -> tuple[str, str]:
    """A sale timed out; the cardholder and the merchant's finance are told. The ids of payment and SMS."""
    payment = await timed_out(desk.stage, amount=128_000)
    found = await comes_to(desk.stage, payment, Sending.DELIVERED, Sending.DELIVERED)
    [sms] = [each for each in found if each.contact_id]
    return sms.subject.transaction_id, sms.message_id


def listed(page) -> list[str]:
    """The rows' words below the heading."""
    return [row.split("</tr>")[0] for row in page.text.split('<tr id="')[1:]]


def test_the_list_says_who_was_told_what_and_whether_it_arrived_and_shows_no_number(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        transaction_id, message_id = await two_told(desk)
        finance = await desk.staff("Li Na", Role.FINANCE)
        page = await finance.see("/zh/notifications")
        said = words(page)
        assert "持卡人 138****0000 交易结果未知 outcome_unknown@1 phone 已送达" in said
        assert "商户 fin*** 交易结果未知 outcome_unknown.merchant@1 chat 已送达" in said
        assert "13800000000" not in page.text
        assert f"/zh/transactions/{transaction_id}" in page.text
        assert f"/zh/notifications/{message_id}" in page.text

    run(seen(story, tmp_path, more=spoken(FINANCE)))


def test_each_filter_keeps_what_it_names_and_the_address_keeps_the_filter(run, tmp_path, each_database):
    async def story(desk: ConsoleDesk) -> None:
        transaction_id, message_id = await two_told(desk)
        finance = await desk.staff("Li Na", Role.FINANCE)
        for query, rows in (
            ({"audience": "cardholder"}, 1), ({"channel": "chat"}, 1), ({"state": "DELIVERED"}, 2),
            ({"state": "FAILED"}, 0), ({"event": "transaction.outcome.unknown"}, 2), ({"event": "return.delayed"}, 0),
            ({"about": transaction_id}, 2), ({"about": "C000000-00000000"}, 0), ({"m": MERCHANT}, 2), ({"m": OTHER}, 0),
            ({"from": "2020-01-01T00:00", "to": "2020-01-02T00:00"}, 0), ({"about": transaction_id, "after": "0"}, 0),
        ):  # fmt: skip
            page = await finance.see("/en/notifications", **query)
            assert len(listed(page)) == rows, query
        file = await finance.see("/en/notifications", audience="cardholder", format="csv")
        assert message_id in file.text
        assert file.text.count("\r\n") == 4, "two lines of head, one of headings, one message"

    run(seen(story, tmp_path, more=spoken(FINANCE)))


def test_the_next_page_begins_where_the_first_ended(run, tmp_path, monkeypatch):
    async def story(desk: ConsoleDesk) -> None:
        monkeypatch.setattr("yuanlu.console.pages.notifications.ROWS", 1)
        await two_told(desk)
        finance = await desk.staff("Li Na", Role.FINANCE)
        first = await finance.see("/en/notifications")
        [one] = listed(first)
        [after] = {part.split('"')[0] for part in first.text.split("after=")[1:]}
        [two] = listed(await finance.see("/en/notifications", after=after))
        assert one[:26] == after
        assert two[:26] < after

    run(seen(story, tmp_path, more=spoken(FINANCE)))


def test_a_message_shows_its_words_and_every_try_and_is_sent_once_more(run, tmp_path, each_database):
    async def story(desk: ConsoleDesk) -> None:
        _, message_id = await two_told(desk)
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        page = await support.see(f"/zh/notifications/{message_id}")
        said = words(page)
        for part in (texts(desk.stage)[0], "138****0000", "phone 已接收", "outcome_unknown@1", "1 条短信"):
            assert part in said
        again = f"/notifications/{message_id}/again"
        assert (await press(support, page, again)).status_code == 303
        await arrives(lambda: len(inbox(desk.stage)) == 2)
        assert texts(desk.stage)[0] == texts(desk.stage)[1]
        late = await press(support, page, again)  # the page was made before
        assert (late.status_code, "通知状态已变化" in words(late)) == (422, True)
        said = words(await support.see(f"/zh/notifications/{message_id}"))
        assert "要求再次通知 Zhao Lei" in said

    run(seen(story, tmp_path, more=spoken(FINANCE)))


def test_another_merchants_people_see_none_of_it_whatever_they_ask(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        transaction_id, message_id = await two_told(desk)
        stranger = await desk.staff("Qian Qi", Role.FINANCE, merchant_id=OTHER)
        for query in ({}, {"m": MERCHANT}, {"about": transaction_id}):
            assert not listed(await stranger.see("/en/notifications", **query))
        assert (await stranger.see(f"/en/notifications/{message_id}")).status_code == 404
        assert (await stranger.send(f"/en/notifications/{message_id}/again", seen="1")).status_code == 404
        own = await desk.staff("Sun San", Role.FINANCE, merchant_id=MERCHANT)
        assert len(listed(await own.see("/en/notifications"))) == 2

    run(seen(story, tmp_path, more=spoken(FINANCE)))


def test_risk_reads_and_sends_nothing_again(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, message_id = await two_told(desk)
        risk: Browser = await desk.staff("Wu Wei", Role.RISK)
        page = await risk.see(f"/en/notifications/{message_id}")
        assert "Send it once more" not in words(page)
        assert (await risk.send(f"/en/notifications/{message_id}/again", seen="3")).status_code == 403

    run(seen(story, tmp_path, more=spoken(FINANCE)))


def test_what_waits_for_a_provider_that_is_down_is_said_with_its_age(run, tmp_path):
    down = {"phone": Sandbox(file="inbox.jsonl", fails=True), "chat": INBOX["chat"]}

    async def story(desk: ConsoleDesk) -> None:
        await timed_out(desk.stage, amount=128_000)
        finance = await desk.staff("Li Na", Role.FINANCE)
        waits = "1 messages wait to be sent; the oldest has been due since 20"
        async with asyncio.timeout(SOON_S):  # what arrived is written down after it arrived
            while waits not in words(await finance.see("/en/notifications")):  # noqa: ASYNC110 - another process sends
                await asyncio.sleep(0.05)

    run(seen(story, tmp_path, more=spoken(FINANCE, channels=down)))


def test_the_templates_page_shows_every_text_and_names_the_codes_that_are_missing(run, tmp_path):
    sms = AliyunSms(
        access_key_id="id", access_key_secret="secret", sign_name="原路支付", templates={"outcome_unknown.zh": "SMS_1"},
        endpoint="http://127.0.0.1:1",
    )  # fmt: skip

    async def story(desk: ConsoleDesk) -> None:
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        said = words(await support.see("/zh/notifications/templates"))
        assert "【原路支付】您尾号1451的卡在南站出口店的¥1,280.00交易结果待确认" in said
        assert "有 13 条文字尚不能由短信服务商发送" in said, "seven texts in two languages, one has its code"
        assert "aliyun aliyun-sms SMS_1" in said
        assert "aliyun aliyun-sms 未配置模板编号" in said
        assert "您${card}在${shop}的${amount}交易结果待确认" in said
        assert "您{1}在{2}的{3}交易结果待确认" in said
        assert "工单已升级 · 技术支持 case_escalated.support@1" in said
        english = words(await support.see("/en/notifications/templates"))
        assert "chat sandbox sends these words" in english
        assert "secret" not in english

    channels = {"aliyun": sms, **INBOX}
    run(seen(story, tmp_path, more=spoken(FINANCE, SUPPORT, sms=("aliyun",), channels=channels)))


def test_without_channels_the_pages_say_that_nobody_is_told(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        assert "Nobody is told anything" in words(await support.see("/en/notifications"))
        assert "Nobody is told this" in words(await support.see("/en/notifications/templates"))

    run(seen(story, tmp_path))


def test_a_payment_shows_who_was_told_of_it_and_leads_to_the_messages(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        transaction_id, message_id = await two_told(desk)
        finance = await desk.staff("Li Na", Role.FINANCE)
        page = await finance.see(f"/zh/transactions/{transaction_id}")
        assert "通知记录" in words(page)
        assert "持卡人 138****0000 交易结果未知 outcome_unknown@1 phone 已送达" in words(page)
        assert f"/zh/notifications/{message_id}" in page.text
        assert f"/zh/notifications?about={transaction_id}" in page.text

    run(seen(story, tmp_path, more=spoken(FINANCE)))


def test_a_case_shows_who_was_told_of_it_and_of_its_payment(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment = await escalated(desk.stage)
        case = await case_of(desk.stage, payment)
        finance = await desk.staff("Li Na", Role.FINANCE)
        assert "尚未通知任何人" in words(await finance.see(f"/zh/cases/{case.case_id}"))
        await given(desk.stage, payment)
        await arrives(lambda: len(inbox(desk.stage)) == 1)
        await comes_to(desk.stage, payment, Sending.DELIVERED)
        page = await finance.see(f"/zh/cases/{case.case_id}")
        assert "持卡人 138****0000 退回延迟 return_delayed@1 phone 已送达" in words(page)
        assert "通知记录" in words(page)
        assert f"/zh/notifications?about={case.case_id}" in page.text
        assert len(listed(await finance.see("/zh/notifications", about=case.case_id))) == 1

    run(seen(story, tmp_path, more=spoken()))
