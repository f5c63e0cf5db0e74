"""The key store of the sandbox: all keys follow from one secret in one file, and work in this process.

It refuses production: PINs may be translated only inside a hardware security module (PCI PIN). Each purpose
has its own key, derived by HKDF-SHA-256 (RFC 5869). Seals are AES-256-GCM-SIV (RFC 8452), which a repeated
nonce does not break:

    byte 0      form, 1
    bytes 1-4   key id
    bytes 5-16  nonce
    rest        ciphertext and 16-byte tag; authenticated with it: context, form and key id
"""

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from yuanlu.keys.des import with_odd_parity
from yuanlu.keys.errors import KeyFormError, ProductionRefused, SealBroken
from yuanlu.keys.mac import algorithm_for
from yuanlu.keys.pin_block import PinFormat, translate
from yuanlu.keys.secret_file import create_secret, read_secret
from yuanlu.keys.transport import ClearKeys, KeyParts, decipher_keys, encipher_keys
from yuanlu.keys.working_keys import WorkingKeys

SEAL_FORM = b"\x01"
KEY_ID_BYTES = 4
NONCE_BYTES = 12
TAG_BYTES = 16
TOKEN_HEX_DIGITS = 32
SCOPE_BYTES_MAX = 255
WORKING_KEYS_CONTEXT = "working keys"

_HEADER_BYTES = len(SEAL_FORM) + KEY_ID_BYTES
_BODY_AT = _HEADER_BYTES + NONCE_BYTES
_WRAPPED = msgspec.msgpack.Decoder(tuple[str, bytes, bytes, bytes | None])


def _derived(secret: bytes, purpose: str, length: int = 32) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=b"yuanlu", info=purpose.encode()).derive(secret)


