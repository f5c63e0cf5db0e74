"""DES and triple DES on single blocks, as the POS field still uses them.

Keys are 8, 16 or 24 bytes; shorter ones are expanded (K,K,K and K1,K2,K1), so that one cipher serves them all
(NIST SP 800-67, ANSI X3.92). Parity bits are ignored on receipt and set odd on issue. A context made here may
be called again and again, each time with whole blocks of 8 bytes; in ECB mode no call leaves a trace for the
next.
"""

from collections.abc import Callable

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from yuanlu.keys.errors import KeyFormError

BLOCK_BYTES = 8
KCV_BYTES = 4
ZERO_BLOCK = bytes(BLOCK_BYTES)

BlockFunction = Callable[[bytes], bytes]


def triple_des(key: bytes) -> TripleDES:
    """The cipher for a key of 8, 16 or 24 bytes; `KeyFormError` for any other length."""
    match len(key):
        case 8:
            return TripleDES(key * 3)
        case 16:
            return TripleDES(key + key[:8])
        case 24:
            return TripleDES(key)
        case length:
            raise KeyFormError(f"a DES key has 8, 16 or 24 bytes, not {length}")


def ecb_encryptor(key: bytes) -> BlockFunction:
    """A function that enciphers whole 8-byte blocks one by one; made once for a key, called many times."""
    return Cipher(triple_des(key), modes.ECB()).encryptor().update  # noqa: S305 - the standards say ECB


def ecb_decryptor(key: bytes) -> BlockFunction:
    """The inverse of `ecb_encryptor`."""
    return Cipher(triple_des(key), modes.ECB()).decryptor().update  # noqa: S305 - the standards say ECB


def check_value(key: bytes) -> bytes:
    """KCV: the first 4 bytes of the zero block enciphered under the key, as field 62 of 0810 carries it."""
    return ecb_encryptor(key)(ZERO_BLOCK)[:KCV_BYTES]


def with_odd_parity(key: bytes) -> bytes:
    """The same key with the lowest bit of every byte set so that the byte has an odd number of ones."""
    return bytes(byte ^ 1 if byte.bit_count() % 2 == 0 else byte for byte in key)


def without_padding(key: bytes) -> bytes:
    """The key without the zero blocks that pad it, as field 62 of 0810 pads a short key to the long form.

    Holds for the enciphered and for the clear form alike: neither ends in eight zero bytes by itself. A key
    of nothing but zeros keeps its first block.
    """
    while len(key) > BLOCK_BYTES and key.endswith(ZERO_BLOCK):
        key = key[:-BLOCK_BYTES]
    return key
