"""Bytes to messages and back: the one entrance to a dialect.

`codec_for("cup-pos").decode(frame)` checks the envelope, the message type, the bitmap and that every field
fits, and returns a view: a field's content is decoded, and checked, when it is asked for. `splice` copies
what does not change byte for byte. The bitmap is always built from the fields, never taken from an earlier
message.

A bitmap that proves common gets compiled code (`plan`); one that does not is walked (`structure`). Both
caches are bounded, because the sender chooses the bitmap.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from functools import lru_cache

from yuanlu.iso8583.contents import reader_for, writer_for
from yuanlu.iso8583.dialect import Dialect
from yuanlu.iso8583.errors import DecodeError, EncodeError, UnknownDialect
from yuanlu.iso8583.plan import USES_BEFORE_COMPILING, Plan
from yuanlu.iso8583.specs.cup_pos import CUP_POS
from yuanlu.iso8583.specs.iso87_ascii import ISO87_ASCII
from yuanlu.iso8583.structure import TPDU_ID, walk

PLANS_MAX = 512
"""How many bitmaps each of the two caches, walked and compiled, may hold; the oldest makes room."""

MakeMac = Callable[[bytes], bytes]

_BIT = tuple(1 << (128 - number) for number in range(129))
_LOW = (1 << 64) - 1
_DIALECTS = {dialect.name: dialect for dialect in (CUP_POS, ISO87_ASCII)}
_MTIS = {
    True: {bytes.fromhex(f"{n:04}"): f"{n:04}" for n in range(10_000)},
    False: {f"{n:04}".encode(): f"{n:04}" for n in range(10_000)},
}


def dialect_names() -> tuple[str, ...]:
    """The names that `codec_for` knows."""
    return tuple(_DIALECTS)


@lru_cache(maxsize=8)
def codec_for(name: str) -> "Codec":
    """The codec of a dialect, always the same one.

    Raises UnknownDialect, whose text lists the known names.
    """
    if name not in _DIALECTS:
        raise UnknownDialect(name=name, known=dialect_names())
    return Codec(dialect=_DIALECTS[name])


@lru_cache(maxsize=1024)
def response_mti(mti: str) -> str:
    """The message type that answers `mti`: 0200 and 0201 get 0210, 0220 gets 0230, 0420 and 0421 get 0430.

    Raises EncodeError(field="mti") for what is not a request or an advice.
    """
    if len(mti) != 4 or not (mti.isascii() and mti.isdecimal()) or mti[2] not in "02":
        raise EncodeError(field="mti", reason="not a request or an advice")
    # The last digit says who sent it and whether it is a repeat; an answer belongs to the sender's side,
    # first time.
    return f"{mti[:2]}{int(mti[2]) + 1}{int(mti[3]) // 2 * 2}"


def repeat_mti(dialect: Dialect, mti: str) -> str:
    """The message type of a repeat of `mti`: 0401 for 0400 in 1987's ASCII; `cup-pos` repeats unmarked."""
    return dialect.repeat_mtis.get(mti, mti)


