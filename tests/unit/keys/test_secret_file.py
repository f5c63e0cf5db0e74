"""The key file: private, whole, and never replaced."""

import os
from pathlib import Path

import pytest

from yuanlu.keys.errors import KeyFileError
from yuanlu.keys.secret_file import create_secret, read_secret


def counting(length: int) -> bytes:
    return bytes(range(length))


def test_a_new_file_is_private_and_gives_back_its_secret(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    create_secret(path, counting)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_secret(path) == bytes(range(32))
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    create_secret(path, counting)
    create_secret(path, lambda length: b"\xff" * length)
    assert read_secret(path) == bytes(range(32))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_can_open_is_refused_with_the_command_that_helps(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys"
    create_secret(path, counting)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"run: chmod 600 {path}"):
        read_secret(path)


def damaged_forms() -> list[tuple[str, bytes]]:
    secret = bytes(range(32)).hex().encode()
    title = b"yuanlu software key store 1\n"
    return [
        ("empty", b""),
        ("cut short", title + secret[:40] + b"\n"),
        ("one digit wrong", title + b"1" + secret[1:] + b"\n630dcd29\n"),
        ("no hex", title + b"z" * 64 + b"\n630dcd29\n"),
        ("another form", title.replace(b"1", b"2") + secret + b"\n630dcd29\n"),
        ("binary", bytes(range(256))),
    ]


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in damaged_forms()])
def test_a_damaged_file_is_refused_and_its_content_is_not_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="is damaged; restore it from a backup") as caught:
        read_secret(path)
    assert "0405060708" not in str(caught.value)


def test_a_missing_file_is_told_as_missing(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="does not exist"):
        read_secret(tmp_path / "keys")


def test_a_directory_or_a_pipe_is_no_key_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(KeyFileError, match="is not a file"):
            read_secret(path)


def test_a_directory_that_does_not_exist_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="check that its directory is writable"):
        create_secret(tmp_path / "nowhere" / "keys", counting)


def test_a_wide_umask_does_not_widen_the_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_secret(tmp_path / "keys", counting)
    finally:
        os.umask(before)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600
