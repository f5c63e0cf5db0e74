"""Every cause, provoked for real: a gateway between the sandbox's hosts and tills, on real sockets.

One row names a cause, says how the sandbox provokes it, and what must follow: the journal names exactly this cause, the
payment ends as the cause's remedy says, the host's own books agree, and a person or the clearing file looks at it where
the machine cannot settle it. What we refuse ourselves has no payment: its record and its counter name the cause.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest
import uvloop

from tests.chinese import notes_left_english
from tests.scenario.rows import BY_CODE, Refusals, Refused, Row, ends_as_its_remedy_says, follows, is_refused
from tests.scenario.rows_lost import LOST, SHORT_MS
from tests.scenario.rows_refused import DISK, FULL_DISK_MIB, REFUSED, SIGNED_TOWN, UNSIGNED
from tests.scenario.rows_said import SAID
from tests.scenario.rows_struck import (
    ATTENTIVE,
    BEHIND,
    DECLARED,
    DETECTED,
    FAILING_TOWN,
    KEEN,
    POWER,
    STOPPED,
    TOWN_BEHIND,
)
from tests.scenario.rows_till import TILL, YESTERDAY
from tests.scenario.rows_told import TOLD
from tests.scenario.sandbox_town import SandboxTown, Upstream, sandbox_town
from yuanlu import wiring
from yuanlu.causes.taxonomy import CAUSES

LONGEST_ROW_S = 40.0
SEALED = {"mac": "unionpay-ecb"}
QUIET_TOWN = {
    "plain": Upstream(places=150),
    "slow": Upstream(places=12),
    "sealed": Upstream(host={**SEALED, "sign_in": "link", "mac_on_declines": False}),
    "faked": Upstream(host={**SEALED, "sign_in": "link"}),
    "keys": Upstream(host={**SEALED, "sign_in": "terminal"}),
    "cut": Upstream(),
    "shaky": Upstream(),
    "once": Upstream(host={"profile": "P5"}, gateway={"packet_life_ms": 10_000}),
    "forgets": Upstream(host={"profile": "P2"}),
    "asked": Upstream(host={"profile": "P3", "dialect": "iso87-ascii"}),
    "busy": Upstream(gateway={"in_flight_max": 1}),
    "foreign": Upstream(gateway={"answer_timeout_ms": 300}),
    "mute": Upstream(gateway={"breaker_timeouts": 1}),
    "brief": Upstream(waits_ms=SHORT_MS),
    "disk": Upstream(waits_ms=SHORT_MS),
}
"""Hosts that differ as hosts do: with and without MACs, of each kind of promise; "forgets" breaks its promise
about how long a message lives. The tills at the last two wait for a short time only."""

IN_THE_QUIET_TOWN: dict[str, Row | Refused] = {**SAID, **LOST, **TILL, **TOLD, **REFUSED, **DECLARED}
NOTICED = {**DETECTED, **POWER}
TABLE: dict[str, Row | Refused] = {
    **IN_THE_QUIET_TOWN, **DETECTED, **BEHIND, **UNSIGNED, **STOPPED, **YESTERDAY, **DISK
}  # fmt: skip
TWO_ROWS = frozenset({"POWER_CUT", "ISSUER_OUTAGE"})
"""What people declare, and what detection notices as well."""

Tell = Callable[[str, Row | Refused], None]
"""Plays a row in a town that is open, and looks at what follows."""


TYPED = ("Li", "north", "printer", "alipay", "IND261123/77")
"""What people and tills of the rows say in Latin letters: names, a reference, a fault."""


def opened(folder: Path, hosts: Mapping[str, Upstream], **more: Any) -> Iterator[Tell]:
    """A town that many rows share; at its end every cause that was found still stands, none was
    missing, and every note has its Chinese."""

    def halt(reason: str) -> NoReturn:
        raise AssertionError(f"halted: {reason}")

    played = []

    async def tell(town: SandboxTown, code: str, row: Row | Refused) -> None:
        async with asyncio.timeout(LONGEST_ROW_S):
            before = await Refusals.of(town)
            payment = await row.play(town)
            if isinstance(row, Refused):
                await is_refused(town, code, row, payment, before)
                return
            await follows(town, code, row, payment)
        played.append((code, payment))

    with pytest.MonkeyPatch.context() as patch, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        patch.setattr(wiring, "halt", halt)
        place = sandbox_town(folder, hosts, **more)
        town = runner.run(place.__aenter__())
        try:
            yield lambda code, row: runner.run(tell(town, code, row))
            assert [(runner.run(town.find(payment))).cause for _, payment in played] == [code for code, _ in played]
            assert town.gateway.examiner.unclassified == 0
            assert runner.run(town.read(partial(notes_left_english, but=(*hosts, *TYPED)))) == {}
        finally:
            runner.run(place.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def quiet_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tell]:
    """Nothing is declared by itself here."""
    yield from opened(tmp_path_factory.mktemp("quiet"), QUIET_TOWN)


@pytest.fixture(scope="module")
def failing_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tell]:
    """Few terminals that fail together are an incident here."""
    yield from opened(tmp_path_factory.mktemp("failing"), FAILING_TOWN, incidents=KEEN)


@pytest.fixture(scope="module")
def town_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tell]:
    """Hosts that work, and somebody behind them who does not."""
    yield from opened(tmp_path_factory.mktemp("behind"), TOWN_BEHIND, incidents=ATTENTIVE)


@pytest.fixture(scope="module")
def signed_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tell]:
    """Tills must sign in here."""
    yield from opened(tmp_path_factory.mktemp("signed"), SIGNED_TOWN, gateway=SEALED)


@pytest.mark.parametrize("code", IN_THE_QUIET_TOWN)
def test_a_row_of_the_table(quiet_town: Tell, code: str) -> None:
    quiet_town(code, IN_THE_QUIET_TOWN[code])


@pytest.mark.parametrize("code", NOTICED)
def test_a_row_that_strikes_many_at_once(failing_town: Tell, code: str) -> None:
    failing_town(code, NOTICED[code])


@pytest.mark.parametrize("code", BEHIND)
def test_a_row_of_who_decides_behind_the_host(town_behind: Tell, code: str) -> None:
    town_behind(code, BEHIND[code])


@pytest.mark.parametrize("code", UNSIGNED)
def test_a_row_of_tills_that_sign_in(signed_town: Tell, code: str) -> None:
    signed_town(code, UNSIGNED[code])


@pytest.mark.parametrize("code", STOPPED)
def test_a_row_that_stops_the_gateway(tmp_path: Path, code: str) -> None:
    for tell in opened(tmp_path, {"slow": QUIET_TOWN["slow"]}):
        tell(code, STOPPED[code])


@pytest.mark.parametrize("code", YESTERDAY)
def test_a_row_that_ends_on_another_day(tmp_path: Path, code: str) -> None:
    for tell in opened(tmp_path, {"plain": Upstream()}):
        tell(code, YESTERDAY[code])


@pytest.mark.parametrize("code", DISK)
def test_a_row_without_room_on_the_disk(tmp_path: Path, code: str) -> None:
    for tell in opened(tmp_path, {"plain": Upstream()}, reserve_mib=FULL_DISK_MIB):
        tell(code, DISK[code])


def test_every_cause_has_its_row() -> None:
    parts = (SAID, LOST, TILL, TOLD, REFUSED, DECLARED, DETECTED, POWER, BEHIND, UNSIGNED, STOPPED, YESTERDAY, DISK)
    assert len(TABLE) == sum(map(len, parts)) - len(TWO_ROWS), "no other cause has two rows"
    assert DECLARED.keys() & (POWER.keys() | BEHIND.keys()) == TWO_ROWS
    assert TABLE.keys() == {cause.code for cause in CAUSES}


ENDS = [(code, row) for part in (TABLE, POWER, DECLARED) for code, row in part.items()]


@pytest.mark.parametrize(("code", "row"), ENDS, ids=[f"{code}-{n}" for n, (code, _) in enumerate(ENDS)])
def test_a_row_ends_as_its_remedy_says(code: str, row: Row | Refused) -> None:
    assert ends_as_its_remedy_says(BY_CODE[code], row), BY_CODE[code].remedy
