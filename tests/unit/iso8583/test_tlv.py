"""Chip data: read, written, shortened for a reversal, and refused when odd."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.iso8583.messages import CUP, vector
from yuanlu.iso8583 import tlv
from yuanlu.iso8583.errors import DecodeError, EncodeError

TAGS = ["82", "95", "9A", "9F10", "9F26", "9F36", "5F2A", "DF31", "9F8102"]


@given(values=st.dictionaries(st.sampled_from(TAGS), st.binary(max_size=300), max_size=6))
def test_what_is_built_is_parsed_again(values: dict[str, bytes]) -> None:
    elements = tuple(values.items())
    assert tlv.parse(tlv.build(elements)) == elements


@settings(max_examples=100)
@given(data=st.binary(max_size=60))
def test_random_bytes_are_read_or_refused_with_a_decode_error(data: bytes) -> None:
    refused: DecodeError | None = None
    elements: list[tlv.Element] = []
    try:
        elements = tlv.walk(data)
    except DecodeError as error:
        refused = error
    if refused is not None:
        assert refused.field == 55
        assert 0 <= refused.offset <= len(data)
        return
    assert sum(e.end - e.tag_start for e in elements if e.depth == 0) == len(data)


def test_a_published_reversal_carries_only_what_a_reversal_keeps() -> None:
    data = CUP.decode(vector("V6")).value_bytes(55)
    assert [tag for tag, _ in tlv.parse(data)] == ["95", "9F1E", "9F10"]
    assert tlv.short_f55(data) == data


def test_a_sale_is_shortened_to_what_its_reversal_repeats() -> None:
    full = tlv.build(
        [
            ("9F26", b"\x01" * 8),
            ("DF31", b"\x00"),
            ("95", b"\x00" * 5),
            ("9F36", b"\x00\x01"),
            ("5A", b"\x62"),
        ]
    )
    assert tlv.short_f55(full) == tlv.build([("DF31", b"\x00"), ("95", b"\x00" * 5), ("9F36", b"\x00\x01")])


def test_templates_are_looked_into() -> None:
    inner = tlv.build([("5A", b"\x62\x00")])
    elements = tlv.walk(tlv.build([("70", inner), ("95", b"")]))
    assert [(e.tag, e.depth) for e in elements] == [("70", 0), ("5A", 1), ("95", 0)]
    assert tlv.parse(tlv.build([("70", inner)])) == (("70", inner),)


@pytest.mark.parametrize(
    ("data", "offset", "reason"),
    [
        ("9F", 0, "a tag is cut short"),
        ("9F818182", 0, "a tag is cut short or longer than three bytes"),
        ("0000", 0, "tag 00"),
        ("95", 1, "tag 95 without length"),
        ("9580", 1, "tag 95 with an indefinite length"),
        ("958300000100", 1, "tag 95 with a length cut short or too long"),
        ("9581", 1, "tag 95 with a length cut short or too long"),
        ("950508", 3, "tag 95 cut short"),
        ("950095009500", 2, "tag 95 twice"),
        ("7003950508", 5, "tag 95 cut short"),
    ],
)
def test_odd_data_are_refused_at_their_place(data: str, offset: int, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        tlv.parse(bytes.fromhex(data), at=100)
    assert caught.value.offset == 100 + offset
    assert reason in caught.value.reason


def test_nesting_has_a_limit() -> None:
    data = b"\x95\x00"
    for _ in range(tlv.DEPTH_MAX - 1):
        data = tlv.build([("70", data)])
    assert len(tlv.walk(data)) == tlv.DEPTH_MAX
    with pytest.raises(DecodeError, match="nested deeper than 4"):
        tlv.walk(tlv.build([("70", data)]))


def test_the_number_of_elements_has_a_limit() -> None:
    tags = [bytes((0x9F, n)).hex().upper() for n in range(tlv.ELEMENTS_MAX + 1)]
    with pytest.raises(DecodeError, match="more than 100 elements"):
        tlv.walk(tlv.build([(tag, b"") for tag in tags]))


@pytest.mark.parametrize("tag", ["", "9", "9F", "95FF", "00", "9f36", "zz"])
def test_what_is_no_tag_is_not_written(tag: str) -> None:
    with pytest.raises(EncodeError, match="not a tag"):
        tlv.build([(tag, b"")])


def test_a_value_above_two_length_bytes_is_not_written() -> None:
    with pytest.raises(EncodeError, match="at most 65535 fit"):
        tlv.build([("95", b"\x00" * 65536)])
