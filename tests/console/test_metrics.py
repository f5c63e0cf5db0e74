"""What Prometheus fetches: the journal's numbers from the console, the gateway's own from the gateway."""

import asyncio
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from tests.console.desk import ConsoleDesk, seen
from tests.console.test_transactions import one_of_each
from tests.scenario.scripted_host import Hush
from tests.scenario.stage import Stage, told
from yuanlu.gateway.counter import Counters
from yuanlu.gateway.metrics import MetricsServer

NAME = re.compile(r"yuanlu_\w+")
TOLD = {
    "yuanlu_money_at_risk_minor", "yuanlu_returns_open", "yuanlu_returns_oldest_seconds", "yuanlu_cases_open",
    "yuanlu_cases_late", "yuanlu_tasks", "yuanlu_incidents_active", "yuanlu_gateway_refused_total", "yuanlu_host_up",
    "yuanlu_host_in_flight", "yuanlu_journal_units_total", "yuanlu_journal_commits_total",
}  # fmt: skip


def test_the_console_tells_what_is_open_and_for_how_long(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        await one_of_each(desk)
        stage = desk.stage
        stage.host.will("0200", Hush())
        stage.host.will("0400", *[Hush()] * 50)
        lost = stage.payment(amount=777)
        assert await stage.code(stage.sale(lost)) == "98"
        text = (await desk.browser().see("/metrics")).text
        assert 'yuanlu_money_at_risk_minor{acquirer="h1",currency="156"} 777.0' in text
        assert 'yuanlu_returns_open{acquirer="h1",currency="156"} 1.0' in text
        assert 'yuanlu_tasks{kind="return"}' in text

    run(seen(story, tmp_path))


@pytest.mark.parametrize(("headers", "status"), [({}, 403), ({"authorization": "Bearer wrong"}, 403),
                                                 ({"authorization": "Bearer secret-1"}, 200)])  # fmt: skip
def test_with_a_token_nobody_else_fetches_them(run, tmp_path, headers, status):
    from yuanlu.settings import Console  # noqa: PLC0415

    async def story(desk: ConsoleDesk) -> None:
        assert (await desk.browser().client.get("/metrics", headers=headers)).status_code == status

    more = {"console": Console(listen="127.0.0.1:0", metrics_token="secret-1")}
    run(seen(story, tmp_path, more=more))


def test_the_dashboard_shows_only_what_is_there():
    board = json.loads((Path(__file__).parents[2] / "docs/grafana-dashboard.json").read_text("utf-8"))
    asked = {name for panel in board["panels"] for target in panel["targets"] for name in NAME.findall(target["expr"])}
    counters = {f"yuanlu_gateway_{each.name}_total" for each in fields(Counters) if each.type is int}
    assert asked <= counters | TOLD
    assert len(asked) > 10


async def fetched(port: int, request: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer.decode()


def test_the_gateway_tells_what_it_counts_and_answers_nothing_else(run, tmp_path):
    async def story(stage: Stage) -> None:
        assert await stage.code(stage.sale(stage.payment())) == "00"
        assert isinstance(stage.gateway.metrics, MetricsServer)
        port = stage.gateway.metrics.port
        text = await fetched(port, b"GET /metrics HTTP/1.1\r\n\r\n")
        assert "yuanlu_gateway_frames_total 1.0" in text
        assert 'yuanlu_host_up{acquirer="h1"} 1.0' in text
        assert "yuanlu_journal_commits_total" in text
        assert (await fetched(port, b"GET /etc/passwd HTTP/1.1\r\n\r\n")).startswith("HTTP/1.1 404")
        assert await fetched(port, b"x" * 20_000) == ""

    run(told(story, tmp_path, gateway={"metrics": "127.0.0.1:0"}))