class SoftwareKeyStore:
    """The sandbox's `KeyStore`. Belongs to one thread; made by `open`."""

    __slots__ = ("_aead", "_card_hmac", "_header", "_random_bytes", "_secret")

    def __init__(self, secret: bytes, random_bytes: Callable[[int], bytes]) -> None:
        """Derive every key from 32 secret bytes; nonces and working keys come from the random source."""
        self._secret = secret
        self._random_bytes = random_bytes
        self._aead = AESGCMSIV(_derived(secret, "seal"))
        self._header = SEAL_FORM + _derived(secret, "seal key id", KEY_ID_BYTES)
        self._card_hmac = hmac.new(_derived(secret, "card token"), digestmod=hashlib.sha256)

    @classmethod
    def open(
        cls, path: Path, *, mode: str, random_bytes: Callable[[int], bytes], create: bool = False
    ) -> "SoftwareKeyStore":
        """The store whose secret is in the file `path`; with `create` a missing file is made first.

        `ProductionRefused` in any mode but "sandbox", `KeyFileError` if the file is missing, damaged or
        readable by other users.
        """
        if mode != "sandbox":
            raise ProductionRefused("the software key store is for sandboxes; configure an HSM")
        if create and not path.exists():
            create_secret(path, random_bytes)
        return cls(read_secret(path), random_bytes)

    def sandbox_terminal_master_key(self, scope: str) -> bytes:
        """The 16-byte master key, odd parity, of a terminal or "acquirer/NAME…": for simulated ones only."""
        if not 0 < len(scope.encode()) <= SCOPE_BYTES_MAX:
            raise KeyFormError(f"a key's scope is a text of 1 to {SCOPE_BYTES_MAX} bytes")
        return with_odd_parity(_derived(self._secret, "tmk/" + scope, 16))

    def issue_working_keys(
        self, terminal_id: str, algorithm: str, *, double_length: bool, with_track_key: bool = False
    ) -> WorkingKeys:
        """Fresh random working keys for one sign-in; see `KeyStore`."""
        length = 16 if double_length else 8
        clear = ClearKeys(
            pik=self._new_des_key(length),
            mak=self._new_mac_key(algorithm, length),
            tdk=self._new_des_key(length) if with_track_key else None,
        )
        return self._handle(terminal_id, clear)

    def load_working_keys(self, wrapped: bytes) -> WorkingKeys:
        """Keys stored earlier; see `KeyStore`."""
        scope, pik, mak, tdk = _WRAPPED.decode(self.unseal(wrapped, WORKING_KEYS_CONTEXT))
        clear = ClearKeys(pik=pik, mak=mak, tdk=tdk)
        parts = encipher_keys(self.sandbox_terminal_master_key(scope), clear)
        return WorkingKeys(scope=scope, clear=clear, for_terminal=parts, wrapped=wrapped)

    def import_working_keys(self, scope: str, parts: KeyParts) -> WorkingKeys:
        """Keys received under the master key of `scope`; see `KeyStore`."""
        return self._handle(scope, decipher_keys(self.sandbox_terminal_master_key(scope), parts, scope))

    def translate_pin(
        self,
        block: bytes,
        source: WorkingKeys,
        target: WorkingKeys,
        pan: str = "",
        *,
        from_format: PinFormat = PinFormat.WITH_PAN,
        to_format: PinFormat = PinFormat.WITH_PAN,
    ) -> bytes:
        """An 8-byte PIN block under the target's PIN key; see `KeyStore`."""
        return translate(
            block, source.pin_key(), target.pin_key(), pan=pan, from_format=from_format, to_format=to_format
        )

    def card_token(self, pan: str) -> str:
        """128 bits of HMAC-SHA-256 over the whole card number, in hex (PCI DSS 3.5.1.1)."""
        keyed = self._card_hmac.copy()
        # An encoding error would carry the card number, so there is none.
        keyed.update(pan.encode("utf-8", "surrogatepass"))
        return keyed.hexdigest()[:TOKEN_HEX_DIGITS]

    def seal(self, plain: bytes, context: str) -> bytes:
        """The blob laid out at the head of this module: 33 bytes longer than `plain`."""
        nonce = self._random_bytes(NONCE_BYTES)
        return self._header + nonce + self._aead.encrypt(nonce, plain, context.encode() + self._header)

    def unseal(self, blob: bytes, context: str) -> bytes:
        """What `seal` was given; `SealBroken` names the context and the likely reason, never the content."""
        if len(blob) < _BODY_AT + TAG_BYTES or not blob.startswith(SEAL_FORM):
            raise SealBroken(f"{context}: these bytes were never a seal of this program, or are cut short")
        if not blob.startswith(self._header):
            raise SealBroken(f"{context}: sealed under another key; open the store with the key file of that time")
        try:
            return self._aead.decrypt(blob[_HEADER_BYTES:_BODY_AT], blob[_BODY_AT:], context.encode() + self._header)
        except InvalidTag:
            raise SealBroken(f"{context}: the sealed bytes were changed or belong to another place") from None

    def _handle(self, scope: str, clear: ClearKeys) -> WorkingKeys:
        parts = encipher_keys(self.sandbox_terminal_master_key(scope), clear)
        plain = msgspec.msgpack.encode((scope, clear.pik, clear.mak, clear.tdk))
        wrapped = self.seal(plain, WORKING_KEYS_CONTEXT)
        return WorkingKeys(scope=scope, clear=clear, for_terminal=parts, wrapped=wrapped)

    def _new_des_key(self, length: int) -> bytes:
        return with_odd_parity(self._random_bytes(length))

    def _new_mac_key(self, algorithm: str, length: int) -> bytes:
        chosen = algorithm_for(algorithm)
        if not chosen.key_bytes:
            return self._new_des_key(length)
        fitting = [size for size in chosen.key_bytes if size <= length]
        if not fitting:
            raise KeyFormError(f"{algorithm} needs keys of double length; let the terminal's profile ask for them")
        key = self._random_bytes(max(fitting))
        # All bits of an AES key count; a DES key gives one of each eight to parity.
        return with_odd_parity(key) if chosen.is_des else key