class Codec:
    """Reads and writes one dialect. `dialect` is its table; ask `codec_for` instead of building one."""

    __slots__ = (
        "_bitmap_span",
        "_compiled",
        "_extended",
        "_known",
        "_mti_at",
        "_mti_bytes",
        "_mtis",
        "_plans_max",
        "dialect",
        "prefixes",
        "readers",
        "writers",
    )

    def __init__(self, *, dialect: Dialect, plans_max: int = PLANS_MAX) -> None:
        """Build every field's reader and writer once; keep at most `plans_max` bitmaps of each kind."""
        self._plans_max = plans_max
        self.dialect = dialect
        self.prefixes = {n: dialect.prefix_bytes(field) for n, field in dialect.fields.items()}
        self.readers = {n: reader_for(n, field, dialect) for n, field in dialect.fields.items()}
        self.writers = {n: writer_for(n, field, dialect) for n, field in dialect.fields.items()}
        self._mtis = _MTIS[dialect.mti_bcd]
        self._mti_bytes = {text: content for content, text in self._mtis.items()}
        self._extended = dialect.extended
        self._mti_at = dialect.mti_at
        self._bitmap_span = (dialect.bitmap_at, dialect.bitmap_at + dialect.bitmap_bytes)
        self._known: dict[bytes, Plan] = {}
        self._compiled: dict[bytes, Plan] = {}

    def decode(self, frame: bytes) -> "Message":
        """Read a frame that comes without its two length bytes.

        `cup-pos` begins at the TPDU, `iso87-ascii` at the message type. Raises DecodeError for a bad
        envelope, message type or bitmap, for a field that does not fit and for bytes behind the last one.
        """
        at, end = self._bitmap_span
        key = frame[at:end]
        if self._extended and key[:1] > b"7":
            key = frame[at : 2 * end - at]
        plan = self._compiled.get(key)
        if plan is not None and (locate := plan.locate) is not None and (starts := locate(frame)) is not None:
            mti = self._mtis.get(frame[self._mti_at : at])
            if mti is not None and (not self._mti_at or frame[0] == TPDU_ID):
                return Message(self, plan, frame, mti, starts)
        return self._walk(frame, key)

    def _walk(self, frame: bytes, key: bytes) -> "Message":
        """Read a frame whose bitmap is not common yet, or that a compiled plan refused."""
        layout = walk(self.dialect, frame)
        plan = self._compiled.get(key) or self._known.get(key)
        if plan is None:
            plan = self._remember(self._known, key, Plan(dialect=self.dialect, layout=layout, readers=self.readers))
        plan.uses += 1
        if plan.uses == USES_BEFORE_COMPILING:
            plan.compile(self.dialect, layout.starts[0])
            self._remember(self._compiled, key, plan)
            del self._known[key]
        return Message(self, plan, frame, layout.mti, layout.starts)

    def _remember(self, plans: dict[bytes, Plan], key: bytes, plan: Plan) -> Plan:
        """Keep a plan; the oldest makes room."""
        if len(plans) >= self._plans_max:
            del plans[next(iter(plans))]
        plans[key] = plan
        return plan

    @property
    def plans_held(self) -> tuple[int, int]:
        """How many bitmaps are known by walking, and how many are compiled."""
        return len(self._known), len(self._compiled)

    def encode(
        self,
        *,
        mti: str,
        fields: Mapping[int, str | bytes],
        tpdu: bytes | None = None,
        header: bytes | None = None,
        mac: MakeMac | None = None,
    ) -> bytes:
        """Write a frame without its two length bytes; None for `tpdu` or `header` means the dialect's own.

        Strings are as `Message.get` shows them, bytes are a field's raw content. With `mac`, a function from
        the covered bytes to the 8 bytes of a MAC, the MAC field is added and filled; it must not be among
        `fields`. Raises EncodeError naming the field that does not fit.
        """
        dialect = self.dialect
        bits = 0
        pieces = [b""]
        for number in sorted(fields):
            pieces.append(self._write(number, fields[number]))
            bits |= _BIT[number]
        tpdu = dialect.default_tpdu if tpdu is None else tpdu
        header = dialect.default_header if header is None else header
        if mac is not None and any(number in fields for number in dialect.mac_fields):
            raise EncodeError(field=dialect.mac_fields[0], reason="given twice, as a value and as a function")
        return self.seal(mti=mti, bits=bits, pieces=pieces, envelope=self.envelope(tpdu, header), mac=mac)

    def _write(self, number: int, value: str | bytes) -> bytes:
        """One field's prefix and content."""
        writer = self.writers.get(number)
        if writer is None:
            raise EncodeError(field=number, reason="no such field in this dialect")
        return writer(value)

    def envelope(self, tpdu: bytes, header: bytes) -> bytes:
        """Join what stands before the message type.

        Raises EncodeError for a wrong size or a TPDU not of type 60.
        """
        dialect = self.dialect
        if len(tpdu) != dialect.tpdu_bytes or (tpdu and tpdu[0] != TPDU_ID):
            raise EncodeError(field="tpdu", reason=f"{dialect.tpdu_bytes} bytes beginning with 60 needed")
        if len(header) != dialect.header_bytes:
            raise EncodeError(field="header", reason=f"{dialect.header_bytes} bytes needed")
        return tpdu + header

    def seal(self, *, mti: str, bits: int, pieces: list[bytes], envelope: bytes, mac: MakeMac | None) -> bytes:
        """Join written fields to a frame; `pieces[0]` is replaced by message type and bitmap.

        `bits` has field n at 2 to the power of (128 - n) and no MAC field when `mac` is given.
        """
        content = self._mti_bytes.get(mti)
        if content is None:
            raise EncodeError(field="mti", reason="not four digits")
        mac_field = 0
        if mac is not None:
            mac_field = self.dialect.mac_fields[-1 if bits & _LOW else 0]
            bits |= _BIT[mac_field]
        pieces[0] = content + self.bitmap(bits)
        if mac is None:
            return envelope + b"".join(pieces)
        covered = b"".join(pieces)
        return envelope + covered + self.writers[mac_field](mac(covered))

    def bitmap(self, bits: int) -> bytes:
        """The bitmap as it stands in a frame; `bits` has field n at 2 to the power of (128 - n)."""
        if not self._extended:
            return (bits >> 64).to_bytes(8, "big")
        if bits & _LOW:
            return b"%032X" % (bits | _BIT[1])
        return b"%016X" % (bits >> 64)


