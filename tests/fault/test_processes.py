"""The proof with real processes, small: a few kills behind a network that parts; and that its judge can say no."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from proof.processes.host import HostFile, LastingHost, lasting_host
from proof.processes.judging import JUMP_US, judged, true_us
from proof.processes.plan import ON_FILE, ON_SERVER, Kind, gaps, troubles
from proof.processes.run import run as run_processes
from proof.processes.world import World, make_world, places
from tests.fault.test_kill import payment
from tests.postgres import postgres_for_test
from tests.store.journals import opened
from tests.store.places import Place
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.till_messages import TillIdentity, sale_frame

SEED = 3
SOLD = 100
"""However slow the machine is, so much has to happen."""
BEGAN_US = 1_760_000_000_000_000
TILL, MERCHANT, *_ = places()[0]


@pytest.fixture
def world(tmp_path) -> World:
    return make_world(tmp_path / "run", SEED)


def host_without_mac(world: World) -> Path:
    config = world.host_config("p1")
    file = msgspec.json.decode(config.read_bytes(), type=HostFile)
    open_terms = msgspec.structs.replace(file.terms, mac="none", sign_in="none")
    config.write_bytes(msgspec.json.encode(msgspec.structs.replace(file, terms=open_terms)))
    return config


def sold(host: LastingHost, stan: int) -> PaymentRef:
    sale = payment(0, stan)
    ref = PaymentRef(terminal_id=TILL, merchant_id=MERCHANT, batch_no="000001", stan=f"{stan:06}")
    identity = TillIdentity(terminal_id=TILL, merchant_id=MERCHANT, dialect="cup-pos", mac="none")
    host.handle(sale_frame(identity, replace(sale, ref=ref), None), BEGAN_US)
    return ref


def test_five_kills_and_a_partition_lose_nothing_and_repeat_nothing(tmp_path):
    kinds = (Kind.PARTITION, Kind.HOST_KILL)
    result = run_processes(seed=SEED, kills=5, seconds=4.0, transactions=SOLD, kinds=kinds, keep=tmp_path / "kept")
    assert not result.violations, (result.summary, result.violations, result.tales)
    assert result.lives >= 5
    assert set(result.troubles) == {kind.value for kind in kinds}
    assert result.verdict is not None
    assert result.verdict.by_state["APPROVED"] > 20
    assert result.verdict.abnormal


def test_kills_of_two_gateways_and_of_their_server_lose_nothing_and_repeat_nothing(tmp_path):
    assert postgres_for_test()
    kinds = (Kind.DATABASE_LINE, Kind.SESSION_KILL, Kind.SERVER_KILL)
    result = run_processes(
        seed=SEED, kills=4, seconds=12.0, transactions=SOLD, database="postgres", kinds=kinds, keep=tmp_path / "kept"
    )  # fmt: skip
    assert not result.violations, (result.summary, result.violations, result.tales)
    assert result.lives >= 6
    assert Kind.DATABASE_LINE.value in result.troubles
    assert len(result.troubles) > 1, "the server itself was struck, too"
    assert result.verdict is not None
    assert result.verdict.by_state["APPROVED"] > 20
    assert result.verdict.abnormal


def test_a_host_that_was_killed_knows_what_it_had_booked(world):
    config = host_without_mac(world)
    before = lasting_host(config)
    refs = [sold(before, stan) for stan in (1, 2)]
    with Path(world.folder / "came-in-p1").open("ab") as torn:
        torn.write(b"an entry that the kill cut short")
    after = lasting_host(config)
    third = sold(after, 3)
    again = lasting_host(config)
    assert [net.ref for net in again.ledger.nets()] == [*refs, third]
    assert [again.books.find(ref) for ref in refs] == [before.books.find(ref) for ref in refs]
    for host in (before, after, again):
        host.close()


def test_money_that_no_journal_knows_is_found_and_told(world):
    host = lasting_host(host_without_mac(world))
    sold(host, 1)
    host.close()
    for town in world.to_gateway:
        world.told(town).touch()
    with opened(Place(url=f"sqlite:///{world.journal}", folder=world.journal.parent)):
        found = judged(world, BEGAN_US, [])
    assert found.wrong == [f"lost: {TILL}+000001+000001: charged, while the journal says NONE (sale, P1)"]
    assert "host p1: debit 4321" in found.tales[0]


def test_true_time_is_what_is_left_of_a_clock_that_jumps():
    assert {true_us(BEGAN_US + 5 + jumps * JUMP_US, BEGAN_US) for jumps in (-8, 0, 1, 16)} == {BEGAN_US + 5}


def test_the_same_seed_makes_the_same_plan():
    def plan(seed: int, kinds: Sequence[Kind], gateways: int) -> list[object]:
        makes = troubles(seed, kinds)
        return [*gaps(seed, 100, gateways), *(next(makes) for _ in range(60))]

    for kinds, gateways in ((ON_FILE, 1), (ON_SERVER, 2)):
        first = plan(1, kinds, gateways)
        assert first == plan(1, kinds, gateways)
        assert first != plan(2, kinds, gateways)
        assert {trouble.kind for trouble in first[100:]} == set(kinds)
    assert set(ON_FILE) | set(ON_SERVER) == set(Kind)
