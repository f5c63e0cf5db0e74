"""The pre-authorisation family at simulated hosts, and advices."""

from dataclasses import replace

import pytest

from tests.unit.sandbox.hosts import NOW_US, World
from yuanlu.sandbox.fault_board import ActiveFault
from yuanlu.sandbox.faults import FAULTS_BY_NAME, find_fault
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.profiles import RecordState
from yuanlu.sandbox.till_linked import (
    Slip,
    completion_frame,
    offline_sale_frame,
    preauth_frame,
    preauth_reversal_frame,
    slip_of,
)
from yuanlu.sandbox.till_messages import Payment, ReversalDuty, answers

PROFILES = ["P1", "P2", "P3", "P4", "P5"]
CAREFUL = ("P1", "P2")
DAY_US = 24 * 3_600_000_000


def held_minor(world: World) -> int:
    return sum(net.held_minor for net in world.core.ledger.nets())


def books(world: World) -> tuple[int, int]:
    """What is held and the net of all payments; the books must balance at any time."""
    assert world.core.ledger.total_minor() == 0
    return held_minor(world), world.net_minor()


def completed(world: World, payment: Payment, amount_minor: int) -> tuple[Payment, Slip, Slip]:
    """A completion: itself, the slip of the hold, its own slip."""
    hold = world.authorised(payment)
    completion = world.follow(payment, amount_minor)
    [answer] = world.messages(world.link(Kind.COMPLETION, completion, hold))
    assert answer[39] == "00"
    return completion, hold, slip_of(Kind.COMPLETION, completion, answer)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_pre_authorisation_holds_and_charges_nothing(profile):
    world = World(profile)
    payment = world.payment(1000)
    [answer] = world.messages(world.give(preauth_frame(world.identity, payment, None)))
    assert answers(answer, payment, "0100", "030000")
    assert (answer[39], len(answer[38])) == ("00", 6)
    assert books(world) == (1000, 0)
    assert world.net(payment.ref).debit_count == 0


@pytest.mark.parametrize("profile", PROFILES)
def test_its_void_sets_the_hold_free_and_the_voids_reversal_holds_again(profile):
    world = World(profile)
    payment = world.payment(1000)
    slip, void = world.authorised(payment), world.follow(payment)
    [answer] = world.messages(world.link(Kind.PREAUTH_VOID, void, slip))
    assert answers(answer, void, "0100", "200000")
    assert books(world) == (0, 0)
    assert world.code(world.link(Kind.COMPLETION, world.follow(payment), slip)) == "22"
    assert world.code(world.unlink(Kind.PREAUTH_VOID, void, slip)) == "00"
    assert books(world) == (1000, 0)
    assert world.core.state_of(payment.ref) is RecordState.APPROVED


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("amount_minor", [1, 1000, 1150])
def test_a_completion_charges_up_to_115_percent_and_ends_the_hold(profile, amount_minor):
    world = World(profile)
    payment = world.payment(1000)
    completion, _, slip = completed(world, payment, amount_minor)
    assert books(world) == (0, -amount_minor)
    assert world.net(completion.ref).net_minor == -amount_minor
    assert slip.auth_code == world.core.books.find(payment.ref).auth_code


@pytest.mark.parametrize("profile", PROFILES)
def test_the_void_of_a_completion_gives_back_and_holds_again_until_it_is_reversed(profile):
    world = World(profile)
    payment = world.payment(1000)
    completion, _, slip = completed(world, payment, 900)
    void = world.follow(completion)
    [answer] = world.messages(world.link(Kind.COMPLETION_VOID, void, slip))
    assert (answer.mti, answer[3], answer[39]) == ("0210", "200000", "00")
    assert books(world) == (1000, 0)
    assert world.net(completion.ref).credits_minor == 900
    assert world.code(world.unlink(Kind.COMPLETION_VOID, void, slip)) == "00"
    assert books(world) == (0, -900)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("since", [Kind.COMPLETION, Kind.PREAUTH_VOID])
def test_the_reversal_of_a_completions_void_comes_too_late_once_the_hold_is_used_again(profile, since):
    world = World(profile)
    payment = world.payment(1000)
    completion, hold, slip = completed(world, payment, 1000)
    void = world.follow(completion)
    world.link(Kind.COMPLETION_VOID, void, slip)
    world.link(since, world.follow(payment), hold)
    before = books(world)
    assert world.code(world.unlink(Kind.COMPLETION_VOID, void, slip)) == "22"
    assert books(world) == before


def test_a_hold_whose_completion_was_voided_can_be_completed_again():
    world = World()
    payment = world.payment(1000)
    completion, hold, slip = completed(world, payment, 900)
    world.link(Kind.COMPLETION_VOID, world.follow(completion), slip)
    assert world.code(world.link(Kind.COMPLETION, world.follow(payment, 800), hold)) == "00"
    assert books(world) == (0, -800)


