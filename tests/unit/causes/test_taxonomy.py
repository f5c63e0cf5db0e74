"""Every cause is found by its story, and precedence is what `docs/causes.md` says."""

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.causes.stories import CARD, STORIES, cny, declared, not_sent, of_card, ours, recent, said, silent
from yuanlu.acquirers.kinds import KINDS, QR_SALE
from yuanlu.acquirers.outcome import Doubt
from yuanlu.causes import card_data, devices, external, fraud, network, operator, system
from yuanlu.causes.cause import Cause, Clue, Family, by_code_alone
from yuanlu.causes.evidence import (
    CHARGED_STATES,
    GIVINGS_BACK,
    OPEN_STATES,
    RECENT_MAX,
    Break,
    Evidence,
    Failing,
    HandedOver,
    IncidentKind,
    Recent,
    Terminal,
    Unsent,
)
from yuanlu.causes.explanation import UNCLASSIFIED
from yuanlu.causes.response_codes import HOST_CODES, OUR_CODES
from yuanlu.causes.taxonomy import CAUSES, explain
from yuanlu.returns.states import State

SOURCE = Path(__file__).parents[3] / "src" / "yuanlu"
MODULES = {
    card_data: Family.CARD_DATA, network: Family.NETWORK, system: Family.SYSTEM, devices: Family.SYSTEM,
    operator: Family.OPERATOR, external: Family.EXTERNAL, fraud: Family.FRAUD,
}  # fmt: skip


@pytest.mark.parametrize(("story", "evidence", "code"), STORIES, ids=[story for story, _, _ in STORIES])
def test_a_story_is_explained_by_its_cause(story: str, evidence: Evidence, code: str) -> None:
    explanation = explain(evidence)
    assert explanation.cause.code == code, story
    assert explanation.reason.zh
    assert explanation.reason.en


def test_every_cause_has_its_story() -> None:
    assert {code for _, _, code in STORIES} == {cause.code for cause in CAUSES}


def test_every_cause_stands_once_in_the_order_and_has_a_name_of_its_own() -> None:
    assert len({cause.code for cause in CAUSES}) == len({cause.title.zh for cause in CAUSES}) == len(CAUSES)


def test_a_module_holds_causes_of_one_family_and_all_of_them_are_in_the_order() -> None:
    written = [(cause, family) for module, family in MODULES.items() for cause in _values(module)]
    assert {cause.code for cause, _ in written} == {cause.code for cause in CAUSES}
    assert all(cause.family is family for cause, family in written)


def test_a_cause_is_named_like_its_code() -> None:
    for module in MODULES:
        for name, value in vars(module).items():
            if isinstance(value, Cause):
                assert value.code == name.upper()


def _values(module: object) -> list[Cause]:
    return [value for value in vars(module).values() if isinstance(value, Cause)]


def test_a_cause_is_found_by_evidence_or_by_a_code() -> None:
    coded = {row.cause.code for row in HOST_CODES.values() if row.cause} | {cause.code for cause in OUR_CODES.values()}
    for cause in CAUSES:
        by_code = cause.code in coded or cause.code == "CODE_UNLISTED"
        assert by_code or cause.explains != by_code_alone, cause.code
        assert not by_code or {Clue.RESPONSE_CODE, Clue.TRANSPORT, Clue.GATEWAY} & {*cause.looks_at}, cause.code


def test_what_nothing_explains_is_unclassified_and_asks_for_support() -> None:
    explanation = explain(Evidence(state="APPROVED"))
    assert explanation.unclassified
    assert explanation.cause is UNCLASSIFIED
    assert explanation.cause.needs_support
    assert not explanation.may_charge_again


PRECEDENCE = [
    (silent(incident=IncidentKind.DISASTER, failing=Failing(region_merchants=9, region_hosts=3)),
     ["NATURAL_DISASTER", "REGIONAL_OUTAGE", "NO_ANSWER"], "what was declared comes before what is only counted"),
    (said("55", incident=IncidentKind.DISASTER), ["PIN_WRONG"], "a wrong PIN stays a wrong PIN in an earthquake"),
    (said("51", terminal=Terminal(tampered=True)), ["TERMINAL_TAMPERED", "FUNDS_INSUFFICIENT"],
     "no harmless explanation hides a suspicion"),
    (silent(handed_over=HandedOver.CASH, failing=Failing(host_merchants=5)),
     ["HANDED_OVER_WHILE_RETURNING", "HOST_DOWN", "NO_ANSWER"], "goods out of the door come before the outage"),
    (silent(card_token=CARD, amount=cny(12_800), recent=(recent(state="UNKNOWN"),)),
     ["CHARGED_WHILE_UNKNOWN", "NO_ANSWER"], "the second charge matters more than its own silence"),
    (silent(late_code="00"), ["ANSWER_LATE", "NO_ANSWER"], "what is known later is more specific than silence"),
    (silent(clearing=Break.ONLY_THEIRS), ["NO_ANSWER", "CLEARING_DIFFERS"], "the file says that, not why"),
    (silent(Doubt.DISCONNECTED, failing=Failing(merchant_terminals=2, host_merchants=4)),
     ["HOST_DOWN", "LINK_LOST"], "where others fail, too, it is not the shop's network"),
    (not_sent(Unsent.SIGN_IN_REFUSED), ["HOST_REFUSED_SIGN_IN", "HOST_UNREACHABLE"], "why it was not sent"),
    (not_sent(Unsent.TRACE_NUMBER_WAITS), ["TRACE_NUMBER_REUSED", "HOST_UNREACHABLE"], "its twin still waits"),
    (not_sent(Unsent.KEYS_STALE), ["HOST_REFUSED_MAC", "HOST_UNREACHABLE"], "our keys have just gone stale"),
    (ours("98"), ["UNCLASSIFIED"], "our own 98 explains nothing: a doubt must be named"),
    (said("00", state="APPROVED"), ["UNCLASSIFIED"], "a success explains nothing by itself"),
]  # fmt: skip


