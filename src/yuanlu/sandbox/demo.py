"""`yuanlu demo`: hosts, gateway and tills as real processes on loopback, every fault in turn, and a verdict.

About halfway the gateway is killed with -9 and started again; later a region loses its network and a host goes down.
After the sales the returns are given time to end, and every till closes its batch; then the hosts' books, the journal
and what the tills were told are compared. Files are in the folder given: configuration, logs, `report.json`.
"""

import json
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live
from sqlalchemy import Engine

from yuanlu.db.sqlite import reader_engine
from yuanlu.notification.channels.sandbox import read_inbox
from yuanlu.sandbox import demo_people as people
from yuanlu.sandbox.board import Moment, render, status_line
from yuanlu.sandbox.children import Child, wait_listening
from yuanlu.sandbox.control_client import ask_hosts, order_fault
from yuanlu.sandbox.demo_plan import PROFILE_OF, DemoPlan, make_plan, till_places, write_files
from yuanlu.sandbox.demo_script import Script
from yuanlu.sandbox.evidence import (
    case_entries,
    host_entries,
    host_records,
    incident_kinds,
    journal_entries,
    order_entries,
    return_entries,
)
from yuanlu.sandbox.report import Run, document, errands_run, faults_exercised, in_words
from yuanlu.sandbox.snapshot import EMPTY, Snapshot, take_snapshot
from yuanlu.sandbox.story import Witnesses, stories
from yuanlu.sandbox.told import Told, read_told
from yuanlu.sandbox.verdict import Verdict, judge

SECONDS_VARIABLE = "DEMO_SECONDS"
SECONDS_WITHOUT_TERMINAL = 30.0
KILL_WITHOUT_END_S = 15.0
GATEWAY_DOWN_S = 0.5
DRAIN_S = 15.0
"""For everything after the sales: returns, settlement, and what settlement sets going."""
SETTLED_WITHIN_S = 10.0
REFRESH_S = 0.5
STATUS_LINE_S = 2.0
RATE_WINDOW = 6


def run_demo(
    folder: Path,
    seconds: float | None = None,
    *,
    seed: int = 20260101,
    environment: Mapping[str, str] | None = None,
    console: Console | None = None,
) -> int:
    """Run the demo in `folder`; 0 when no money was lost or doubled, nobody told wrong and nothing left open.

    `seconds` is how long the tills sell; None takes DEMO_SECONDS from the environment, else 30 without a
    terminal, else until Ctrl-C. Raises YuanluError when a process cannot run or a witness cannot be heard.
    """
    console = console if console is not None else Console()
    if seconds is None:
        seconds = _default_seconds(os.environ if environment is None else environment, console.is_terminal)
    plan = make_plan(folder, seconds=seconds, seed=seed)
    write_files(plan)
    stage = Stage(plan=plan, console=console)
    try:
        stage.open()
        stage.play()
        return _close(stage)
    finally:
        stage.stop()


def _default_seconds(environment: Mapping[str, str], is_terminal: bool) -> float:
    """0 stands for "until Ctrl-C"."""
    given = environment.get(SECONDS_VARIABLE, "")
    if given:
        return float(given)
    return 0.0 if is_terminal else SECONDS_WITHOUT_TERMINAL


