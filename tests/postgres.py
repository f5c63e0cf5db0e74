"""A real PostgreSQL for tests: one cluster for the whole run, a new database for each test.

Debian's package puts the programs into /usr/lib/postgresql/VERSION/bin. The server refuses to run as root, so root
runs it as the user `postgres`, which the package makes, or as `nobody`.
"""

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

VERSION_MIN = 15
SERVER = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "log_min_messages=warning")


class NoPostgres(Exception):
    """There is none on this machine."""


def programs() -> Path:
    """The folder of the newest server, 15 or later; NoPostgres without one."""
    found = {int(path.parent.name): path for path in Path("/usr/lib/postgresql").glob("[0-9]*/bin")}
    on_path = shutil.which("initdb")
    if not found and on_path:
        found[VERSION_MIN] = Path(on_path).resolve().parent
    newest = max(found, default=0)
    if newest < VERSION_MIN:
        raise NoPostgres("no PostgreSQL 15 or later; on Debian: apt-get install postgresql")
    return found[newest]


def _as_server() -> list[str]:
    """What runs a command as a user that the server accepts."""
    if os.getuid() != 0:
        return []
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]


class Cluster:
    """A server on 127.0.0.1 that this test run started, and ends."""

    def __init__(self, *more: str) -> None:
        self.bin = programs()
        self.folder = Path(tempfile.mkdtemp(prefix="yuanlu-postgres-"))
        self._as = _as_server()
        if self._as:
            shutil.chown(self.folder, int(self._as[1].partition("=")[2]))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._databases = 0
        self._more = more
        data = ["-D", str(self.folder / "data")]
        self.run("initdb", *data, "--locale=C", "--encoding=UTF8", "--username=yuanlu", "--auth=trust", "--no-sync")
        self.start()

    def run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's own programs, as the server's user."""
        command = [*self._as, str(self.bin / program), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"{program}: {done.stdout}{done.stderr}")

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = " ".join(f"-c {each}" for each in (*SERVER, f"port={self.port}", *self._more))
        log = str(self.folder / "log")
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", log, "-o", options, "start")

    def stop(self, how: str = "immediate") -> None:
        """Stop it: `immediate` is what a crash looks like to its clients."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", how, "stop")

    def remove(self) -> None:
        """Stop it for good."""
        with suppress(AssertionError):  # a test has stopped it already
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        return f"postgresql://yuanlu@127.0.0.1:{self.port}/{database}"

    def new_database(self, *how: str) -> str:
        """The url of a new, empty database."""
        self._databases += 1
        name = f"j{self._databases}"
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "yuanlu", *how, name)
        return self.url(name)


@cache
def cluster() -> Cluster:
    """The one of this test run. Its settings are a production server's: only its disk is not waited for less."""
    made = Cluster()
    atexit.register(made.remove)
    return made


def postgres_for_test() -> str:
    """The url of a new database; without a server the test is skipped, loudly, and fails where CI runs it."""
    try:
        return cluster().new_database()
    except NoPostgres as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        warnings.warn(pytest.PytestWarning(f"NOT TESTED ON POSTGRESQL: {error}"), stacklevel=1)
        pytest.skip(str(error))
