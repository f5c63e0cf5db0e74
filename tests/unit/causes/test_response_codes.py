"""Every code of the annex has its meaning, its class and its cause."""

import pytest

from docs.wording import OWN_ANSWERS
from yuanlu.acquirers.terms import APPROVALS
from yuanlu.causes.evidence import Evidence, Voice
from yuanlu.causes.response_codes import HOST_CODES, OUR_CODES
from yuanlu.causes.taxonomy import explain
from yuanlu.settings import DoubtfulCodes

ANNEX = {
    "A": "00 10 11 16 A2 A4 A5 A6",
    "B": "09 13 14 99 A0",
    "C": "01 02 03 05 06 12 15 17 19 20 21 22 23 25 30 31 39 40 45 51 54 55 57 58 59 61 62 64 65 68 75 90 91 92 94 "
    "95 96 A1 A3 A7",
    "D": "04 07 33 34 35 36 37 38 41 43 77 97",
    "E": "98",
}


def test_every_code_of_the_annex_is_in_the_table_with_its_class() -> None:
    listed = {code: action for action, codes in ANNEX.items() for code in codes.split()}
    assert {code: row.action for code, row in HOST_CODES.items()} == listed
    assert all(row.zh for row in HOST_CODES.values())


@pytest.mark.parametrize("code", HOST_CODES)
def test_a_code_of_the_host_is_explained_by_its_cause_unless_it_is_a_plain_success(code: str) -> None:
    row = HOST_CODES[code]
    explanation = explain(Evidence(response_code=code, state="APPROVED" if code in APPROVALS else "DECLINED"))
    assert (row.cause is None) == (code in {"00", "11", "16"})
    assert explanation.unclassified if row.cause is None else explanation.cause is row.cause


def test_a_code_after_which_we_still_doubt_never_says_that_nothing_was_charged() -> None:
    doubtful = DoubtfulCodes()
    for code in {*doubtful.reverse, *doubtful.watch}:
        cause = HOST_CODES[code].cause
        assert cause is not None
        assert cause.may_be_debited, code


def test_the_same_code_is_another_cause_when_it_is_our_own_word() -> None:
    def cause(code: str, voice: Voice) -> str:
        return explain(Evidence(response_code=code, voice=voice, state="DECLINED")).cause.code

    assert (cause("91", Voice.HOST), cause("91", Voice.OURS)) == ("ISSUER_DOWN", "HOST_UNREACHABLE")
    assert (cause("94", Voice.HOST), cause("94", Voice.OURS)) == ("HOST_SAYS_DUPLICATE", "TRACE_NUMBER_REUSED")
    assert (cause("A0", Voice.HOST), cause("A0", Voice.OURS)) == ("HOST_REFUSED_MAC", "TERMINAL_MAC_WRONG")


def test_every_refusal_of_our_own_has_a_cause() -> None:
    without = {"00", "98"}  # taken over or done; unknown, which its doubt explains
    assert {code for code, _, _ in OWN_ANSWERS} - without <= set(OUR_CODES)
