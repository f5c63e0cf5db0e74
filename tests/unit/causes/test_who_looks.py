"""Who has to look when a cause is found: a person, the clearing file, or nobody."""

from yuanlu.causes.explanation import Explanation, Finding
from yuanlu.causes.taxonomy import CAUSES

FOR_PEOPLE = {
    "TERMINAL_TAMPERED", "MESSAGES_FORGED", "TERMINAL_MOVED", "RETURNS_PILE_UP", "CARD_TESTING", "CASH_OUT",
    "AMOUNT_SPLIT", "HANDED_OVER_WHILE_RETURNING", "RETURNED_BY_HAND_TOO", "ORDERED_STOP", "CHARGED_WHILE_UNKNOWN",
    "WRONG_SLIP_VOIDED", "CHARGED_TWICE", "TRACE_NUMBER_REUSED", "HOST_SAYS_DUPLICATE", "ORIGINAL_NOT_FOUND",
    "CODE_UNLISTED", "CLEARING_DIFFERS", "BATCH_DIFFERS", "TERMINAL_FAULTY",
}  # fmt: skip
FOR_THE_CLEARING_FILE = {
    "REQUEST_LOST", "DECLINE_UNSIGNED", "LINKED_TRANSACTION_WRONG", "RETURN_AMOUNT_DIFFERS", "APPROVED_DEFECTIVELY",
    "ISSUER_DOWN", "ISSUER_LINE_DOWN", "ISSUER_ANSWER_INVALID", "TERMINAL_LINE_UNSTABLE",
}  # fmt: skip


def explained_by(code: str) -> Explanation:
    cause = next(cause for cause in CAUSES if cause.code == code)
    finding = Finding(cause=cause, reason=cause.title)
    return Explanation(findings=(finding,), guidance=cause.guidance, may_be_debited=True, may_charge_again=False)


def test_what_only_people_can_settle_is_for_people() -> None:
    assert {cause.code for cause in CAUSES if explained_by(cause.code).needs_person} == FOR_PEOPLE


def test_what_else_has_to_be_verified_waits_for_the_clearing_file() -> None:
    assert {cause.code for cause in CAUSES if explained_by(cause.code).to_be_verified} == FOR_THE_CLEARING_FILE
