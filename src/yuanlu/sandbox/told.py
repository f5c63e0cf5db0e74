"""What simulated tills were told, as lines of JSON: one of the three witnesses of the demo's verdict."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

import msgspec
from msgspec import Struct

from yuanlu.sandbox.ledger import PaymentRef

SETTLEMENT = "settlement"
"""The `kind` of what a till was told when it closed its batch; all others are kinds of transaction."""


class Told(Struct, frozen=True, kw_only=True):
    """One answer that a till got, or, with an empty `code`, one that it waited for in vain.

    `asked` says what it had asked: a request of this `kind`, or the reversal of that request. `about_stan` is the trace
    number of the transaction that the request follows. `behaviour` is what the till was up to, `errand` what its
    cashier was, and `fault` the fault that the amount called for, if any. `flag` is the host's word on the totals of a
    batch: 1 they agree, 2 they do not. `at_us` is the till's wall time since 1970 UTC.
    """

    terminal_id: str
    merchant_id: str
    batch_no: str
    stan: str
    amount_minor: int
    asked: Literal["request", "reversal"]
    code: str
    at_us: int
    kind: str = "sale"
    about_stan: str = ""
    behaviour: str = ""
    errand: str = ""
    fault: str = ""
    flag: str = ""

    @property
    def ref(self) -> PaymentRef:
        """The transaction it is about."""
        return self._ref(self.stan)

    @property
    def about(self) -> PaymentRef | None:
        """The transaction that the request follows, None for one that follows none."""
        return self._ref(self.about_stan) if self.about_stan else None

    def _ref(self, stan: str) -> PaymentRef:
        return PaymentRef(terminal_id=self.terminal_id, merchant_id=self.merchant_id, batch_no=self.batch_no, stan=stan)


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
