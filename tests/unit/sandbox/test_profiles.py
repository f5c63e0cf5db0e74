import pytest

from yuanlu.sandbox.profiles import PROFILES, RecordState, decide_reversal, inquiry_status

# profile, state met, answer, credits, state afterwards; the reason is in the last column.
DECISIONS = [
    ("P1", None, "25", False, RecordState.BARRED, "remembers what it has not seen"),
    ("P1", RecordState.HELD, "25", False, RecordState.BARRED, "a held original is not seen yet"),
    ("P1", RecordState.BARRED, "25", False, RecordState.BARRED, "a repeat of that changes nothing"),
    ("P1", RecordState.APPROVED, "00", True, RecordState.REVERSED, "the money goes back"),
    ("P1", RecordState.REVERSED, "00", False, RecordState.REVERSED, "a repeat pays nothing"),
    ("P1", RecordState.DECLINED, "12", False, RecordState.DECLINED, "there is nothing to give back"),
    ("P2", None, "25", False, None, "forgets what it has not seen"),
    ("P2", RecordState.HELD, "25", False, RecordState.HELD, "so the original is posted later"),
    ("P2", RecordState.REVERSED, "00", False, RecordState.REVERSED, "a repeat pays nothing"),
    ("P3", RecordState.REVERSED, "00", True, RecordState.REVERSED, "a repeat pays again: the trap"),
    ("P4", None, "00", False, None, "says 00 to what it has never seen"),
    ("P4", RecordState.DECLINED, "00", False, RecordState.DECLINED, "and to what it declined"),
    ("P4", RecordState.REVERSED, "00", True, RecordState.REVERSED, "a repeat pays again"),
    ("P5", None, "25", False, None, "forgets what it has not seen"),
    ("P5", RecordState.REVERSED, "00", True, RecordState.REVERSED, "a repeat pays again"),
    *(
        (profile, state, "22", False, state, "something else was done about it since")
        for profile in PROFILES
        for state in (RecordState.VOIDED, RecordState.REFUNDED, RecordState.COMPLETED)
    ),
]


@pytest.mark.parametrize(("profile", "state", "code", "pays", "after", "why"), DECISIONS)
def test_each_profile_treats_a_reversal_as_its_row_says(profile, state, code, pays, after, why):
    decision = decide_reversal(PROFILES[profile], state)
    assert (decision.code, decision.credits, decision.next_state) == (code, pays, after), why


def test_a_recognised_repeat_may_also_be_answered_94():
    decision = decide_reversal(PROFILES["P1"], RecordState.REVERSED, "94")
    assert (decision.code, decision.credits) == ("94", False)


def test_an_inquiry_tells_the_state_and_a_held_original_is_unknown():
    assert inquiry_status(RecordState.APPROVED) == "ST=APPROVED"
    assert inquiry_status(RecordState.REVERSED) == "ST=REVERSED"
    assert inquiry_status(RecordState.DECLINED) == "ST=DECLINED"
    assert inquiry_status(RecordState.VOIDED) == "ST=REVERSED"
    assert inquiry_status(RecordState.REFUNDED) == "ST=APPROVED"
    assert inquiry_status(RecordState.COMPLETED) == "ST=APPROVED"
    assert inquiry_status(RecordState.HELD) == "ST=UNKNOWN"
    assert inquiry_status(None) == "ST=UNKNOWN"
