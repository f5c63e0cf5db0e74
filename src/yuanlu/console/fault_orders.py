"""The simulated hosts' fault API, as the virtual POS uses it: what can go wrong, and one such thing ordered.

Only where `[console] sandbox_control` names it; production has no simulated hosts.
"""

import httpx2
import msgspec
from msgspec import Struct

from yuanlu.kernel.errors import YuanluError

TIMEOUT_S = 3.0


class FaultsMissing(YuanluError):
    """The simulated hosts cannot be asked now; the payment goes on without a fault."""


class Scenario(Struct, frozen=True):
    """One thing that can go wrong, in both languages."""

    fault: str
    zh: str
    en: str


class _Catalogue(Struct):
    catalogue: list[Scenario]


async def catalogue(control: str) -> list[Scenario]:
    """What the hosts can do wrong; nothing when they do not answer."""
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = await client.get(f"http://{control}/faults")
        return msgspec.json.decode(answer.content, type=_Catalogue).catalogue
    except (httpx2.HTTPError, msgspec.MsgspecError):
        return []


async def order(control: str, fault: str, terminal_id: str) -> None:
    """This fault for the terminal's next sale. Raises FaultsMissing."""
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = await client.post(
                f"http://{control}/faults", json={"fault": fault, "terminal_id": terminal_id, "count": 1}
            )
    except httpx2.HTTPError as error:
        raise FaultsMissing(f"the simulated hosts do not answer ({type(error).__name__})") from None
    if answer.status_code != 201:
        raise FaultsMissing(f"the simulated hosts refuse this fault ({answer.status_code})")
