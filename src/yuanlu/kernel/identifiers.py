"""Names of things: transactions, returns, and the key by which a repeat is recognised."""

import uuid
from collections.abc import Callable

from msgspec import Struct

from yuanlu.kernel.clock import Clock

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
_RANDOM_LIMIT = 1 << _RANDOM_BITS
_RETURN_NAMESPACE = uuid.UUID("6f0b7a52-8a0c-5c55-9d0e-79756e6c7521")


class TransactionKey(Struct, frozen=True, kw_only=True):
    """What makes two requests the same (domain trap T7): the STAN alone wraps and restarts.

    All as on the wire: `terminal_id` 8, `merchant_id` 15 characters, `batch_no` 6 and `stan` 6 digits,
    `mti_class` the request's MTI ("0200", "0100"), also for its reversal.
    """

    terminal_id: str
    merchant_id: str
    batch_no: str
    stan: str
    mti_class: str

    def __str__(self) -> str:
        return f"{self.terminal_id}+{self.stan} (batch {self.batch_no}, {self.mti_class})"


class IdentifierSource:
    """Makes ULIDs: 26 characters, sortable by time, rising even when the clock falls back.

    `after` is the last one of an earlier process: these rise beyond it, too. They begin in the next millisecond with a
    tail of their own, since that process may have named things after it that nobody looked at to find the last.
    """

    def __init__(self, clock: Clock, random_bits: Callable[[int], int], after: str = "") -> None:
        self._clock = clock
        self._random_bits = random_bits
        self._ms = _number(after[:10]) + 1 if after else -1
        self._tail = random_bits(_RANDOM_BITS) if after else 0
        self._prefix = _base32(self._ms, 10) if after else ""

    def new(self) -> str:
        """The next identifier."""
        ms = self._clock.wall_us() // 1000
        if ms > self._ms:
            self._ms = ms
            self._tail = self._random_bits(_RANDOM_BITS)
            self._prefix = _base32(ms, 10)
        else:
            self._tail += 1
            if self._tail >= _RANDOM_LIMIT:
                self._ms += 1
                self._tail %= _RANDOM_LIMIT
                self._prefix = _base32(self._ms, 10)
        return self._prefix + _base32(self._tail % _RANDOM_LIMIT, 16)


def first_of(wall_us: int) -> str:
    """The lowest identifier of that millisecond: those made since then are not below it."""
    return _base32(wall_us // 1000, 10) + "0" * 16


def _base32(value: int, length: int) -> str:
    if length == 16:  # the hot half: five bits a character from a hex-free loop over one int
        return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(70, -1, -10)])
    return "".join([_ALPHABET[(value >> shift) & 31] for shift in range(5 * (length - 1), -1, -5)])


def bits_of(identifier: str) -> int:
    """The 128 bits of one."""
    return _number(identifier) & (1 << 128) - 1


def _number(text: str) -> int:
    value = 0
    for character in text:
        value = value << 5 | _ALPHABET.index(character)
    return value


_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]


def return_id(transaction_id: str, kind: str, leg_no: int) -> str:
    """The one name of one giving-back: the same inputs give the same id in every process, for ever."""
    return str(uuid.uuid5(_RETURN_NAMESPACE, f"{transaction_id}/{kind}/{leg_no}"))