class Message:
    """A view over one frame, made by `Codec.decode`; nothing in it changes.

    `raw` is the frame as given, `mti` four digits. `starts` holds where each field of `numbers` begins, its
    length prefix included, and the end of the frame last. Not a dataclass, because a frozen one takes a
    microsecond to make.
    """

    __slots__ = ("_values", "codec", "mti", "plan", "raw", "starts")

    def __init__(self, codec: Codec, plan: Plan, raw: bytes, mti: str, starts: tuple[int, ...]) -> None:
        """For `Codec.decode` alone."""
        self.codec = codec
        self.plan = plan
        self.raw = raw
        self.mti = mti
        self.starts = starts
        self._values: dict[int, str] | None = None

    def __repr__(self) -> str:
        """Message type and field numbers; never contents."""
        return f"<Message {self.codec.dialect.name} {self.mti} {self.numbers}>"

    @property
    def tpdu(self) -> bytes:
        """The TPDU, empty when the dialect has none."""
        return self.raw[: self.codec.dialect.tpdu_bytes]

    @property
    def header(self) -> bytes:
        """The header, empty when the dialect has none."""
        return self.raw[self.codec.dialect.tpdu_bytes : self.codec.dialect.mti_at]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The fields present, ascending, without the bitmaps."""
        return self.plan.numbers

    def has(self, number: int) -> bool:
        """Whether the field is present."""
        return number in self.plan.index

    def get(self, number: int) -> str | None:
        """The field's value as its encoding shows it, None when absent. Raises DecodeError when malformed."""
        if self._values is not None:
            return self._values.get(number)
        slot = self.plan.slots.get(number)
        if slot is None:
            return None
        place, following, read = slot
        starts = self.starts
        return read(self.raw, starts[place], starts[following])

    def __getitem__(self, number: int) -> str:
        """The field's value. Raises DecodeError when malformed, and with reason "missing" when absent."""
        if self._values is not None and number in self._values:
            return self._values[number]
        slot = self.plan.slots.get(number)
        if slot is None:
            raise self._missing(number)
        place, following, read = slot
        starts = self.starts
        return read(self.raw, starts[place], starts[following])

    def _missing(self, number: int) -> DecodeError:
        """The field is absent and was demanded."""
        return DecodeError(field=number, offset=len(self.raw), reason="missing")

    def span(self, number: int) -> tuple[int, int]:
        """Start and end of the field in `raw`, its length prefix included. Raises DecodeError when absent."""
        place = self.plan.index.get(number)
        if place is None:
            raise self._missing(number)
        return self.starts[place], self.starts[place + 1]

    def content_span(self, number: int) -> tuple[int, int]:
        """Start and end of the field's content in `raw`. Raises DecodeError when absent."""
        start, end = self.span(number)
        return start + self.codec.prefixes[number], end

    def value_bytes(self, number: int) -> bytes:
        """The field's content as it stands in the frame, without its length.

        Raises DecodeError when absent.
        """
        start, end = self.span(number)
        return self.raw[start + self.codec.prefixes[number] : end]

    def fields(self) -> dict[int, str]:
        """Every field's value, in ascending order; kept, so that asking again costs nothing. Do not change it.

        Raises DecodeError at the first malformed one.
        """
        if self._values is None:
            read_all = self.plan.read_all
            values = read_all(self.raw, self.starts) if read_all is not None else None
            self._values = values if values is not None else self.fields_exactly()
        return self._values

    def fields_exactly(self) -> dict[int, str]:
        """The same as `fields`, field by field: the reference for the compiled code."""
        readers, raw, starts = self.codec.readers, self.raw, self.starts
        return {n: readers[n](raw, starts[place], starts[place + 1]) for place, n in enumerate(self.plan.numbers)}

    def mac_input(self) -> bytes:
        """The bytes that the MAC covers: message type, bitmap and all fields before the MAC field.

        Raises DecodeError when there is no MAC field, or when it is not the last one and so would leave
        fields open.
        """
        last = self.plan.numbers[-1] if self.plan.numbers else 0
        mac_fields = self.codec.dialect.mac_fields
        if last in mac_fields:
            return self.raw[self.codec.dialect.mti_at : self.starts[-2]]
        present = [number for number in mac_fields if number in self.plan.index]
        reason = "fields follow the MAC" if present else "missing"
        raise DecodeError(field=mac_fields[0], offset=len(self.raw), reason=reason)

    def splice(
        self,
        changes: Mapping[int, str | bytes | None],
        *,
        mti: str | None = None,
        tpdu: bytes | None = None,
        header: bytes | None = None,
        mac: MakeMac | None = None,
    ) -> bytes:
        """A new frame: fields in `changes` are replaced, added or (None) removed, others copied as they are.

        None for `mti`, `tpdu` or `header` keeps this message's. With `mac`, a function from the covered bytes
        to the 8 bytes of a MAC, the old MAC is dropped and a new one made. Raises EncodeError naming what
        does not fit.
        """
        codec, starts, bits = self.codec, self.starts, self.plan.bits
        if mac is not None:
            changes = {**changes, **dict.fromkeys(codec.dialect.mac_fields)}
        pieces, done = [b""], starts[0]
        for number in sorted(changes):
            value = changes[number]
            place = self.plan.index.get(number)
            if place is None and value is None:
                continue
            at = starts[place if place is not None else bisect_left(self.plan.numbers, number)]
            pieces.append(self.raw[done:at])
            done = starts[place + 1] if place is not None else at
            if value is None:
                bits ^= _BIT[number]
            else:
                pieces.append(codec._write(number, value))
                bits |= _BIT[number]
        pieces.append(self.raw[done:])
        if tpdu is None and header is None:
            envelope = self.raw[: codec.dialect.mti_at]
        else:
            envelope = codec.envelope(self.tpdu if tpdu is None else tpdu, self.header if header is None else header)
        return codec.seal(mti=mti or self.mti, bits=bits, pieces=pieces, envelope=envelope, mac=mac)
