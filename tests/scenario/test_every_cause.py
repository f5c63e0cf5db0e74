"""Every cause, provoked for real: a gateway between the sandbox's hosts and tills, on real sockets.

One row names a cause, says how the sandbox provokes it, and what must follow: the journal names exactly this cause, the
payment ends as the cause's remedy says, the host's own books agree, and a person or the clearing file looks at it where
the machine cannot settle it.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest
import uvloop

from tests.scenario.rows import BY_CODE, Row, ends_as_its_remedy_says, follows
from tests.scenario.rows_lost import LOST
from tests.scenario.rows_said import SAID
from tests.scenario.rows_struck import DECLARED, DETECTED, FAILING_TOWN, KEEN, STOPPED
from tests.scenario.rows_till import TILL
from tests.scenario.sandbox_town import SandboxTown, Upstream, sandbox_town
from yuanlu import wiring
from yuanlu.causes.taxonomy import CAUSES

LONGEST_ROW_S = 15.0
SEALED = {"mac": "unionpay-ecb"}
QUIET_TOWN = {
    "plain": Upstream(places=120),
    "slow": Upstream(
        host={"processing_ms_min": 150, "processing_ms_max": 150}, gateway={"answer_timeout_ms": 2_000}, places=10
    ),
    "sealed": Upstream(host={**SEALED, "sign_in": "link", "mac_on_declines": False}),
    "keys": Upstream(host={**SEALED, "sign_in": "terminal"}),
    "cut": Upstream(),
    "once": Upstream(host={"profile": "P5"}, gateway={"packet_life_ms": 1_500}),
    "forgets": Upstream(host={"profile": "P2", "late_commit_ms": 900}, gateway={"packet_life_ms": 300}),
    "brief": Upstream(waits_ms=5_600),
}
"""Hosts that differ as hosts do: with and without MACs, slow, of each kind of promise; the last but one breaks its
promise about how long a message lives. The tills at the last one wait for a short time only."""

WAITING: frozenset[str] = frozenset(
    {
        # What terminals report of themselves, and what people declare about one payment.
        "TERMINAL_TAMPERED", "TERMINAL_MOVED", "CHIP_REFUSED_APPROVAL", "CARD_REMOVED_EARLY", "CARD_UNREADABLE",
        "TERMINAL_LOST_POWER", "SLIP_NOT_PRINTED", "SOFTWARE_OUTDATED", "SIGNAL_WEAK", "TERMINAL_FAULTY",
        "SIGN_IN_FORGOTTEN", "CLEARING_DIFFERS",
        # Where its original stood, whether the day has changed, what an inquiry said, whether the time was over.
        "RETURNED_BY_HAND_TOO", "VOID_TOO_LATE", "ANSWER_LOST", "ANSWER_AFTER_DEADLINE",
        # What the gateway refuses itself has no transaction; its cause is not recorded yet.
        "DISK_NEARLY_FULL", "GATEWAY_BUSY", "HOST_REFUSED_SIGN_IN", "HOST_SILENT", "TERMINAL_MAC_WRONG",
        # Who else fails: the host's line and MACs, wallets.
        "MESSAGES_FORGED", "WALLET_OUTAGE", "HOST_LINK_UNSTABLE", "ANSWER_FOREIGN",
    }
)  # fmt: skip
"""Rows whose evidence nothing fills yet."""

IN_THE_QUIET_TOWN = {**SAID, **LOST, **TILL, **DECLARED}
TABLE = {**IN_THE_QUIET_TOWN, **DETECTED, **STOPPED}

Tell = Callable[[str, Row], None]
"""Plays a row in a town that is open, and looks at what follows."""


def opened(folder: Path, hosts: Mapping[str, Upstream], **more: Any) -> Iterator[Tell]:
    """A town that many rows share; at its end every cause that was found still stands, and none was missing."""

    def halt(reason: str) -> NoReturn:
        raise AssertionError(f"halted: {reason}")

    played = []

    async def tell(town: SandboxTown, code: str, row: Row) -> None:
        async with asyncio.timeout(LONGEST_ROW_S):
            payment = await row.play(town)
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


@pytest.mark.parametrize("code", IN_THE_QUIET_TOWN)
def test_a_row_of_the_table(quiet_town: Tell, code: str) -> None:
    quiet_town(code, IN_THE_QUIET_TOWN[code])


@pytest.mark.parametrize("code", DETECTED)
def test_a_row_that_strikes_many_at_once(failing_town: Tell, code: str) -> None:
    failing_town(code, DETECTED[code])


@pytest.mark.parametrize("code", STOPPED)
def test_a_row_that_stops_the_gateway(tmp_path: Path, code: str) -> None:
    for tell in opened(tmp_path, {"slow": QUIET_TOWN["slow"]}):
        tell(code, STOPPED[code])


def test_every_cause_has_its_row_or_waits_for_its_evidence() -> None:
    assert len(TABLE) == sum(map(len, (SAID, LOST, TILL, DECLARED, DETECTED, STOPPED))), "no cause has two rows"
    assert not WAITING & TABLE.keys()
    assert TABLE.keys() | WAITING == {cause.code for cause in CAUSES}


@pytest.mark.parametrize("code", TABLE)
def test_a_row_ends_as_its_remedy_says(code: str) -> None:
    assert ends_as_its_remedy_says(BY_CODE[code], TABLE[code]), BY_CODE[code].remedy