@pytest.mark.parametrize("profile", PROFILES)
def test_reversals_undo_a_pre_authorisation_and_a_completion(profile):
    world = World(profile)
    payment = world.payment(1000)
    completion, hold, _ = completed(world, payment, 900)
    assert world.code(world.unlink(Kind.COMPLETION, completion, hold)) == "00"
    assert books(world) == (1000, 0)
    duty = ReversalDuty(payment=payment, auth_code=hold.auth_code)
    assert world.code(world.give(preauth_reversal_frame(world.identity, duty, None))) == "00"
    assert books(world) == (0, 0)
    assert world.core.state_of(payment.ref) is RecordState.REVERSED


@pytest.mark.parametrize("profile", PROFILES)
def test_a_second_reversal_is_recognised_or_undoes_again_as_with_sales(profile):
    world = World(profile)
    payment = world.payment(1000)
    completion, hold, _ = completed(world, payment, 900)
    for _ in range(2):
        assert world.code(world.unlink(Kind.COMPLETION, completion, hold)) == "00"
    assert books(world) == ((1000, 0) if profile in CAREFUL else (2000, 900))


@pytest.mark.parametrize("profile", PROFILES)
def test_a_completed_hold_is_neither_voided_nor_reversed_nor_completed(profile):
    world = World(profile)
    payment = world.payment(1000)
    _, hold, _ = completed(world, payment, 900)
    duty = ReversalDuty(payment=payment)
    assert world.code(world.give(preauth_reversal_frame(world.identity, duty, None))) == "22"
    assert world.code(world.link(Kind.PREAUTH_VOID, world.follow(payment), hold)) == "22"
    assert world.code(world.link(Kind.COMPLETION, world.follow(payment, 900), hold)) == "22"
    assert books(world) == (0, -900)


# What follows the hold, what is wrong with it, and the code that says so.
REFUSALS = [
    (Kind.COMPLETION, "too much", "61", "more than 115 %"),
    (Kind.COMPLETION, "nothing", "13", "an amount of zero"),
    (Kind.COMPLETION, "unknown", "25", "no such hold"),
    (Kind.COMPLETION, "code", "25", "field 38 names another authorisation"),
    (Kind.COMPLETION, "card", "14", "the card is another one"),
    (Kind.COMPLETION, "a sale", "12", "a sale holds nothing"),
    (Kind.PREAUTH_VOID, "amount", "64", "a void is for the whole amount"),
    (Kind.PREAUTH_VOID, "unknown", "25", "no such hold"),
    (Kind.PREAUTH_VOID, "code", "25", "field 38 names another authorisation"),
    (Kind.PREAUTH_VOID, "card", "14", "the card is another one"),
    (Kind.PREAUTH_VOID, "a sale", "12", "a sale is voided by 0200"),
    (Kind.PREAUTH_VOID, "declined", "12", "nothing is held"),
]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("kind", "wrong", "code", "why"), REFUSALS)
def test_what_does_not_fit_its_hold_is_refused_and_moves_nothing(profile, kind, wrong, code, why):
    world = World(profile)
    payment = world.payment(660051 if wrong == "declined" else 1000)
    slip = world.sold(payment) if wrong == "a sale" else world.authorised(payment)
    following = world.follow(payment)
    match wrong:
        case "too much":
            following = replace(following, amount_minor=1151)
        case "nothing":
            following = replace(following, amount_minor=0)
        case "amount":
            following = replace(following, amount_minor=999)
        case "unknown":
            slip = replace(slip, ref=replace(slip.ref, stan="999999"))
        case "code":
            slip = replace(slip, auth_code="ABCDEF")
        case "card":
            following = replace(following, card=world.payment().card)
    before = books(world)
    assert world.code(world.link(kind, following, slip)) == code, why
    assert books(world) == before


def test_the_void_of_a_completion_is_for_the_same_day_and_the_whole_amount():
    world = World()
    completion, _, slip = completed(world, world.payment(1000), 900)
    assert world.code(world.link(Kind.COMPLETION_VOID, world.follow(completion, 899), slip)) == "64"
    assert world.code(world.link(Kind.COMPLETION_VOID, world.follow(completion), slip, NOW_US + DAY_US)) == "25"
    assert world.code(world.link(Kind.REFUND, world.follow(completion, 100), slip, NOW_US + DAY_US)) == "00"
    assert books(world) == (0, -800)


def test_what_is_held_is_no_longer_available():
    world = World()
    payment = world.payment(1000)
    world.authorised(payment)
    asked = {2: payment.card.pan, 3: "310000", 11: "000900", 41: "T0000001", 42: "M00000000000001"}
    [answer] = world.messages(world.give(world.identity.codec.encode(mti="0200", fields=asked)))
    assert answer[54].endswith(f"{10_000_000 - 1000:012}")


