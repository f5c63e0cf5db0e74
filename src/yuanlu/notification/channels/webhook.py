"""A webhook, signed by the Standard Webhooks specification (version 1.0): `webhook-id`, `-timestamp`, `-signature`.

The id stays the same for every try, so that the other side can tell a repeat. Each secret makes a signature, so that
secrets can be changed without a gap. Source: the specification "Standard Webhooks", sections "Signature scheme" and
"Webhook headers".
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable

import msgspec

from yuanlu.kernel.clock import instant
from yuanlu.notices import Webhook
from yuanlu.notification.channels.channel import Accepted, Outgoing, Refused, Result, Unreachable
from yuanlu.notification.channels.https import post

GONE = 410
"""The other side does not want to hear from us any more."""
TOO_LARGE = 413


class WebhookCaller:
    """One address of a merchant's system."""

    def __init__(self, settings: Webhook, now_s: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._now_s = now_s

    def send(self, message: Outgoing) -> Result:
        """Call it; any answer of the 200s takes the message."""
        body = payload(message)
        headers = signed_headers(self._settings.secrets, message.message_id, int(self._now_s()), body)
        answer = post(self._settings.url, headers, body, self._settings.timeout_s)
        if isinstance(answer, Unreachable):
            return answer
        if 200 <= answer.status < 300:
            return Accepted(provider_id=message.message_id, delivered=True)
        why = f"answered {answer.status}"
        return Refused(why=why) if answer.status in (GONE, TOO_LARGE) else Unreachable(why=why)


def payload(message: Outgoing) -> bytes:
    """The event as JSON: type, time, and what it is about."""
    return msgspec.json.encode(
        {
            "type": message.event,
            "timestamp": instant(message.at_us).isoformat(),
            "data": {"id": message.message_id}
            | message.about
            | {"title": message.title, "text": message.text, "language": message.language, "values": message.values},
        }
    )


def signed_headers(secrets: tuple[str, ...], message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The headers by which the other side knows that it is from us, and when."""
    return {
        "content-type": "application/json",
        "user-agent": "yuanlu",
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(signature(secret, message_id, at_s, body) for secret in secrets),
    }


def signature(secret: str, message_id: str, at_s: int, body: bytes) -> str:
    """HMAC-SHA256 over id, time and body, in base64, with its version before it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join((message_id.encode(), str(at_s).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
