"""One field's content at a time: what is shown, what is refused, and where the mistake is said to be."""

import pytest

from tests.unit.iso8583.messages import CUP, ISO87
from yuanlu.iso8583.codec import Codec, Message
from yuanlu.iso8583.errors import DecodeError, EncodeError


def _message(codec: Codec, number: int, content: bytes) -> Message:
    return codec.decode(codec.encode(mti="0200", fields={number: content}))


@pytest.mark.parametrize(
    ("codec", "number", "content", "shown"),
    [
        (CUP, 22, b"\x05\x10", "0510"),  # left-aligned, the pad nibble is shown
        (CUP, 23, b"\x00\x01", "0001"),  # right-aligned
        (CUP, 35, b"\x62\x00\xd3\x01", "6200=301"),  # the separator
        (CUP, 35, b"\xab\xcd", "ABC="),  # encrypted track data may hold any nibble
        (CUP, 42, b"898440153110001", "898440153110001"),
        (CUP, 44, b"03080000   ", "03080000   "),  # trailing spaces are content
        (CUP, 52, bytes.fromhex("11223344556677ff"), "11223344556677FF"),
        (CUP, 59, b"A3", "A3"),  # text stays text although it looks like hex
        (CUP, 59, "交易".encode("gbk"), "交易"),
        (CUP, 62, b"Sequence No12", "Sequence No12"),
        (CUP, 62, b"\x00\xff", "00FF"),
        (
            CUP,
            62,
            b"00FF",
            "30304646",
        ),  # text that looks like hex is shown as hex, so it can be written again
        (CUP, 63, "交易成功".encode("gbk"), "交易成功"),
        (CUP, 63, b"", ""),
        (CUP, 64, b"E5805ECB", "E5805ECB"),
        (CUP, 64, b"e5805ecb", "6535383035656362"),  # hosts write upper case; this is binary
        (CUP, 64, bytes(range(8)), "0001020304050607"),
        (ISO87, 64, bytes(range(8)), "0001020304050607"),  # eight bytes become sixteen characters
        (ISO87, 64, b"0011223344556677", "0011223344556677"),
        (ISO87, 35, b"6200=301", "6200=301"),
    ],
)
def test_content_is_shown_and_written_back(codec: Codec, number: int, content: bytes, shown: str) -> None:
    message = _message(codec, number, content)
    assert message[number] == shown
    assert codec.encode(mti="0200", fields={number: shown}) == message.raw


@pytest.mark.parametrize("number", [57, 58, 59])
def test_binary_private_data_are_shown_as_hex_and_written_from_bytes(number: int) -> None:
    message = _message(CUP, number, b"\x00\x01")  # GBK, but not printable
    assert message[number] == "0001"
    assert CUP.encode(mti="0200", fields={number: message.value_bytes(number)}) == message.raw


@pytest.mark.parametrize(
    ("codec", "number", "content", "within", "reason"),
    [
        (CUP, 4, b"\x00\x00\x0a\x00\x00\x00", 2, "nibble is not a digit"),
        (CUP, 22, b"\x05\x11", 1, "wrong pad"),
        (CUP, 22, b"\x05\x1f", 1, "wrong pad"),
        (CUP, 23, b"\x10\x01", 0, "wrong pad"),
        (CUP, 39, b"0\x00", 1, "not printable ASCII"),
        (CUP, 41, b"1234567\xff", 7, "not printable ASCII"),
        (CUP, 63, b"ab\x81", 2, "not GBK"),
        (CUP, 2, b"", 0, "empty"),
        (ISO87, 2, b"", 0, "empty"),
        (ISO87, 4, b"00000000001A", 11, "not a digit"),
        (ISO87, 35, b"62D", None, ""),
        (ISO87, 35, b"62x", 2, "not a track character"),
        (ISO87, 52, b"00112233445566fg", 14, "not upper-case hex"),
    ],
)
def test_bad_content_is_refused_at_its_byte(
    codec: Codec, number: int, content: bytes, within: int | None, reason: str
) -> None:
    message = _message(codec, number, content)
    if within is None:
        assert message[number] == content.decode()
        return
    with pytest.raises(DecodeError) as caught:
        message[number]
    assert caught.value.field == number
    assert caught.value.offset == message.content_span(number)[0] + within
    assert caught.value.reason == reason
    with pytest.raises(DecodeError) as again:
        message.fields()
    assert str(again.value) == str(caught.value)


@pytest.mark.parametrize(("number", "length", "last"), [(2, b"\x15", 0x51), (35, b"\x15", 0x5A)])
def test_an_odd_count_must_end_in_a_zero_pad(number: int, length: bytes, last: int) -> None:
    sound = CUP.encode(mti="0200", fields={number: "6" * 15})
    assert CUP.decode(sound)[number] == "6" * 15
    with pytest.raises(DecodeError, match="wrong pad"):
        CUP.decode(sound[:-1] + bytes((last,)))[number]


@pytest.mark.parametrize("number", [52, 41, 49])
def test_a_fixed_field_takes_exactly_its_size(number: int) -> None:
    with pytest.raises(EncodeError, match="needed"):
        CUP.encode(mti="0200", fields={number: b"\x30"})
