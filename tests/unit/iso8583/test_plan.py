"""Compiled code for common bitmaps: the same answers as the walk, and no more of it than the limit allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.iso8583.messages import CUP, ISO87, field_sets, vectors
from yuanlu.iso8583.codec import Codec
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.plan import USES_BEFORE_COMPILING, Plan
from yuanlu.iso8583.structure import walk


def _compiled(codec: Codec, frame: bytes) -> Plan:
    layout = walk(codec.dialect, frame)
    plan = Plan(dialect=codec.dialect, layout=layout, readers=codec.readers)
    plan.compile(codec.dialect, layout.starts[0])
    return plan


def _agree(codec: Codec, plan: Plan, frame: bytes) -> None:
    """Compiled code may give up, but what it answers is what the walk and the readers answer."""
    assert plan.locate is not None
    assert plan.read_all is not None
    found = plan.locate(frame)
    try:
        walked = walk(codec.dialect, frame).starts
    except DecodeError:
        assert found is None
        return
    assert found == walked
    message = codec.decode(frame)
    values = plan.read_all(frame, walked)
    try:
        exact = message.fields_exactly()
    except DecodeError:
        assert values is None
        return
    assert values is None or (values == exact and list(values) == list(exact))


@pytest.mark.parametrize("entry", vectors(), ids=lambda entry: entry["id"])
def test_compiled_code_reads_the_published_frames_without_giving_up(entry: dict) -> None:
    plan = _compiled(CUP, entry["frame"])
    assert plan.locate is not None
    assert plan.read_all is not None
    starts = plan.locate(entry["frame"])
    assert starts is not None
    assert plan.read_all(entry["frame"], starts) == CUP.decode(entry["frame"]).fields_exactly()


@pytest.mark.parametrize("codec", [CUP, ISO87], ids=lambda codec: codec.dialect.name)
@given(data=st.data())
def test_compiled_code_agrees_with_the_walk_on_sound_and_damaged_frames(codec: Codec, data: st.DataObject) -> None:
    frame = codec.encode(mti="0200", fields=data.draw(field_sets(codec)))
    plan = _compiled(codec, frame)
    _agree(codec, plan, frame)
    body = walk(codec.dialect, frame).starts[0]
    for _ in range(3):
        damaged = bytearray(frame)
        if len(frame) > body:
            damaged[data.draw(st.integers(body, len(frame) - 1))] = data.draw(st.integers(0, 255))
        _agree(codec, plan, bytes(damaged[: len(damaged) - data.draw(st.integers(0, 1))]))


def test_a_bitmap_is_compiled_once_it_has_proved_common() -> None:
    codec = Codec(dialect=CUP.dialect)
    frame = vectors()[0]["frame"]
    plans = [codec.decode(frame).plan for _ in range(USES_BEFORE_COMPILING)]
    assert plans[0].locate is not None
    assert len({id(plan) for plan in plans}) == 1


def test_hostile_bitmaps_cannot_fill_the_memory() -> None:
    codec = Codec(dialect=CUP.dialect, plans_max=3)
    for number in (3, 4, 11, 12, 13, 15):
        value = "0" * CUP.dialect.fields[number].size
        common = codec.encode(mti="0200", fields={number: value})
        for _ in range(USES_BEFORE_COMPILING):
            codec.decode(common)
        codec.decode(codec.encode(mti="0200", fields={number: value, 39: "00"}))
    assert codec.plans_held == (3, 3)
