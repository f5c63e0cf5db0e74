"""Every fault of the simulated hosts, many tills at once: the host's books and the journal agree in the end."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.scenario.stage import Stage, check_numbers, settings_for
from yuanlu.journal.transactions import search
from yuanlu.kernel.clock import SystemClock
from yuanlu.keys.secret_file import create_secret
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.sandbox.faults import FAULTS, FAULTS_BY_NAME
from yuanlu.sandbox.host import HostServer
from yuanlu.sandbox.host_process import build_core
from yuanlu.sandbox.host_terms import HostTerms
from yuanlu.sandbox.till_messages import EntryMode, Payment

SEED = 20_260_101
PROMPT = {"processing_ms_max": 5, "delay_ms": 200, "late_commit_ms": 300, "restart_ms": 30, "down_ms": 60}
TIMES = {"answer_timeout_ms": 150, "packet_life_ms": 2_500, "connections": 2}
"""A machine that stands still for two seconds does not hold a message up for longer than it lives."""

NEVER_BEGUN = "refused before any intent"
ENDED = {"APPROVED", "DECLINED", "RETURNED", "NO_EFFECT", NEVER_BEGUN}
REFUSED = FAULTS_BY_NAME["reversal_refused"].magic_minor
"""The one fault that needs a person, whatever the host can do."""


async def till(stage: Stage, number: int, amounts: list[int], sold: dict[str, tuple[Payment, str]]) -> None:
    """Sale after sale; a third of the tills reverse what they were not told."""
    for place, amount in enumerate(amounts):
        payment = stage.payment(amount=amount, terminal=number, stan=place + 1, entry=EntryMode.CONTACTLESS)
        answer = await stage.ask(stage.sale(payment))
        code = answer[39] if answer is not None else ""
        sold[f"{number}+{place + 1}"] = payment, code
        if code != "00" and number % 3 == 0:
            assert await stage.code(stage.reversal(payment)) == "00"


async def state_of(stage: Stage, payment: Payment) -> str:
    found = await stage.read(lambda c: search(c, f"{payment.ref.terminal_id}+{payment.ref.stan}"))
    return found[0].state if found else NEVER_BEGUN


async def ended(stage: Stage, sold: dict[str, tuple[Payment, str]], within_s: float = 45.0) -> dict[str, str]:
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        states = {name: await state_of(stage, payment) for name, (payment, _code) in sold.items()}
        left = {
            sold[name][0].amount_minor: state
            for name, state in states.items()
            if state not in ENDED and (sold[name][0].amount_minor != REFUSED or state != "ESCALATED")
        }
        if not left:
            return states
        assert asyncio.get_running_loop().time() < deadline, left
        await asyncio.sleep(1)
        await stage.gateway.returns.runner.wake_lane("h1")  # as a link does that comes up; back-off takes too long here


@pytest.mark.parametrize(("profile", "dialect"), [("P1", "cup-pos"), ("P2", "cup-pos"), ("P3", "iso87-ascii")])
def test_whatever_a_host_does_the_books_agree_in_the_end(run, tmp_path: Path, profile, dialect):
    async def story() -> None:
        create_secret(tmp_path / "keys.toml", random.Random(SEED).randbytes)
        store = SoftwareKeyStore.open(tmp_path / "keys.toml", mode="sandbox", random_bytes=random.Random(1).randbytes)
        terms = HostTerms(name="h1", listen="127.0.0.1:0", dialect=dialect, profile=profile, **PROMPT)
        server = HostServer(build_core(terms, store), SystemClock())
        await server.start()
        acquirer = {"dialect": dialect, "profile": profile, **TIMES}
        stage = Stage(settings_for(tmp_path, server.port, gateway={}, acquirer=acquirer), server, store)
        await stage.open()
        sold: dict[str, tuple[Payment, str]] = {}
        chance = random.Random(SEED)
        try:
            amounts = [fault.magic_minor for fault in FAULTS] + [1_000 + n for n in range(8)]
            plans = [chance.sample(amounts, len(amounts)) for _ in range(6)]
            await asyncio.gather(*(till(stage, n, plan, sold) for n, plan in enumerate(plans)))
            states = await ended(stage, sold)
            nets = {(net.ref.terminal_id, net.ref.stan): net for net in server.core.ledger.nets()}
            for name, (payment, code) in sold.items():
                net = nets.get((payment.ref.terminal_id, payment.ref.stan))
                charged = -net.net_minor if net else 0
                if states[name] == "ESCALATED":
                    continue
                assert charged == (payment.amount_minor if states[name] == "APPROVED" else 0), (
                    SEED,
                    name,
                    states[name],
                )
                assert code != "00" or states[name] == "APPROVED", (SEED, name, states[name])
            assert server.core.ledger.total_minor() == 0
            await check_numbers(stage)
        finally:
            await stage.close()
            await server.stop()

    run(story())
