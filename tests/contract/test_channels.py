"""Every channel takes a message, and says as a value why it does not; against servers on loopback, never a real one."""

import base64
import json
import os
import stat
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from tests.contract.fake_servers import mail_server, provider
from yuanlu.notices import AliyunSms, Apprise, ChannelSettings, Sandbox, Smtp, TencentSms, Webhook
from yuanlu.notification.channels import chat
from yuanlu.notification.channels.channel import Accepted, Outgoing, Refused, Unreachable
from yuanlu.notification.channels.known import channel_of
from yuanlu.notification.channels.sandbox import read_inbox

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
MESSAGE = Outgoing(
    message_id="01KAQ0000000000000000000AA", event="return.confirmed", template="return_confirmed", language="zh",
    to="+8613800000000", title="退回已确认", text="【原路】银行确认：¥1.00",
    values={"amount": "¥1.00", "card": "尾号1451的卡"},
    about={"merchant_id": "898440153110001", "transaction_id": "01KAP"}, at_us=1_795_000_000_000_000,
)  # fmt: skip
LETTER = msgspec.structs.replace(MESSAGE, to="li@example.cn")
CODES = {"return_confirmed.zh": "SMS_1"}


def aliyun(url, **more):
    return AliyunSms(
        **{
            "access_key_id": "id", "access_key_secret": "key", "sign_name": "原路", "templates": CODES, "endpoint": url,
            "timeout_s": 1,
        } | more
    )  # fmt: skip


def tencent(url, **more):
    return TencentSms(
        **{
            "secret_id": "id", "secret_key": "key", "app_id": "1400", "sign_name": "原路",
            "templates": {"return_confirmed.zh": "77"}, "endpoint": url, "timeout_s": 1,
        } | more
    )  # fmt: skip


def webhook(url, **more):
    return Webhook(**{"url": url + "/hook", "secrets": (SECRET,), "timeout_s": 1} | more)


def sent(settings: ChannelSettings, message: Outgoing = MESSAGE):
    return channel_of("c", settings).send(message)


def test_every_kind_of_settings_has_its_channel_and_every_file_its_kind():
    files = {p.stem for p in Path(chat.__file__).parent.glob("*.py")} - {"__init__", "channel", "https", "known"}
    assert files == {"sandbox", "smtp", "webhook", "chat", "aliyun_sms", "tencent_sms"}
    with provider() as at:
        for settings in (
            Sandbox(), Smtp(host="h", sender="a@b.cn"), webhook(at.url), aliyun(at.url), tencent(at.url),
            Apprise(url="wecombot://BOTKEY12345"),
        ):  # fmt: skip
            assert hasattr(channel_of("c", settings), "send")


@pytest.mark.parametrize("make", [webhook, aliyun, tencent], ids=lambda make: make.__name__)
def test_whoever_does_not_answer_or_answers_nonsense_is_asked_again_later(make):
    with provider() as at:
        at.silent.set()
        assert isinstance(sent(make(at.url)), Unreachable)
        at.silent.clear()
        for status, body in ((500, b""), (503, b"<html>"), (429, b"{}"), (503, b'{"Code": "\xff"}')):
            at.says(status, body)
            assert isinstance(sent(make(at.url)), Unreachable), status
        gone = at.url
    assert isinstance(sent(make(gone)), Unreachable), "nobody listens there any more"


def test_a_webhook_is_verified_by_the_other_side_and_has_the_same_id_each_time():
    with provider() as at:
        at.says(500)
        at.says(204)
        assert isinstance(sent(webhook(at.url)), Unreachable)
        assert sent(webhook(at.url)) == Accepted(provider_id=MESSAGE.message_id, delivered=True)
        ids = set()
        for path, headers, body in at.requests:
            ids.add(headers["webhook-id"])
            assert path == "/hook"
            assert Verifier(SECRET).verify(body, headers)["type"] == "return.confirmed"
        assert ids == {MESSAGE.message_id}
        data = json.loads(body)["data"]
        assert (data["transaction_id"], data["text"]) == ("01KAP", MESSAGE.text)
        assert datetime.fromisoformat(json.loads(body)["timestamp"]) == datetime.fromtimestamp(1_795_000_000, tz=UTC)
        assert MESSAGE.to not in body.decode()


def test_a_webhook_that_is_gone_is_refused_for_good_and_no_redirect_is_followed():
    with provider() as at:
        at.says(410)
        assert sent(webhook(at.url)) == Refused(why="answered 410")
        at.says(302)
        assert sent(webhook(at.url)) == Unreachable(why="answered 302")
        assert len(at.requests) == 2


def test_aliyun_gets_number_template_and_values_and_gives_its_id():
    with provider() as at:
        at.says(200, b'{"Code":"OK","Message":"OK","BizId":"b1","RequestId":"r"}')
        assert sent(aliyun(at.url)) == Accepted(provider_id="b1")
        [(path, headers, body)] = at.requests
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        assert (query["PhoneNumbers"], query["TemplateCode"], query["SignName"]) == ("13800000000", "SMS_1", "原路")
        assert json.loads(query["TemplateParam"]) == MESSAGE.values
        assert query["OutId"] == MESSAGE.message_id
        assert headers["x-acs-action"] == "SendSms"
        assert headers["authorization"].startswith("ACS3-HMAC-SHA256 Credential=id,")
        assert body == b""


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"Code":"isv.MOBILE_NUMBER_ILLEGAL"}', Refused), (b'{"Code":"isv.TEMPLATE_MISSING_PARAMETERS"}', Refused),
        (b'{"Code":"isv.BUSINESS_LIMIT_CONTROL"}', Unreachable), (b'{"Code":"Throttling.User"}', Unreachable),
    ],
)  # fmt: skip
def test_aliyun_says_for_good_or_for_now(body, kind):
    with provider() as at:
        at.says(400, body)
        assert isinstance(sent(aliyun(at.url)), kind)


