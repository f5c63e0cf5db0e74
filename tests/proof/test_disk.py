"""The model of a disk at a power cut: what was synced stays, of what was not anything may be there."""

import random

from proof.powerloss.disk import Disk, Image
from proof.powerloss.trace import Call, Kind, read_trace

FILE, FOLDER = "/data/journal.db", "/data"
IMAGES = 400


def played(*steps: tuple[Kind, str, int, bytes]) -> Disk:
    """A disk after these calls, each of which ended before the next began."""
    disk = Disk()
    for place, (kind, name, at, data) in enumerate(steps):
        to = FILE if kind is Kind.RENAME else ""
        disk.begin(Call(kind=kind, began=2 * place, ended=2 * place + 1, name=name, at=at, data=data, to=to))
    disk.begin(Call(kind=Kind.SEND, began=2 * len(steps), ended=2 * len(steps), name="a->b"))
    return disk


def images(disk: Disk) -> list[Image]:
    return list(disk.images(random.Random(1), 0, IMAGES))


CREATED = (Kind.CREATE, FILE, 0, b"")
NAMED = (Kind.SYNC, FOLDER, 0, b"")
SYNCED = (Kind.SYNC, FILE, 0, b"")


def written(at: int, data: bytes) -> tuple[Kind, str, int, bytes]:
    return (Kind.WRITE, FILE, at, data)


def test_what_was_synced_is_in_every_image():
    found = images(played(CREATED, NAMED, written(0, b"a" * 1024), SYNCED, written(1024, b"b" * 1024)))
    assert all(image[FILE][:1024] == b"a" * 1024 for image in found)


def test_what_was_not_synced_is_there_or_not_whole_or_torn_at_sectors():
    found = {image[FILE] for image in images(played(CREATED, NAMED, written(0, b"a" * 512 + b"b" * 512)))}
    assert found == {b"", b"a" * 512, b"a" * 512 + b"b" * 512, bytes(512) + b"b" * 512}


def test_of_two_writes_the_later_may_be_there_without_the_earlier():
    found = {image[FILE] for image in images(played(CREATED, NAMED, written(0, b"a"), written(1, b"b")))}
    assert b"\x00b" in found
    assert b"a" in found


def test_a_new_name_may_be_gone_until_its_folder_was_synced():
    assert {FILE in image for image in images(played(CREATED, written(0, b"a"), SYNCED))} == {True, False}
    assert {FILE in image for image in images(played(CREATED, SYNCED, NAMED))} == {True}


def test_a_removed_name_may_come_back_until_its_folder_was_synced():
    removed = (Kind.UNLINK, FILE, 0, b"")
    assert {FILE in image for image in images(played(CREATED, NAMED, removed))} == {True, False}
    assert {FILE in image for image in images(played(CREATED, NAMED, removed, NAMED))} == {False}


def test_a_sync_covers_nothing_that_was_still_under_way_when_it_began():
    disk = Disk()
    disk.begin(Call(kind=Kind.CREATE, began=0, ended=1, name=FILE))
    disk.begin(Call(kind=Kind.SYNC, began=2, ended=3, name=FOLDER))
    disk.begin(Call(kind=Kind.WRITE, began=4, ended=9, name=FILE, at=0, data=b"a"))
    disk.begin(Call(kind=Kind.SYNC, began=5, ended=7, name=FILE))
    disk.begin(Call(kind=Kind.SEND, began=10, ended=10, name="a->b"))
    assert {image[FILE] for image in images(disk)} == {b"", b"a"}


def test_a_draft_that_is_renamed_is_under_either_name_or_none_until_its_folder_was_synced():
    draft = f"{FILE}.new"
    steps = (
        (Kind.CREATE, draft, 0, b""),
        (Kind.WRITE, draft, 0, b"a"),
        (Kind.SYNC, draft, 0, b""),
        (Kind.RENAME, draft, 0, b""),
    )
    found = images(played(*steps))
    assert all(image.get(FILE, b"a") == b"a" for image in found)
    assert {FILE in image for image in found} == {True, False}
    assert {FILE in image for image in images(played(*steps, NAMED))} == {True}


def test_a_trace_is_read_with_calls_that_other_threads_interrupted():
    name, folder = _hex(FILE), _hex(FOLDER)
    lines = [
        f'7 openat(AT_FDCWD<\\x2f>, "{name}", O_RDWR|O_CREAT, 0644) = 5<{name}>\n',
        f'7 pwrite64(5<{name}>, "\\x61\\x62", 2, 4096 <unfinished ...>\n',
        '8 write(6<TCP:[127.0.0.1:1->127.0.0.1:2]>, "\\x00\\x01\\x63", 3) = 3\n',
        "7 <... pwrite64 resumed>) = 2\n",
        f"7 fdatasync(5<{name}>) = 0\n",
        f"7 fsync(9<{folder}>) = 0\n",
        '7 openat(AT_FDCWD<\\x2f>, "\\x2f\\x65\\x74\\x63", O_RDONLY) = 5<\\x2f\\x65\\x74\\x63>\n',
    ]
    found = [(call.kind, call.name, call.began, call.ended, call.at, call.data) for call in read_trace(lines, "/data/")]
    assert found == [
        (Kind.CREATE, FILE, 0, 0, 0, b""),
        (Kind.WRITE, FILE, 1, 3, 4096, b"ab"),
        (Kind.SEND, "127.0.0.1:1->127.0.0.1:2", 2, 2, 0, b"\x00\x01c"),
        (Kind.SYNC, FILE, 4, 4, 0, b""),
        (Kind.SYNC, FOLDER, 5, 5, 0, b""),
    ]


def test_a_file_that_is_opened_by_a_way_round_is_the_same_file():
    round_about, name = _hex("/data/sub/../journal.db"), _hex(FILE)
    lines = [
        f'7 openat(AT_FDCWD<\\x2f>, "{round_about}", O_RDWR|O_CREAT, 0644) = 5<{name}>\n',
        f'7 pwrite64(5<{name}>, "\\x61", 1, 0) = 1\n',
    ]
    assert [(call.kind, call.name) for call in read_trace(lines, "/data/")] == [(Kind.CREATE, FILE), (Kind.WRITE, FILE)]


def _hex(text: str) -> str:
    """As strace writes names and data."""
    return "".join(f"\\x{byte:02x}" for byte in text.encode())
