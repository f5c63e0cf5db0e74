"""`python -m yuanlu.evidence.press`: a pack from standard input, its PDF to standard output.

In a process of its own: typst keeps what it has laid out, some 2 GB after a few long packs, and gives it back only when
the process ends. Exit code 1: it could not be set, with the reason on standard error.
"""

import subprocess
import sys

import msgspec

from yuanlu.evidence.document import Pack, TypesettingFailed

PRESS_S_MAX = 60
"""The longest pack takes about a second; a machine that stands still is waited for."""


def pressed(pack: Pack) -> bytes:
    """The pack's PDF, made by a process that then ends. Raises TypesettingFailed."""
    command = [sys.executable, "-m", "yuanlu.evidence.press"]
    try:
        done = subprocess.run(  # noqa: S603 - our own module; the pack is its input
            command, input=pack.content, capture_output=True, timeout=PRESS_S_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        raise TypesettingFailed(f"the evidence pack was not set within {PRESS_S_MAX} s") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise TypesettingFailed(lines[-1] if lines else f"the press ended with exit code {done.returncode}")
    return done.stdout


def main() -> int:
    """Set the pack of standard input."""
    from yuanlu.evidence.typesetting import typeset  # noqa: PLC0415 - only the child needs typst

    try:
        sys.stdout.buffer.write(typeset(msgspec.json.decode(sys.stdin.buffer.read(), type=Pack)))
    except TypesettingFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
