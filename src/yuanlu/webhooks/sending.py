"""One attempt to deliver: a signed POST to the address that was checked. Any 2xx is taken; 410 is "never again"."""

import asyncio
import ssl
from collections.abc import Sequence

import httpx2
from msgspec import Struct

from yuanlu.webhooks.addresses import target_of
from yuanlu.webhooks.records import WebhookEvent, WebhookRefused
from yuanlu.webhooks.signing import Secret, headers

ATTEMPT_S = 15.0
NOTE_CHARACTERS_MAX = 200
GONE = 410


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of it. `status` is 0 where there was no answer; `note` says why, in our own words."""

    status: int
    note: str

    @property
    def taken(self) -> bool:
        """Whether the endpoint has it."""
        return 200 <= self.status < 300


def open_client() -> httpx2.AsyncClient:
    """For all deliveries of a process: no redirects, no proxies from the environment, no cookies kept for long."""
    return httpx2.AsyncClient(
        timeout=ATTEMPT_S, follow_redirects=False, trust_env=False, verify=ssl.create_default_context()
    )


async def deliver(
    client: httpx2.AsyncClient, url: str, event: WebhookEvent, secrets: Sequence[Secret], at_s: int, *, sandbox: bool
) -> Outcome:
    """Try once; whatever goes wrong is an outcome."""
    try:
        async with asyncio.timeout(ATTEMPT_S):
            return await _delivered(client, url, event, secrets, at_s, sandbox=sandbox)
    except WebhookRefused as error:
        return Outcome(status=0, note=str(error))
    except (TimeoutError, httpx2.TimeoutException):
        return Outcome(status=0, note=f"no answer within {ATTEMPT_S:.0f} s")
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        return Outcome(status=0, note=type(error).__name__[:NOTE_CHARACTERS_MAX])


async def _delivered(
    client: httpx2.AsyncClient, url: str, event: WebhookEvent, secrets: Sequence[Secret], at_s: int, *, sandbox: bool
) -> Outcome:
    target = await target_of(url, sandbox=sandbox)
    said = headers(secrets, event.event_id, at_s, event.body) | {
        "host": target.host_header, "content-type": "application/json", "user-agent": "yuanlu-webhooks/1",
    }  # fmt: skip
    extensions = {"sni_hostname": target.host} if target.secure else {}
    async with client.stream(
        "POST", target.url, content=event.body.encode(), headers=said, extensions=extensions
    ) as answer:  # its body is not read: nothing in it is needed
        return Outcome(status=answer.status_code, note="taken" if answer.is_success else f"HTTP {answer.status_code}")
