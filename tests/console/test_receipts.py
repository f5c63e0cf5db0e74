"""Providers of SMS push what became of messages to the console: whoever knows the secret address is believed."""

import json

import httpx2
import pytest

from tests.console.desk import ADDRESS, ConsoleDesk, seen, words
from tests.contract.fake_servers import Provider, provider
from tests.scenario.messages import comes_to, spoken, timed_out, told_about
from tests.scenario.messages import given as gives_number
from tests.scenario.test_causes_and_cases import case_of, escalated
from yuanlu.access.roles import Role
from yuanlu.cases.records import EventKind
from yuanlu.cases.store import events_of
from yuanlu.console.limits import Limiter
from yuanlu.notices import AliyunSms, Sandbox, TencentSms
from yuanlu.notification.states import Sending

SECRET = "r" * 20 + "_-" + "s" * 20
CODES = {"outcome_unknown.zh": "SMS_1", "return_delayed.zh": "SMS_2"}
CARD = "6200000000000005"


@pytest.fixture(autouse=True)
def guesses(monkeypatch):
    """Each story has its own allowance of wrong addresses."""
    monkeypatch.setattr("yuanlu.console.receiving.GUESSES", Limiter(burst=20, per_minute=10))


def aliyun(at: Provider, **more: str) -> AliyunSms:
    at.says(200, b'{"Code": "OK", "BizId": "biz-1"}')
    return AliyunSms(
        access_key_id="id", access_key_secret="key", sign_name="原路支付", templates=CODES, endpoint=at.url,
        **{"receipts_secret": SECRET} | more,
    )  # fmt: skip


def tencent(at: Provider) -> TencentSms:
    at.says(200, b'{"Response": {"SendStatusSet": [{"SerialNo": "serial-1", "Code": "Ok"}]}}')
    return TencentSms(
        secret_id="id", secret_key="key", app_id="1400", sign_name="原路支付", templates=CODES, endpoint=at.url,
        receipts_secret=SECRET,
    )  # fmt: skip


def by(channel) -> dict:
    """`[notification]` with this one provider."""
    return spoken(sms=("sms",), channels={"sms": channel, "chat": Sandbox(file="inbox.jsonl")})


async def pushed(desk: ConsoleDesk, body, channel: str = "sms", secret: str = SECRET) -> httpx2.Response:
    """As a provider does it: JSON, and no header that names anybody."""
    transport = httpx2.ASGITransport(app=desk.app)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS) as client:
        return await client.post(
            f"/receipts/{channel}/{secret}", content=content, headers={"content-type": "application/json"}
        )


def alibaba(success: bool, biz_id: str = "biz-1", code: str = "DELIVERED") -> list[dict]:
    return [{
        "phone_number": "13800000000", "send_time": "2026-11-23 09:00:00", "report_time": "2026-11-23 09:00:02",
        "success": success, "err_code": code, "err_msg": "-", "sms_size": "1", "biz_id": biz_id, "out_id": "-",
    }]  # fmt: skip


def test_a_sent_sms_is_delivered_when_the_provider_says_so(run, tmp_path):
    with provider() as at:

        async def story(desk: ConsoleDesk) -> None:
            payment = await timed_out(desk.stage, amount=128_000)
            await comes_to(desk.stage, payment, Sending.SENT)
            answer = await pushed(desk, alibaba(True))
            assert (answer.status_code, answer.json()) == (200, {"code": 0, "msg": "OK"})
            [message] = await comes_to(desk.stage, payment, Sending.DELIVERED)
            staff = await desk.staff("Li Na", Role.FINANCE)
            assert "已送达" in words(await staff.see(f"/zh/notifications/{message.message_id}"))
            assert (await pushed(desk, alibaba(False))).status_code == 200
            await comes_to(desk.stage, payment, Sending.DELIVERED)  # what arrived has arrived

        run(seen(story, tmp_path, more=by(aliyun(at))))


def test_what_did_not_arrive_stands_in_the_case_with_the_providers_code_and_no_card_number(
    run, tmp_path, each_database
):
    with provider() as at:

        async def story(desk: ConsoleDesk) -> None:
            payment = await escalated(desk.stage)
            case = await case_of(desk.stage, payment)
            await gives_number(desk.stage, payment)
            await comes_to(desk.stage, payment, Sending.SENT)
            called = [
                {"sid": "serial-1", "report_status": "FAIL", "errmsg": f"MK:0013 {CARD}", "mobile": "13800000000"}
            ]
            answer = await pushed(desk, called)
            assert (answer.status_code, answer.json()) == (200, {"result": 0, "errmsg": "OK"})
            [message] = await told_about(desk.stage, case.case_id, case.transaction_id or "")
            assert (message.state, message.note) == (Sending.UNDELIVERED, "sms: MK:0013 ••0005")
            lines = await desk.stage.read(lambda c: events_of(c, case.case_id))
            assert any(e.kind is EventKind.TOLD and e.text.startswith("UNDELIVERED: return_delayed") for e in lines)

        run(seen(story, tmp_path, more=by(tencent(at))))


def test_a_wrong_address_is_answered_as_if_there_were_none_and_changes_nothing(run, tmp_path):
    with provider() as at:

        async def story(desk: ConsoleDesk) -> None:
            payment = await timed_out(desk.stage, amount=128_000)
            await comes_to(desk.stage, payment, Sending.SENT)
            for channel, secret in (("sms", "x" * 42), ("chat", SECRET), ("none", SECRET), ("sms", SECRET[:-1])):
                answer = await pushed(desk, alibaba(True), channel, secret)
                assert (answer.status_code, answer.content) == (404, b"")
            transport = httpx2.ASGITransport(app=desk.app)
            async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS) as client:
                assert (await client.get(f"/receipts/sms/{SECRET}")).status_code == 405
            await comes_to(desk.stage, payment, Sending.SENT)
            for _ in range(20):
                last = await pushed(desk, alibaba(True), "sms", "guess")
            assert last.status_code == 429
            assert (await pushed(desk, alibaba(True))).status_code == 200, "the provider is not kept out by a guesser"

        run(seen(story, tmp_path, more=by(aliyun(at))))


def test_a_channel_without_a_secret_takes_no_receipts(run, tmp_path):
    with provider() as at:

        async def story(desk: ConsoleDesk) -> None:
            assert (await pushed(desk, alibaba(True), "sms", "")).status_code == 404
            assert (await pushed(desk, alibaba(True))).status_code == 404

        run(seen(story, tmp_path, more=by(aliyun(at, receipts_secret=""))))


def test_what_is_no_receipt_is_refused_and_one_of_an_unknown_message_is_taken(run, tmp_path):
    with provider() as at:

        async def story(desk: ConsoleDesk) -> None:
            payment = await timed_out(desk.stage, amount=128_000)
            await comes_to(desk.stage, payment, Sending.SENT)
            endless = alibaba(True, biz_id="other") * 1_001
            for body in (
                b"",
                b"{}",
                b"[" * 5_000,
                b'[{"success": 1}]',
                b"\xff",
                b'[{"biz_id": "\xff", "success": true}]',
                endless,
            ):
                assert (await pushed(desk, body)).status_code == 400, body
            assert (await pushed(desk, b" " * 1_048_577)).status_code == 413
            mixed = [*alibaba(True, biz_id="nobody knows it"), *alibaba(True)]
            assert (await pushed(desk, mixed)).status_code == 200
            await comes_to(desk.stage, payment, Sending.DELIVERED)

        run(seen(story, tmp_path, more=by(aliyun(at))))
