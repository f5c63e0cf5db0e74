from dataclasses import replace

import pytest

from tests.unit.sandbox.hosts import World
from yuanlu.iso8583.codec import Message
from yuanlu.sandbox.kinds import SPELLINGS, Kind
from yuanlu.sandbox.till_linked import (
    Slip,
    completion_advice_frame,
    completion_frame,
    completion_void_frame,
    linked_reversal_frame,
    offline_sale_frame,
    preauth_frame,
    preauth_reversal_frame,
    preauth_void_frame,
    refund_frame,
    slip_of,
    void_frame,
)
from yuanlu.sandbox.till_messages import EntryMode, Payment, ReversalDuty

DIALECTS = ["cup-pos", "iso87-ascii"]
SECRETS = (35, 36, 52, 53, 26)

# Builder, kind, kind of the original, field 61 at a terminal.
LINKED = [
    (void_frame, Kind.VOID, Kind.SALE, "000001000001"),
    (refund_frame, Kind.REFUND, Kind.SALE, "0000000000001009"),
    (preauth_void_frame, Kind.PREAUTH_VOID, Kind.PREAUTH, "0000010000011009"),
    (completion_frame, Kind.COMPLETION, Kind.PREAUTH, "0000010000011009"),
    (completion_void_frame, Kind.COMPLETION_VOID, Kind.COMPLETION, "0000010000011009"),
    (completion_advice_frame, Kind.COMPLETION_ADVICE, Kind.PREAUTH, "0000010000011009"),
]


def story(dialect: str, of: Kind, entry: EntryMode = EntryMode.CHIP) -> tuple[World, Payment, Slip]:
    """A signed-in till, a message about an earlier transaction, and that one's slip."""
    world = World(dialect=dialect, mac="unionpay-ecb")
    world.sign_in()
    original = world.payment(entry=entry)
    slip = replace(slip_of(of, original), rrn="123456789012", auth_code="A1B2C3", date_mmdd="1009")
    return world, world.follow(original), slip


def read(world: World, frame: bytes) -> Message:
    return world.identity.codec.decode(frame)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("entry", [EntryMode.CHIP, EntryMode.QR])
@pytest.mark.parametrize(("build", "kind", "of", "field_61"), LINKED)
def test_what_follows_a_transaction_names_it_and_carries_no_secret(dialect, entry, build, kind, of, field_61):
    world, payment, slip = story(dialect, of, entry)
    message, row = read(world, build(world.identity, payment, slip, world.keys)), SPELLINGS[kind]
    assert (message.mti, message[3], message[25]) == (row.mti, row.processing_code, row.condition_code)
    assert (message[4], message[11], message[37]) == ("000000001250", payment.ref.stan, slip.rrn)
    assert message.get(38) == (None if kind is Kind.REFUND else "A1B2C3")
    assert message.has(2) == (entry is not EntryMode.QR)
    assert not any(message.has(number) for number in (*SECRETS, 55, 59))
    if dialect == "cup-pos":
        assert (message[60][:8], message[61]) == (f"{row.type_code}000001", field_61)
    else:
        assert message[90][:10] == SPELLINGS[of].mti + slip.ref.stan
        assert not message.has(61)
    assert message.numbers[-1] == (64 if dialect == "cup-pos" else 128)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("kind", "of"),
    [
        (Kind.VOID, Kind.SALE),
        (Kind.PREAUTH_VOID, Kind.PREAUTH),
        (Kind.COMPLETION, Kind.PREAUTH),
        (Kind.COMPLETION_VOID, Kind.COMPLETION),
    ],
)
def test_its_reversal_repeats_it_with_the_reason_and_names_the_message_itself(dialect, kind, of):
    world, payment, slip = story(dialect, of)
    build = next(row[0] for row in LINKED if row[1] is kind)
    message = read(world, build(world.identity, payment, slip, world.keys))
    duty = ReversalDuty(payment=payment, reason="06")
    reversal = read(world, linked_reversal_frame(world.identity, kind, duty, slip, world.keys))
    assert (reversal.mti, reversal[39], reversal[38]) == ("0400", "06", "A1B2C3")
    for number in (2, 3, 4, 11, 14, 22, 23, 25, 41, 42, 49, 60, 61):
        assert reversal.get(number) == message.get(number)
    assert not reversal.has(37)
    if dialect == "iso87-ascii":
        assert reversal[90][:10] == SPELLINGS[kind].mti + payment.ref.stan


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("entry", EntryMode)
def test_a_pre_authorisation_reads_the_card_as_a_sale_does_and_its_reversal_keeps_no_secret(dialect, entry):
    world, payment, _ = story(dialect, Kind.SALE, entry)
    first = read(world, preauth_frame(world.identity, payment, world.keys))
    assert (first.mti, first[3], first[25]) == ("0100", "030000", "06")
    assert first.has(52) == (entry in (EntryMode.CHIP, EntryMode.MAGSTRIPE))
    duty = ReversalDuty(payment=payment, auth_code="A1B2C3")
    reversal = read(world, preauth_reversal_frame(world.identity, duty, world.keys))
    for number in (2, 3, 4, 11, 22, 25, 41, 42, 49, 59, 60):
        assert reversal.get(number) == first.get(number)
    assert reversal[38] == "A1B2C3"
    assert not any(reversal.has(number) for number in (*SECRETS, 37))
    if dialect == "iso87-ascii":
        assert reversal[90][:10] == f"0100{payment.ref.stan}"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_offline_sale_has_no_pin(dialect):
    world, payment, _ = story(dialect, Kind.SALE)
    message = read(world, offline_sale_frame(world.identity, payment, world.keys))
    assert (message.mti, message[3], message[25]) == ("0220", "000000", "00")
    assert message.has(55)
    assert not any(message.has(number) for number in (26, 52, 53))
    assert message.numbers[-1] == 64


def test_a_slip_shows_what_the_answer_said_and_what_nobody_knows():
    world = World()
    payment = world.payment()
    assert slip_of(Kind.SALE, payment) == Slip(kind=Kind.SALE, ref=payment.ref, at_us=payment.at_us)
    [answer] = world.messages(world.sell(payment))
    slip = slip_of(Kind.SALE, payment, answer)
    assert (slip.rrn, slip.auth_code, slip.date_mmdd) == (answer[37], answer[38], answer[13])
