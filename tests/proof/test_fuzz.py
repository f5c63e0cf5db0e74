"""Every input of the corpora through its target, and targets that notice what they are there for."""

from pathlib import Path

import pytest

from proof.fuzz.targets import TARGETS
from yuanlu.iso8583 import codec, framing, tlv
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError

CORPUS = Path(__file__).parents[1] / "corpus"
INPUTS = sorted(path for path in CORPUS.rglob("*") if path.is_file())
CORPUS_BYTES_MAX = 500_000


@pytest.mark.parametrize("path", INPUTS, ids=[str(path.relative_to(CORPUS)) for path in INPUTS])
def test_nothing_but_a_refusal_comes_out_of(path):
    TARGETS[path.parent.name].check(path.read_bytes())


def test_every_target_has_a_small_corpus_and_every_corpus_a_target():
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert sum(path.stat().st_size for path in INPUTS) < CORPUS_BYTES_MAX
    for target in TARGETS.values():
        longest = max(path.stat().st_size for path in (CORPUS / target.name).iterdir())
        assert longest <= target.bytes_max, target.name


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_at_all_is_an_input_too(name):
    TARGETS[name].check(b"")


def seed(target: str, name: str) -> bytes:
    return (CORPUS / target / name).read_bytes()


def test_a_frame_that_is_written_otherwise_than_it_was_read_is_noticed(monkeypatch):
    monkeypatch.setattr(Message, "splice", lambda self, _changes: self.raw[:-1] + b"?")
    with pytest.raises(AssertionError):
        TARGETS["cup-pos"].check(seed("cup-pos", "request-sale"))


def test_another_error_than_a_refusal_is_noticed(monkeypatch):
    def walk(_dialect, _frame):
        raise IndexError("read behind the end")

    monkeypatch.setattr(codec, "walk", walk)
    with pytest.raises(IndexError):
        TARGETS["iso87-ascii"].check(seed("iso87-ascii", "inquiry") + b"0")


def test_a_stream_whose_frames_depend_on_how_it_is_cut_is_noticed(monkeypatch):
    feed = framing.FrameReader.feed

    def forgetful(self, data):
        self._buffer = b""
        return feed(self, data)

    monkeypatch.setattr(framing.FrameReader, "feed", forgetful)
    with pytest.raises(AssertionError, match="how the stream is cut"):
        TARGETS["frames"].check(seed("frames", "two"))


def test_two_ways_to_read_chip_data_that_disagree_are_noticed(monkeypatch):
    monkeypatch.setattr(tlv, "_plain_short", lambda data: data[:0])
    with pytest.raises(AssertionError):
        TARGETS["chip-data"].check(seed("chip-data", "bench"))


def test_a_refusal_that_points_outside_the_frame_is_noticed(monkeypatch):
    def walk(_dialect, frame):
        raise DecodeError(field="frame", offset=len(frame) + 1, reason="behind the end")

    monkeypatch.setattr(codec, "walk", walk)
    with pytest.raises(AssertionError):
        TARGETS["cup-pos"].check(b"\x60nothing")
