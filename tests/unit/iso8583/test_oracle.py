"""The same frames through pyiso8583, which was written by others: both must read and write them alike."""

import iso8583
import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso8583.specs import default_ascii

from bench.codec import oracle_spec
from tests.unit.iso8583.messages import CUP, ISO87, field_sets, vectors

CUP_SPEC = oracle_spec(CUP)


@given(fields=field_sets(ISO87))
def test_ascii_messages_are_written_and_read_alike(fields: dict[int, str]) -> None:
    frame = ISO87.encode(mti="0200", fields=fields)
    theirs, _ = iso8583.decode(frame, default_ascii)
    assert {int(n): value for n, value in theirs.items() if n.isdecimal() and n != "1"} == fields
    written, _ = iso8583.encode({"t": "0200"} | {str(n): value for n, value in fields.items()}, default_ascii)
    assert bytes(written) == frame


def test_the_ascii_table_has_the_sizes_of_theirs() -> None:
    for number, field in ISO87.dialect.fields.items():
        theirs = default_ascii[str(number)]
        assert (field.size, field.length_digits) == (theirs["max_len"], theirs["len_type"]), number
    assert set(range(2, 129)) - set(ISO87.dialect.fields) == {65}


@pytest.mark.parametrize("entry", vectors(), ids=lambda entry: entry["id"])
def test_published_frames_are_read_alike(entry: dict) -> None:
    _compare(entry["frame"])


@given(data=st.data())
def test_terminal_messages_are_read_alike(data: st.DataObject) -> None:
    _compare(CUP.encode(mti="0200", fields=data.draw(field_sets(CUP))))


def _compare(frame: bytes) -> None:
    """Where the two show a value differently, ours is brought to their form: bytes as hex, '=' as D."""
    theirs, _ = iso8583.decode(frame, CUP_SPEC)
    message = CUP.decode(frame)
    assert [int(n) for n in theirs if n.isdecimal()] == list(message.numbers)
    for number, value in message.fields().items():
        as_hex = CUP_SPEC[str(number)]["data_enc"] == "b"
        theirs_shown = theirs[str(number)]
        if number in (62, 64):
            assert theirs_shown == message.value_bytes(number).hex().upper()
        elif as_hex:
            assert theirs_shown == value.replace("=", "D")
        else:
            assert theirs_shown == message.value_bytes(number).decode("gbk")
