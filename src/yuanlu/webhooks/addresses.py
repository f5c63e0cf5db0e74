"""Where a webhook may go: to public addresses by https; in a sandbox to this machine, too.

The name is looked up for each delivery, and the connection is made to the very address that was checked: a name that
changes its mind between check and connection (DNS rebinding) gains nothing. Redirects are not followed.
"""

import asyncio
import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from yuanlu.webhooks.records import WebhookRefused

URL_CHARACTERS_MAX = 500
LOOKUP_S = 5.0


class Target(Struct, frozen=True, kw_only=True):
    """Where to connect, and what to say there."""

    address: str
    port: int
    host: str
    secure: bool
    path: str

    @property
    def url(self) -> str:
        """The address in place of the name."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}{self.path}"

    @property
    def host_header(self) -> str:
        """The name, with its port where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def parsed(url: str, *, sandbox: bool) -> SplitResult:
    """The parts of a url that may be an endpoint's, by its looks. Raises WebhookRefused."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise WebhookRefused("this is no url") from None
    if len(url) > URL_CHARACTERS_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise WebhookRefused(f"a url has at most {URL_CHARACTERS_MAX} ASCII characters, without blanks")
    if parts.username is not None or parts.password is not None or parts.fragment or port == 0 or not parts.hostname:
        raise WebhookRefused("give a url with a host, and without a user, password or fragment")
    plain = parts.scheme == "http" and sandbox
    if parts.scheme != "https" and not plain:
        raise WebhookRefused("an endpoint is reached by https")
    _refuse_known(parts, sandbox=sandbox)
    return parts


def _refuse_known(parts: SplitResult, *, sandbox: bool) -> None:
    """An address that stands in the url itself can be told at once."""
    try:
        address = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        if parts.scheme == "http" and parts.hostname != "localhost":
            raise WebhookRefused("without https only this machine is reached, in a sandbox") from None
        return
    _refuse(address, parts.scheme, sandbox=sandbox)


async def target_of(url: str, *, sandbox: bool) -> Target:
    """Where this url leads now. Raises WebhookRefused when it is not public, or nowhere."""
    parts = parsed(url, sandbox=sandbox)
    secure, host = parts.scheme == "https", parts.hostname or ""
    port = parts.port or (443 if secure else 80)
    try:
        async with asyncio.timeout(LOOKUP_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise WebhookRefused("its host cannot be found") from None
    for each in found:
        _refuse(ipaddress.ip_address(str(each[4][0]).partition("%")[0]), parts.scheme, sandbox=sandbox)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(address=str(found[0][4][0]), port=port, host=host, secure=secure, path=path)


def _refuse(address: ipaddress.IPv4Address | ipaddress.IPv6Address, scheme: str, *, sandbox: bool) -> None:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if sandbox and address.is_loopback:
        return
    if not address.is_global or address.is_multicast or _hides_another(address):
        raise WebhookRefused("its address is not public")
    if scheme != "https":
        raise WebhookRefused("without https only this machine is reached, in a sandbox")


def _hides_another(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Addresses that are a way to an IPv4 one: 6to4, Teredo, NAT64 (RFC 6052)."""
    if isinstance(address, ipaddress.IPv4Address):
        return False
    return (
        address.sixtofour is not None or address.teredo is not None or address in ipaddress.ip_network("64:ff9b::/96")
    )
