"""The mark beside the key file: whatever a power cut tears, it can be read, and is never ahead."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from yuanlu.db.errors import StoreError
from yuanlu.journal.mark import Mark, read_marks, remove_old
from yuanlu.journal.store import Writer

WRITER = Writer(writer_id=7, started_at_us=1_767_243_600_000_000, clean=True)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "keys.toml"


def file_of(key_file: Path) -> Path:
    return Path(f"{key_file}.mark-7")


def written(key_file: Path, *seqs: int) -> bytes:
    """The file of a gateway that came so far, step by step."""
    mark = Mark(key_file, WRITER)
    for seq in seqs:
        mark.note(seq)
    mark.close()
    return file_of(key_file).read_bytes()


def reached(key_file: Path) -> int:
    """How far the only mark says that it had come."""
    [mark] = read_marks(key_file)
    assert (mark.writer_id, mark.started_at_us) == (WRITER.writer_id, WRITER.started_at_us)
    return mark.seq


def torn(old: bytes, new: bytes) -> Iterator[bytes]:
    """What may be on the disk when it was writing the new over the old: cut at any byte, from either end."""
    assert len(old) == len(new)
    for at in range(len(old) + 1):
        yield new[:at] + old[at:]
        yield old[:at] + new[at:]


@pytest.mark.parametrize("seqs", [(), (1,), (1, 2), (1, 2, 3), (254, 255, 256, 70_000)])
def test_a_mark_says_how_far_the_gateway_had_come(key_file, seqs):
    written(key_file, *seqs)
    assert reached(key_file) == max(seqs, default=0)


@pytest.mark.parametrize(
    ("before", "since"),
    [
        ((), (1,)),
        ((1,), (2,)),
        ((254, 255), (256,)),
        ((254, 255), (256, 257)),
        ((65_534, 65_535), (65_536, 65_540, 65_541)),
    ],
)
def test_a_mark_torn_at_any_byte_is_read_and_never_ahead_nor_more_than_one_commit_behind_the_disk(
    key_file, before, since
):
    old, new = written(key_file, *before), written(key_file, *before, *since)
    noted = sorted({0, *before, *since})
    seen = set()
    for content in set(torn(old, new)):
        file_of(key_file).write_bytes(content)
        seen.add(reached(key_file))
    assert seen <= set(noted[max(0, len(before) - 1) :])
    assert {max(before, default=0), since[-1]} <= seen


def test_of_a_write_that_tears_one_slot_the_other_still_counts(key_file):
    content = written(key_file, 41, 42)
    for at in range(len(content)):
        file_of(key_file).write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        assert reached(key_file) in (41, 42)


def test_a_mark_of_before_the_slots_is_read(key_file):
    file_of(key_file).write_bytes(struct.pack("=3Q", WRITER.writer_id, WRITER.started_at_us, 99))
    assert reached(key_file) == 99


@pytest.mark.parametrize("content", [b"", bytes(24 - 1), bytes(600), b"\xff" * 540])
def test_what_no_power_cut_leaves_is_damage(key_file, content):
    file_of(key_file).write_bytes(content)
    with pytest.raises(StoreError, match="mark-7 is damaged"):
        read_marks(key_file)


def test_a_draft_that_a_power_cut_left_is_no_mark(key_file):
    Path(f"{key_file}.mark-6.new").write_bytes(b"half a l")
    written(key_file, 3)
    assert reached(key_file) == 3


def test_a_mark_has_no_name_before_its_content_is_durable(key_file, monkeypatch):
    names_at_sync = []
    monkeypatch.setattr("os.fsync", lambda file: names_at_sync.append(file_of(key_file).exists()))
    Mark(key_file, WRITER).close()
    assert names_at_sync == [False, True]


def test_an_old_mark_goes_unless_its_gateway_runs(key_file):
    mark = Mark(key_file, WRITER)
    remove_old(read_marks(key_file))
    assert reached(key_file) == 0
    mark.close()
    remove_old(read_marks(key_file))
    assert read_marks(key_file) == []


def test_a_mark_needs_a_folder_that_can_be_written(tmp_path):
    with pytest.raises(StoreError, match="must be writable"):
        Mark(tmp_path / "nowhere" / "keys.toml", WRITER)
