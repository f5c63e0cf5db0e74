"""SMS by Tencent Cloud: SendSms of sms, version 2021-01-11, signed by TC3-HMAC-SHA256.

Source: cloud.tencent.com, "Signature v3" and "SendSms". The text is rendered there, from a template that was registered
and approved with {1}, {2} … for the values in the order of their appearance.
"""

import hashlib
import hmac
import time
from collections.abc import Callable

import msgspec

from yuanlu.kernel.clock import instant
from yuanlu.notices import TencentSms
from yuanlu.notification.channels.channel import Accepted, Outgoing, Receipt, Refused, Result, Unreachable
from yuanlu.notification.channels.https import host_of, post

ALGORITHM = "TC3-HMAC-SHA256"
SERVICE, ACTION, VERSION = "sms", "SendSms", "2021-01-11"
CONTENT_TYPE = "application/json; charset=utf-8"
FOR_GOOD = (
    "FailedOperation.PhoneNumberInBlacklist", "InvalidParameterValue.IncorrectPhoneNumber",
    "InvalidParameterValue.TemplateParameter", "FailedOperation.ContainSensitiveWord",
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
)  # fmt: skip
"""Codes, or how they begin, that refuse this message for good. Any other can be cured."""


class TencentSender:
    """One application."""

    def __init__(self, settings: TencentSms, now_s: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._now_s = now_s

    def send(self, message: Outgoing) -> Result:
        """One SMS to one number."""
        settings = self._settings
        template = settings.templates.get(f"{message.template}.{message.language}")
        if template is None:
            return Refused(why=f"no template is registered for {message.template}.{message.language}")
        body = msgspec.json.encode(
            {
                "PhoneNumberSet": [message.to],
                "SmsSdkAppId": settings.app_id,
                "SignName": settings.sign_name,
                "TemplateId": template,
                "TemplateParamSet": list(message.values.values()),
                "SessionContext": message.message_id,
            }
        )
        at_s, host = int(self._now_s()), host_of(settings.endpoint)
        headers = {
            "Content-Type": CONTENT_TYPE,
            "Host": host,
            "X-TC-Action": ACTION,
            "X-TC-Version": VERSION,
            "X-TC-Region": settings.region,
            "X-TC-Timestamp": str(at_s),
            "Authorization": authorization(settings.secret_id, settings.secret_key, host, SERVICE, body, at_s),
        }
        answer = post(settings.endpoint, headers, body, settings.timeout_s)
        return answer if isinstance(answer, Unreachable) else _result(answer.status, answer.body)


class _Status(msgspec.Struct, frozen=True):
    SerialNo: str = ""
    Code: str = ""


class _Error(msgspec.Struct, frozen=True):
    Code: str = ""


class _Said(msgspec.Struct, frozen=True):
    SendStatusSet: list[_Status] = []
    Error: _Error = _Error()


class _Envelope(msgspec.Struct, frozen=True):
    Response: _Said


def _result(status: int, body: bytes) -> Result:
    try:
        said = msgspec.json.decode(body, type=_Envelope).Response
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Unreachable(why=f"answered {status}, and not what was expected")
    one = said.SendStatusSet[0] if said.SendStatusSet else _Status(Code=said.Error.Code)
    if one.Code == "Ok":
        return Accepted(provider_id=one.SerialNo)
    why = f"answered {status} {one.Code}"
    return Refused(why=why) if one.Code.startswith(FOR_GOOD) else Unreachable(why=why)


def authorization(secret_id: str, secret_key: str, host: str, service: str, body: bytes, at_s: int) -> str:
    """The header by which they know us: derived from the day's key, over content type, host and body."""
    names = "content-type;host"
    lines = f"content-type:{CONTENT_TYPE}\nhost:{host}\n"
    request = "\n".join(("POST", "/", "", lines, names, hashlib.sha256(body).hexdigest()))
    day = f"{instant(at_s * 1_000_000):%Y-%m-%d}"
    scope = f"{day}/{service}/tc3_request"
    to_sign = "\n".join((ALGORITHM, str(at_s), scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"TC3{secret_key}".encode()
    for part in (day, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    signature = hmac.digest(key, to_sign.encode(), hashlib.sha256).hex()
    return f"{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={names}, Signature={signature}"


class _Report(msgspec.Struct, frozen=True):
    sid: str
    report_status: str
    errmsg: str = ""


def receipts(body: bytes) -> list[Receipt]:
    """What their status callback says. Raises msgspec.DecodeError or UnicodeDecodeError."""
    reports = msgspec.json.decode(body, type=list[_Report])
    return [
        Receipt(provider_id=each.sid, delivered=each.report_status == "SUCCESS", note=each.errmsg) for each in reports
    ]
