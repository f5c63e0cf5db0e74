"""What simulated tills were told, as lines of JSON: one of the three witnesses of the demo's verdict."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

import msgspec
from msgspec import Struct

from yuanlu.sandbox.ledger import PaymentRef


class Told(Struct, frozen=True, kw_only=True):
    """One answer that a till got, or, with an empty `code`, one that it waited for in vain.

    `asked` says what it had asked: a sale, or the reversal of that sale. `behaviour` is what the till was up
    to and `fault` the fault that the amount called for, if any. `at_us` is the till's wall time since 1970
    UTC.
    """

    terminal_id: str
    merchant_id: str
    batch_no: str
    stan: str
    amount_minor: int
    asked: Literal["sale", "reversal"]
    code: str
    at_us: int
    behaviour: str = ""
    fault: str = ""

    @property
    def ref(self) -> PaymentRef:
        """The payment it is about."""
        return PaymentRef(
            terminal_id=self.terminal_id, merchant_id=self.merchant_id, batch_no=self.batch_no, stan=self.stan
        )


class ToldWriter:
    """Appends to a file; every line is whole, also when the process is stopped."""

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = path.open("ab", buffering=0)
        self._encoder = msgspec.json.Encoder()

    def write(self, told: Told) -> None:
        """Append one line."""
        self._file.write(self._encoder.encode(told) + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_told(path: Path) -> Iterator[Told]:
    """All lines of a file, in order."""
    decoder = msgspec.json.Decoder(Told)
    with path.open("rb") as file:
        for line in file:
            yield decoder.decode(line)
