"""Our own till beside the console: how it reaches the gateway."""

import secrets
import ssl
from collections.abc import Mapping

from yuanlu.console.store import ConsoleStore
from yuanlu.kernel.clock import Clock
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.keys.contract import KeyStore
from yuanlu.settings import Gateway, Settings, parse_address
from yuanlu.terminals import Terminal
from yuanlu.till.line import Line
from yuanlu.till.tills import Tills

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - where to reach what listens so


def open_tills(
    settings: Settings, terminals: Mapping[str, Terminal], store: ConsoleStore, keys: KeyStore, clock: Clock
) -> Tills:
    """The till of this console; nothing is sent before a payment comes. ConfigurationError for a wrong address."""
    host, port = parse_address(settings.gateway.listen, "[gateway] listen")
    return Tills(
        line=Line(host=EVERYWHERE.get(host, host), port=port, tls=_tls(settings, settings.gateway)),
        terminals=terminals,
        dialects={name: acquirer.dialect for name, acquirer in settings.acquirers.items()},
        mac=settings.gateway.mac,
        store=store,
        keys=keys,
        clock=clock,
        identifiers=IdentifierSource(clock, secrets.randbits),
        at_once_max=settings.gateway.in_flight_per_terminal_max,
    )


def _tls(settings: Settings, gateway: Gateway) -> ssl.SSLContext | None:
    """The gateway's own certificate is the only one that is trusted; its name does not matter then."""
    if not gateway.tls_certificate:
        return None
    context = ssl.create_default_context(cafile=str(settings.path(gateway.tls_certificate)))
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
