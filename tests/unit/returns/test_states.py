from hypothesis import given
from hypothesis import strategies as st

from yuanlu.db.migrations.versions.r0005_ways_back import STEPS
from yuanlu.returns.states import OPEN_RETURN, TRANSITIONS, State, allowed, diagram


def test_the_database_holds_the_same_table():
    assert set(STEPS) == {f"{before}>{after}" for before, ends in TRANSITIONS.items() for after in ends}
    assert len(STEPS) == len(set(STEPS))


def test_every_state_has_a_row_and_none_leads_to_itself():
    assert set(TRANSITIONS) == set(State)
    assert not [state for state in State if allowed(state, state)]


def test_unknown_leads_to_a_return_or_for_a_refund_to_what_the_evidence_says():
    assert TRANSITIONS[State.UNKNOWN] == {State.RETURNING, State.APPROVED, State.DECLINED}
    assert {State.RETURNING, State.ESCALATED} == OPEN_RETURN


def test_what_is_open_is_never_left_without_an_end():
    for state in OPEN_RETURN:
        assert State.RETURNED in TRANSITIONS[state]
        assert State.NO_EFFECT in TRANSITIONS[state]


@given(st.sampled_from(State), st.sampled_from(State))
def test_allowed_says_what_the_table_says(before, after):
    assert allowed(before, after) == (f"{before}>{after}" in STEPS)


def test_the_diagram_draws_each_step_once():
    lines = diagram().splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert len(lines) == len(set(lines)) == 3 + len(STEPS)
