import ast
from pathlib import Path

import pytest

from tests.test_tidy import INPUT_OUTPUT, SOURCE, imports_of
from yuanlu.cases.records import EventKind
from yuanlu.cases.states import CASE_STEPS, DECISION_STEPS, OPEN_DECISION, CaseState, DecisionState, allowed, diagram
from yuanlu.cases.tables import AWAKE, NOT_CLOSED, UNDECIDED
from yuanlu.cases.work import AWAKE_STATES, MONEY_IN_THE_OPEN
from yuanlu.db.migrations.versions import r0004_cases
from yuanlu.people.words import CASE_KINDS, CASE_WORDS
from yuanlu.returns.states import State

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "cases.md"
PURE = ("states", "ladder", "service_levels", "people", "texts", "errors", "records")


def as_steps(table):
    return {f"{before}>{after}" for before, ends in table.items() for after in ends}


def test_the_database_holds_the_same_tables():
    assert set(r0004_cases.CASE_STEPS) == as_steps(CASE_STEPS)
    assert set(r0004_cases.DECISION_STEPS) == as_steps(DECISION_STEPS)


def test_every_state_has_a_row_and_none_leads_to_itself():
    assert set(CASE_STEPS) == set(CaseState)
    assert set(DECISION_STEPS) == set(DecisionState)
    assert not [state for state in CaseState if allowed(state, state)]


def test_whatever_is_open_can_be_closed_and_whatever_is_closed_opened_again():
    for state in set(CaseState) - {CaseState.CLOSED}:
        assert allowed(state, CaseState.CLOSED), state
    assert CASE_STEPS[CaseState.CLOSED] == {CaseState.OPEN}


def test_nothing_is_carried_out_that_was_not_approved():
    before = {state for state, ends in DECISION_STEPS.items() if DecisionState.CARRIED_OUT in ends}
    assert before == {DecisionState.APPROVED}
    assert {state for state, ends in DECISION_STEPS.items() if ends} == OPEN_DECISION


def test_the_conditions_of_the_indexes_name_the_states_of_the_code():
    assert set(ast.literal_eval(AWAKE.removeprefix("state IN "))) == set(AWAKE_STATES)
    assert set(ast.literal_eval(UNDECIDED.removeprefix("state IN "))) == OPEN_DECISION
    assert NOT_CLOSED.endswith(f"'{CaseState.CLOSED}'")


def test_a_case_stays_open_in_exactly_the_states_in_which_money_is_in_the_open():
    settled = {State.APPROVED, State.DECLINED, State.RETURNED, State.NO_EFFECT, State.CAPTURED}
    assert set(State) - settled == MONEY_IN_THE_OPEN == set(r0004_cases.MONEY_IN_THE_OPEN)


def test_every_line_of_a_timeline_and_every_state_has_words_in_both_languages():
    assert {kind.fact for kind in EventKind} == set(CASE_KINDS)
    assert {*CaseState, *DecisionState} <= set(CASE_WORDS)
    assert all(zh and en for zh, en in [*CASE_KINDS.values(), *CASE_WORDS.values()])


@pytest.mark.parametrize("table", [CASE_STEPS, DECISION_STEPS], ids=["cases", "decisions"])
def test_the_page_for_operators_draws_the_same_tables(table):
    assert diagram(table) in PAGE.read_text("utf-8")


@pytest.mark.parametrize("name", PURE)
def test_what_decides_does_no_input_or_output(name):
    assert not imports_of(SOURCE / "cases" / f"{name}.py") & INPUT_OUTPUT
