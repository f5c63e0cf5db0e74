"""Refunds at simulated hosts: in parts, never more than was paid, never reversed."""

from dataclasses import replace

import pytest

from tests.unit.sandbox.hosts import NOW_US, World
from yuanlu.sandbox.fault_board import ActiveFault
from yuanlu.sandbox.faults import FAULTS_BY_NAME
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.profiles import RecordState
from yuanlu.sandbox.till_linked import offline_sale_frame, refund_frame, slip_of
from yuanlu.sandbox.till_messages import answers

PROFILES = ["P1", "P2", "P3", "P4", "P5"]
DAY_US = 24 * 3_600_000_000


@pytest.mark.parametrize("profile", PROFILES)
def test_refunds_in_parts_are_credits_of_the_sale_up_to_its_amount(profile):
    world = World(profile)
    payment = world.payment(1000)
    slip = world.sold(payment)
    for amount_minor, code in ((300, "00"), (700, "00"), (1, "61")):
        refund = world.follow(payment, amount_minor)
        [answer] = world.messages(world.link(Kind.REFUND, refund, slip))
        assert answers(answer, refund, "0220", "200000")
        assert answer[39] == code
    net = world.net(payment.ref)
    assert (net.debits_minor, net.credits_minor, net.debit_count, net.credit_count) == (1000, 1000, 1, 2)
    assert [each.ref for each in world.core.ledger.nets()] == [payment.ref]
    assert world.core.ledger.total_minor() == 0


# What is wrong with the refund, and the code that says so.
REFUSALS = [
    ("unknown", "25", "no such retrieval reference number"),
    ("other date", "25", "the number belongs to another day"),
    ("declined", "22", "nothing was paid"),
    ("voided", "22", "the money is back already"),
    ("reversed", "22", "the money is back already"),
    ("too much", "61", "more than was paid"),
    ("nothing", "13", "an amount of zero"),
    ("card", "14", "the card is another one"),
    ("too late", "22", "181 days have gone by"),
    ("a void", "12", "a void is no payment"),
]


def refused_refund(world: World, wrong: str) -> str:
    payment = world.payment(660051 if wrong == "declined" else 1250)
    slip, now_us = world.sold(payment), NOW_US
    refund = world.follow(payment, 50)
    match wrong:
        case "unknown":
            slip = replace(slip, rrn="999999999999")
        case "other date":
            slip = replace(slip, date_mmdd="0229")
        case "voided":
            world.link(Kind.VOID, world.follow(payment), slip)
        case "reversed":
            world.reverse(payment)
        case "too much":
            refund = replace(refund, amount_minor=1251)
        case "nothing":
            refund = replace(refund, amount_minor=0)
        case "card":
            refund = replace(refund, card=world.payment().card)
        case "too late":
            now_us += 181 * DAY_US
        case "a void":
            void = world.follow(payment)
            [answer] = world.messages(world.link(Kind.VOID, void, slip))
            slip = replace(slip, ref=void.ref, rrn=answer[37])
    before = world.core.ledger.nets()
    code = world.code(world.link(Kind.REFUND, refund, slip, now_us))
    assert world.core.ledger.nets() == before
    return code


@pytest.mark.parametrize("profile", ["P1", "P2", "P4", "P5"])
@pytest.mark.parametrize(("wrong", "code", "why"), REFUSALS)
def test_a_refund_that_cannot_be_is_refused_and_moves_nothing(profile, wrong, code, why):
    assert refused_refund(World(profile), wrong) == code, why


@pytest.mark.parametrize(("wrong", "code", "why"), [row for row in REFUSALS if row[0] != "other date"])
def test_the_1987_dialect_refuses_alike_but_has_no_date_to_compare(wrong, code, why):
    assert refused_refund(World("P3"), wrong) == code, why


def test_a_refund_is_possible_for_180_days_and_needs_no_batch():
    world = World()
    payment = world.payment()
    slip = world.sold(payment)
    [message] = [
        world.identity.codec.decode(refund_frame(world.identity, world.follow(payment, 1), slip, None)),
    ]
    assert message[61] == "000000000000" + slip.date_mmdd
    assert world.code(world.give(message.raw, NOW_US + 180 * DAY_US)) == "00"


