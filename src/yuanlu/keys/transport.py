"""Working keys on their way: enciphered under a terminal master key, as field 62 of 0810 carries them.

Layout (UnionPay POS specification, 0810): PIN key, its check value, MAC key, its check value, and for
terminals that encipher tracks a track key and its check value. Keys are enciphered block by block (ECB); a
check value is 4 bytes. One field has one key width: 24 bytes in all for single length (8+4 twice), 40 for
double (16+4 twice), 36 and 60 with a track key, 56 and 84 for triple length. A shorter key in a wider place
is followed by zero bytes.
"""

from dataclasses import dataclass, field

from yuanlu.keys.des import KCV_BYTES, check_value, ecb_decryptor, ecb_encryptor, without_padding
from yuanlu.keys.errors import KeyCheckError, KeyFormError

# Total length of the field: how wide each key is, and how many keys there are.
LAYOUTS = {24: (8, 2), 36: (8, 3), 40: (16, 2), 60: (16, 3), 56: (24, 2), 84: (24, 3)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckValues:
    """The check values of one set of working keys, 4 bytes each; they are not secret."""

    pik: bytes
    mak: bytes
    tdk: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearKeys:
    """Working keys in the clear, 8, 16 or 24 bytes each, for PINs, MACs and tracks. Shows nothing."""

    pik: bytes = field(repr=False)
    mak: bytes = field(repr=False)
    tdk: bytes | None = field(default=None, repr=False)

    def check_values(self) -> CheckValues:
        """The check value of each key; always by (triple) DES, also for a key that AES will use."""
        return CheckValues(
            pik=check_value(self.pik),
            mak=check_value(self.mak),
            tdk=None if self.tdk is None else check_value(self.tdk),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyParts:
    """The parts of field 62 in a sign-in answer: keys enciphered under a master key, their check values."""

    pik: bytes = field(repr=False)
    pik_kcv: bytes
    mak: bytes = field(repr=False)
    mak_kcv: bytes
    tdk: bytes | None = field(default=None, repr=False)
    tdk_kcv: bytes | None = None

    def to_field_62(self) -> bytes:
        """The parts in one row, every key in the width of the widest."""
        keys = [(self.pik, self.pik_kcv), (self.mak, self.mak_kcv)]
        if self.tdk is not None and self.tdk_kcv is not None:
            keys.append((self.tdk, self.tdk_kcv))
        width = max(len(key) for key, _ in keys)
        return b"".join(key.ljust(width, b"\0") + kcv for key, kcv in keys)


def parts_of_field_62(value: bytes) -> KeyParts:
    """Cut field 62 of a sign-in answer into its parts; `KeyFormError` if its length is not a known one."""
    layout = LAYOUTS.get(len(value))
    if layout is None:
        known = ", ".join(str(length) for length in LAYOUTS)
        raise KeyFormError(f"field 62 with working keys has {known} bytes, not {len(value)}")
    width, count = layout
    step = width + KCV_BYTES
    cut = [(value[at : at + width], value[at + width : at + step]) for at in range(0, step * count, step)]
    tdk, tdk_kcv = cut[2] if count > 2 else (None, None)
    return KeyParts(pik=cut[0][0], pik_kcv=cut[0][1], mak=cut[1][0], mak_kcv=cut[1][1], tdk=tdk, tdk_kcv=tdk_kcv)


def encipher_keys(master_key: bytes, clear: ClearKeys) -> KeyParts:
    """Clear working keys made ready for the way to whoever holds the same master key (8, 16 or 24 bytes)."""
    encipher = ecb_encryptor(master_key)
    kcvs = clear.check_values()
    return KeyParts(
        pik=encipher(clear.pik),
        pik_kcv=kcvs.pik,
        mak=encipher(clear.mak),
        mak_kcv=kcvs.mak,
        tdk=None if clear.tdk is None else encipher(clear.tdk),
        tdk_kcv=kcvs.tdk,
    )


def decipher_keys(master_key: bytes, parts: KeyParts, scope: str) -> ClearKeys:
    """Open received parts with the master key of `scope`, whose name goes into the error.

    `KeyCheckError` if a key does not give the check value that came with it, `KeyFormError` if a length is
    wrong.
    """
    decipher = ecb_decryptor(master_key)

    def opened(which: str, enciphered: bytes, kcv: bytes) -> bytes:
        shortened = without_padding(enciphered)
        if len(shortened) not in (8, 16, 24):
            raise KeyFormError(f"{scope}: the {which} key has {len(enciphered)} bytes; 8, 16 or 24 are possible")
        key = decipher(shortened)
        found = check_value(key)
        if found != kcv:
            raise KeyCheckError(
                f"{scope}: the {which} key came with check value {kcv.hex().upper()} but gives "
                f"{found.hex().upper()}; load the same terminal master key on both sides and sign in again"
            )
        return key

    return ClearKeys(
        pik=opened("PIN", parts.pik, parts.pik_kcv),
        mak=opened("MAC", parts.mak, parts.mak_kcv),
        tdk=None if parts.tdk is None else opened("track", parts.tdk, parts.tdk_kcv or b""),
    )
