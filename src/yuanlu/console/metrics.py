"""GET /metrics: the journal's numbers for Prometheus. The gateway's own are at `[gateway] metrics`.

They name no merchant, terminal or person. Whoever asks from another machine shows the token of the settings.
"""

import hmac
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from yuanlu.console.asked import Console
from yuanlu.people.gauges import Gauges, gauges

LOOPBACK = ("127.", "::1")


async def metrics(request: Request) -> Response:
    """The numbers now."""
    console: Console = request.app.state.console
    if not _may(request, console.settings.console.metrics_token):
        return PlainTextResponse("give the token of [console] metrics_token as a bearer\n", 403)
    now_us = console.clock.wall_us()
    found = await console.store.read(lambda c: gauges(c, now_us))
    registry = CollectorRegistry()
    registry.register(Once(found, now_us))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _may(request: Request, token: str) -> bool:
    """With the token from anywhere; without one, from this machine and not through a proxy."""
    if token:
        return hmac.compare_digest(request.headers.get("authorization", ""), f"Bearer {token}")
    host = request.client.host if request.client else ""
    return host.startswith(LOOPBACK) and "x-forwarded-for" not in request.headers


class Once:
    """One look as metric families."""

    def __init__(self, found: Gauges, now_us: int) -> None:
        self._found, self._now_us = found, now_us

    def collect(self) -> Iterator[Any]:
        """As prometheus_client asks for them."""
        labels = ["acquirer", "currency"]
        number = GaugeMetricFamily("yuanlu_returns_open", "returns that are not closed", labels=labels)
        minor = GaugeMetricFamily("yuanlu_money_at_risk_minor", "their amounts in minor units", labels=labels)
        age = GaugeMetricFamily("yuanlu_returns_oldest_seconds", "age of the oldest open return", labels=labels)
        for each in self._found.open_returns:
            number.add_metric([each.acquirer, each.currency], each.number)
            minor.add_metric([each.acquirer, each.currency], each.minor)
            age.add_metric([each.acquirer, each.currency], self._seconds(each.oldest_at_us))
        yield from (number, minor, age)
        depth = GaugeMetricFamily("yuanlu_tasks", "durable work that waits", labels=["kind"])
        late = GaugeMetricFamily("yuanlu_tasks_late_seconds", "how long the first is due", labels=["kind"])
        for queue in self._found.queues:
            depth.add_metric([queue.kind], queue.number)
            late.add_metric([queue.kind], self._seconds(queue.due_at_us))
        yield from (depth, late)
        yield _by("yuanlu_cases_open", "cases on the list", "queue", self._found.cases)
        yield GaugeMetricFamily("yuanlu_cases_late", "cases past their deadline", self._found.cases_late)
        yield _by("yuanlu_orders_open", "orders that are not closed", "state", self._found.orders)
        yield GaugeMetricFamily("yuanlu_incidents_active", "incidents under way", self._found.incidents)

    def _seconds(self, since_us: int) -> float:
        return max(self._now_us - since_us, 0) / 1_000_000


def _by(name: str, words: str, label: str, values: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