def test_magic_amounts_work_for_pre_authorisations_and_not_for_completions():
    world = World()
    magic = FAULTS_BY_NAME["drop_after_commit"].magic_minor
    payment = world.payment(magic)
    assert world.give(preauth_frame(world.identity, payment, None)) == []
    assert books(world) == (magic, 0)
    auth_code = world.core.books.find(payment.ref).auth_code
    slip = replace(slip_of(Kind.PREAUTH, payment), auth_code=auth_code)
    assert world.code(world.link(Kind.COMPLETION, world.follow(payment), slip)) == "00"


@pytest.mark.parametrize(
    ("message_class", "lost"),
    [("preauth", Kind.PREAUTH), ("completion", Kind.COMPLETION), ("void", Kind.COMPLETION_VOID)],
)
def test_a_fault_ordered_for_a_class_befalls_its_messages_only(message_class, lost):
    world = World()
    fault = find_fault("drop_after_commit")
    world.core.faults.switch_on(ActiveFault(fault=fault, message_class=message_class, remaining=1))
    payment = world.payment(1000)
    assert (world.give(preauth_frame(world.identity, payment, None)) == []) == (lost is Kind.PREAUTH)
    record = world.core.books.find(payment.ref)
    hold = replace(slip_of(Kind.PREAUTH, payment), rrn=record.rrn, auth_code=record.auth_code)
    completion = world.follow(payment, 900)
    frame = completion_frame(world.identity, completion, hold, None)
    assert (world.give(frame) == []) == (lost is Kind.COMPLETION)
    slip = replace(slip_of(Kind.COMPLETION, completion), auth_code=record.auth_code)
    void = world.link(Kind.COMPLETION_VOID, world.follow(completion), slip)
    assert (void == []) == (lost is Kind.COMPLETION_VOID)
    assert books(world) == (1000, 0)


# Advices.


@pytest.mark.parametrize("profile", PROFILES)
def test_an_offline_sale_is_booked_once_however_often_it_comes(profile):
    world = World(profile)
    payment = world.payment()
    for _ in range(3):
        [answer] = world.messages(world.give(offline_sale_frame(world.identity, payment, None)))
        assert (answer.mti, answer[39]) == ("0230", "00")
    assert books(world) == (0, -1250)
    assert world.core.counters["advices_repeated"] == 2


@pytest.mark.parametrize("profile", PROFILES)
def test_a_completion_advice_charges_once_and_ends_the_hold(profile):
    world = World(profile)
    payment = world.payment(1000)
    hold, advice = world.authorised(payment), world.follow(payment, 1100)
    for _ in range(2):
        assert world.code(world.link(Kind.COMPLETION_ADVICE, advice, hold)) == "00"
    assert books(world) == (0, -1100)


def test_a_completion_advice_without_its_hold_is_accepted_and_counted():
    world = World()
    payment = world.payment(1000)
    assert world.code(world.link(Kind.COMPLETION_ADVICE, payment, slip_of(Kind.PREAUTH, world.payment()))) == "00"
    assert books(world) == (0, -1000)
    assert world.core.counters["advices_without_hold"] == 1


@pytest.mark.parametrize("kind", [Kind.ADJUSTMENT, Kind.TIP])
def test_an_adjustment_or_a_tip_is_accepted_and_moves_nothing(kind):
    world = World()
    payment = world.payment()
    slip, advice = world.sold(payment), world.follow(payment, 100)
    assert [world.code(world.link(kind, advice, slip)) for _ in range(2)] == ["00", "00"]
    assert books(world) == (0, -1250)


@pytest.mark.parametrize("profile", PROFILES)
def test_an_advice_is_never_reversed(profile):
    world = World(profile)
    payment = world.payment(1000)
    hold, advice = world.authorised(payment), world.follow(payment)
    world.link(Kind.COMPLETION_ADVICE, advice, hold)
    assert world.code(world.unlink(Kind.COMPLETION_ADVICE, advice, hold)) == "40"
    assert books(world) == (0, -1000)


def test_an_advice_that_was_refused_or_lost_is_booked_when_it_comes_again():
    world = World()
    for name in ("code_96", "drop_before_commit"):
        world.core.faults.switch_on(ActiveFault(fault=find_fault(name), message_class="advice", remaining=1))
    payment = world.payment()
    frame = offline_sale_frame(world.identity, payment, None)
    assert world.code(world.give(frame)) == "96"
    assert world.give(frame) == []
    assert books(world) == (0, 0)
    assert world.code(world.give(frame)) == "00"
    assert books(world) == (0, -1250)
