from dataclasses import replace

import pytest

from tests.unit.sandbox.hosts import NOW_US, World
from yuanlu.iso8583.framing import FrameReader
from yuanlu.sandbox.cards import mistyped
from yuanlu.sandbox.faults import FAULTS_BY_NAME
from yuanlu.sandbox.host_actions import GoDown, HangUp, Resume, SendBytes
from yuanlu.sandbox.host_answers import balance_text, settlement_date, turned_tpdu
from yuanlu.sandbox.till_messages import EntryMode, answers, is_authentic

PROFILES = ["P1", "P2", "P3", "P4", "P5"]


def magic(name: str) -> int:
    return FAULTS_BY_NAME[name].magic_minor


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("entry", EntryMode)
def test_a_sale_is_posted_and_answered_with_what_the_till_checks(profile, entry):
    world = World(profile)
    payment = world.payment(entry=entry)
    [answer] = world.messages(world.sell(payment))
    assert answers(answer, payment, "0200")
    assert answer[39] == "00"
    assert len(answer[37]) == 12
    assert answer.get(60) == (None if profile == "P3" else "22000001000601")
    assert answer[63].startswith("CUP")
    assert not any(answer.has(secret) for secret in (14, 35, 52, 55))
    assert world.net_minor() == -1250
    assert world.core.ledger.total_minor() == 0


@pytest.mark.parametrize("dialect", ["cup-pos", "iso87-ascii"])
def test_a_card_number_keyed_in_wrongly_is_declined_and_read_from_a_card_it_is_not_looked_at(dialect):
    world = World(dialect=dialect)
    keyed, read = (world.payment(entry=entry) for entry in (EntryMode.KEYED, EntryMode.CONTACTLESS))
    assert world.code(world.sell(replace(keyed, card=mistyped(keyed.card)))) == "14"
    assert world.code(world.sell(replace(read, card=mistyped(read.card)))) == "00"
    assert world.net_minor() == -1250


@pytest.mark.parametrize(("profile", "net_after_two"), [("P1", 0), ("P2", 0), ("P3", 1250), ("P4", 1250)])
def test_a_second_reversal_pays_again_at_a_host_that_does_not_recognise_it(profile, net_after_two):
    world = World(profile)
    payment = world.payment()
    world.sell(payment)
    assert world.code(world.reverse(payment)) == "00"
    assert world.net_minor() == 0
    assert world.code(world.reverse(payment)) == "00"
    assert world.net_minor() == net_after_two


@pytest.mark.parametrize(
    ("profile", "reversal_code", "sale_code", "net"),
    [("P1", "25", "12", 0), ("P2", "25", "00", -1250), ("P3", "25", "00", -1250), ("P4", "00", "00", -1250)],
)
def test_an_original_that_comes_after_its_reversal_is_barred_by_p1_only(profile, reversal_code, sale_code, net):
    world = World(profile)
    payment = world.payment()
    assert world.code(world.reverse(payment)) == reversal_code
    assert world.code(world.sell(payment)) == sale_code
    assert world.net_minor() == net


@pytest.mark.parametrize(("profile", "net"), [("P1", 0), ("P2", magic("late_commit"))])
def test_a_held_original_is_overtaken_by_its_reversal_and_posted_afterwards(profile, net):
    world = World(profile)
    payment = world.payment(magic("late_commit"))
    [held] = world.sell(payment)
    assert isinstance(held, Resume)
    assert world.net_minor() == 0
    assert world.code(world.reverse(payment)) == "25"
    actions = world.core.resume(held.held, NOW_US + held.after_ms * 1000)
    assert world.code(actions) == ("12" if profile == "P1" else "00")
    assert world.net_minor() == -net


def test_a_repeated_original_is_counted_and_a_host_without_memory_charges_twice():
    careful, careless = World("P2"), World("P5")
    for world in (careful, careless):
        payment = world.payment()
        world.sell(payment)
        world.sell(payment)
        assert world.core.counters["originals_repeated"] == 1
    assert (careful.net_minor(), careless.net_minor()) == (-1250, -2500)


