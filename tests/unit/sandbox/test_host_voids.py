"""Voids of sales at simulated hosts, and the reversal of a void."""

from dataclasses import replace

import pytest

from tests.unit.sandbox.hosts import NOW_US, World
from yuanlu.sandbox.fault_board import ActiveFault
from yuanlu.sandbox.faults import FAULTS_BY_NAME
from yuanlu.sandbox.host_actions import Resume
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.profiles import RecordState
from yuanlu.sandbox.till_linked import void_frame
from yuanlu.sandbox.till_messages import EntryMode, answers

PROFILES = ["P1", "P2", "P3", "P4", "P5"]
HOUR_US = 3_600_000_000


def arm(world: World, name: str, message_class: str = "void") -> None:
    fault = ActiveFault(fault=FAULTS_BY_NAME[name], message_class=message_class, terminal_id="T0000001", remaining=1)
    world.core.faults.switch_on(fault)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("entry", EntryMode)
def test_a_void_gives_the_sale_back_under_the_sales_own_name(profile, entry):
    world = World(profile)
    payment = world.payment(entry=entry)
    slip = world.sold(payment)
    void = world.follow(payment)
    [answer] = world.messages(world.link(Kind.VOID, void, slip))
    assert answers(answer, void, "0200", "200000")
    assert answer[39] == "00"
    assert answer[37] not in ("", slip.rrn)
    net = world.net(payment.ref)
    assert (net.debits_minor, net.credits_minor, net.net_minor) == (1250, 1250, 0)
    assert [each.ref for each in world.core.ledger.nets()] == [payment.ref]
    assert world.core.books.find(void.ref).original == payment.ref
    assert world.core.state_of(payment.ref) is RecordState.VOIDED
    assert world.core.ledger.total_minor() == 0


# What is wrong with the void, and the code that says so.
REFUSALS = [
    ("unknown", "25", "batch and STAN name nothing"),
    ("other rrn", "25", "field 37 names something else than field 61"),
    ("amount", "64", "a void is for the whole amount"),
    ("card", "14", "the card is another one"),
    ("tomorrow", "25", "the host's business day has turned"),
    ("declined", "12", "there is nothing to void"),
    ("voided", "22", "it is voided already"),
    ("reversed", "22", "it is reversed already"),
    ("refunded", "22", "part of it has been refunded"),
    ("a void", "12", "only a sale can be voided"),
]


def refused_void(world: World, wrong: str) -> str:
    payment = world.payment(660051 if wrong == "declined" else 1250)
    slip, now_us = world.sold(payment), NOW_US
    void = world.follow(payment)
    match wrong:
        case "unknown":
            slip = replace(slip, ref=replace(slip.ref, stan="999999"))
        case "other rrn":
            slip = replace(slip, rrn=world.sold(world.payment()).rrn)
        case "amount":
            void = replace(void, amount_minor=1249)
        case "card":
            void = replace(void, card=world.payment().card)
        case "tomorrow":
            now_us += 24 * HOUR_US
        case "voided":
            world.link(Kind.VOID, world.follow(payment), slip)
        case "reversed":
            world.reverse(payment)
        case "refunded":
            world.link(Kind.REFUND, world.follow(payment, 50), slip)
        case "a void":
            [answer] = world.messages(world.link(Kind.VOID, void, slip))
            slip, void = replace(slip, ref=void.ref, rrn=answer[37]), world.follow(payment)
    before = world.core.ledger.nets()
    code = world.code(world.link(Kind.VOID, void, slip, now_us))
    assert world.core.ledger.nets() == before
    assert world.core.state_of(void.ref) is RecordState.DECLINED
    return code


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("wrong", "code", "why"), REFUSALS)
def test_a_void_that_cannot_be_is_refused_and_moves_nothing(profile, wrong, code, why):
    assert refused_void(World(profile), wrong) == code, why


