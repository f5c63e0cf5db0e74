from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from yuanlu.sandbox.control import FaultOrder
from yuanlu.sandbox.demo import _default_seconds
from yuanlu.sandbox.demo_plan import (
    HOSTS,
    LOSES_A_SALE,
    OUTAGE_S,
    PACKET_LIFE_MS,
    DemoPlan,
    till_places,
    write_files,
)
from yuanlu.sandbox.demo_script import Script, cues
from yuanlu.sandbox.faults import find_fault
from yuanlu.sandbox.host_process import read_hosts
from yuanlu.sandbox.tills_process import read_tills
from yuanlu.settings import read_settings


@pytest.fixture
def plan(tmp_path: Path) -> DemoPlan:
    made = DemoPlan(
        folder=tmp_path,
        seconds=5.0,
        seed=9,
        gateway_port=7001,
        control_port=7002,
        console_port=7004,
        host_ports=tuple(range(7003, 7003 + len(HOSTS))),
    )
    write_files(made)
    return made


def test_the_gateways_settings_are_valid_and_name_every_host(plan):
    settings = read_settings(plan.config, {})
    assert [acquirer.profile for acquirer in settings.acquirers.values()] == ["P1", "P2", "P3", "P4", "P5"]
    assert settings.gateway.listen == "127.0.0.1:7001"


def test_hosts_and_tills_agree_with_the_gateways_settings(plan):
    settings = read_settings(plan.config, {})
    hosts = read_hosts(plan.folder / "hosts.toml").hosts
    for terms in hosts:
        acquirer = settings.acquirers[terms.name]
        assert (acquirer.address, acquirer.dialect, acquirer.profile) == (terms.listen, terms.dialect, terms.profile)
        assert (acquirer.mac, acquirer.sign_in) == (terms.mac, terms.sign_in)
    tills = read_tills(plan.folder / "tills.toml")
    assert tills.gateway == settings.gateway.listen
    assert tills.mac == settings.gateway.mac
    assert {till.acquirer for till in tills.tills} == set(settings.acquirers)


def test_whatever_is_late_is_later_than_the_time_out_and_still_within_the_packet_life(plan):
    settings = read_settings(plan.config, {})
    for terms in read_hosts(plan.folder / "hosts.toml").hosts:
        acquirer = settings.acquirers[terms.name]
        for late_ms in (terms.delay_ms, terms.late_commit_ms):
            assert acquirer.answer_timeout_ms < late_ms < acquirer.packet_life_ms == PACKET_LIFE_MS


def test_there_are_fifty_tills_with_well_formed_names(plan):
    places = till_places()
    assert len({place.terminal_id for place in places}) == 50
    assert {len(place.terminal_id) for place in places} == {8}
    assert {len(place.merchant_id) for place in places} == {15}
    listed = (plan.folder / "terminals.csv").read_text().splitlines()
    assert (len(listed), sum(row.endswith(",1") for row in listed)) == (1 + 50 + 5, 5)  # five without a machine


def test_the_last_runs_files_are_cleared_away_but_not_its_keys(plan):
    for name in ("journal.db", "told.jsonl", "keys.toml"):
        (plan.folder / name).write_text("old")
    write_files(plan)
    assert [path.name for path in plan.folder.iterdir() if path.read_text() == "old"] == ["keys.toml"]


@pytest.mark.parametrize(
    ("environment", "is_terminal", "seconds"),
    [({"DEMO_SECONDS": "12"}, True, 12.0), ({}, False, 30.0), ({}, True, 0.0)],
)
def test_how_long_the_demo_sells(environment, is_terminal, seconds):
    assert _default_seconds(environment, is_terminal) == seconds


def test_the_outage_takes_a_slice_of_tills_of_several_hosts_and_ends_with_the_sales(plan):
    tills = read_tills(plan.folder / "tills.toml")
    region = {till.acquirer for till in tills.tills if till.in_region}
    assert len(region) > 1
    assert plan.round_s / 2 < tills.outage_at_s < plan.round_s
    assert tills.outage_s == OUTAGE_S
    assert {till.terminal_id for till in tills.tills if till.loses_a_sale} == LOSES_A_SALE


def test_the_script_orders_faults_on_voids_completions_and_refunds_that_the_hosts_know(plan):
    for cue in cues(plan):
        order = msgspec.convert(cue.order, FaultOrder)
        assert find_fault(order.fault)
        assert order.host in {host.name for host in HOSTS}
        assert cue.at_s < plan.round_s
    classes = {cue.order.get("message_class", "sale") for cue in cues(plan)}
    assert classes == {"void", "completion", "refund", "sale"}


def test_the_script_gives_each_cue_once_and_in_time(plan):
    script = Script(plan)
    early = list(script.due(plan.round_s / 2))
    late = list(script.due(plan.round_s))
    assert early
    assert early + late == cues(plan)
    assert list(script.due(plan.round_s)) == []


def test_without_an_end_the_script_begins_anew_each_round(plan):
    endless = replace(plan, seconds=0.0)
    script = Script(endless)
    first = list(script.due(endless.round_s))
    second = list(script.due(2 * endless.round_s))
    assert [cue.order for cue in second] == [cue.order for cue in first]
    assert all(endless.round_s <= cue.at_s < 2 * endless.round_s for cue in second)
