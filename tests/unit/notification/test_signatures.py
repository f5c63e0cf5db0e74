"""The signatures of providers, against the examples that they publish."""

import base64
import json
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from yuanlu.notification.channels import aliyun_sms, tencent_sms
from yuanlu.notification.channels.channel import Receipt
from yuanlu.notification.channels.webhook import signed_headers

OLD = "whsec_" + base64.b64encode(b"o" * 24).decode()
NEW = "whsec_" + base64.b64encode(b"n" * 32).decode()


def test_aliyuns_published_example_has_its_published_signature():
    query = {"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai"}
    headers = aliyun_sms.signed_headers(
        "YourAccessKeyId", "YourAccessKeySecret", "ecs.cn-shanghai.aliyuncs.com", query, "RunInstances", "2014-05-26",
        1_698_315_752, "3156853299f313e23d1673dc12e1703d",
    )  # fmt: skip
    assert headers["x-acs-date"] == "2023-10-26T10:22:32Z"
    assert headers["Authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;"
        "x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_aliyuns_query_is_written_by_rfc_3986():
    assert aliyun_sms.canonical({"b": "a b*c~d/e", "a": "中"}) == "a=%E4%B8%AD&b=a%20b%2Ac~d%2Fe"


def test_tencents_published_example_has_its_published_signature():
    body = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    header = tencent_sms.authorization(
        "AKIDEXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", "cvm.tencentcloudapi.com", "cvm", body, 1_551_113_065
    )
    assert header == (
        "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


def test_the_other_side_of_a_webhook_can_verify_it_with_either_secret():
    body = b'{"type":"return.confirmed"}'
    at_s = 1_795_000_000
    headers = signed_headers((NEW, OLD), "m1", at_s, body)
    for secret in (OLD, NEW):
        verifier = Webhook(secret)
        assert (
            verifier.sign("m1", datetime.fromtimestamp(at_s, tz=UTC), body.decode())
            in headers["webhook-signature"].split()
        )


def test_receipts_say_what_arrived_and_what_did_not():
    pushed = json.dumps([
        {"biz_id": "b1", "success": True, "err_code": "DELIVERED", "phone_number": "1"},
        {"biz_id": "b2", "success": False, "err_code": "MK:0013"},
    ]).encode()  # fmt: skip
    assert aliyun_sms.receipts(pushed) == [
        Receipt(provider_id="b1", delivered=True, note="DELIVERED"),
        Receipt(provider_id="b2", delivered=False, note="MK:0013"),
    ]
    called = json.dumps([{"sid": "s1", "report_status": "FAIL", "errmsg": "UNDELIV"}]).encode()
    assert tencent_sms.receipts(called) == [Receipt(provider_id="s1", delivered=False, note="UNDELIV")]
