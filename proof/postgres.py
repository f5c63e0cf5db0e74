"""A real PostgreSQL of our own: for tests, proofs and benchmarks. Started on loopback, killed, removed.

Debian's package puts the programs into /usr/lib/postgresql/VERSION/bin; where it is missing and we may, it is
installed. The server refuses to run as root, so root runs it as the user `postgres`, which the package makes, or as
`nobody`.
"""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from proof.tools import ToolMissing, install
from yuanlu.kernel.errors import YuanluError

VERSION_MIN = 15
PACKAGE = "postgresql"
INSTALLED = Path("/usr/lib/postgresql")
SERVER = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "log_min_messages=warning")
AGAIN_S, AGAIN_S_MAX = 0.2, 30.0


class NoPostgres(ToolMissing):
    """There is none on this machine, and it cannot be installed."""


class ServerFailed(YuanluError):
    """One of PostgreSQL's own programs did not do its work; the text says which and why."""


def programs() -> Path:
    """The folder of the newest server, 15 or later; installs it where that is allowed. Raises NoPostgres."""
    found = _found()
    if found is None:
        try:
            install(PACKAGE)
        except ToolMissing as error:
            raise NoPostgres(f"no PostgreSQL {VERSION_MIN} or later: {error}") from None
        found = _found()
    if found is None:
        raise NoPostgres(f"{PACKAGE} is installed, but it is no PostgreSQL {VERSION_MIN} or later")
    return found


def _found() -> Path | None:
    there = {int(path.parent.name): path for path in INSTALLED.glob("[0-9]*/bin") if (path / "initdb").exists()}
    on_path = shutil.which("initdb")
    if not there and on_path:
        there[VERSION_MIN] = Path(on_path).resolve().parent
    newest = max(there, default=0)
    return there[newest] if newest >= VERSION_MIN else None


def _as_server() -> list[str]:
    """What runs a command as a user that the server accepts."""
    if os.getuid() != 0:
        return []
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]


class Cluster:
    """A server on 127.0.0.1 that this process started, and ends. `more` are settings, `at` is where its folder is."""

    def __init__(self, *more: str, at: Path | None = None) -> None:
        self.bin = programs()
        self.folder = Path(tempfile.mkdtemp(prefix="yuanlu-postgres-", dir=at))
        self._as = _as_server()
        self._own(self.folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._databases = 0
        self._more = more
        data = ["-D", str(self.data)]
        self.run("initdb", *data, "--locale=C", "--encoding=UTF8", "--username=yuanlu", "--auth=trust", "--no-sync")
        self.start()

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "log"

    @property
    def postmaster(self) -> int:
        """The number of the server's first process; 0 when it is not running."""
        with suppress(OSError, ValueError, IndexError):
            return int((self.data / "postmaster.pid").read_text("ascii").splitlines()[0])
        return 0

    def run(self, program: str, *arguments: str) -> str:
        """What one of PostgreSQL's own programs says, run as the server's user. Raises ServerFailed."""
        command = [*self._as, str(self.bin / program), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServerFailed(f"{program}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self) -> None:
        """Start the server, and wait until it answers. Raises ServerFailed."""
        options = " ".join(f"-c {each}" for each in (*SERVER, f"port={self.port}", *self._more))
        # Not through a pipe: the server would inherit it, and nobody would see its end.
        self.run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.log), "-o", options, "start")

    def start_again(self) -> None:
        """After a kill: what is left of the old server has to be gone first. Raises ServerFailed."""
        _until_it_works(self.start)

    def stop(self, how: str = "immediate") -> None:
        """Stop it: `immediate` is what a crash looks like to its clients. Raises ServerFailed."""
        self.run("pg_ctl", "-D", str(self.data), "-w", "-m", how, "stop")

    def kill(self) -> None:
        """Kill -9 of the postmaster: its sessions go on until they notice."""
        with suppress(ProcessLookupError):
            os.kill(self.postmaster, signal.SIGKILL)

    def processes(self) -> list[int]:
        """The numbers of the postmaster and of all that it has begun."""
        return [self.postmaster, *_children(self.postmaster)]

    def kill_session(self, chance: random.Random) -> None:
        """Kill -9 of a process that serves a client: the server ends all others, too, and recovers."""
        sessions = [pid for pid in _children(self.postmaster) if b"postgres: yuanlu" in _command(pid)]
        if sessions:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(sessions), signal.SIGKILL)

    def wait_ready(self) -> None:
        """Until it takes connections. Raises ServerFailed when that does not come."""
        _until_it_works(lambda: self.run("pg_isready", "-q", *self.reach))

    def copy_data(self, to: str) -> Path:
        """The data directory of a stopped server as it is now, beside it."""
        copy = self.folder / to
        self._as_user("cp", "-a", str(self.data), str(copy))
        return copy

    def put_back(self, copy: Path) -> None:
        """A stopped server goes on with this copy; what came since is gone."""
        shutil.rmtree(self.data)
        self._as_user("cp", "-a", str(copy), str(self.data))

    def remove(self) -> None:
        """Stop it for good."""
        with suppress(ServerFailed):  # it may be stopped already
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str, port: int = 0) -> str:
        """For `[store] url`; `port` is that of a proxy before the server."""
        return f"postgresql://yuanlu@127.0.0.1:{port or self.port}/{database}"

    def new_database(self, *how: str) -> str:
        """The url of a new, empty database. Raises ServerFailed."""
        self._databases += 1
        name = f"j{self._databases}"
        self.run("createdb", *self.reach, *how, name)
        return self.url(name)

    @property
    def reach(self) -> tuple[str, ...]:
        """The options by which PostgreSQL's programs reach it."""
        return ("-h", "127.0.0.1", "-p", str(self.port), "-U", "yuanlu")

    def damage(self, database: str) -> str | None:
        """What the server's own check of tables and indexes finds wrong, or None."""
        try:
            self.run("pg_amcheck", *self.reach, "--install-missing", "--heapallindexed", database)
        except ServerFailed as error:
            return str(error)
        return None

    def dump(self, database: str) -> str:
        """The whole database as SQL; what went wrong where that cannot be had."""
        try:
            return self.run("pg_dump", *self.reach, database)
        except ServerFailed as error:
            return str(error)

    def _as_user(self, *command: str) -> None:
        subprocess.run([*self._as, *command], check=True, capture_output=True)

    def _own(self, folder: Path) -> None:
        if self._as:
            shutil.chown(folder, int(self._as[1].partition("=")[2]))


def _until_it_works(ask: Callable[[], object]) -> None:
    """Again and again. Raises ServerFailed when it has not worked for AGAIN_S_MAX."""
    until = time.monotonic() + AGAIN_S_MAX
    while True:
        try:
            ask()
        except ServerFailed:
            if time.monotonic() > until:
                raise
            time.sleep(AGAIN_S)
        else:
            return


def _children(parent: int) -> list[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(pid) for pid in listed.read_text("ascii").split()] if listed.exists() else []


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