@pytest.mark.parametrize(("evidence", "codes", "why"), PRECEDENCE, ids=[why for _, _, why in PRECEDENCE])
def test_the_first_that_explains_is_the_cause_and_the_others_contribute(
    evidence: Evidence, codes: list[str], why: str
) -> None:
    explanation = explain(evidence)
    assert [finding.cause.code for finding in explanation.findings] == codes, why
    assert [cause.code for cause in explanation.contributing] == codes[1:]


def test_a_payment_that_stands_well_apart_from_its_twin_is_no_second_charge() -> None:
    assert explain(of_card(recent=(recent(ago_s=601),))).unclassified
    assert explain(of_card(recent=(recent(card="another"),))).unclassified
    assert explain(of_card(recent=(recent(12_801),))).unclassified


def test_a_refund_of_too_much_is_no_card_that_was_refused_for_its_limit() -> None:
    refund = recent(9_900, kind="refund", state="DECLINED", response_code="61")
    assert explain(of_card(5_000, recent=(refund,))).unclassified


def test_no_more_neighbours_than_the_limit_are_looked_at() -> None:
    far = (recent(1, card="another"),) * RECENT_MAX
    assert explain(of_card(recent=(*far, recent()))).unclassified


def test_the_words_of_states_are_the_journals() -> None:
    literal = {"NO_EFFECT", "DECLINED", "RETURNED", "UNKNOWN", "RETURNING", "ESCALATED", "REOPENED"}
    assert literal | OPEN_STATES | CHARGED_STATES <= {state.value for state in State}
    assert {"void", "refund", "preauth_void", "completion_void"} == GIVINGS_BACK


def test_the_reasons_for_not_sending_are_the_words_that_the_program_writes() -> None:
    written = "".join(
        path.read_text(encoding="utf-8")
        for package in ("acquirers", "flow", "gateway")
        for path in (SOURCE / package).glob("*.py")
    )
    assert not [why for why in Unsent if f'"{why.value}"' not in written]


def test_the_package_does_no_input_or_output() -> None:
    allowed = {"collections", "enum", "msgspec", "re", "yuanlu"}
    for path in (SOURCE / "causes").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert {name.partition(".")[0] for name in names} <= allowed, path.name


ANY_MONEY = st.builds(cny, st.sampled_from([1, 100, 12_800, 18_200, 128_000, 500_000, 10**12 - 1]))
CHOSEN: dict[str, Any] = {
    "kind": st.sampled_from([*KINDS, "other", ""]),
    "state": st.sampled_from([*(state.value for state in State), ""]),
    "amount": st.none() | ANY_MONEY,
    "card_token": st.sampled_from(["", CARD, "token-9"]),
    "response_code": st.sampled_from([*HOST_CODES, "", "ZZ"]) | st.text(max_size=3),
    "recent": st.lists(
        st.builds(
            Recent,
            card_token=st.sampled_from(["", CARD, "token-9"]),
            amount=ANY_MONEY,
            ago_s=st.integers(-2_000, 2_000),
            kind=st.sampled_from([*KINDS]),
            state=st.sampled_from(["APPROVED", "DECLINED", "RETURNING"]),
            response_code=st.sampled_from(["", "14", "61"]),
        ),
        max_size=5,
    ).map(tuple),
}
ANY_EVIDENCE = st.builds(Evidence, **dict.fromkeys(Evidence.__struct_fields__, ...) | CHOSEN)


@given(evidence=ANY_EVIDENCE)
def test_any_evidence_is_explained_and_always_in_the_same_way(evidence: Evidence) -> None:
    explanation = explain(evidence)
    assert explanation == explain(evidence)
    assert explanation.findings
    assert not (explanation.may_be_debited and explanation.may_charge_again) or explanation.cause.why_charge_again
    told = explanation.guidance.cashier.zh
    if explanation.may_be_debited:
        assert "请勿重复刷卡" in told
        assert "未扣款" not in told
    else:
        assert "本次未扣款" in told or explanation.cause.family is Family.FRAUD


def test_declared_incidents_explain_what_got_lost() -> None:
    families = {
        IncidentKind.HOST_DOWN: Family.SYSTEM, IncidentKind.SHOP_OFFLINE: Family.NETWORK,
    }  # fmt: skip
    for incident in IncidentKind:
        assert explain(declared(incident, kind=QR_SALE)).cause.family is families.get(incident, Family.EXTERNAL)