@pytest.mark.parametrize("name", ["drop_before_commit", "doubtful_98", "close_before_commit", "host_down"])
def test_faults_before_the_posting_move_no_money(name):
    world = World()
    world.sell(world.payment(magic(name)))
    assert world.net_minor() == 0


@pytest.mark.parametrize(
    "name",
    [
        "drop_after_commit",
        "delay",
        "corrupt_mac",
        "wrong_stan",
        "wrong_amount",
        "cut_mid_frame",
        "garbage",
        "doubtful_68",
    ],
)
def test_faults_after_the_posting_leave_the_cardholder_charged(name):
    world = World()
    world.sell(world.payment(magic(name)))
    assert world.net_minor() == -magic(name)


def test_a_lost_answer_is_silence_and_a_late_one_comes_after_the_time_out():
    world = World()
    assert world.sell(world.payment(magic("drop_after_commit"))) == []
    [late] = world.sell(world.payment(magic("delay")))
    assert isinstance(late, SendBytes)
    assert late.after_ms == world.core.terms.delay_ms


def test_a_cut_answer_is_half_a_frame_and_the_line_closes():
    world = World()
    part, end = world.sell(world.payment(magic("cut_mid_frame")))
    assert isinstance(part, SendBytes)
    reader = FrameReader()
    assert reader.feed(part.data) == []
    assert reader.pending_bytes > 0
    assert isinstance(end, HangUp)


def test_a_doubled_answer_comes_twice_and_a_restart_takes_the_host_down():
    world = World()
    first, second = world.messages(world.sell(world.payment(magic("duplicate"))))
    assert first.raw == second.raw
    assert world.sell(world.payment(magic("host_restart"))) == [GoDown(for_ms=world.core.terms.restart_ms)]


@pytest.mark.parametrize("name", ["wrong_stan", "wrong_amount", "corrupt_mac"])
@pytest.mark.parametrize("dialect", ["cup-pos", "iso87-ascii"])
def test_a_spoilt_answer_is_one_that_the_till_does_not_take(name, dialect):
    world = World(dialect=dialect, mac="unionpay-ecb")
    world.sign_in()
    payment = world.payment(magic(name))
    [answer] = world.messages(world.sell(payment))
    matched = answers(answer, payment, "0200")
    authentic = is_authentic(answer, world.identity, world.keys)
    assert (matched, authentic) == ((True, False) if name == "corrupt_mac" else (False, True))


@pytest.mark.parametrize("mac", ["unionpay-ecb", "ansi-x9.19", "aes-cmac"])
@pytest.mark.parametrize("dialect", ["cup-pos", "iso87-ascii"])
def test_after_sign_in_requests_and_answers_are_authenticated(mac, dialect):
    world = World(dialect=dialect, mac=mac)
    payment = world.payment()
    before = world.messages(world.sell(payment))[0]
    assert before[39] == "A0"
    world.sign_in()
    answer = world.messages(world.sell(payment))[0]
    assert answer[39] == "00"
    assert is_authentic(answer, world.identity, world.keys)
    assert world.core.counters["wrong_mac"] == 1


def test_the_keys_before_the_last_sign_in_are_no_longer_good():
    world = World(mac="unionpay-ecb")
    world.sign_in()
    old = world.keys
    world.sign_in()
    world.keys = old
    assert world.code(world.sell(world.payment())) == "A0"
    assert world.net_minor() == 0


@pytest.mark.parametrize(
    ("name", "codes", "nets"),
    [
        ("reversal_68", ["68", "00"], [-1, 0]),
        ("reversal_96", ["96", "00"], [0, 0]),
        ("reversal_a0", ["A0", "00"], [-1, 0]),
        ("reversal_refused", ["57", "57", "57"], [-1, -1, -1]),
    ],
)
def test_a_reversal_can_be_answered_wrongly_before_it_is_answered_well(name, codes, nets):
    world = World("P1")
    payment = world.payment(magic(name))
    world.sell(payment)
    for code, net in zip(codes, nets, strict=True):
        assert world.code(world.reverse(payment)) == code
        assert world.net_minor() == net * magic(name)


