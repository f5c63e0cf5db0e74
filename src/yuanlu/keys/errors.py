"""Everything the keys package raises; no text of it ever holds a key, a PIN or a card number."""

from yuanlu.kernel.errors import YuanluError


class KeyStoreError(YuanluError):
    """The root of the family: something about keys that a person must put right."""


class KeyFormError(KeyStoreError):
    """A key, a block of keys or an algorithm name does not have the form its use asks for."""


class KeyCheckError(KeyStoreError):
    """A received key does not match its check value: the two sides hold different master keys."""


class KeyFileError(KeyStoreError):
    """The file that holds the store's secret is missing, damaged or readable by others."""


class SealBroken(KeyStoreError):
    """Sealed bytes were changed, moved to another place, or sealed under another key."""


class PinBlockError(KeyStoreError):
    """A PIN block cannot be translated: its length or the card number's is wrong, which is all we tell."""


class ProductionRefused(KeyStoreError):
    """The software key store was asked to serve real money."""
