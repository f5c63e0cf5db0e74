"""The handle for one set of working keys: what it can do is public, what it holds is not."""

from yuanlu.keys.mac import MacKey, mac_key
from yuanlu.keys.pin_block import PinKey
from yuanlu.keys.transport import CheckValues, ClearKeys, KeyParts


class WorkingKeys:
    """The PIN, MAC and track key of one terminal, or of one of our terminals at an acquirer.

    `scope` is whose they are; `for_terminal` the form that goes into field 62, enciphered under the scope's
    master key; `wrapped` the form to store durably, sealed by the key store; `kcvs` their check values.
    Neither `repr` nor an error shows a key. Compiled keys are kept, so a handle belongs to one thread.
    """

    __slots__ = ("_clear", "_mac_keys", "_pin_key", "for_terminal", "kcvs", "scope", "wrapped")

    def __init__(self, *, scope: str, clear: ClearKeys, for_terminal: KeyParts, wrapped: bytes) -> None:
        """Made by a key store only."""
        self.scope = scope
        self.for_terminal = for_terminal
        self.wrapped = wrapped
        self.kcvs: CheckValues = clear.check_values()
        self._clear = clear
        self._mac_keys: dict[str, MacKey] = {}
        self._pin_key: PinKey | None = None

    def __repr__(self) -> str:
        """The scope and nothing else."""
        return f"WorkingKeys(scope={self.scope!r})"

    def mac_key(self, algorithm: str) -> MacKey:
        """The MAC key compiled for an algorithm, once; `KeyFormError` if its length does not suit."""
        found = self._mac_keys.get(algorithm)
        if found is None:
            found = self._mac_keys[algorithm] = mac_key(algorithm, self._clear.mak)
        return found

    def pin_key(self) -> PinKey:
        """The PIN key compiled, once."""
        if self._pin_key is None:
            self._pin_key = PinKey(self._clear.pik)
        return self._pin_key
