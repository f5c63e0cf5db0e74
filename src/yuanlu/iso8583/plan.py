"""What one bitmap means: which fields, in which order, and, once it has proved common, compiled code.

A bitmap is first walked by `structure`. After `USES_BEFORE_COMPILING` sound frames the plan writes
straight-line Python for exactly this bitmap: finding the fields becomes a few table look-ups and additions.
Waiting matters because compiling costs a millisecond and the bitmap is the sender's to choose.
"""

from collections.abc import Callable, Mapping

from yuanlu.iso8583.contents import Reader
from yuanlu.iso8583.dialect import Dialect, Mask
from yuanlu.iso8583.source import fields_source, locate_source, namespace
from yuanlu.iso8583.structure import Layout

USES_BEFORE_COMPILING = 8

Locate = Callable[[bytes], tuple[int, ...] | None]
ReadAll = Callable[[bytes, tuple[int, ...]], dict[int, str] | None]


class Plan:
    """The fields of one bitmap. `numbers` ascends; `index` gives a number's place in it; `slots` adds the
    next place and the field's reader. `sensitive` pairs number and place of the fields that must be masked.
    `bits` has field n at 2 to the power of (128 - n).

    `locate` and `read_all` are None until compiled. Both return None when anything is out of the ordinary,
    for the exact reader to judge.
    """

    __slots__ = ("bits", "index", "locate", "numbers", "read_all", "sensitive", "slots", "uses")

    def __init__(self, *, dialect: Dialect, layout: Layout, readers: Mapping[int, Reader]) -> None:
        """Take the fields from a frame that was walked."""
        self.numbers = layout.numbers
        self.index = {number: place for place, number in enumerate(layout.numbers)}
        self.slots = {number: (place, place + 1, readers[number]) for number, place in self.index.items()}
        self.bits = sum(1 << (128 - number) for number in layout.numbers)
        self.sensitive = tuple(
            (number, place) for number, place in self.index.items() if dialect.fields[number].mask is not Mask.NONE
        )
        self.locate: Locate | None = None
        self.read_all: ReadAll | None = None
        self.uses = 0

    def compile(self, dialect: Dialect, first_field_at: int) -> None:
        """Write and compile this bitmap's code; the first field stands at `first_field_at` in every frame."""
        names = namespace()
        source = locate_source(dialect, self.numbers, first_field_at) + fields_source(dialect, self.numbers)
        exec(compile(source, f"<{dialect.name} plan>", "exec"), names)  # noqa: S102 - built from our tables alone
        self.locate = names["locate"]
        self.read_all = names["read_all"]
