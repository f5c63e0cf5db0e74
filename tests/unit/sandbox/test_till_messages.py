import pytest

from tests.unit.sandbox.hosts import World
from yuanlu.iso8583.codec import codec_for
from yuanlu.iso8583.tlv import parse
from yuanlu.sandbox.till_messages import EntryMode, ReversalDuty, answers, chip_data, reversal_frame, sale_frame

DIALECTS = ["cup-pos", "iso87-ascii"]
SECRETS = (35, 36, 52, 53, 26, 37)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("entry", EntryMode)
def test_a_sale_carries_what_its_way_of_entry_needs(dialect, entry):
    world = World(dialect=dialect, mac="unionpay-ecb")
    world.sign_in()
    payment = world.payment(entry=entry)
    fields = codec_for(dialect).decode(sale_frame(world.identity, payment, world.keys)).fields()
    assert fields[22][:3] == entry.value
    assert (2 in fields) == (entry is not EntryMode.QR) == (59 not in fields)
    assert (52 in fields) == (entry in (EntryMode.CHIP, EntryMode.MAGSTRIPE))
    assert (55 in fields) == (entry in (EntryMode.CHIP, EntryMode.CONTACTLESS))
    assert 64 in fields


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("entry", EntryMode)
def test_a_reversal_repeats_the_sale_without_its_secrets(dialect, entry):
    world = World(dialect=dialect)
    payment = world.payment(entry=entry)
    sale = codec_for(dialect).decode(sale_frame(world.identity, payment, None))
    duty = ReversalDuty(payment=payment, reason="06", auth_code="123456")
    reversal = codec_for(dialect).decode(reversal_frame(world.identity, duty, None))
    assert reversal.mti == "0400"
    assert (reversal[39], reversal[38]) == ("06", "123456")
    for number in (2, 3, 4, 11, 22, 23, 25, 41, 42, 49, 59, 60):
        assert reversal.get(number) == sale.get(number)
    assert not any(reversal.has(number) for number in SECRETS)
    assert len(reversal.get(55) or "") < len(sale.get(55) or "x")


def test_the_chip_data_are_well_formed_and_hold_the_amount():
    payment = World().payment(98765)
    tags = dict(parse(bytes.fromhex(chip_data(payment))))
    assert tags["9F02"].hex() == "000000098765"
    assert tags["9F1E"] == b"T0000001"


@pytest.mark.parametrize(("number", "value"), [(4, "000000001251"), (11, "000002"), (41, "T0000002"), (3, "310000")])
def test_an_answer_to_something_else_is_not_taken(number, value):
    world = World()
    payment = world.payment()
    [answer] = world.messages(world.sell(payment))
    assert answers(answer, payment, "0200")
    assert not answers(world.identity.codec.decode(answer.splice({number: value})), payment, "0200")
    assert not answers(answer, payment, "0400")
