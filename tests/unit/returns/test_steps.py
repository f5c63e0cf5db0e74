import pytest

from tests.unit.returns.test_policy import at, leg
from yuanlu.acquirers.outcome import Answered, Doubt, NoAnswer
from yuanlu.acquirers.terms import Meaning
from yuanlu.iso8583.codec import codec_for
from yuanlu.returns.states import State
from yuanlu.returns.steps import as_answered, as_sent, as_unsent, count_of, reason_after, reason_for


@pytest.mark.parametrize(
    ("doubt", "reason"),
    [(Doubt.TIMEOUT, "98"), (Doubt.DISCONNECTED, "98"), (Doubt.BAD_MAC, "A0"), (Doubt.GARBLED, "06")],
)
def test_the_reason_of_a_reversal_says_why_the_answer_is_missing(doubt, reason):
    assert reason_for(doubt) == reason


def test_an_unanswered_reversal_is_repeated_for_no_answer_and_an_inquiry_changes_no_reason():
    given = leg(last="unknown")
    assert reason_after(given, "reversal", NoAnswer(doubt=Doubt.BAD_MAC)) == "98"
    assert reason_after(given, "inquiry", NoAnswer(doubt=Doubt.TIMEOUT)) == given.reason


def test_what_was_sent_is_counted_and_what_never_left_is_not():
    fresh = leg(sent=0, at=0)
    sent = as_sent(fresh, "reversal", at(7))
    assert (sent.attempts, sent.last_boot_us, sent.last_meaning) == (1, 7_000_000, "")
    assert count_of(sent, "reversal") == 1
    back = as_unsent(sent, "reversal")
    assert (back.attempts, back.last_step) == (0, "")
    asked = as_sent(sent, "inquiry", at(9))
    assert (asked.inquiries, asked.asked_boot_us, asked.last_boot_us) == (1, 9_000_000, 7_000_000)
    assert as_unsent(asked, "inquiry").inquiries == 0
    assert as_unsent(as_sent(sent, "reversal", at(9)), "reversal").attempts == 1
    assert back.state is State.RETURNING


SILENCE = NoAnswer(doubt=Doubt.TIMEOUT)
LIFE_US = 120_000_000
CODEC = codec_for("iso87-ascii")
NOT_FOUND = Answered(
    message=CODEC.decode(CODEC.encode(mti="0410", fields={39: "25"})),
    code="25",
    authenticated=True,
)


def answered(given, outcome, meaning=Meaning.NOT_FOUND):
    return as_answered(given, "reversal", outcome, meaning, LIFE_US)


def test_an_attempt_without_an_answer_stays_unanswered_until_a_later_answer_cannot_be_its():
    first = as_answered(
        as_sent(leg(sent=0, at=0), "reversal", at(0)), "reversal", NOT_FOUND, Meaning.NOT_FOUND, LIFE_US
    )
    assert first.unanswered_boot_us == 0
    silent = answered(as_sent(leg(sent=0, at=0), "reversal", at(10)), SILENCE, Meaning.UNKNOWN)
    assert silent.unanswered_boot_us == 10_000_000
    within = answered(as_sent(silent, "reversal", at(125)), NOT_FOUND)
    assert within.unanswered_boot_us == 125_000_000, "one of the two is still unanswered"
    after = answered(as_sent(silent, "reversal", at(131)), NOT_FOUND)
    assert after.unanswered_boot_us == 0


def test_an_inquiry_between_settles_nothing_about_the_reversal_and_a_crash_leaves_it_unanswered():
    crashed = as_sent(leg(sent=0, at=0), "reversal", at(10))
    asked = as_answered(as_sent(crashed, "inquiry", at(20)), "inquiry", NOT_FOUND, Meaning.NOT_FOUND, LIFE_US)
    assert asked.unanswered_boot_us == 10_000_000