def test_tencent_gets_the_values_in_their_order_and_gives_its_id():
    with provider() as at:
        at.says(200, b'{"Response":{"SendStatusSet":[{"SerialNo":"s1","Code":"Ok","Message":"x"}],"RequestId":"r"}}')
        assert sent(tencent(at.url)) == Accepted(provider_id="s1")
        [(_, headers, body)] = at.requests
        said = json.loads(body)
        assert said["TemplateParamSet"] == ["¥1.00", "尾号1451的卡"]
        assert (said["PhoneNumberSet"], said["TemplateId"]) == (["+8613800000000"], "77")
        assert (headers["x-tc-action"], headers["x-tc-version"]) == ("SendSms", "2021-01-11")
        assert headers["authorization"].startswith("TC3-HMAC-SHA256 Credential=id/")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"Response":{"SendStatusSet":[{"Code":"InvalidParameterValue.IncorrectPhoneNumber"}]}}', Refused),
        (b'{"Response":{"SendStatusSet":[{"Code":"LimitExceeded.PhoneNumberDailyLimit"}]}}', Unreachable),
        (b'{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure","Message":"x"}}}', Unreachable),
    ],
)
def test_tencent_says_for_good_or_for_now(body, kind):
    with provider() as at:
        at.says(200, body)
        assert isinstance(sent(tencent(at.url)), kind)


@pytest.mark.parametrize("make", [aliyun, tencent], ids=lambda make: make.__name__)
def test_a_text_without_a_registered_template_is_refused_before_anybody_is_asked(make):
    with provider() as at:
        result = sent(make(at.url, templates={}))
        assert result == Refused(why="no template is registered for return_confirmed.zh")
        assert at.requests == []


def test_a_letter_has_subject_text_and_an_id_of_its_own():
    with mail_server() as at:
        settings = Smtp(host="127.0.0.1", port=at.port, tls="none", sender="yuanlu@shop.example", timeout_s=2)
        assert isinstance(sent(settings, LETTER), Accepted)
        letter = message_from_bytes(at.letters[0], policy=default)
        assert (letter["Subject"], letter["To"]) == ("退回已确认", "li@example.cn")
        assert letter["Message-ID"] == f"<{MESSAGE.message_id}@shop.example>"
        assert letter.get_content().strip() == MESSAGE.text


@pytest.mark.parametrize(
    ("word", "answer", "kind"),
    [("RCPT", b"550 nobody", Refused), ("RCPT", b"451 later", Unreachable), ("DATA", b"554 no", Refused),
     ("MAIL", b"421 closing", Unreachable)],
)  # fmt: skip
def test_a_mail_server_says_for_good_or_for_now(word, answer, kind):
    with mail_server() as at:
        at.refuses[word] = answer
        settings = Smtp(host="127.0.0.1", port=at.port, tls="none", sender="yuanlu@shop.example", timeout_s=2)
        assert isinstance(sent(settings, LETTER), kind)


@pytest.mark.parametrize("to", ["li@example.cn\r\nBcc: all@example.cn", "not an address", "@", ""])
def test_an_address_cannot_smuggle_a_header(to):
    with mail_server() as at:
        settings = Smtp(host="127.0.0.1", port=at.port, tls="none", sender="yuanlu@shop.example", timeout_s=2)
        assert isinstance(sent(settings, msgspec.structs.replace(LETTER, to=to)), Refused)
        assert at.letters == []


def test_a_chat_gets_title_and_text():
    with provider() as at:
        settings = Apprise(url=at.url.replace("http", "json"), timeout_s=2)
        assert isinstance(sent(settings), Accepted)
        said = json.loads(at.requests[0][2])
        assert (said["title"], said["message"]) == (MESSAGE.title, MESSAGE.text)
        at.says(500)
        assert isinstance(sent(settings), Unreachable)


@pytest.mark.parametrize(
    "url", ["wecombot://BOTKEY12345", "dingtalk://ACCESSTOKEN12", "feishu://TOKEN1234567890123456"]
)
def test_the_chats_of_china_are_known_by_their_addresses(url):
    assert chat.service_of(Apprise(url=url)) is not None


def test_an_address_that_apprise_does_not_know_is_a_value_too():
    assert sent(Apprise(url="nobody://x")) == Unreachable(why="Apprise does not know this address")


def test_the_sandboxs_inbox_is_a_file_that_only_its_owner_reads(tmp_path):
    file = tmp_path / "inbox.jsonl"
    assert read_inbox(file) == []
    assert sent(Sandbox(file=str(file))) == Accepted(provider_id=MESSAGE.message_id, delivered=True)
    assert [(each["channel"], each["text"]) for each in read_inbox(file)] == [("c", MESSAGE.text)]
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert isinstance(sent(Sandbox(file=str(tmp_path))), Unreachable)