# Profile, answer to a repeat with the same STAN, net of the sale of 1000 with a refund of 300.
REPEATS = [
    ("P1", "94", -700, "recognises it"),
    ("P2", "94", -700, "recognises it"),
    ("P3", "00", -400, "pays again"),
    ("P4", "00", -400, "pays again"),
    ("P5", "00", -400, "pays again"),
]


@pytest.mark.parametrize(("profile", "code", "net_minor", "why"), REPEATS)
def test_a_repeated_refund_pays_again_at_a_host_that_does_not_recognise_it(profile, code, net_minor, why):
    world = World(profile)
    payment = world.payment(1000)
    slip, refund = world.sold(payment), world.follow(payment, 300)
    world.link(Kind.REFUND, refund, slip)
    assert world.code(world.link(Kind.REFUND, refund, slip)) == code
    assert world.net(payment.ref).net_minor == net_minor, why


@pytest.mark.parametrize("profile", PROFILES)
def test_no_host_refunds_more_than_was_paid_however_often_it_is_asked(profile):
    world = World(profile)
    payment = world.payment(1000)
    slip, refund = world.sold(payment), world.follow(payment, 600)
    codes = [world.code(world.link(Kind.REFUND, refund, slip)) for _ in range(3)]
    assert codes == (["00", "94", "94"] if profile in ("P1", "P2") else ["00", "61", "61"])
    assert world.net(payment.ref).net_minor == -400


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("seen", [True, False])
def test_a_refund_is_never_reversed(profile, seen):
    world = World(profile)
    payment = world.payment()
    slip, refund = world.sold(payment), world.follow(payment, 50)
    if seen:
        world.link(Kind.REFUND, refund, slip)
    assert world.code(world.unlink(Kind.REFUND, refund, slip)) == "40"
    assert world.net_minor() == (-1200 if seen else -1250)
    assert world.core.state_of(refund.ref) is (RecordState.APPROVED if seen else None)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_sale_that_was_refunded_in_part_is_not_reversed_any_more(profile):
    world = World(profile)
    payment = world.payment()
    world.link(Kind.REFUND, world.follow(payment, 50), world.sold(payment))
    assert world.code(world.reverse(payment)) == "22"
    assert world.net_minor() == -1200


# What became of the refund, the message type asked about, and what the host says.
INQUIRIES = [
    ("booked", "0220", "ST=APPROVED", "it was paid"),
    ("refused", "0220", "ST=DECLINED", "it was refused"),
    ("unseen", "0220", "ST=UNKNOWN", "it never came"),
    ("booked", "0200", "ST=UNKNOWN", "the class of message type is part of the name"),
]


@pytest.mark.parametrize(("became", "mti", "status", "why"), INQUIRIES)
def test_an_inquiry_tells_what_became_of_a_refund(became, mti, status, why):
    world = World("P3")
    payment = world.payment()
    slip, refund = world.sold(payment), world.follow(payment, 9999 if became == "refused" else 50)
    if became != "unseen":
        world.link(Kind.REFUND, refund, slip)
    asked = {11: "000777", 41: "T0000001", 42: "M00000000000001", 90: f"{mti}{refund.ref.stan}" + "0" * 32}
    [answer] = world.messages(world.give(world.identity.codec.encode(mti="0600", fields=asked)))
    assert (answer[39], answer[48]) == ("00", status), why


def test_a_refund_whose_answer_was_lost_is_paid_and_known():
    world = World("P3")
    world.core.faults.switch_on(ActiveFault(fault=FAULTS_BY_NAME["drop_after_commit"], message_class="refund"))
    payment = world.payment()
    slip, refund = world.sold(payment), world.follow(payment, 50)
    assert world.link(Kind.REFUND, refund, slip) == []
    assert world.net_minor() == -1200
    assert world.core.state_of(refund.ref) is RecordState.APPROVED


def test_an_offline_sale_can_be_refunded():
    world = World()
    payment = world.payment()
    [answer] = world.messages(world.give(offline_sale_frame(world.identity, payment, None)))
    slip = slip_of(Kind.OFFLINE_SALE, payment, answer)
    assert world.code(world.link(Kind.REFUND, world.follow(payment), slip)) == "00"
    assert world.net_minor() == 0
