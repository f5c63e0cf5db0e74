"""What is fuzzed: each target reads one input and raises when something other than a refusal came out.

A refusal is the parser's own family of errors. What was read must also be right: written again it is the same, two
ways to read it agree, and nothing secret is left in what would be kept.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from yuanlu.fleet.observations import ObservationWrong
from yuanlu.fleet.status import read_status
from yuanlu.gateway.actions import Action, FieldWrong, action_of, status_report, understand
from yuanlu.iso8583 import tlv
from yuanlu.iso8583.codec import Message, codec_for
from yuanlu.iso8583.errors import DecodeError, EncodeError
from yuanlu.iso8583.framing import LENGTH_BYTES, FrameReader, with_length
from yuanlu.iso8583.masking import describe, masked
from yuanlu.iso8583.plan import USES_BEFORE_COMPILING
from yuanlu.iso8583.subfields import F44, F60, F61, F63, SettlementTotals, UploadDetails, WorkingKeyBlock
from yuanlu.kernel.errors import ConfigurationError
from yuanlu.kernel.limits import FRAME_BYTES_MAX
from yuanlu.notices import AliyunSms, TencentSms
from yuanlu.people.receipts import RECEIPTS_MAX, ReceiptsWrong, read_receipts
from yuanlu.reconciliation.batch import BatchItem, Standing, match_details, totals_of
from yuanlu.settings import read_settings
from yuanlu.terminals import read_terminals

FAST = Path("/dev/shm")
"""A memory disk: a file is written for each input."""
CUP, ISO87 = "cup-pos", "iso87-ascii"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing that is fuzzed. `bytes_max` is the longest input worth trying."""

    name: str
    check: Callable[[bytes], None]
    bytes_max: int = 4_096


def frames(data: bytes) -> None:
    """The first byte says how the stream is cut: the frames must not depend on it."""
    if not data:
        return
    step, stream = data[0] + 1, data[1:]
    whole, cut = _read_frames([stream]), _read_frames([stream[at : at + step] for at in range(0, len(stream), step)])
    assert whole == cut, "the frames depend on how the stream is cut"
    joined = b"".join(with_length(frame) for frame in whole[0])
    assert stream.startswith(joined), "the frames are not what the stream holds"


def _read_frames(segments: Sequence[bytes]) -> tuple[list[bytes], bool]:
    """All frames, and whether the stream was lost; it is asked once more, since whole frames come out first."""
    reader, found = FrameReader(), list[bytes]()
    try:
        for segment in (*segments, b""):
            found += reader.feed(segment)
            assert reader.pending_bytes <= FRAME_BYTES_MAX + LENGTH_BYTES
    except DecodeError:
        return found, True
    return found, False


def message(data: bytes, *, dialect: str) -> None:
    """A frame of this dialect: read, shown, masked, written again, and understood as a request."""
    codec = codec_for(dialect)
    describe(data, codec)
    try:
        walked = codec.decode(data)
    except DecodeError as error:
        _points_inside(error, data)
        return
    assert walked.splice({}) == _without_empty_bitmap(walked)
    hidden = masked(walked)
    assert len(hidden) == len(data)
    describe(hidden, codec)
    _written_again(walked)
    for _ in range(USES_BEFORE_COMPILING):
        compiled = codec.decode(data)
        assert (compiled.mti, compiled.numbers, compiled.starts) == (walked.mti, walked.numbers, walked.starts)
    _understood(walked)


def _points_inside(error: DecodeError, data: bytes) -> None:
    assert 0 <= error.offset <= len(data), "the place of the error is not in the frame"


def _without_empty_bitmap(message: Message) -> bytes:
    """The frame, but for a second bitmap that announces no field: that one is not written again."""
    raw, dialect = message.raw, message.codec.dialect
    at, size = dialect.bitmap_at, dialect.bitmap_bytes
    if not dialect.extended or raw[at : at + 1] < b"8" or any(number > 64 for number in message.numbers):
        return raw
    first = int(raw[at : at + size], 16) & ~(1 << 63)
    return raw[:at] + f"{first:016X}".encode() + raw[at + 2 * size :]


def _written_again(message: Message) -> None:
    """All fields as values make the same frame, unless a value can be written in two ways: then the same values."""
    try:
        values = message.fields()
    except DecodeError as error:
        _points_inside(error, message.raw)
        return
    codec, dialect = message.codec, message.codec.dialect
    tpdu, header = message.raw[: dialect.tpdu_bytes], message.raw[dialect.tpdu_bytes : dialect.mti_at]
    again = codec.decode(codec.encode(mti=message.mti, fields=values, tpdu=tpdu or None, header=header or None))
    assert again.fields() == values


def _understood(message: Message) -> None:
    """As the gateway would: whose request it is and what it wants."""
    try:
        terminal, merchant = message[41], message[42]
        match action_of(message):
            case Action.PAYMENT | Action.ADVICE | Action.REVERSAL:
                understand(message, terminal, merchant)
            case Action.STATUS:
                status_report(message, terminal, merchant)
            case Action.SETTLEMENT:
                SettlementTotals.parse(message[48])
            case _:
                pass
    except (DecodeError, FieldWrong):
        return


