"""PIN blocks travel from key to key without being opened."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanlu.keys.des import ecb_decryptor
from yuanlu.keys.errors import PinBlockError
from yuanlu.keys.pin_block import PinFormat, PinKey, encipher_pin, pan_part, translate

FROM = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
TO = bytes.fromhex("1C2BA8D3F47E9061B5E6D80A4397C2F1")
PAN = "6216261000000000018"

keys = st.sampled_from([8, 16, 24]).flatmap(lambda length: st.binary(min_size=length, max_size=length))
pins = st.text("0123456789", min_size=4, max_size=12)
pans = st.text("0123456789", min_size=13, max_size=19)
formats = st.sampled_from(PinFormat)


def test_the_clear_block_is_that_of_iso_9564_format_0() -> None:
    # The example known from the standard's annex: PIN 1234, card 43219876543210987, whose card part is
    # 0000 987654321098.
    block = encipher_pin("1234", PinKey(FROM), pan="43219876543210987")
    assert ecb_decryptor(FROM)(block).hex().upper() == "0412AC89ABCDEF67"


def test_without_the_card_number_the_clear_block_is_the_pin_part_alone() -> None:
    block = encipher_pin("123456", PinKey(FROM), pin_format=PinFormat.WITHOUT_PAN)
    assert ecb_decryptor(FROM)(block).hex().upper() == "06123456FFFFFFFF"


def test_the_card_part_leaves_out_the_check_digit() -> None:
    assert f"{pan_part(PAN):016X}" == "0000100000000001"


@given(pin=pins, pan=pans, from_key=keys, to_key=keys, from_format=formats, to_format=formats)
def test_a_translated_block_is_the_one_a_terminal_would_have_made_under_the_other_key(
    pin: str, pan: str, from_key: bytes, to_key: bytes, from_format: PinFormat, to_format: PinFormat
) -> None:
    typed = encipher_pin(pin, PinKey(from_key), pan=pan, pin_format=from_format)
    sent = translate(typed, PinKey(from_key), PinKey(to_key), pan=pan, from_format=from_format, to_format=to_format)
    assert sent == encipher_pin(pin, PinKey(to_key), pan=pan, pin_format=to_format)


@given(block=st.binary(min_size=8, max_size=8))
def test_even_a_block_that_holds_no_pin_comes_back_from_there_and_back(block: bytes) -> None:
    one, other = PinKey(FROM), PinKey(TO)
    assert translate(translate(block, one, other), other, one) == block


@pytest.mark.parametrize("length", [0, 7, 9, 16])
def test_a_block_that_has_not_eight_bytes_is_refused(length: int) -> None:
    with pytest.raises(PinBlockError, match=f"8 bytes, not {length}"):
        translate(bytes(length), PinKey(FROM), PinKey(TO))


@pytest.mark.parametrize("pan", ["", "621626100000", "62162610000000000X8", "６２１６２６１０００００００"])
def test_a_number_that_is_no_cards_is_refused_without_being_repeated(pan: str) -> None:
    with pytest.raises(PinBlockError) as caught:
        translate(bytes(8), PinKey(FROM), PinKey(TO), pan=pan, to_format=PinFormat.WITHOUT_PAN)
    assert not pan or pan not in str(caught.value)


@pytest.mark.parametrize("pin", ["", "123", "1234567890123", "12a4"])
def test_what_is_no_pin_is_refused_without_being_repeated(pin: str) -> None:
    with pytest.raises(PinBlockError) as caught:
        encipher_pin(pin, PinKey(FROM), pan=PAN)
    assert str(caught.value) == "a PIN has 4 to 12 digits"


def test_a_pin_key_does_not_show_itself() -> None:
    assert FROM.hex() not in repr(PinKey(FROM)).lower()
    assert repr(FROM) not in repr(PinKey(FROM))
