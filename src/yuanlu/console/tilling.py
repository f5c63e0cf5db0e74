"""Our own till beside the console: how it reaches the gateway."""

import secrets
from collections.abc import Mapping

import structlog

from yuanlu.console.store import ConsoleStore
from yuanlu.kernel.clock import Clock
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.keys.contract import KeyStore
from yuanlu.keys.tls import till_is_closed, till_tls
from yuanlu.settings import Settings, parse_address
from yuanlu.terminals import Terminal
from yuanlu.till.line import Line
from yuanlu.till.tills import Tills

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - where to reach what listens so

_log = structlog.get_logger("yuanlu.console")


def open_tills(
    settings: Settings, terminals: Mapping[str, Terminal], store: ConsoleStore, keys: KeyStore, clock: Clock
) -> Tills:
    """The till of this console; nothing is sent before a payment comes.

    Raises ConfigurationError for a wrong address or certificate. Where the gateway wants a certificate and the till has
    none, the start says so, and nothing is sent: with TLS 1.3 a payment would leave before the gateway hangs up.
    """
    host, port = parse_address(settings.gateway.listen, "[gateway] listen")
    closed = till_is_closed(settings)
    if closed:
        _log.warning(closed)
    return Tills(
        line=Line(host=EVERYWHERE.get(host, host), port=port, tls=till_tls(settings), closed=closed),
        terminals=terminals,
        dialects={name: acquirer.dialect for name, acquirer in settings.acquirers.items()},
        mac=settings.gateway.mac,
        store=store,
        keys=keys,
        clock=clock,
        identifiers=IdentifierSource(clock, secrets.randbits),
        at_once_max=settings.gateway.in_flight_per_terminal_max,
    )
