"""Frames on a stream, however the network cuts it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanlu.iso8583.errors import DecodeError, EncodeError
from yuanlu.iso8583.framing import FrameReader, with_length

FRAMES = [b"\x60" * 3, b"a", b"\x00" * 300]
STREAM = b"".join(with_length(frame) for frame in FRAMES)


def test_a_stream_cut_anywhere_gives_the_same_frames() -> None:
    for cut in range(len(STREAM) + 1):
        reader = FrameReader()
        assert reader.feed(STREAM[:cut]) + reader.feed(STREAM[cut:]) == FRAMES, cut
        assert reader.pending_bytes == 0


def test_frames_arrive_byte_by_byte() -> None:
    reader = FrameReader()
    assert [frame for byte in STREAM for frame in reader.feed(bytes((byte,)))] == FRAMES


@given(
    frames=st.lists(st.binary(min_size=1, max_size=50), max_size=6),
    cuts=st.lists(st.integers(0, 400), max_size=6),
)
def test_any_frames_survive_any_segments(frames: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(with_length(frame) for frame in frames)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = FrameReader()
    got = [frame for start, end in pairwise(edges) for frame in reader.feed(stream[start:end])]
    assert got == frames


def test_a_waiting_frame_is_counted() -> None:
    reader = FrameReader()
    reader.feed(b"\x00\x05ab")
    assert reader.pending_bytes == 4


@pytest.mark.parametrize("length", [0, 101, 65535])
def test_a_length_of_zero_or_above_the_limit_ends_the_stream(length: int) -> None:
    reader = FrameReader(frame_bytes_max=100)
    with pytest.raises(DecodeError, match="1 to 100 allowed") as caught:
        reader.feed(length.to_bytes(2, "big"))
    assert caught.value.field == "length"
    with pytest.raises(DecodeError):
        reader.feed(with_length(b"good again"))


def test_whole_frames_before_a_bad_length_are_not_lost() -> None:
    reader = FrameReader()
    assert reader.feed(with_length(b"good") + b"\x00\x00") == [b"good"]
    with pytest.raises(DecodeError):
        reader.feed(b"")


@pytest.mark.parametrize("size", [0, 65536])
def test_a_frame_without_a_two_byte_length_is_refused(size: int) -> None:
    with pytest.raises(EncodeError):
        with_length(b"x" * size)