def chip_data(data: bytes) -> None:
    """Field 55: elements read, built and read again; what a reversal keeps, by both ways that find it."""
    try:
        elements = tlv.parse(data)
    except DecodeError as error:
        _points_inside(error, data)
        _refused(partial(tlv.short_f55, data))
        return
    assert tlv.parse(tlv.build(elements)) == elements
    kept = tuple(element for element in elements if element[0] in tlv.REVERSAL_TAGS)
    assert tlv.parse(tlv.short_f55(data)) == kept


def _refused(read: Callable[[], object]) -> None:
    try:
        read()
    except DecodeError:
        return
    raise AssertionError("one way to read it refuses it and the other does not")


LAYOUTS: tuple[Any, ...] = (F44, SettlementTotals, UploadDetails, F60, F61, WorkingKeyBlock, F63)
"""Of fields 44, 48 of 0500, 48 of 0320, 60, 61, 62 of 0810 (bytes, the others are text) and 63."""


def subfields(data: bytes) -> None:
    """The first byte chooses the layout; what is read, built and read again is the same."""
    if not data:
        return
    layout = LAYOUTS[data[0] % len(LAYOUTS)]
    try:
        record = layout.parse(data[1:] if layout is WorkingKeyBlock else data[1:].decode("gbk", "replace"))
    except DecodeError:
        return
    try:
        built = record.build()
    except EncodeError as error:
        raise AssertionError(f"read, but not written: {error}") from error
    assert layout.parse(built) == record


PROVIDERS = (
    AliyunSms(access_key_id="id", access_key_secret="-", sign_name="sign", templates={}),
    TencentSms(secret_id="id", secret_key="-", app_id="1", sign_name="sign", templates={}),
)


def status(data: bytes) -> None:
    """Field 62 of a status upload."""
    try:
        found = read_status(data.decode("latin-1"))
    except ObservationWrong:
        return
    assert found.stan or not found.batch_no
    assert all(each.kind for each in found.told)


def batch(data: bytes) -> None:
    """Two uploads of a terminal; one is taken as ours, with the standing that the first byte chooses."""
    if not data:
        return
    standing, rest = list(Standing)[data[0] % len(Standing)], data[1:].decode("latin-1")
    try:
        one, other = (UploadDetails.parse(part).items for part in (rest[: len(rest) // 2], rest[len(rest) // 2 :]))
    except DecodeError:
        return
    ours = [BatchItem(trace_no=item.stan, amount_minor=item.amount_minor, standing=standing) for item in one]
    theirs = [BatchItem(trace_no=item.stan, amount_minor=item.amount_minor) for item in other]
    findings = match_details(ours, theirs)
    assert findings == match_details(ours[::-1], theirs[::-1]), "the order matters"
    assert len(findings) <= len(ours) + len(theirs)
    assert not match_details(theirs, theirs), "an upload differs from itself"
    assert totals_of(ours).count == (len(ours) if standing is Standing.COUNTS else 0)


def receipts(data: bytes) -> None:
    """What a provider of SMS pushes; the first byte chooses the provider."""
    channel = PROVIDERS[data[0] % len(PROVIDERS)] if data else PROVIDERS[0]
    try:
        found = read_receipts(channel, data[1:])
    except ReceiptsWrong:
        return
    assert len(found) <= RECEIPTS_MAX
    assert all(isinstance(each.delivered, bool) and isinstance(each.provider_id, str) for each in found)


def configuration(data: bytes) -> None:
    """`yuanlu.toml`."""
    try:
        read_settings(_file("yuanlu.toml", data), {})
    except ConfigurationError:
        return


def terminals(data: bytes) -> None:
    """`terminals.csv`."""
    try:
        found = read_terminals(_file("terminals.csv", data), {"bank"})
    except ConfigurationError:
        return
    assert all(terminal.terminal_id == name for name, terminal in found.items())


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(dir=FAST if FAST.is_dir() else None)


def _file(name: str, data: bytes) -> Path:
    path = Path(_folder().name) / name
    path.write_bytes(data)
    return path


TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target(name="frames", check=frames),
        Target(name="cup-pos", check=partial(message, dialect=CUP)),
        Target(name="iso87-ascii", check=partial(message, dialect=ISO87)),
        Target(name="chip-data", check=chip_data, bytes_max=1_024),
        Target(name="subfields", check=subfields, bytes_max=512),
        Target(name="status", check=status, bytes_max=2_048),
        Target(name="receipts", check=receipts, bytes_max=2_048),
        Target(name="batch", check=batch, bytes_max=700),
        Target(name="configuration", check=configuration, bytes_max=8_192),
        Target(name="terminals", check=terminals, bytes_max=8_192),
    )
}
