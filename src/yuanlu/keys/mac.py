"""Message authentication codes of field 64: each algorithm is a value, each key is compiled once.

Sources: the UnionPay ECB method (POS terminal specification, sign-in and MAC), ANSI X9.9 (ISO 9797-1
algorithm 1), ANSI X9.19 (ISO 9797-1 algorithm 3), both with zero padding, and AES-CMAC (NIST SP 800-38B, RFC
4493) cut to 8 bytes. The MAC covers the message from its type to the last byte before field 64. Four MACs are
needed for one payment, so `MacKey.make` is the compiled function itself. A compiled key belongs to one
thread.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from yuanlu.keys.des import BLOCK_BYTES, ZERO_BLOCK, ecb_encryptor, triple_des, without_padding
from yuanlu.keys.errors import KeyFormError

MAC_BYTES = 8
FOLD_BYTES = 256

MacFunction = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class MacAlgorithm:
    """One way to make a MAC: its name in the settings, the key lengths it takes, how it compiles a key."""

    name: str
    key_bytes: tuple[int, ...]
    compile: Callable[[bytes], MacFunction]
    is_des: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MacKey:
    """A key made ready for one algorithm.

    `make(data)` gives the 8 bytes of field 64: ASCII hex digits for "unionpay-ecb", binary for the others,
    and no byte at all for "none", which means that field 64 is left out.
    """

    algorithm: str
    make: MacFunction = field(repr=False)

    def verify(self, data: bytes, mac: bytes) -> bool:
        """Whether `mac` is the one `data` asks for, in constant time; "none" takes every MAC."""
        if self.algorithm == NONE.name:
            return True
        return hmac.compare_digest(self.make(data), mac)


def xor_blocks(data: bytes) -> int:
    """All 8-byte blocks of the zero-padded data XORed, as a 64-bit number, big-endian.

    A big integer is folded in half until one block is left: fewer steps than a loop over the blocks.
    """
    folded = 0
    for start in range(0, len(data), FOLD_BYTES):
        folded ^= int.from_bytes(data[start : start + FOLD_BYTES].ljust(FOLD_BYTES, b"\0"), "big")
    folded ^= folded >> 1024
    folded ^= folded >> 512
    folded ^= folded >> 256
    folded ^= folded >> 128
    return (folded ^ folded >> 64) & 0xFFFF_FFFF_FFFF_FFFF


def zero_padded(data: bytes) -> bytes:
    """Data filled with zero bytes to whole blocks, at least one (ISO 9797-1 padding method 1)."""
    return data + bytes(-len(data) % BLOCK_BYTES) if data else ZERO_BLOCK


def _no_mac(_key: bytes) -> MacFunction:
    return lambda _data: b""


def _unionpay_ecb(key: bytes) -> MacFunction:
    encipher = ecb_encryptor(key)

    def make(data: bytes) -> bytes:
        digits = b"%016X" % xor_blocks(data)
        first = int.from_bytes(encipher(digits[:8]), "big")
        second = encipher((first ^ int.from_bytes(digits[8:], "big")).to_bytes(8, "big"))
        return second[:4].hex().upper().encode()

    return make


def _ansi_x9_9(key: bytes) -> MacFunction:
    cipher = Cipher(triple_des(key), modes.CBC(ZERO_BLOCK))

    def make(data: bytes) -> bytes:
        return cipher.encryptor().update(zero_padded(data))[-MAC_BYTES:]

    return make


def _ansi_x9_19(key: bytes) -> MacFunction:
    chain = _ansi_x9_9(key[:8])
    encipher = ecb_encryptor(key)

    def make(data: bytes) -> bytes:
        padded = zero_padded(data)
        chained = chain(padded[:-8]) if len(padded) > BLOCK_BYTES else ZERO_BLOCK
        last = int.from_bytes(chained, "big") ^ int.from_bytes(padded[-8:], "big")
        return encipher(last.to_bytes(8, "big"))

    return make


def _aes_cmac(key: bytes) -> MacFunction:
    keyed = CMAC(AES(key))

    def make(data: bytes) -> bytes:
        once = keyed.copy()
        once.update(data)
        return once.finalize()[:MAC_BYTES]

    return make


NONE = MacAlgorithm(name="none", key_bytes=(), compile=_no_mac, is_des=False)
UNIONPAY_ECB = MacAlgorithm(name="unionpay-ecb", key_bytes=(8, 16, 24), compile=_unionpay_ecb, is_des=True)
ANSI_X9_9 = MacAlgorithm(name="ansi-x9.9", key_bytes=(8,), compile=_ansi_x9_9, is_des=True)
ANSI_X9_19 = MacAlgorithm(name="ansi-x9.19", key_bytes=(16,), compile=_ansi_x9_19, is_des=True)
AES_CMAC = MacAlgorithm(name="aes-cmac", key_bytes=(16, 32), compile=_aes_cmac, is_des=False)

ALGORITHMS = {each.name: each for each in (NONE, UNIONPAY_ECB, ANSI_X9_9, ANSI_X9_19, AES_CMAC)}


def algorithm_for(name: str) -> MacAlgorithm:
    """The algorithm a setting names; `KeyFormError` lists the names there are."""
    algorithm = ALGORITHMS.get(name)
    if algorithm is None:
        raise KeyFormError(f"no MAC algorithm is called {name!r}; choose one of {', '.join(ALGORITHMS)}")
    return algorithm


def normalise_mak(key: bytes) -> bytes:
    """A MAC key of 8 bytes that came as 16 with eight zero bytes behind (0810 field 62), as 8 bytes again."""
    return without_padding(key)


def mac_key(algorithm: str, key: bytes) -> MacKey:
    """Compile a clear key for an algorithm, given by its name.

    DES keys are 8, 16 or 24 bytes, also in the padded form of `normalise_mak`; AES keys 16 or 32; "none"
    ignores the key. `KeyFormError` if the name is unknown or the length does not fit. About 10 µs, so keep
    what it returns.
    """
    chosen = algorithm_for(algorithm)
    fitting = normalise_mak(key) if chosen.is_des else key
    if chosen.key_bytes and len(fitting) not in chosen.key_bytes:
        lengths = " or ".join(str(length) for length in chosen.key_bytes)
        raise KeyFormError(f"{chosen.name} takes a key of {lengths} bytes, not {len(fitting)}")
    return MacKey(algorithm=chosen.name, make=chosen.compile(fitting))