def test_the_business_day_turns_at_eleven_in_the_evening_also_for_voids():
    sold_us = 1_767_193_199_000_000  # 2025-12-31 22:59:59 in Beijing
    for later_us, code in ((0, "00"), (1_000_000, "25")):
        world = World()
        payment = world.payment()
        slip = world.sold(payment)
        world.core.books.find(payment.ref).at_us = sold_us
        assert world.code(world.link(Kind.VOID, world.follow(payment), slip, sold_us + later_us)) == code


def test_a_void_may_name_the_original_by_its_retrieval_reference_number_alone():
    world = World()
    payment = world.payment()
    slip = world.sold(payment)
    slip = replace(slip, ref=replace(slip.ref, batch_no="000000", stan="000000"))
    assert world.code(world.link(Kind.VOID, world.follow(payment), slip)) == "00"
    assert world.code(world.link(Kind.VOID, world.follow(payment), replace(slip, rrn=""))) == "25"


@pytest.mark.parametrize(("profile", "code"), [("P1", "94"), ("P2", "94"), ("P3", "22"), ("P4", "22"), ("P5", "22")])
def test_a_repeated_void_is_a_duplicate_or_meets_a_voided_sale(profile, code):
    world = World(profile)
    payment = world.payment()
    slip, void = world.sold(payment), world.follow(payment)
    world.link(Kind.VOID, void, slip)
    assert world.code(world.link(Kind.VOID, void, slip)) == code
    assert world.net_minor() == 0
    assert world.core.state_of(void.ref) is RecordState.APPROVED


# Profile, net of the sale after each of two reversals of its void, and what the second is answered.
RESTORED = [
    ("P1", "00", -1250, "recognises the repeat"),
    ("P2", "00", -1250, "recognises the repeat"),
    ("P3", "00", -2500, "does not: it charges again"),
    ("P4", "00", -2500, "does not: it charges again"),
    ("P5", "00", -2500, "does not: it charges again"),
]


@pytest.mark.parametrize(("profile", "code", "net_minor", "why"), RESTORED)
def test_the_reversal_of_a_void_restores_the_sale_as_the_profile_reverses(profile, code, net_minor, why):
    world = World(profile)
    payment = world.payment()
    slip, void = world.sold(payment), world.follow(payment)
    world.link(Kind.VOID, void, slip)
    assert world.code(world.unlink(Kind.VOID, void, slip)) == "00"
    assert world.net(payment.ref).net_minor == -1250
    assert world.core.state_of(payment.ref) is RecordState.APPROVED
    assert world.code(world.unlink(Kind.VOID, void, slip)) == code
    assert world.net(payment.ref).net_minor == net_minor, why
    assert world.core.ledger.total_minor() == 0


@pytest.mark.parametrize("profile", PROFILES)
def test_a_restored_sale_can_be_voided_anew(profile):
    world = World(profile)
    payment = world.payment()
    slip, void = world.sold(payment), world.follow(payment)
    world.link(Kind.VOID, void, slip)
    world.unlink(Kind.VOID, void, slip)
    assert world.code(world.link(Kind.VOID, world.follow(payment), slip)) == "00"
    assert world.net_minor() == 0


# Profile, answer to a reversal that overtakes its void, answer to the void, net of the sale.
OVERTAKEN = [
    ("P1", "25", "12", -1250, "remembers it and bars the void"),
    ("P2", "25", "00", 0, "forgets it"),
    ("P3", "25", "00", 0, "forgets it"),
    ("P4", "00", "00", 0, "says 00 and forgets it"),
    ("P5", "25", "00", 0, "forgets it"),
]


@pytest.mark.parametrize(("profile", "reversal_code", "void_code", "net_minor", "why"), OVERTAKEN)
def test_a_void_that_comes_after_its_reversal_is_barred_by_p1_only(profile, reversal_code, void_code, net_minor, why):
    world = World(profile)
    payment = world.payment()
    slip, void = world.sold(payment), world.follow(payment)
    assert world.code(world.unlink(Kind.VOID, void, slip)) == reversal_code
    assert world.code(world.link(Kind.VOID, void, slip)) == void_code
    assert world.net(payment.ref).net_minor == net_minor, why


