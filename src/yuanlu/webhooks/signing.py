"""Secrets and signatures by Standard Webhooks (https://www.standardwebhooks.com, symmetric scheme v1)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

from msgspec import Struct

SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with
SECRET_BYTES = 32
SECRETS_MAX = 5


class Secret(Struct, frozen=True, kw_only=True):
    """One secret, as its owner has it; signs until `until_us`, for ever with 0."""

    text: str
    until_us: int = 0


def secret_text(random_bytes: bytes) -> str:
    """A secret as it is told to its owner."""
    return SECRET_PREFIX + base64.b64encode(random_bytes).decode()


def in_force(secrets: Sequence[Secret], now_us: int) -> list[Secret]:
    """Those that still sign."""
    return [each for each in secrets if not each.until_us or each.until_us > now_us]


def packed(secrets: Sequence[Secret]) -> bytes:
    """For sealing."""
    return json.dumps([[each.text, each.until_us] for each in secrets]).encode()


def unpacked(content: bytes) -> list[Secret]:
    """The reverse."""
    return [Secret(text=text, until_us=until_us) for text, until_us in json.loads(content)]


def headers(secrets: Sequence[Secret], event_id: str, at_s: int, body: str) -> dict[str, str]:
    """What a delivery carries: its id, the time of this attempt in seconds, and one signature for each secret."""
    covered = f"{event_id}.{at_s}.{body}".encode()
    signatures = " ".join(f"v1,{_signature(each, covered)}" for each in secrets)
    return {"webhook-id": event_id, "webhook-timestamp": str(at_s), "webhook-signature": signatures}


def _signature(secret: Secret, covered: bytes) -> str:
    key = base64.b64decode(secret.text.removeprefix(SECRET_PREFIX))
    return base64.b64encode(hmac.new(key, covered, hashlib.sha256).digest()).decode()
