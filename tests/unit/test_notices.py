"""`[notification]`: what is read, what is refused, and what a contract may say otherwise."""

import base64
from datetime import time

import pytest

from tests.unit.test_settings import GOOD, read
from yuanlu.cli.notification_work import notification_lines
from yuanlu.journal.tasks import LEASE_US
from yuanlu.kernel.errors import ConfigurationError
from yuanlu.notices import WAYS_MAX, AliyunSms, Event, Sandbox, Webhook
from yuanlu.notification.sending import ANSWER_S_MAX

SHOP, OTHER = "898440153110001", "898440153110002"
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()

WHOLE = f"""
[notification]
brand = "原路支付"
sms = ["a", "inbox"]
quiet_from = 21:00:00
recipients = [
  {{ name = "finance", via = ["mail"], to = "finance@example.cn", events = ["return.delayed"] }},
]
[notification.shops.{SHOP}]
name = "南站出口店"
[notification.channels.inbox]
kind = "sandbox"
[notification.channels.a]
kind = "aliyun-sms"
access_key_id = "id"
access_key_secret = "key"
sign_name = "原路支付"
templates = {{ "outcome_unknown.zh" = "SMS_1" }}
[notification.channels.mail]
kind = "smtp"
host = "mail.example.cn"
sender = "yuanlu@example.cn"
[notification.channels.erp]
kind = "webhook"
url = "https://erp.example.cn/hook"
secrets = ["{SECRET}"]
"""
CHAIN = f"""
[contracts.chain]
merchants = ["{OTHER}"]
notification.quiet_until = 09:00:00
notification.recipients = [{{ name = "erp", via = ["erp"] }}]
"""


def test_the_whole_section_is_read(tmp_path):
    notification = read(tmp_path, GOOD + WHOLE).notification
    assert isinstance(notification.channels["a"], AliyunSms)
    assert isinstance(notification.channels["erp"], Webhook)
    assert isinstance(notification.channels["inbox"], Sandbox)
    assert notification.recipients[0].events == (Event.RETURN_DELAYED,)
    assert notification.shops[SHOP].name == "南站出口店"


def test_a_contract_says_otherwise_only_what_it_says(tmp_path):
    agreements = read(tmp_path, GOOD + WHOLE + CHAIN).agreements()
    everybody, chain = agreements.of(SHOP).telling, agreements.of(OTHER).telling
    assert [each.name for each in everybody.recipients] == ["finance"]
    assert [each.name for each in chain.recipients] == ["erp"]
    assert (chain.brand, chain.quiet_from, chain.quiet_until) == ("原路支付", time(21, 0), time(9, 0))


def test_a_secret_comes_from_the_environment(tmp_path):
    text = GOOD + WHOLE.replace('access_key_secret = "key"\n', "")
    settings = read(tmp_path, text, YUANLU_NOTIFICATION__CHANNELS__A__ACCESS_KEY_SECRET="hidden")
    assert settings.notification.channels["a"].access_key_secret == "hidden"


def test_without_the_section_nobody_is_told(tmp_path):
    assert read(tmp_path).notification.channels == {}


@pytest.mark.parametrize(
    ("was", "becomes", "message", "why"),
    [
        ('kind = "sandbox"', 'kind = "pigeon"', r"notification\.channels\.inbox.*pigeon", "no such kind"),
        ('kind = "sandbox"', 'kind = "sandbox"\nfiel = "x"', "inbox.*fiel", "a misspelt key"),
        ('brand = "原路支付"', 'brnad = "x"', r"notification.*brnad", "a misspelt key of the section"),
        ('brand = "原路支付"', 'brand = "一二三四五六七"', "brand", "a signature that no SMS has room for"),
        ('brand = "原路支付"', 'brand = "拨95588"', "brand", "a signature that is a number to call"),
        ('sms = ["a", "inbox"]', 'sms = ["b"]', r"no \[notification.channels.b\]", "no such channel"),
        ('sms = ["a", "inbox"]', 'sms = ["mail"]', "mail sends no SMS", "a mail server for phones"),
        ('sign_name = "原路支付"', 'sign_name = "别人"', "signs as 别人", "two signatures"),
        ('to = "finance@example.cn"', 'to = ""', "needs an address", "mail to nobody"),
        ('to = "finance@example.cn"', 'to = "13800000000"', "needs an e-mail address", "a number for a mail server"),
        ('"return.delayed"', '"return.late"', "return.late", "no such event"),
        ("https://erp", "http://erp", "by https only", "in the clear over the net"),
        ("https://erp.example.cn", "ftp://erp.example.cn", "by https only", "no web at all"),
        (SECRET, "whsec_short", "secrets", "a secret that can be guessed"),
        (SECRET, "whsec_" + "A" * 33, "openssl", "a secret that is no base64"),
        (
            'host = "mail.example.cn"',
            'host = "mail.example.cn"\ntls = "none"',
            "this machine only",
            "mail in the clear",
        ),
        ("quiet_from = 21:00:00", 'quiet_from = "late"', "quiet_from", "no time of day"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_what_is_wrong_is_refused_at_start_and_named(tmp_path, was, becomes, message, why):
    assert was in WHOLE
    with pytest.raises(ConfigurationError, match=message):
        read(tmp_path, GOOD + WHOLE.replace(was, becomes))


def test_a_contract_has_no_channels_of_its_own_and_no_unknown_recipient(tmp_path):
    with pytest.raises(ConfigurationError, match="channels"):
        read(tmp_path, GOOD + WHOLE + CHAIN + '[contracts.chain.notification.channels.x]\nkind = "sandbox"\n')
    with pytest.raises(ConfigurationError, match=r"contracts\.chain\.notification.*no \[notification\.channels\.sap\]"):
        read(tmp_path, GOOD + WHOLE + CHAIN.replace('["erp"]', '["sap"]'))


def test_a_plain_webhook_to_this_machine_is_for_trying_it(tmp_path):
    settings = read(tmp_path, GOOD + WHOLE.replace("https://erp.example.cn", "http://127.0.0.1:9000"))
    assert settings.notification.channels["erp"].url == "http://127.0.0.1:9000/hook"


def test_the_check_says_which_texts_a_provider_could_not_send(tmp_path):
    lines = notification_lines(read(tmp_path, GOOD + WHOLE).notification)
    assert lines[0] == "notification  4 channels, SMS by a then inbox"
    assert lines[1].startswith("warning    a: no template is registered for not_charged.zh, duplicate_found.zh")
    assert "outcome_unknown" not in lines[1]
    assert notification_lines(read(tmp_path).notification) == [
        "notification  none: nobody is told anything but the tills"
    ]


def test_so_many_ways_as_end_within_a_tasks_lease(tmp_path):
    with pytest.raises(ConfigurationError, match="sms"):
        read(tmp_path, GOOD + WHOLE.replace('sms = ["a", "inbox"]', 'sms = ["a", "a", "a", "a", "a"]'))
    assert WAYS_MAX * ANSWER_S_MAX * 1_000_000 < LEASE_US
