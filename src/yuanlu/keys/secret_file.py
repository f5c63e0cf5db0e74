"""The file that holds the software key store's one secret.

Three lines of text: a title with the form's version, the secret in hex (32 bytes), and the first 4 bytes of
its SHA-256, by which damage is noticed. The file belongs to one user: mode 0600 or stricter. It appears whole
or not at all, and an existing one is never replaced.
"""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from yuanlu.keys.errors import KeyFileError

TITLE = "yuanlu software key store 1"
SECRET_BYTES = 32
FILE_BYTES_MAX = 4096


def read_secret(path: Path) -> bytes:
    """The 32 secret bytes; `KeyFileError` says what is wrong with the file and what to do."""
    try:
        # Without O_NONBLOCK a pipe in the file's place would hold the start for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeyFileError(f"{path} does not exist; restore it from a backup, or allow a new one to be made") from None
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}; run as the user who owns it") from None
    try:
        _require_private(path, os.fstat(descriptor))
        return _parsed(path, os.read(descriptor, FILE_BYTES_MAX))
    finally:
        os.close(descriptor)


def create_secret(path: Path, random_bytes: Callable[[int], bytes]) -> None:
    """Write a new secret from the random source, durably; an existing file is left alone without an error."""
    secret = random_bytes(SECRET_BYTES)
    text = f"{TITLE}\n{secret.hex()}\n{_check(secret)}\n"
    # A name of its own for each writer: two that start at once must not meet in one draft.
    draft = path.with_name(f"{path.name}.{os.getpid()}.{random_bytes(4).hex()}.new")
    try:
        _write_durably(draft, text.encode())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        finally:
            draft.unlink()
        _sync_directory(path.parent)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be made: {error.strerror}; check that its directory is writable") from None


def _write_durably(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_private(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError(f"{path} is not a file; name the key file itself")
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise KeyFileError(f"{path} is open to other users (mode {mode:04o}); run: chmod 600 {path}")


def _parsed(path: Path, content: bytes) -> bytes:
    damaged = KeyFileError(f"{path} is damaged; restore it from a backup: what it sealed cannot be opened otherwise")
    lines = content.decode("ascii", errors="replace").splitlines()
    if len(lines) != 3 or lines[0] != TITLE:
        raise damaged
    try:
        secret = bytes.fromhex(lines[1])
    except ValueError:
        raise damaged from None
    if len(secret) != SECRET_BYTES or _check(secret) != lines[2]:
        raise damaged
    return secret


def _check(secret: bytes) -> str:
    return hashlib.sha256(secret).digest()[:4].hex()