def test_a_reversal_lost_after_it_took_effect_is_the_trap_of_p3():
    world = World("P3")
    payment = world.payment(magic("reversal_lost_after"))
    world.sell(payment)
    assert world.reverse(payment) == []
    assert world.net_minor() == 0
    world.reverse(payment)
    assert world.net_minor() == magic("reversal_lost_after")


def test_a_held_reversal_takes_effect_when_it_is_resumed():
    world = World("P2")
    payment = world.payment(magic("reversal_late_commit"))
    world.sell(payment)
    [held] = world.reverse(payment)
    assert isinstance(held, Resume)
    assert world.net_minor() < 0
    assert world.code(world.core.resume(held.held, NOW_US)) == "00"
    assert world.net_minor() == 0


def test_an_inquiry_is_answered_by_p3_and_refused_by_the_others():
    asked = {3: "000000", 4: f"{1250:012}", 11: "000777", 41: "T0000001", 42: "M00000000000001"}
    for profile, code, status in (("P3", "00", "ST=APPROVED"), ("P4", "40", None)):
        world = World(profile, dialect="iso87-ascii")
        payment = world.payment()
        world.sell(payment)
        frame = world.identity.codec.encode(mti="0600", fields=asked | {90: f"0200{payment.ref.stan}" + "0" * 32})
        [answer] = world.messages(world.give(frame))
        assert (answer.mti, answer[39], answer.get(48)) == ("0610", code, status)


@pytest.mark.parametrize("mti", ["0401", "0420", "0421"])
def test_advices_and_marked_repeats_reverse_as_0400_does(mti):
    world = World("P3")
    payment = world.payment()
    [sale] = world.messages(world.sell(payment))
    frame = sale.splice({39: "98", 90: f"0200{payment.ref.stan}" + "0" * 32}, mti=mti)
    assert world.code(world.give(frame)) == "00"
    assert world.net_minor() == 0


def test_balance_echo_and_unknown_requests_are_answered():
    world = World()
    world.sell(world.payment())
    fields = {3: "310000", 11: "000009", 41: "T0000001", 42: "M00000000000001", 60: "01000001000600"}
    [balance] = world.messages(world.give(world.identity.codec.encode(mti="0200", fields=fields)))
    assert balance[54] == balance_text(10_000_000)
    echo = {11: "000010", 41: "T0000001", 42: "M00000000000001", 60: "00000001301"}
    [answer] = world.messages(world.give(world.identity.codec.encode(mti="0820", fields=echo)))
    assert (answer.mti, answer[39]) == ("0830", "00")
    [refused] = world.messages(world.give(world.identity.codec.encode(mti="0220", fields=fields | {3: "200000"})))
    assert refused[39] == "40"


def test_the_tpdu_is_turned_round():
    assert turned_tpdu(bytes.fromhex("6000030000")) == bytes.fromhex("6000000003")
    world = World()
    [answer] = world.messages(world.sell(world.payment()))
    assert answer.tpdu == bytes.fromhex("6000000006")


def test_the_settlement_date_turns_at_eleven_in_the_evening_in_beijing():
    before_us = 1_767_193_199_000_000  # 2025-12-31 22:59:59 in Beijing
    assert settlement_date(before_us) == "1231"
    assert settlement_date(before_us + 1_000_000) == "0101"


@pytest.mark.parametrize("frame", [b"", b"\x00" * 40, b"\x60" + b"\xff" * 60])
def test_bytes_that_are_no_message_end_the_connection(frame):
    world = World()
    assert world.give(frame) == [HangUp()]
    assert world.core.counters["unreadable"] == 1


def test_the_same_seed_gives_the_same_answers():
    def frames() -> list[bytes]:
        world = World()
        return [message.raw for n in range(20) for message in world.messages(world.sell(world.payment(100 + n)))]

    assert frames() == frames()
