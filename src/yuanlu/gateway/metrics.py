"""What the gateway counts, for Prometheus: `[gateway] metrics` says where it can be fetched.

Names and units by the Prometheus conventions (https://prometheus.io/docs/practices/naming). No label holds a terminal,
a card or a person. The answer is made when somebody asks; payments pay nothing for it.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from yuanlu.acquirers.iso8583_host import Iso8583Host
from yuanlu.gateway.counter import Counters
from yuanlu.journal.writer import Journal

REQUEST_BYTES_MAX = 8 * 1024
REQUEST_TIMEOUT_S = 5.0


class GatewayMetrics:
    """Reads the gateway's own numbers at each request."""

    def __init__(self, counters: Counters, journal: Journal, hosts: Mapping[str, Iso8583Host]) -> None:
        self._counters, self._journal, self._hosts = counters, journal, hosts

    def collect(self) -> Iterator[Any]:
        """Every family, as prometheus_client asks for them."""
        for name, value in self._counters.as_dict().items():
            if isinstance(value, int):
                yield CounterMetricFamily(f"yuanlu_gateway_{name}", f"{name.replace('_', ' ')} since the start", value)
        causes = CounterMetricFamily("yuanlu_gateway_refused", "requests refused, by cause", labels=["cause"])
        for cause, number in self._counters.refused_by_cause.items():
            causes.add_metric([cause], number)
        yield causes
        yield CounterMetricFamily("yuanlu_journal_commits", "durable commits", self._journal.commits)
        yield CounterMetricFamily("yuanlu_journal_units", "units of work in them", self._journal.units)
        yield GaugeMetricFamily("yuanlu_journal_behind", "1 while commits fall behind", int(self._journal.behind))
        yield GaugeMetricFamily(
            "yuanlu_journal_disk_low", "1 while new sales are declined", int(self._journal.room.low)
        )
        yield from self._of_hosts()

    def _of_hosts(self) -> Iterator[Any]:
        up = GaugeMetricFamily("yuanlu_host_up", "1 while the host can be reached", labels=["acquirer"])
        waiting = GaugeMetricFamily("yuanlu_host_in_flight", "requests without an answer yet", labels=["acquirer"])
        received = CounterMetricFamily("yuanlu_host_received", "messages from the host", labels=["acquirer"])
        losses = CounterMetricFamily("yuanlu_host_losses", "connections that ended", labels=["acquirer"])
        for name, host in self._hosts.items():
            up.add_metric([name], int(host.link.up))
            waiting.add_metric([name], host.link.in_flight)
            received.add_metric([name], host.link.counters.received)
            losses.add_metric([name], host.link.counters.losses)
        yield from (up, waiting, received, losses)


class MetricsServer:
    """GET /metrics and /healthz, nothing else; one request a connection."""

    def __init__(self, address: tuple[str, int], metrics: GatewayMetrics) -> None:
        self._address = address
        self._registry = CollectorRegistry()
        self._registry.register(metrics)
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._answer, *self._address, limit=REQUEST_BYTES_MAX)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._response(request.split(b"\r\n", 1)[0]))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever it was, he asked nothing that can be answered
        finally:
            writer.close()

    def _response(self, line: bytes) -> bytes:
        match line.split(b" ")[:2]:
            case [b"GET", b"/metrics"]:
                return _http(b"200 OK", CONTENT_TYPE_LATEST, generate_latest(self._registry))
            case [b"GET", b"/healthz"]:
                return _http(b"200 OK", "text/plain", b"ok\n")
            case _:
                return _http(b"404 Not Found", "text/plain", b"there is /metrics, and /healthz\n")


def _http(status: bytes, kind: str, body: bytes) -> bytes:
    head = f"content-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return b"HTTP/1.1 " + status + b"\r\n" + head.encode() + body
