"""PIN blocks of field 52: translated from one PIN key to another, never opened for anyone to read.

Format: ISO 9564-1 format 0 (ANSI X9.8), with the card number mixed in or without it, as field 53.1 says. The
PIN part is `0`, the PIN's length, the PIN, filled with `F`; the card part is `0000` and the 12 rightmost
digits of the card number without its check digit. Nothing about the PIN is checked: only the issuer may judge
it. The clear block lives inside one expression, in no variable and in no error.
"""

from enum import Enum

from yuanlu.keys.des import BLOCK_BYTES, BlockFunction, ecb_decryptor, ecb_encryptor
from yuanlu.keys.errors import PinBlockError

PAN_DIGITS_MIN = 13
PIN_DIGITS_MIN = 4
PIN_DIGITS_MAX = 12


class PinFormat(Enum):
    """Whether the card number is mixed into the block; the value is the digit of field 53.1."""

    WITHOUT_PAN = "1"
    WITH_PAN = "2"


class PinKey:
    """A PIN key (8, 16 or 24 bytes) made ready for use; shows nothing of itself. Belongs to one thread."""

    __slots__ = ("_decipher", "_encipher")

    def __init__(self, key: bytes) -> None:
        """Compile the key; `KeyFormError` if its length is wrong."""
        self._encipher: BlockFunction = ecb_encryptor(key)
        self._decipher: BlockFunction = ecb_decryptor(key)


def pan_part(pan: str) -> int:
    """The card part of a format 0 block as a 64-bit number; `PinBlockError` if it is no card number."""
    if len(pan) < PAN_DIGITS_MIN or not (pan.isascii() and pan.isdigit()):
        raise PinBlockError(f"a PIN block needs a card number of at least {PAN_DIGITS_MIN} digits")
    return int(pan[-13:-1], 16)


def translate(
    block: bytes,
    from_key: PinKey,
    to_key: PinKey,
    *,
    pan: str = "",
    from_format: PinFormat = PinFormat.WITH_PAN,
    to_format: PinFormat = PinFormat.WITH_PAN,
) -> bytes:
    """The 8-byte block `block`, enciphered under `from_key`, as the same PIN under `to_key`.

    `pan` is read only when the two formats differ. `PinBlockError` if the block has not 8 bytes or the card
    number is needed and too short.
    """
    if len(block) != BLOCK_BYTES:
        raise PinBlockError(f"a PIN block has {BLOCK_BYTES} bytes, not {len(block)}")
    if from_format is to_format:
        return to_key._encipher(from_key._decipher(block))
    mixed_in = pan_part(pan)
    return to_key._encipher((int.from_bytes(from_key._decipher(block), "big") ^ mixed_in).to_bytes(8, "big"))


def encipher_pin(pin: str, key: PinKey, *, pan: str = "", pin_format: PinFormat = PinFormat.WITH_PAN) -> bytes:
    """The 8-byte block a terminal makes of the digits typed on it; `PinBlockError` unless there are 4 to 12.

    For simulated terminals: a real one does this inside its own key pad.
    """
    if not PIN_DIGITS_MIN <= len(pin) <= PIN_DIGITS_MAX or not (pin.isascii() and pin.isdigit()):
        raise PinBlockError(f"a PIN has {PIN_DIGITS_MIN} to {PIN_DIGITS_MAX} digits")
    mixed_in = pan_part(pan) if pin_format is PinFormat.WITH_PAN else 0
    return key._encipher((int(f"0{len(pin):X}{pin:F<14}", 16) ^ mixed_in).to_bytes(8, "big"))