@pytest.mark.parametrize("profile", PROFILES)
def test_the_reversal_of_a_sale_that_was_voided_finds_it_closed(profile):
    world = World(profile)
    payment = world.payment()
    slip = world.sold(payment)
    world.link(Kind.VOID, world.follow(payment), slip)
    assert world.code(world.reverse(payment)) == "22"
    assert world.net_minor() == 0


def test_the_reversal_of_a_refused_void_finds_nothing_to_undo():
    world = World("P1")
    payment = world.payment()
    slip, void = world.sold(payment), world.follow(payment, 1)
    assert world.code(world.link(Kind.VOID, void, slip)) == "64"
    assert world.code(world.unlink(Kind.VOID, void, slip)) == "12"
    assert world.net_minor() == -1250


@pytest.mark.parametrize("profile", PROFILES)
def test_a_void_whose_answer_was_lost_is_reversed_and_the_sale_stands(profile):
    world = World(profile)
    arm(world, "drop_after_commit")
    payment = world.payment()
    slip, void = world.sold(payment), world.follow(payment)
    assert world.link(Kind.VOID, void, slip) == []
    assert world.net_minor() == 0
    assert world.code(world.unlink(Kind.VOID, void, slip)) == "00"
    assert world.net_minor() == -1250
    assert world.core.counters["fault.drop_after_commit"] == 1


@pytest.mark.parametrize(("profile", "code", "net_minor"), [("P1", "12", -1250), ("P2", "00", 0)])
def test_a_void_that_is_held_up_is_overtaken_by_its_reversal(profile, code, net_minor):
    world = World(profile)
    arm(world, "late_commit")
    payment = world.payment()
    slip, void = world.sold(payment), world.follow(payment)
    [held] = world.link(Kind.VOID, void, slip)
    assert isinstance(held, Resume)
    assert world.code(world.unlink(Kind.VOID, void, slip)) == "25"
    assert world.code(world.core.resume(held.held, NOW_US)) == code
    assert world.net_minor() == net_minor


def test_the_reversal_of_a_void_can_have_the_trap_of_p3_too():
    world = World("P3")
    arm(world, "reversal_lost_after")
    payment = world.payment()
    slip, void = world.sold(payment), world.follow(payment)
    world.link(Kind.VOID, void, slip)
    assert world.unlink(Kind.VOID, void, slip) == []
    assert world.net_minor() == -1250
    world.unlink(Kind.VOID, void, slip)
    assert world.net_minor() == -2500


@pytest.mark.parametrize("kind", [Kind.VOID, Kind.REFUND])
def test_what_gives_a_magic_amount_back_does_not_fault_by_itself(kind):
    world = World()
    payment = world.payment(FAULTS_BY_NAME["drop_after_commit"].magic_minor)
    assert world.sell(payment) == []
    record = world.core.books.find(payment.ref)
    slip = replace(world.sold(world.payment()), ref=payment.ref, rrn=record.rrn)
    assert world.code(world.link(kind, world.follow(payment), slip)) == "00"
    assert world.net(payment.ref).net_minor == 0


def test_voids_are_authenticated_and_show_no_card_number():
    world = World(mac="unionpay-ecb")
    world.sign_in()
    payment = world.payment()
    slip, void = world.sold(payment), world.follow(payment)
    keys, world.keys = world.keys, None
    assert world.code(world.give(void_frame(world.identity, void, slip, None))) == "A0"
    assert world.code(world.give(void_frame(world.identity, void, slip, keys))) == "00"
    assert payment.card.pan not in repr(world.core.books.records()) + repr(world.core.ledger.entries)
