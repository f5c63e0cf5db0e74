"""Images of a real journal after a power cut: each is judged by what it holds, whatever others before it held."""

import asyncio
import sys
from contextlib import closing
from pathlib import Path

import pytest
from pysqlite3 import dbapi2

from proof.powerloss import checking
from proof.powerloss.checking import Checker
from proof.powerloss.disk import Image
from proof.powerloss.promises import Promise, Promised
from proof.powerloss.recording import RecordingFailed, while_it_runs
from proof.virtual.machine import prepared
from yuanlu.db.sqlite import writer_engine
from yuanlu.journal.frames import Direction, pack
from yuanlu.journal.tables import facts

RECORDED = "/recorded"
FILE, LOG = f"{RECORDED}/data/journal.db", f"{RECORDED}/data/journal.db-wal"
FRAMES = (b"first", b"second", b"third")
PAGE = 4096


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Image]:
    """The disk of a gateway that commits one frame after the other, after each commit."""
    folder = tmp_path_factory.mktemp("gateway")
    prepared(folder)
    engine, images = writer_engine(folder / "journal.db"), []
    for seq, frame in enumerate(FRAMES, 1):
        row = dict.fromkeys(("merchant_id", "kind", "terminal_id", "note"), "") | {"at_us": 0, "writer_id": 1}
        row |= {"subject_id": "T", "version": seq, "writer_seq": seq}
        with engine.begin() as connection:
            frames = pack(Direction.TO_TERMINAL, "cup-pos", frame)
            connection.execute(facts.insert().values(**row, frames=frames))
        images.append({FILE: (folder / "journal.db").read_bytes(), LOG: (folder / "journal.db-wal").read_bytes()})
    engine.dispose()
    return images


@pytest.fixture
def checker(tmp_path: Path) -> Checker:
    (tmp_path / "data").mkdir()
    return Checker(RECORDED, tmp_path)


def sent(*frames: bytes) -> Promised:
    """These had left; no mark was there to be written."""
    promised = Promised()
    for frame in frames:
        promised.add(Promise(began=0, direction=Direction.TO_TERMINAL, masked=frame))
    promised.writer_id = 0
    return promised


def torn(image: Image, at: int) -> Image:
    """The image with a byte of its log turned round."""
    log = bytearray(image[LOG])
    log[at] ^= 0xFF
    return {**image, LOG: bytes(log)}


def lost(found: list[str]) -> list[bytes]:
    return [frame for frame in FRAMES if any(frame.hex() in what for what in found)]


def test_every_frame_that_had_left_must_be_there_in_whatever_order_images_come(written, checker):
    for _ in range(2):
        assert lost(checker.problems(written[0], sent(*FRAMES))) == [b"second", b"third"]
        assert checker.problems(written[2], sent(*FRAMES)) == []
        assert lost(checker.problems(written[1], sent(*FRAMES))) == [b"third"]
        assert checker.problems(written[0], sent(b"first")) == []


def test_a_log_that_is_torn_in_its_last_commit_holds_the_one_before(written, checker):
    assert checker.problems(written[2], sent(*FRAMES)) == []
    assert lost(checker.problems(torn(written[2], -1), sent(*FRAMES))) == [b"third"]


def test_what_stands_behind_the_last_commit_changes_nothing_and_is_read_once(written, checker, monkeypatch):
    read, real = [], checking._read
    monkeypatch.setattr(checking, "_read", lambda *given: read.append(given) or real(*given))
    for tail in (b"", b"\0" * PAGE, b"half a frame"):
        assert checker.problems({**written[2], LOG: written[2][LOG] + tail}, sent(*FRAMES)) == []
    assert len(read) == 1


def test_a_page_that_is_wrong_is_noticed_right_after_the_same_journal_without_it(written, checker):
    assert checker.problems(written[2], sent(*FRAMES)) == []
    whole = written[2][FILE]
    for page in range(len(whole) // PAGE - 1, 0, -1):
        damaged = {**written[2], FILE: whole[: page * PAGE] + b"\xff" * PAGE + whole[(page + 1) * PAGE :]}
        if "damaged" in str(checker.problems(damaged, sent())):
            break
    else:
        pytest.fail("no page of the journal was missed")
    assert checker.problems(written[2], sent(*FRAMES)) == []


def test_whoever_still_holds_the_image_before_does_not_disturb_the_next(written, checker, tmp_path):
    assert lost(checker.problems(written[0], sent(*FRAMES))) == [b"second", b"third"]
    with closing(dbapi2.connect(str(tmp_path / "data" / "journal.db"))) as holder:
        assert holder.execute("SELECT count(*) FROM facts").fetchone() == (1,)
        assert checker.problems(written[2], sent(*FRAMES)) == []
        assert lost(checker.problems(torn(written[2], -1), sent(*FRAMES))) == [b"third"]


def test_a_journal_that_is_gone_is_noticed_although_the_last_image_had_one(written, checker):
    assert checker.problems(written[2], sent(*FRAMES)) == []
    assert checker.problems({}, sent(*FRAMES)) == ["the journal is gone, and 3 frames had been sent"]


def test_a_recorded_gateway_that_ends_by_itself_is_no_recording_and_says_why():
    async def story() -> None:
        dying = "import sys; print('no room left', file=sys.stderr); sys.exit(70)"
        gateway = await asyncio.create_subprocess_exec(sys.executable, "-c", dying, stderr=asyncio.subprocess.PIPE)
        assert gateway.stderr is not None
        said = asyncio.ensure_future(gateway.stderr.read())
        await while_it_runs(gateway, said, asyncio.get_running_loop().create_future())  # tills that wait for ever

    with pytest.raises(RecordingFailed, match="by itself with 70: no room left"):
        asyncio.run(story())
