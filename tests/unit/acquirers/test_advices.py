"""An advice as it waits and as it goes: nothing secret in it, and the same message each time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.iso8583.messages import CUP, ISO87, field_sets
from yuanlu.acquirers.advices import NEVER_KEPT, Verdict, forwardable, hidden_fields, pause_us, restored, verdict
from yuanlu.acquirers.terms import HostTerms
from yuanlu.iso8583 import tlv
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.masking import SENSITIVE_TAGS, masked
from yuanlu.settings import Acquirer

PAN = "6200000000000005"
OFFLINE_SALE = {
    2: PAN, 3: "000000", 4: "000000001234", 11: "000007", 14: "3012", 22: "0210", 25: "00",
    35: f"{PAN}=30122010000000", 41: "T0000001", 42: "898440153110001", 48: "000000000100", 49: "156",
    52: b"\x01" * 8, 53: "2600000000000000", 60: "30000001000", 62: "anything", 64: b"\x02" * 8,
}  # fmt: skip
TERMS = HostTerms(
    name="h1", settings=Acquirer(kind="iso8583-host", address="a:1", dialect="cup-pos", profile="P1", mac="none")
)


def message(**changes: object):
    fields = OFFLINE_SALE | {int(name[1:]): value for name, value in changes.items()}
    return CUP.decode(CUP.encode(mti="0220", fields={n: v for n, v in fields.items() if v is not None}))


def test_what_goes_upstream_has_no_track_no_pin_and_no_undocumented_field():
    outgoing = forwardable(message(), PAN)
    assert not {35, 52, 53, 62, 64} & set(outgoing.numbers)
    assert {number: outgoing[number] for number in (2, 4, 14, 48)} == {
        number: OFFLINE_SALE[number] for number in (2, 4, 14, 48)
    }


def test_a_card_number_that_stood_in_the_track_alone_is_named():
    assert forwardable(message(f2=None), PAN)[2] == PAN


def test_chip_data_go_without_what_names_the_card():
    elements = (("9F26", b"\x01" * 8), ("5A", bytes.fromhex(PAN)), ("57", b"\x62" * 16), ("95", b"\x00" * 5))
    outgoing = forwardable(message(f55=tlv.build(elements)), PAN)
    assert [tag for tag, _ in tlv.parse(outgoing.value_bytes(55))] == ["9F26", "95"]
    with pytest.raises(DecodeError):
        forwardable(message(f55=b"\x9f\x26\x08\x01"), PAN)


def test_the_masked_frame_alone_does_not_have_the_card():
    outgoing = forwardable(message(), PAN)
    assert bytes.fromhex(PAN) not in masked(outgoing)
    assert hidden_fields(outgoing) == {2: PAN, 14: "3012", 48: "000000000100"}


@pytest.mark.parametrize("codec", [CUP, ISO87], ids=["cup-pos", "iso87-ascii"])
@given(data=st.data())
def test_masked_frame_and_hidden_fields_are_the_message_again(codec, data):
    given_ = codec.decode(codec.encode(mti="0220", fields=data.draw(field_sets(codec))))
    try:
        outgoing = forwardable(given_, "")
        hidden = hidden_fields(outgoing)
    except DecodeError:
        return
    assert restored(codec.decode(masked(outgoing)), hidden).fields() == outgoing.fields()
    assert not NEVER_KEPT & set(outgoing.numbers)
    if outgoing.has(55):
        content = outgoing.value_bytes(55) if codec is CUP else bytes.fromhex(outgoing[55])
        assert not {element.tag for element in tlv.walk(content)} & SENSITIVE_TAGS


VERDICTS = [
    ("00", 1, Verdict.ACCEPTED, "approved"),
    ("94", 1, Verdict.REFUSED, "the number was taken before we sent anything"),
    ("94", 2, Verdict.ACCEPTED, "an earlier sending arrived"),
    ("A0", 1, Verdict.KEYS, "stale keys"),
    ("91", 1, Verdict.AGAIN, "the issuer cannot work now"),
    ("98", 9, Verdict.AGAIN, "nobody knows"),
    ("30", 1, Verdict.REFUSED, "format"),
    ("57", 1, Verdict.REFUSED, "not permitted"),
]


@pytest.mark.parametrize(("code", "attempt", "expected", "why"), VERDICTS)
def test_what_a_code_says_of_an_advice(code, attempt, expected, why):
    assert verdict(TERMS, code, attempt) is expected, why


def test_pauses_double_from_five_seconds_to_ten_minutes():
    assert [pause_us(n) // 1_000_000 for n in (1, 2, 3, 7, 8, 9, 500)] == [5, 10, 20, 320, 600, 600, 600]
