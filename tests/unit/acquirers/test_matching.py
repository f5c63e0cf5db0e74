"""Which answer belongs to which request, and what is kept for a reversal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.iso8583.messages import CUP, ISO87, field_sets
from yuanlu.acquirers.iso8583_host import expected_answer, inquiry_state, original_data_elements, with_batch
from yuanlu.acquirers.link import matches
from yuanlu.acquirers.material import account_bytes, account_from, material_of
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.masking import masked

SALE = {
    2: "6200000000000005", 3: "000000", 4: "000000001234", 11: "000007", 22: "0210", 25: "00",
    35: "6200000000000005=30122010000000", 41: "T0000001", 42: "898440153110001", 49: "156", 52: b"\x01" * 8,
    60: "22000001000",
}  # fmt: skip
CHIP_SALE = {
    CUP: {n: v for n, v in SALE.items() if n not in (35, 52)},
    ISO87: {n: v for n, v in SALE.items() if n not in (22, 35, 52, 60)},
}
ANSWER = {number: SALE[number] for number in (3, 4, 11, 41, 42)} | {39: "00"}

ANSWERS = [
    ({}, True, "the answer"),
    ({3: None}, True, "left out"),
    ({4: None}, True, "left out"),
    ({42: None}, True, "left out"),
    ({3: "200000"}, False, "another kind"),
    ({4: "000000000001"}, False, "another amount"),
    ({4: "000000000001", 39: "10"}, True, "a partial approval"),
    ({42: "000000000000000"}, False, "another merchant"),
    ({4: b"\x00\x00\x00\x00\x1a\x34"}, False, "an amount that cannot be read"),
]


@pytest.mark.parametrize(("changes", "expected", "why"), ANSWERS)
def test_an_answer_must_repeat_what_it_repeats_truly(changes, expected, why):
    request = CUP.decode(CUP.encode(mti="0200", fields=SALE))
    plain = CUP.decode(CUP.encode(mti="0210", fields=ANSWER))
    answer = CUP.decode(plain.splice(changes))
    assert matches(answer, expected_answer(request)) is expected, why


def test_an_answer_finds_its_request_by_type_terminal_and_trace_number():
    request = CUP.decode(CUP.encode(mti="0200", fields=SALE))
    assert expected_answer(request).key == ("0210", "T0000001", "000007")
    with pytest.raises(DecodeError):
        expected_answer(CUP.decode(request.splice({11: None})))


def test_the_sealed_account_has_no_track_no_pin_and_no_expiry():
    sale = CUP.decode(CUP.encode(mti="0200", fields=SALE))
    content = account_bytes(sale, "6200000000000005")
    assert account_from(content) == {2: "6200000000000005"}
    assert b"3012" not in content
    material = material_of(sale, account_from(content))
    assert not {35, 36, 52, 14, 62} & material.fields.keys()


@pytest.mark.parametrize("codec", [CUP, ISO87], ids=["cup-pos", "iso87-ascii"])
@given(data=st.data())
def test_a_reversal_built_from_the_masked_original_is_the_one_built_from_the_original(codec, data):
    fields = data.draw(field_sets(codec))
    message = codec.decode(codec.encode(mti="0200", fields={n: v for n, v in fields.items() if n != 55}))
    account = account_from(account_bytes(message, ""))
    assert material_of(codec.decode(masked(message)), account) == material_of(message, account)


def test_the_short_chip_data_survive_the_masking_of_the_rest():
    chip = bytes.fromhex("57115413330089604111D26122010123456789" + "9F3602000195050800048000")
    for codec in (CUP, ISO87):
        message = codec.decode(codec.encode(mti="0200", fields=CHIP_SALE[codec] | {55: chip.hex().upper()}))
        kept = material_of(codec.decode(masked(message)), {2: SALE[2]})
        assert kept.fields[55] == "9F3602000195050800048000"


def test_a_1987_reversal_names_its_original():
    fields = SALE | {7: "1123080000", 32: "48025800"}
    del fields[22], fields[52], fields[60]
    material = material_of(ISO87.decode(ISO87.encode(mti="0200", fields=fields)), {})
    assert original_data_elements(material) == "0200" + "000007" + "1123080000" + "00048025800" + "00000000000"


def test_the_hosts_batch_number_replaces_the_terminals_and_nothing_else():
    assert with_batch("22000001000600", "000123") == "22000123000600"
    assert with_batch("22000001000600", "000001") == "22000001000600"


STATES = [
    ({39: "00", 48: "ST=APPROVED"}, "APPROVED"),
    ({39: "00", 48: "ST=REVERSED"}, "REVERSED"),
    ({39: "00", 48: "ST=WHATEVER"}, "UNANSWERED"),
    ({39: "00"}, "UNANSWERED"),
    ({39: "96", 48: "ST=REVERSED"}, "UNANSWERED"),
    ({48: "ST=REVERSED"}, "UNANSWERED"),
]


@pytest.mark.parametrize(("fields", "state"), STATES)
def test_an_inquiry_says_only_what_it_says_clearly(fields, state):
    assert inquiry_state(ISO87.decode(ISO87.encode(mti="0610", fields=fields))) == state
