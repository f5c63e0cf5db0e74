"""What a terminal says in field 62 of a status upload."""

import pytest

from yuanlu.fleet.observations import Kind, ObservationWrong, told
from yuanlu.fleet.status import Status, read_status


def said(text: str) -> dict[str, str]:
    return {each.kind.value: each.value for each in read_status(text).told}


def test_pairs_are_kinds_with_their_values_and_a_trace_number_names_the_payment():
    status = read_status("slip_failed=1;signal=12;hardware_fault=printer jam;stan=000123;batch=000001;")
    assert (status.stan, status.batch_no) == ("000123", "000001")
    assert [(each.kind, each.value) for each in status.told] == [
        (Kind.SLIP_FAILED, "1"), (Kind.SIGNAL, "12"), (Kind.HARDWARE_FAULT, "printer jam"),
    ]  # fmt: skip


def test_what_other_makers_say_is_ignored():
    assert said("vendor.fw=1.2.3;battery=80") == {"battery": "80"}
    assert read_status("vendor=1") == Status(told=())


def test_a_terminal_cannot_declare_what_is_for_people_or_for_the_gateway():
    assert said("handed_over=goods;clearing=twice;signed_in=000001") == {}


WRONG = [
    ("", "field 62 is missing"),
    ("signal", "pair 1 is not key=value"),
    ("signal=80;;battery=3", "pair 2 is not key=value"),
    ("信号=80", "pair 1 is not key=value"),
    ("signal=80;signal=81", "signal is given twice"),
    ("signal=101", "give a whole number from 0 to 100"),
    ("signal=-1", "give a whole number from 0 to 100"),
    ("battery=0000000000000000005", "give a whole number from 0 to 100"),
    ("tampered=yes", "give 1, or 0 to take it back"),
    ("stan=12;restarted=1", 'stan "12": give six digits'),
    ("batch=000001;restarted=1", "batch without stan"),
    ("hardware_fault=" + "x" * 65, "pair 1 is not key=value"),
    ("hardware_fault=read 6200000000000005", "may be a card's"),
    (";".join(f"k{n}=1" for n in range(33)), "33 pairs, at most 32"),
]


@pytest.mark.parametrize(("text", "why"), WRONG, ids=[row[1] for row in WRONG])
def test_what_does_not_fit_is_refused_with_its_reason(text, why):
    with pytest.raises(ObservationWrong, match=why):
        read_status(text)


def test_a_person_may_leave_the_value_out_where_there_is_only_one():
    assert told("tampered").value == "1"
    with pytest.raises(ObservationWrong, match="a whole number from 0 to 100"):
        told("signal")
    with pytest.raises(ObservationWrong, match='"broken" is no kind of observation; there are restarted'):
        told("broken")
    with pytest.raises(ObservationWrong, match='"handed_over" is no kind'):
        told("handed_over", "goods")
