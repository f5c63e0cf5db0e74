"""A name that leads to this machine or into its network is no endpoint, whatever it is called."""

import asyncio
import socket

import pytest

from yuanlu.webhooks.addresses import target_of
from yuanlu.webhooks.records import RETRIES_S, WebhookRefused, next_try_us


def looked_up(url: str, *addresses: str, sandbox: bool = False):
    """Where the url leads when its name has these addresses."""

    async def look():
        loop = asyncio.get_running_loop()

        async def getaddrinfo(_host, port, **_):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

        loop.getaddrinfo = getaddrinfo
        return await target_of(url, sandbox=sandbox)

    return asyncio.run(look())


def test_a_public_name_is_reached_at_the_very_address_that_was_checked():
    found = looked_up("https://hooks.example.com/a?b=c", "93.184.216.34")
    assert found.url == "https://93.184.216.34:443/a?b=c"
    assert (found.host, found.host_header) == ("hooks.example.com", "hooks.example.com")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "::1", "fe80::1", "0.0.0.0"]
)
def test_a_name_that_leads_inside_is_refused_also_beside_a_public_address(address):
    with pytest.raises(WebhookRefused, match="not public"):
        looked_up("https://hooks.example.com/", "93.184.216.34", address)


def test_a_sandbox_reaches_its_own_machine_and_no_other_inside():
    assert looked_up("http://localhost:8080/", "127.0.0.1", sandbox=True).url == "http://127.0.0.1:8080/"
    with pytest.raises(WebhookRefused, match="not public"):
        looked_up("https://hooks.example.com/", "10.1.2.3", sandbox=True)
    with pytest.raises(WebhookRefused, match="by https"):
        looked_up("http://localhost:8080/", "127.0.0.1", sandbox=False)


def test_tries_go_on_for_days_and_then_end():
    due = [next_try_us(n, 0, 0.5) for n in range(1, len(RETRIES_S) + 2)]
    assert due[-1] is None
    assert 2.5 * 86_400 < sum(each for each in due if each) / 1_000_000 < 4 * 86_400
    assert next_try_us(1, 0, 0.0) != next_try_us(1, 0, 1.0)
