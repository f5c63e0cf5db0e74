"""The demo's side of the hosts' fault API (`sandbox.control`), on loopback."""

import http.client
import json
from collections.abc import Mapping
from typing import Any

from yuanlu.kernel.errors import YuanluError

CONTROL_TIMEOUT_S = 10.0


class EvidenceMissing(YuanluError):
    """A witness cannot be heard, so there is no verdict."""


def ask_hosts(port: int, path: str) -> Any:
    """GET `path`. Raises EvidenceMissing."""
    return json.loads(_call(port, "GET", path, None))


def order_fault(port: int, order: Mapping[str, Any]) -> None:
    """POST /faults. Raises EvidenceMissing."""
    _call(port, "POST", "/faults", json.dumps(order).encode())


def _call(port: int, method: str, path: str, body: bytes | None) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=CONTROL_TIMEOUT_S)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= http.client.BAD_REQUEST:
            raise EvidenceMissing(f"the simulated hosts refuse {method} {path}: {content[:200]!r}")
        return content
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise EvidenceMissing(f"the simulated hosts do not answer {method} {path}: {error}") from None
    finally:
        connection.close()
