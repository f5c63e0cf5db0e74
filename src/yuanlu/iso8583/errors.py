"""What can go wrong between bytes and messages, and whose fault it is.

`DecodeError` is the sender's fault: the bytes are not a message. `EncodeError` is ours: a value does not fit
its field. Neither text ever repeats a field's content, because errors are logged and contents may be card
data.
"""

from yuanlu.kernel.errors import YuanluError


class DecodeError(YuanluError):
    """The bytes are not a message of this dialect.

    `field` is a field number, a sub-field such as "60.2", or one of "length", "tpdu", "header", "mti",
    "bitmap", "frame". `offset` counts bytes from the start of the frame as given (without the length prefix).
    `reason` says what is wrong in words that hold no card data.
    """

    def __init__(self, *, field: int | str, offset: int, reason: str) -> None:
        """Record the place and the reason; the text joins them."""
        super().__init__(f"field {field} at byte {offset}: {reason}")
        self.field = field
        self.offset = offset
        self.reason = reason


class EncodeError(YuanluError):
    """A value that we ourselves offered does not fit its field; nothing was encoded."""

    def __init__(self, *, field: int | str, reason: str) -> None:
        """Record the field and the reason; the text joins them."""
        super().__init__(f"field {field} cannot be encoded: {reason}")
        self.field = field
        self.reason = reason


class UnknownDialect(YuanluError):
    """A dialect was asked for by a name that no table carries; the text lists the names there are."""

    def __init__(self, *, name: str, known: tuple[str, ...]) -> None:
        """Record the name asked for and the known ones."""
        super().__init__(f"unknown dialect {name!r}; known: {', '.join(known)}")
        self.name = name
        self.known = known
