"""One POST: with a time-out, a limit on the answer, no redirect, and what goes wrong as a value."""

import http.client
import ssl
from urllib.parse import urlsplit

from msgspec import Struct

from yuanlu.notification.channels.channel import Unreachable

ANSWER_BYTES_MAX = 65_536


class Answer(Struct, frozen=True, kw_only=True):
    """What came back."""

    status: int
    body: bytes


def post(url: str, headers: dict[str, str], body: bytes, timeout_s: float) -> Answer | Unreachable:
    """Send it and wait for the answer; each step may take `timeout_s`."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    line = _line(parts.scheme, parts.hostname or "", parts.port, timeout_s)
    try:
        line.request("POST", path, body=body, headers={"Connection": "close"} | headers)
        answer = line.getresponse()
        content = answer.read(ANSWER_BYTES_MAX)
        return Answer(status=answer.status, body=content)
    except (OSError, http.client.HTTPException) as error:
        return Unreachable(why=f"{parts.hostname}: {type(error).__name__}")
    finally:
        line.close()


def host_of(url: str) -> str:
    """The `Host` header, which providers sign."""
    return urlsplit(url).netloc


def _line(scheme: str, host: str, port: int | None, timeout_s: float) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=timeout_s)
