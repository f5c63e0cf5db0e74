"""Numbers, scopes, and the words that several packages share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.causes.stories import declared as lost
from yuanlu.acquirers.kinds import QR_SALE, SALE
from yuanlu.causes.evidence import OPEN_STATES, IncidentKind
from yuanlu.causes.taxonomy import explain
from yuanlu.db.migrations.versions.r0008_incidents import STEPS as DATABASE_STEPS
from yuanlu.flow.declaring import cause_of
from yuanlu.incidents import writing
from yuanlu.incidents.records import (
    EVERYTHING,
    STEPS,
    Incident,
    Place,
    Report,
    Scope,
    ScopeKind,
    first_digits,
    incident_number,
    issuer_or_wallet,
)
from yuanlu.incidents.records import IncidentState as State
from yuanlu.incidents.store import IN_THE_OPEN, IncidentError

NOW_US = 1_760_000_000_000_000


def incident(**changed: object) -> Incident:
    values = {
        "incident_id": "I251009-01", "kind": IncidentKind.HOST_DOWN, "declared_by": "detection", "reason": "r",
        "scope": Scope(kind=ScopeKind.HOST, name="h1"), "began_at_us": NOW_US, "declared_at_us": NOW_US,
    }  # fmt: skip
    return Incident(**values | changed)  # type: ignore[arg-type]


def test_the_database_holds_the_same_steps():
    assert set(DATABASE_STEPS) == {f"{before}>{after}" for before, ends in STEPS.items() for after in ends}


def test_each_kind_has_the_cause_that_explains_its_payments():
    for kind in IncidentKind:
        paid = QR_SALE if kind is IncidentKind.WALLET_OUTAGE else SALE
        assert explain(lost(kind, kind=paid)).cause is cause_of(kind)


def test_the_open_states_are_those_of_the_causes():
    assert set(IN_THE_OPEN) == OPEN_STATES


def test_a_number_names_the_day_in_beijing():
    assert incident_number(NOW_US, 0) == "I251009-01"
    assert incident_number(NOW_US + 8 * 3_600_000_000, 99) == "I251010-100"


def test_a_place_lies_in_its_scopes_the_widest_first():
    place = Place(terminal_id="T", merchant_id="M", host="h1", region="north")
    assert [str(scope) for scope in place.scopes] == ["all", "region north", "host h1", "merchant M"]
    assert Place(terminal_id="T", merchant_id="M", host="").scopes == (
        EVERYTHING, Scope(kind=ScopeKind.MERCHANT, name="M"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("card_bin", "scope"),
    [
        ("620000", "issuer 620000"), ("621", ""), ("", ""), ("10", "wallet wechat"), ("15", "wallet wechat"),
        ("16", ""), ("25", "wallet alipay"), ("30", "wallet alipay"), ("31", ""), ("62", "wallet unionpay"),
    ],
)  # fmt: skip
def test_the_first_digits_name_the_issuer_or_the_wallet_that_decides(card_bin, scope):
    found = issuer_or_wallet(card_bin)
    assert str(found or "") == scope
    assert found is None or card_bin in first_digits(found)
    place = Place(terminal_id="T", merchant_id="M", host="h1", card_bin=card_bin)
    named = [str(each) for each in place.scopes]
    assert named == ["all", "host h1", *([scope] if scope else []), "merchant M"], "wide before narrow"


def test_each_action_is_one_fact_of_the_next_version_and_says_who_did_it():
    made = writing.declared(incident())
    held = writing.held(made.incident, "Li", "the host asked for it", NOW_US)
    free = writing.released(held.incident, "Wang", "it is back", NOW_US)
    over = writing.ended(free.incident, "Li", "over", Report(transactions=3, terminals=2, open=1), NOW_US)
    done = writing.settled(over.incident, Report(transactions=3, terminals=2, returned=3, amounts="CNY 1.00"), NOW_US)
    facts = [fact for each in (made, held, free, over, done) for fact in each.facts]
    assert [fact.version for fact in facts] == [1, 2, 3, 4, 5]
    assert facts[1].note == "Li: the host asked for it"
    assert facts[3].note == "Li: over; 3 transactions of 2 terminals, 0 returned, 1 open"
    assert facts[4].note == "3 transactions of 2 terminals about CNY 1.00, 3 returned, 0 open"
    assert (held.incident.held_by, free.incident.held_by, over.incident.state) == ("Li", "", State.ENDED)


def test_what_makes_no_sense_is_refused_in_words():
    over = writing.ended(incident(), "Li", "over", Report(), NOW_US).incident
    for build, text in (
        (lambda: writing.released(incident(), "Li", "r", NOW_US), "no sales are held"),
        (lambda: writing.held(incident(held_by="Wang"), "Li", "r", NOW_US), "held already, by Wang"),
        (lambda: writing.held(over, "Li", "r", NOW_US), "over already, by Li"),
        (lambda: writing.ended(over, "Li", "r", Report(), NOW_US), "over already"),
    ):
        with pytest.raises(IncidentError, match=text):
            build()


@given(kind=st.sampled_from(ScopeKind), name=st.text(min_size=1, max_size=5))
def test_facts_belong_to_a_merchant_only_where_the_incident_is_one_merchants(kind, name):
    of = incident(scope=Scope(kind=kind, name="" if kind is ScopeKind.ALL else name))
    assert writing.declared(of).facts[0].merchant_id == (name if kind is ScopeKind.MERCHANT else "")
