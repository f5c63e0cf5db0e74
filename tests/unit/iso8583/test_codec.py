"""Whole messages: published vectors, generated ones, and everything a hostile sender may try."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.iso8583.messages import CUP, ISO87, PAN, field_sets, mtis, vector, vectors
from yuanlu.iso8583.codec import Codec, codec_for, dialect_names, repeat_mti, response_mti
from yuanlu.iso8583.errors import DecodeError, EncodeError, UnknownDialect
from yuanlu.iso8583.masking import describe, masked

CODECS = pytest.mark.parametrize("codec", [CUP, ISO87], ids=lambda codec: codec.dialect.name)
VECTORS = pytest.mark.parametrize("entry", vectors(), ids=lambda entry: entry["id"])


@VECTORS
def test_a_published_frame_reads_as_published(entry: dict) -> None:
    message = CUP.decode(entry["frame"])
    shown = {"0": message.mti} | {str(number): value for number, value in message.fields().items()}
    assert {number: shown[number] for number in entry.get("fields", {})} == entry.get("fields", {})
    assert message.tpdu == bytes.fromhex(entry.get("tpdu", message.tpdu.hex()))
    assert message.header == bytes.fromhex(entry.get("header", message.header.hex()))


@VECTORS
def test_a_published_frame_is_written_again_byte_for_byte(entry: dict) -> None:
    message = CUP.decode(entry["frame"])
    again = CUP.encode(mti=message.mti, fields=message.fields(), tpdu=message.tpdu, header=message.header)
    assert again == entry["frame"]
    assert message.splice({}) == entry["frame"]


@CODECS
@given(data=st.data(), mti=mtis())
def test_what_is_written_reads_back_the_same(codec: Codec, data: st.DataObject, mti: str) -> None:
    fields = data.draw(field_sets(codec))
    message = codec.decode(codec.encode(mti=mti, fields=fields))
    assert message.mti == mti
    assert message.fields() == fields
    assert message.numbers == tuple(sorted(fields))


@CODECS
@given(data=st.data())
def test_splicing_equals_writing_the_changed_fields_anew(codec: Codec, data: st.DataObject) -> None:
    before, after = data.draw(field_sets(codec)), data.draw(field_sets(codec))
    gone = data.draw(st.sets(st.sampled_from(sorted(codec.dialect.fields)), max_size=3))
    changes = {**after, **dict.fromkeys(gone)}
    wanted = {n: value for n, value in (before | changes).items() if value is not None}
    spliced = codec.decode(codec.encode(mti="0200", fields=before)).splice(changes, mti="0400")
    assert spliced == codec.encode(mti="0400", fields=wanted)


@given(frame=st.binary(max_size=200))
def test_random_bytes_are_refused_with_a_decode_error(frame: bytes) -> None:
    _touch_everything(CUP, frame)
    _touch_everything(ISO87, frame)


@settings(max_examples=150)
@given(frame=st.sampled_from([entry["frame"] for entry in vectors()]), data=st.data())
def test_damaged_frames_are_refused_with_a_decode_error(frame: bytes, data: st.DataObject) -> None:
    damaged = bytearray(frame)
    for at in data.draw(st.lists(st.integers(0, len(frame) - 1), max_size=4)):
        damaged[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, 3))
    _touch_everything(CUP, bytes(damaged[: len(damaged) - cut]))


@given(data=st.data())
def test_damaged_ascii_frames_are_refused_with_a_decode_error(data: st.DataObject) -> None:
    damaged = bytearray(ISO87.encode(mti="0200", fields=data.draw(field_sets(ISO87))))
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), max_size=4)):
        damaged[at] = data.draw(st.integers(0, 255))
    _touch_everything(ISO87, bytes(damaged))


def _touch_everything(codec: Codec, frame: bytes) -> None:
    """Only DecodeError may come out, and describing must not even raise that."""
    describe(frame, codec)
    try:
        message = codec.decode(frame)
    except DecodeError as error:
        _assert_inside(frame, error)
        return
    hidden = masked(message)
    assert len(hidden) == len(frame)
    describe(hidden, codec)
    assert message.splice({}) == frame
    try:
        message.fields()
    except DecodeError as error:
        _assert_inside(frame, error)


def _assert_inside(frame: bytes, error: DecodeError) -> None:
    assert 0 <= error.offset <= len(frame)


HEAD = "6000060000603100311108"
CASES = [
    ("600006", "tpdu", 3, "cut short"),
    ("6100060000" + "603100311108" + "0800" + "0" * 16, "tpdu", 0, "does not begin with 60"),
    ("6000060000" + "6031", "header", 7, "cut short"),
    (HEAD + "08", "mti", 12, "cut short"),
    (HEAD + "0A00" + "0" * 16, "mti", 11, "not four digits"),
    (HEAD + "0800" + "0020", "bitmap", 15, "cut short"),
    (HEAD + "0800" + "8" + "0" * 15, "bitmap", 13, "bit 1 is set"),
    (HEAD + "0800" + "08" + "0" * 14, "bitmap", 13, "bit 5 is set"),
    (HEAD + "0800" + "4" + "0" * 15, 2, 21, "length cut short"),
    (HEAD + "0800" + "4" + "0" * 15 + "20", 2, 21, "length 20, at most 19 digits"),
    (HEAD + "0800" + "4" + "0" * 15 + "1A", 2, 21, "length is not made of digits"),
    (HEAD + "0800" + "4" + "0" * 15 + "166200", 2, 24, "cut short: 6 bytes missing"),
    (HEAD + "0800" + "2" + "0" * 15 + "00000099", "frame", 24, "1 bytes behind"),
]


@pytest.mark.parametrize(("frame", "field", "offset", "reason"), CASES)
def test_a_malformed_frame_is_refused_naming_field_place_and_reason(
    frame: str, field: int | str, offset: int, reason: str
) -> None:
    with pytest.raises(DecodeError) as caught:
        CUP.decode(bytes.fromhex(frame))
    assert (caught.value.field, caught.value.offset) == (field, offset)
    assert reason in caught.value.reason


def test_a_second_bitmap_may_not_announce_a_third() -> None:
    with pytest.raises(DecodeError, match="bit 65 is set"):
        ISO87.decode(b"0200" + b"8" + b"0" * 15 + b"8" + b"0" * 15)


def test_a_lower_case_bitmap_is_refused() -> None:
    with pytest.raises(DecodeError, match="not upper-case hex"):
        ISO87.decode(b"0200" + b"a" + b"0" * 15)


def test_a_missing_field_is_an_error_only_when_it_is_demanded() -> None:
    message = CUP.decode(vector("V1"))
    assert message.get(4) is None
    assert not message.has(4)
    with pytest.raises(DecodeError, match="field 4 at byte 87: missing"):
        message[4]


def test_a_fields_place_and_bytes_can_be_asked_for() -> None:
    message = CUP.decode(vector("G1"))
    start, end = message.span(2)
    assert message.raw[start:end].hex() == "1962162610000000000180"
    assert message.content_span(2) == (start + 1, end)
    assert message.value_bytes(60).hex() == "22000007000600"


def test_the_mac_covers_message_type_to_the_last_field_before_it() -> None:
    frame = vector("G1")
    assert CUP.decode(frame).mac_input() == frame[11:-8]


def test_a_mac_that_is_missing_or_not_last_covers_nothing() -> None:
    with pytest.raises(DecodeError, match="missing"):
        CUP.decode(vector("V1")).mac_input()
    early = ISO87.decode(ISO87.encode(mti="0400", fields={64: "0" * 16, 90: "0" * 42}))
    with pytest.raises(DecodeError, match="fields follow the MAC"):
        early.mac_input()


@pytest.mark.parametrize("extra", [{}, {90: "0" * 42}], ids=["one bitmap", "two bitmaps"])
@CODECS
def test_a_mac_function_sees_what_the_finished_frame_covers(codec: Codec, extra: dict[int, str]) -> None:
    extra = extra if codec is ISO87 else {}
    seen: list[bytes] = []

    def make(covered: bytes) -> bytes:
        seen.append(covered)
        return b"\x01\x02\x03\x04\x05\x06\x07\xff"

    frame = codec.encode(mti="0200", fields={11: "000001", **extra}, mac=make)
    message = codec.decode(frame)
    assert message[128 if extra else 64] == "01020304050607FF"
    assert seen == [message.mac_input()]
    spliced = message.splice({4: "000000000100"}, mac=make)
    assert seen[1] == codec.decode(spliced).mac_input()


def test_a_mac_moves_when_fields_above_64_come_or_go() -> None:
    message = ISO87.decode(ISO87.encode(mti="0400", fields={11: "000001"}, mac=lambda covered: b"\x00" * 8))
    longer = ISO87.decode(message.splice({90: "0" * 42}, mac=lambda covered: b"\x11" * 8))
    assert longer.numbers == (11, 90, 128)
    assert ISO87.decode(longer.splice({90: None}, mac=lambda covered: b"\x22" * 8)).numbers == (11, 64)


def test_a_bitmap_is_built_from_the_fields_and_never_left_over() -> None:
    message = CUP.decode(vector("V3"))
    request = message.splice(dict.fromkeys((12, 13, 32, 37, 39), None) | {63: "001"}, mti="0800")
    assert request[13:21].hex() == "0020000000c00016"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({2: "6" * 20}, "field 2 cannot be encoded: 20 digits, at most 19 fit"),
        ({4: "12"}, "field 4 cannot be encoded: 1 bytes, exactly 6 needed"),
        ({4: "00000000001A"}, "field 4 cannot be encoded: not all digits"),
        ({4: "٠" * 12}, "field 4 cannot be encoded: not all digits"),
        ({22: "0511"}, "field 22 cannot be encoded: wrong pad"),
        ({23: "1001"}, "field 23 cannot be encoded: wrong pad"),
        ({39: "是"}, "field 39 cannot be encoded: a character is not printable ASCII"),
        ({63: "😀"}, "field 63 cannot be encoded: a character is not in GBK"),
        ({55: "9f"}, "field 55 cannot be encoded: not upper-case hex"),
        ({35: "12X"}, "field 35 cannot be encoded: not a track character"),
        ({65: "1"}, "field 65 cannot be encoded: no such field in this dialect"),
        ({60: ""}, "field 60 cannot be encoded: empty"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_without_repeating_it(fields: dict, reason: str) -> None:
    with pytest.raises(EncodeError) as caught:
        CUP.encode(mti="0200", fields=fields)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"mti": "02"}, "mti"),
        ({"mti": "02000"}, "mti"),
        ({"tpdu": b"\x60\x00"}, "tpdu"),
        ({"tpdu": b"\x61\x00\x00\x00\x00"}, "tpdu"),
        ({"header": b""}, "header"),
        ({"fields": {64: "0" * 8}, "mac": lambda covered: b"\x00" * 8}, 64),
    ],
)
def test_a_wrong_envelope_is_refused(arguments: dict, field: str | int) -> None:
    with pytest.raises(EncodeError) as caught:
        CUP.encode(**({"mti": "0800", "fields": {}} | arguments))
    assert caught.value.field == field


def test_raw_bytes_pass_unchecked_so_that_frames_can_be_made_wrong_on_purpose() -> None:
    message = CUP.decode(CUP.encode(mti="0200", fields={4: bytes.fromhex("00000000001A")}))
    with pytest.raises(DecodeError, match="field 4 at byte 26: nibble is not a digit"):
        message[4]


def test_an_unknown_dialect_is_refused_with_the_known_ones() -> None:
    assert dialect_names() == ("cup-pos", "iso87-ascii")
    with pytest.raises(UnknownDialect, match="unknown dialect 'cup'; known: cup-pos, iso87-ascii"):
        codec_for("cup")


@pytest.mark.parametrize(
    ("request_mti", "answer"),
    [
        ("0100", "0110"),
        ("0200", "0210"),
        ("0220", "0230"),
        ("0320", "0330"),
        ("0500", "0510"),
        ("0620", "0630"),
        ("0400", "0410"),
        ("0401", "0410"),
        ("0421", "0430"),
        ("0600", "0610"),
    ],
)
def test_every_request_has_its_answer(request_mti: str, answer: str) -> None:
    assert response_mti(request_mti) == answer


@pytest.mark.parametrize("mti", ["0210", "0230", "020", "x200", "0240"])
def test_an_answer_has_no_answer(mti: str) -> None:
    with pytest.raises(EncodeError):
        response_mti(mti)


def test_a_repeat_is_marked_in_1987_and_not_at_terminals() -> None:
    assert repeat_mti(ISO87.dialect, "0400") == "0401"
    assert repeat_mti(ISO87.dialect, "0420") == "0421"
    assert repeat_mti(ISO87.dialect, "0220") == "0221"
    assert repeat_mti(ISO87.dialect, "0620") == "0621"
    assert repeat_mti(CUP.dialect, "0400") == "0400"


def test_a_message_does_not_show_its_card_number() -> None:
    message = CUP.decode(CUP.encode(mti="0200", fields={2: PAN}))
    assert repr(message) == "<Message cup-pos 0200 (2,)>"
