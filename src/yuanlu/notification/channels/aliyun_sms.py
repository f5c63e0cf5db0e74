"""SMS by Alibaba Cloud: SendSms of dysmsapi, version 2017-05-25, signed by ACS3-HMAC-SHA256.

Source: help.aliyun.com, "V3 request structure and signature" and "SendSms". The text is rendered there, from a template
that was registered and approved; we send its values.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode

import msgspec

from yuanlu.kernel.clock import instant
from yuanlu.notices import AliyunSms
from yuanlu.notification.channels.channel import Accepted, Outgoing, Receipt, Refused, Result, Unreachable
from yuanlu.notification.channels.https import host_of, post

ALGORITHM = "ACS3-HMAC-SHA256"
TOO_MANY, SERVER_FAULT = 429, 500
ACTION, VERSION = "SendSms", "2017-05-25"
TRY_AGAIN = (
    "isp.SYSTEM_ERROR", "isp.RAM_PERMISSION_DENY", "isv.BUSINESS_LIMIT_CONTROL", "isv.AMOUNT_NOT_ENOUGH",
    "isv.ACCOUNT_ABNORMAL", "isv.OUT_OF_SERVICE", "Throttling", "ServiceUnavailable",
)  # fmt: skip
"""Codes, or how they begin, that another try or somebody who puts the account right can cure. Any other refuses."""


class AliyunSender:
    """One account."""

    def __init__(
        self, settings: AliyunSms, now_s: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:  # fmt: skip
        self._settings = settings
        self._now_s = now_s
        self._nonce = nonce

    def send(self, message: Outgoing) -> Result:
        """One SMS to one number."""
        settings = self._settings
        code = settings.templates.get(f"{message.template}.{message.language}")
        if code is None:
            return Refused(why=f"no template is registered for {message.template}.{message.language}")
        query = {
            "PhoneNumbers": message.to.removeprefix("+86").removeprefix("+"),
            "SignName": settings.sign_name,
            "TemplateCode": code,
            "TemplateParam": msgspec.json.encode(message.values).decode(),
            "OutId": message.message_id,
        }
        headers = signed_headers(
            settings.access_key_id, settings.access_key_secret, host_of(settings.endpoint), query, ACTION, VERSION,
            int(self._now_s()), self._nonce(),
        )  # fmt: skip
        answer = post(f"{settings.endpoint}/?{canonical(query)}", headers, b"", settings.timeout_s)
        return answer if isinstance(answer, Unreachable) else _result(answer.status, answer.body)


class _Said(msgspec.Struct, frozen=True):
    Code: str = ""
    Message: str = ""
    BizId: str = ""


def _result(status: int, body: bytes) -> Result:
    try:
        said = msgspec.json.decode(body, type=_Said)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Unreachable(why=f"answered {status}, and no JSON")
    if said.Code == "OK":
        return Accepted(provider_id=said.BizId)
    why = f"answered {status} {said.Code}"
    cured = not said.Code or status >= SERVER_FAULT or status == TOO_MANY or said.Code.startswith(TRY_AGAIN)
    return Unreachable(why=why) if cured else Refused(why=why)


def canonical(query: Mapping[str, str]) -> str:
    """Names and values in RFC 3986 form, sorted by name."""
    return urlencode(sorted(query.items()), quote_via=quote, safe="~")


def signed_headers(
    key_id: str, key_secret: str, host: str, query: Mapping[str, str], action: str, version: str, at_s: int, nonce: str
) -> dict[str, str]:
    """The headers of a POST without a body, with the signature over all of them."""
    empty = hashlib.sha256(b"").hexdigest()
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": empty,
        "x-acs-date": f"{instant(at_s * 1_000_000):%Y-%m-%dT%H:%M:%SZ}",
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = "\n".join(("POST", "/", canonical(query), lines, names, empty))
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.digest(key_secret.encode(), to_sign.encode(), hashlib.sha256).hex()
    return headers | {"Authorization": f"{ALGORITHM} Credential={key_id},SignedHeaders={names},Signature={signature}"}


class _Report(msgspec.Struct, frozen=True):
    biz_id: str
    success: bool
    err_code: str = ""


def receipts(body: bytes) -> list[Receipt]:
    """What their HTTP push "SmsReport" says. Raises msgspec.DecodeError or UnicodeDecodeError."""
    reports = msgspec.json.decode(body, type=list[_Report])
    return [Receipt(provider_id=each.biz_id, delivered=each.success, note=each.err_code) for each in reports]
