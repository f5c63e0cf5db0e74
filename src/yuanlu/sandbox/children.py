"""The demo's processes: hosts, gateway, tills, each with a log of its own and none outliving the demo."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from yuanlu.kernel.errors import YuanluError

STOP_TIMEOUT_S = 5.0
LISTEN_TIMEOUT_S = 20.0
POLL_S = 0.05
LOG_LINES_SHOWN = 15


class ChildFailed(YuanluError):
    """A process of the demo ended by itself, or never began to listen; the text ends with its log."""


class Child:
    """One process: `python -m MODULE ARGUMENTS`, its output appended to `log`."""

    def __init__(self, name: str, module: str, arguments: list[str], log: Path) -> None:
        self.name = name
        self._command = [sys.executable, "-m", module, *arguments]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin. In a session of its own, so that Ctrl-C reaches the demo alone, which then ends all in
        order.
        """
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
                self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )

    @property
    def running(self) -> bool:
        """Whether it is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended, None while it runs."""
        return self._process.poll() if self._process is not None else None

    def check(self) -> None:
        """Raise ChildFailed if it is no longer there."""
        if not self.running:
            raise ChildFailed(f"the {self.name} ended (exit code {self.exit_code})\n{self.log_tail()}")

    def kill(self) -> None:
        """Kill -9: nothing of it gets another chance to run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting."""
        self.tell(signal.SIGTERM)

    def tell(self, number: signal.Signals) -> None:
        """Send a signal that it has a meaning of its own for."""
        if self._process is not None and self.running:
            self._process.send_signal(number)

    def stop(self) -> None:
        """SIGTERM, and kill what does not go."""
        self.ask_to_stop()
        if self._process is None:
            return
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def log_tail(self) -> str:
        """The last lines of its log."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LOG_LINES_SHOWN:])


def wait_listening(child: Child, port: int) -> None:
    """Wait until `child` listens on `port` of loopback. Raises ChildFailed when it ends or takes too long."""
    if not _wait_until(lambda: _connects(port), LISTEN_TIMEOUT_S, child.check):
        raise ChildFailed(
            f"the {child.name} does not listen on port {port} after {LISTEN_TIMEOUT_S:.0f} s\n" + child.log_tail()
        )


def _wait_until(done: Callable[[], bool], timeout_s: float, check: Callable[[], None]) -> bool:
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if done():
            return True
        check()
        time.sleep(POLL_S)
    return False


def _connects(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
    except OSError:
        return False
