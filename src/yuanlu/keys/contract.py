"""What Yuanlu asks of a key store, be it software in a sandbox or a hardware security module.

Nothing here hands out a key in the clear. A store keeps one master key for each scope: a terminal's number,
or "acquirer/NAME" or "acquirer/NAME/TERMINAL" for a host under whose master key we ourselves are the
terminal.
"""

from typing import Protocol

from yuanlu.keys.pin_block import PinFormat
from yuanlu.keys.transport import KeyParts
from yuanlu.keys.working_keys import WorkingKeys


class KeyStore(Protocol):
    """Working keys, PIN translation, tokens and seals under keys that stay inside."""

    def issue_working_keys(
        self, terminal_id: str, algorithm: str, *, double_length: bool, with_track_key: bool = False
    ) -> WorkingKeys:
        """Make fresh working keys for a terminal's sign-in.

        `double_length` gives keys of 16 bytes, otherwise 8; a MAC algorithm that takes one length only gets
        that one. `KeyFormError` if the algorithm cannot work with the length.
        """

    def load_working_keys(self, wrapped: bytes) -> WorkingKeys:
        """Keys stored as `WorkingKeys.wrapped`; `SealBroken` if changed. The caller compares `scope`."""

    def import_working_keys(self, scope: str, parts: KeyParts) -> WorkingKeys:
        """Keys from a host's sign-in answer, under the master key of `scope`; `KeyCheckError` if not."""

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
        """An 8-byte PIN block under the target's PIN key; `PinBlockError` if a length is wrong."""

    def card_token(self, pan: str) -> str:
        """A keyed, one-way name for a card number: 32 lower-case hex digits, the same for the same card."""

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encipher and authenticate bytes, bound to the place they belong to, such as "table/row/column"."""

    def unseal(self, blob: bytes, context: str) -> bytes:
        """The bytes `seal` was given; `SealBroken` if the blob or the place is not the same."""
