"""Nothing secret is kept, and everything else stays where it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.iso8583.messages import CUP, ISO87, PAN, vector
from yuanlu.iso8583 import tlv
from yuanlu.iso8583.codec import Codec
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.masking import SENSITIVE_TAGS, describe, masked

CODECS = pytest.mark.parametrize("codec", [CUP, ISO87], ids=lambda codec: codec.dialect.name)
CANARY = "6200009876540005"
MIDDLE = "987654"
TRACK = f"{CANARY}=30125201234567890"


def _hide(codec: Codec, fields: dict[int, str | bytes], mti: str = "0200") -> dict[int, str]:
    message = codec.decode(codec.encode(mti=mti, fields=fields))
    hidden = masked(message)
    assert len(hidden) == len(message.raw)
    assert codec.decode(hidden).starts == message.starts
    return describe(hidden, codec)


@CODECS
def test_no_canary_survives_in_any_form(codec: Codec) -> None:
    pan = bytes.fromhex(CANARY)
    chip = tlv.build([("57", pan + bytes.fromhex("D30122010F")), ("5A", pan), ("9F26", b"\x01" * 8)])
    nested = tlv.build([("70", tlv.build([("5F20", CANARY.encode()), ("95", b"\x00" * 5)]))])
    fields: dict[int, str | bytes] = {
        2: CANARY,
        14: "3012",
        35: TRACK,
        36: TRACK,
        48: "02" + CANARY,
        52: "9876549876549876",
        55: (chip + nested).hex().upper(),
        59: f"A3016{CANARY}",
        62: f"CVV{CANARY}",
    }
    if codec is ISO87:
        fields |= {34: CANARY, 45: TRACK, 102: CANARY, 120: CANARY}
    message = codec.decode(codec.encode(mti="0200", fields=fields))
    hidden = masked(message)
    for form in (hidden, hidden.hex().encode(), repr(describe(hidden, codec)).encode()):
        for secret in (MIDDLE, MIDDLE.encode().hex(), MIDDLE.encode().hex().encode().hex()):
            assert secret.encode() not in form
    assert describe(hidden, codec)[2] == "620000******0005"
    assert describe(message.raw, codec) == describe(hidden, codec)


@CODECS
@pytest.mark.parametrize(
    ("pan", "shown"),
    [
        ("6200000000000005", "620000******0005"),
        ("6216261000000000018", "621626*********0018"),
        ("6200000000013", "620000***0013"),
        ("620000000005", "************"),
        ("6", "*"),
    ],
)
def test_a_card_number_keeps_at_most_six_and_four(codec: Codec, pan: str, shown: str) -> None:
    assert _hide(codec, {2: pan})[2] == shown


@pytest.mark.parametrize(
    ("number", "mti", "value", "kept"),
    [
        (62, "0800", "Sequence No12306022003600", True),  # the terminal's serial number
        (62, "0810", "46F161A743497B32EAC760DF5EA57DF5900ECCE3", False),  # keys
        (62, "0800", "46F161A743497B32EAC760DF5EA57DF5900ECCE3", False),  # not text
        (62, "0200", "MOTO 123", False),
        (48, "0500", "0" * 62, True),  # totals
        (48, "0510", "0" * 30 + "1" + "0" * 30 + "1", True),
        (48, "0320", "01" + "0" * 38, False),  # a batch upload lists card numbers
        (48, "0500", "0" * 64, False),  # not the shape of totals
        (48, "0200", "0" * 62, False),
        (53, "0200", "2600000000000000", True),
        (58, "0200", "anything", False),
    ],
)
def test_what_a_field_holds_depends_on_the_message(number: int, mti: str, value: str, kept: bool) -> None:
    shown = _hide(CUP, {number: value}, mti)[number]
    assert shown == value if kept else set(shown) == {"*"}


def test_an_inquiry_answer_is_kept() -> None:
    assert _hide(ISO87, {48: "ST=REVERSED"}, "0610")[48] == "ST=REVERSED"
    assert _hide(ISO87, {48: f"XX={PAN}"}, "0610")[48] == "*" * 19


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("A3019" + "6211111111111111111", "A3019" + "*" * 15 + "1111"),
        ("A3012" + "123456789012" + "A4004" + "abcd", "A3012********9012A4004****"),
        ("A3099123", "********"),
        ("A3002xyrest", "A3002******"),
        ("plain", "*****"),
    ],
)
def test_a_qr_code_keeps_its_frame_and_four_characters(code: str, shown: str) -> None:
    assert _hide(CUP, {59: code})[59] == shown


def test_chip_data_keeps_all_but_the_sensitive_tags() -> None:
    data = tlv.build([("95", b"\x08\x80\x04\x70\x00"), ("5F24", b"\x30\x12\x31"), ("9F36", b"\x00\x01")])
    assert _hide(CUP, {55: data})[55] == "95050880047000" + "5F2403******" + "9F36020001"
    shown = _hide(ISO87, {55: data.hex().upper()})[55]
    assert shown == "95050880047000" + "5F2403******" + "9F36020001"


@pytest.mark.parametrize("data", ["5A08620000", "9580", "5A", "00", "57FF6200", "5A0862000000000000055A0162"])
def test_chip_data_that_cannot_be_read_are_overwritten_whole(data: str) -> None:
    assert _hide(CUP, {55: data})[55] == "*" * len(data)
    assert _hide(ISO87, {55: data})[55] == "*" * len(data)


def test_white_space_between_hex_digits_hides_everything() -> None:
    # Python skips white space when it reads hex, which would shift every position by one.
    assert _hide(ISO87, {55: b"95 0100 5A0862000000000000 5"})[55] == "*" * 28


@given(
    data=st.lists(
        st.tuples(
            st.sampled_from(
                [*sorted(SENSITIVE_TAGS), "95", "9F36", "82", "DF31", "9F8102", "5F2A", "5F34", "9F33", "50"]
            ),
            st.binary(max_size=40),
        ),
        max_size=8,
    ),
    cut=st.integers(0, 2),
)
def test_the_short_way_through_chip_data_hides_what_the_exact_walk_finds(
    data: list[tuple[str, bytes]], cut: int
) -> None:
    content = tlv.build(data)[:250]
    content = content[: len(content) - cut]
    hidden = CUP.decode(masked(CUP.decode(CUP.encode(mti="0200", fields={55: content})))).value_bytes(55)
    try:
        elements = tlv.walk(content)
    except DecodeError:
        # A tag said twice may pass when it is harmless; anything else is gone.
        assert hidden in (content, b"\x00" * len(content))
        assert hidden != content or not any(tag in SENSITIVE_TAGS for tag, _ in data[:-1])
        return
    expected = bytearray(content)
    for element in elements:
        if element.tag in SENSITIVE_TAGS:
            expected[element.start : element.end] = b"\x00" * (element.end - element.start)
    assert hidden == expected


def test_a_published_sale_is_described_with_its_secrets_hidden() -> None:
    shown = describe(masked(CUP.decode(vector("G1"))), CUP)
    assert shown[0] == "0200"
    assert (shown[2], shown[14], shown[52]) == ("621626*********0018", "****", "****************")
    assert (shown[4], shown[41], shown[60]) == ("000000012345", "10000001", "22000007000600")


def test_what_is_no_message_is_described_as_nothing() -> None:
    assert describe(b"", CUP) == {}
    assert describe(b"GET / HTTP/1.1", ISO87) == {}


def test_control_characters_are_shown_as_dots() -> None:
    assert _hide(CUP, {39: b"0\x1b"})[39] == "0·"


def test_a_status_keeps_its_text_unless_a_number_in_it_could_be_a_cards():
    for text, kept in (("slip_failed=1;stan=000123", True), ("vendor=6200000000000", False)):
        fields = {41: "T0000001", 60: "00000001362", 62: text}
        shown = masked(CUP.decode(CUP.encode(mti="0820", fields=fields)))
        assert (text.encode() in shown) is kept