@dataclass(slots=True, kw_only=True)
class Stage:
    """The running demo: its processes, its view of the journal, what it has done so far."""

    plan: DemoPlan
    console: Console
    kills: int = 0
    sale_seconds: float = 0.0
    started_at: float = 0.0
    doing: str = "sales"
    engine: Engine | None = None
    last: Snapshot = EMPTY
    seen: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=RATE_WINDOW))
    script: Script = field(init=False)
    drain_until: float = 0.0
    hosts: Child = field(init=False)
    gateway: Child = field(init=False)
    tills: Child = field(init=False)

    def __post_init__(self) -> None:
        folder = self.plan.folder
        self.script = Script(self.plan)
        self.hosts = Child("hosts", "yuanlu.sandbox.host_process", [str(folder / "hosts.toml")], folder / "hosts.log")
        self.gateway = Child(
            "gateway", "yuanlu.cli", ["serve", "--config", str(self.plan.config)], folder / "gateway.log"
        )
        self.tills = Child("tills", "yuanlu.sandbox.tills_process", [str(folder / "tills.toml")], folder / "tills.log")

    def open(self) -> None:
        """Start everything, in the order in which each needs the other."""
        self.hosts.start()
        wait_listening(self.hosts, self.plan.control_port)
        self.gateway.start()
        wait_listening(self.gateway, self.plan.gateway_port)
        self.engine = reader_engine(self.plan.journal)
        self.console.print(people.welcome(self.plan), soft_wrap=True, highlight=False)
        self.tills.start()
        self.started_at = time.monotonic()

    def stop(self) -> None:
        """End every process."""
        for child in (self.tills, self.gateway, self.hosts):
            child.stop()
        if self.engine is not None:
            self.engine.dispose()

    def play(self) -> None:
        """Sales with the kill in between, then the drain; the board all the while."""
        if self.console.is_terminal:
            with Live(console=self.console, auto_refresh=False, screen=False) as live:
                self._play(lambda: live.update(self._picture(), refresh=True), REFRESH_S)
        else:
            self._play(lambda: self.console.print(self._line(), soft_wrap=True), STATUS_LINE_S)

    def _play(self, show: Callable[[], None], every_s: float) -> None:
        try:
            self._sell(show, every_s, kill=True)
        except KeyboardInterrupt:
            self.sale_seconds = time.monotonic() - self.started_at
            self.doing = "closing the tills"
            self.tills.ask_to_stop()
            self._sell(show, every_s, kill=False)
        self.sale_seconds = self.sale_seconds or self.plan.seconds
        if self.tills.exit_code:
            self.tills.check()
        self.doing = "waiting for returns"
        self.drain_until = time.monotonic() + DRAIN_S
        self._drain(show, every_s)
        self._settle(show, every_s)

    @property
    def selling(self) -> bool:
        """Whether the tills have not yet said that they stopped."""
        return self.tills.running and not self.plan.closed.exists()

    def _sell(self, show: Callable[[], None], every_s: float, *, kill: bool) -> None:
        """Until the tills have stopped by themselves."""
        shown_at = 0.0
        while self.selling:
            self._look()
            if kill:
                self._make_trouble()
            self.hosts.check()
            self.gateway.check()
            if time.monotonic() - shown_at >= every_s:
                shown_at = time.monotonic()
                show()
            time.sleep(REFRESH_S)

    def _drain(self, show: Callable[[], None], every_s: float) -> None:
        """Until nothing is open any more, or the time is over."""
        shown_at = 0.0
        while time.monotonic() < self.drain_until:
            self._look()
            if time.monotonic() - shown_at >= every_s:
                shown_at = time.monotonic()
                show()
            if self.last.is_quiet:
                return
            time.sleep(REFRESH_S)

    def _settle(self, show: Callable[[], None], every_s: float) -> None:
        """The day ends: every till closes its batch, and what comes of that is given time to end."""
        self.doing = "settlement"
        self.tills.tell(signal.SIGUSR1)
        until = time.monotonic() + SETTLED_WITHIN_S
        while self.tills.running and time.monotonic() < until:
            time.sleep(REFRESH_S / 5)
        self._drain(show, every_s)

    def _make_trouble(self) -> None:
        """What the script has for this moment, and once in the middle the kill."""
        for cue in self.script.due(time.monotonic() - self.started_at):
            order_fault(self.plan.control_port, cue.order)
        self._kill_once()

    def _kill_once(self) -> None:
        middle_s = self.plan.seconds / 2 or KILL_WITHOUT_END_S
        if self.kills or time.monotonic() - self.started_at < middle_s:
            return
        self.gateway.kill()
        self.kills += 1
        time.sleep(GATEWAY_DOWN_S)
        self.gateway.start()
        wait_listening(self.gateway, self.plan.gateway_port)

    def _look(self) -> None:
        assert self.engine is not None
        taken = take_snapshot(self.engine)
        if taken is not None:
            self.last = taken
            self.seen.append((time.monotonic(), taken.transactions))

    def _moment(self) -> Moment:
        tps = 0.0
        if len(self.seen) > 1:
            (first_at, first), (last_at, last) = self.seen[0], self.seen[-1]
            tps = (last - first) / (last_at - first_at)
        return Moment(elapsed_s=time.monotonic() - self.started_at, tps=tps, doing=self.doing)

    def _picture(self) -> RenderableType:
        return render(self.last, self._moment(), PROFILE_OF)

    def _line(self) -> str:
        return status_line(self.last, self._moment())


def _close(stage: Stage) -> int:
    """Hear the witnesses, judge, write the report."""
    plan = stage.plan
    ledger, counters = ask_hosts(plan.control_port, "/ledger"), ask_hosts(plan.control_port, "/counters")
    told = list(read_told(plan.told))
    verdict = _judge(stage, ledger, ask_hosts(plan.control_port, "/records"), told)
    run = Run(
        seed=plan.seed,
        sale_seconds=stage.sale_seconds,
        gateway_kills=stage.kills,
        faults=faults_exercised(counters, told, stage.kills),
        errands=errands_run(told),
        outages=int(stage.sale_seconds >= plan.outage_at_s),
        incidents=_incidents(stage),
        messages=len(read_inbox(plan.inbox)),
    )
    text = json.dumps(document(verdict, run), ensure_ascii=False, indent=2)
    (plan.folder / "report.json").write_text(text + "\n", encoding="utf-8")
    stage.console.print(in_words(verdict, run), soft_wrap=True, highlight=False)
    return 0 if verdict.passed else 1


def _incidents(stage: Stage) -> dict[str, int]:
    assert stage.engine is not None
    with stage.engine.connect() as connection:
        return incident_kinds(connection)


def _judge(stage: Stage, ledger: dict[str, Any], records: dict[str, Any], told: list[Told]) -> Verdict:
    assert stage.engine is not None
    with stage.engine.connect() as connection:
        heard = Witnesses(
            hosts=host_entries(ledger["payments"]),
            records=host_records(records["records"]),
            journal=journal_entries(connection),
            returns=return_entries(connection),
            orders=order_entries(connection),
            told=told,
            cases=case_entries(connection),
        )
    acquirer_of = {place.terminal_id: place.host.name for place in till_places()}
    joined = stories(heard, PROFILE_OF, acquirer_of)
    return judge(joined, heard.returns, ledger["total_minor"], PROFILE_OF, told)
