"""What each dialect's table promises to the rest of the program."""

import pytest

from tests.unit.iso8583.messages import CUP, ISO87, value_of
from yuanlu.iso8583.codec import Codec
from yuanlu.iso8583.dialect import Mask

CODECS = pytest.mark.parametrize("codec", [CUP, ISO87], ids=lambda codec: codec.dialect.name)


@CODECS
def test_card_data_are_marked_for_hiding(codec: Codec) -> None:
    kept = {n for n, field in codec.dialect.fields.items() if field.mask is Mask.NONE}
    assert not kept & {2, 14, 34, 35, 36, 45, 52, 55, 57, 58, 59, 62, 102, 103}


@CODECS
def test_every_row_has_a_name_of_its_own_and_a_chinese_one(codec: Codec) -> None:
    names = [field.name for field in codec.dialect.fields.values()]
    assert len(set(names)) == len(names)
    assert all(field.zh for field in codec.dialect.fields.values())


@CODECS
def test_every_row_can_be_generated_for_tests(codec: Codec) -> None:
    assert all(value_of(field) is not None for field in codec.dialect.fields.values())


def test_the_dialects_differ_where_callers_must_know() -> None:
    assert (CUP.dialect.mac_fields, ISO87.dialect.mac_fields) == ((64,), (64, 128))
    assert (CUP.dialect.has_inquiry, ISO87.dialect.has_inquiry) == (False, True)
    assert (CUP.dialect.mti_at, CUP.dialect.bitmap_at) == (11, 13)
    assert (ISO87.dialect.mti_at, ISO87.dialect.bitmap_at) == (0, 4)
