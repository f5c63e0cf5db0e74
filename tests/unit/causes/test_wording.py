"""What people are told: both languages, nothing that is not known, and never "try again" while money may be gone."""

import re

import pytest

from tests.unit.causes.stories import not_sent, of_card, recent, said, silent
from yuanlu.causes import guidance as shared
from yuanlu.causes.cause import FAMILY_WORDS, REMEDY_WORDS, Family, Guidance, Remedy, Words
from yuanlu.causes.evidence import Evidence, Failing, IncidentKind, TerminalReversal, Unsent
from yuanlu.causes.explanation import UNCLASSIFIED
from yuanlu.causes.guidance import CHECKED, LOOKED_INTO, NO_MONEY, NOT_SENT, RETURN_REFUSED, RETURN_UNKNOWN, UNKNOWN
from yuanlu.causes.taxonomy import CAUSES, explain

ALL = (*CAUSES, UNCLASSIFIED)
SHARED = {name: value for name, value in vars(shared).items() if isinstance(value, Guidance)}
TOLD = {**{cause.code: cause.guidance for cause in ALL}, **SHARED}
CASHIER_MAX, CARDHOLDER_MAX = 70, 70
NEVER = ("请重试", "系统繁忙", "亲", "失败", "!", "！", "http", "已退回", "你", "抱歉")
NEVER_ENGLISH = ("failed", "please try again", "busy", "sorry", "!", "http", "has been refunded", "has been returned")
ACCUSES = ("欺诈", "作弊", "盗", "套现", "试卡", "fraud", "stolen", "suspic")


def texts(guidance: Guidance) -> tuple[Words, Words]:
    return guidance.cashier, guidance.cardholder


def test_guidance_is_in_both_languages_and_keeps_the_rules_of_wording() -> None:
    for told in TOLD.values():
        for words in texts(told):
            assert re.search("[一-鿿]", words.zh)
            assert words.zh.endswith("。")
            assert words.en.isascii()
            assert words.en.endswith(".")
            assert not [word for word in NEVER if word in words.zh]
            assert not [word for word in NEVER_ENGLISH if word in words.en.lower()]
            assert not re.search(r"\d{5,}", words.zh + words.en), "no telephone number"
            assert not [word for word in ACCUSES if word in words.zh or word in words.en.lower()]


def test_guidance_is_short_enough_for_the_small_screen_and_one_message() -> None:
    for told in TOLD.values():
        cashier, cardholder = texts(told)
        assert len(cashier.zh) <= CASHIER_MAX
        assert len(cardholder.zh) <= CARDHOLDER_MAX


def test_a_cardholder_reads_no_words_of_the_trade_and_is_not_told_to_act_on_our_machines() -> None:
    for told in TOLD.values():
        cardholder = told.cardholder
        assert not [word for word in ("冲正", "签到", "主机", "日切处理", "MAC", "应答码") if word in cardholder.zh]
        assert not [word for word in ("reversal", "reversing", "sign in", "MAC", "host") if word in cardholder.en]


def test_where_money_may_be_gone_the_cashier_is_told_not_to_charge_again_and_else_that_nothing_was_charged() -> None:
    for cause in ALL:
        cashier, cardholder = texts(cause.guidance)
        if cause.may_be_debited:
            assert "请勿重复刷卡" in cashier.zh
            assert "Do not charge again" in cashier.en or "do not charge again" in cashier.en
            assert "未扣款" not in cashier.zh + cardholder.zh
            assert "Nothing was charged" not in cashier.en + cardholder.en
        else:
            assert "本次未扣款" in cashier.zh
            assert "本次未扣款" in cardholder.zh
            assert "Nothing was charged" in cashier.en
            assert "Nothing was charged" in cardholder.en


def test_nobody_may_charge_again_while_money_may_be_gone_unless_a_reason_is_given() -> None:
    for cause in ALL:
        assert not (cause.may_charge_again and cause.may_be_debited) or cause.why_charge_again
        assert not cause.why_charge_again or cause.may_charge_again


def test_what_was_never_charged_needs_no_money_back() -> None:
    for cause in ALL:
        assert cause.may_be_debited or cause.remedy in (Remedy.NONE, Remedy.SIGN_IN_AGAIN, Remedy.CONFIGURE)
        assert cause.family is not Family.FRAUD or not cause.may_charge_again


def test_families_and_remedies_have_their_words() -> None:
    assert set(FAMILY_WORDS) == set(Family)
    assert set(REMEDY_WORDS) == set(Remedy)


TRUE_TO_THE_STATE = [
    (said("55", state="RETURNING"), UNKNOWN, True, "it is being reversed, whatever the code said"),
    (said("91", incident=IncidentKind.MAINTENANCE), None, True, "declined, and the bank's maintenance is announced"),
    (said("91", failing=Failing(issuer_terminals=9)), CHECKED, True, "declined: nothing is being reversed"),
    (not_sent(Unsent.HOST_UNREACHABLE), NOT_SENT, False, "not one byte left"),
    (silent(kind="balance", state="DECLINED"), NO_MONEY, False, "an inquiry moves no money"),
    (silent(kind="refund"), RETURN_UNKNOWN, True, "a refund in doubt is not a sale in doubt"),
    (said("91", kind="void"), RETURN_REFUSED, True, "a refused void leaves the sale as it was"),
    (of_card(1_280, kind="void", recent=(recent(128),)), LOOKED_INTO, True, "a void that went through was not refused"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("evidence", "told", "debited", "why"), TRUE_TO_THE_STATE, ids=[r[3] for r in TRUE_TO_THE_STATE]
)
def test_what_is_told_is_true_of_the_state(evidence: Evidence, told: Guidance | None, debited: bool, why: str) -> None:
    explanation = explain(evidence)
    assert told is None or explanation.guidance == told, why
    assert explanation.may_be_debited is debited
    assert not (debited and explanation.may_charge_again)


def test_an_outage_does_not_make_an_unsent_payment_doubtful() -> None:
    explanation = explain(
        Evidence(unsent=Unsent.HOST_UNREACHABLE, incident=IncidentKind.CARRIER_OUTAGE, state="DECLINED")
    )
    assert explanation.cause.code == "CARRIER_OUTAGE"
    assert explanation.guidance == NOT_SENT
    assert explanation.may_charge_again


def test_a_definite_decline_is_told_as_such_although_the_till_reversed_it() -> None:
    explanation = explain(said("51", terminal_reversal=TerminalReversal(reason="98", after_ms=60_000)))
    assert explanation.cause.code == "TERMINAL_SAW_NO_ANSWER"
    assert "可用余额不足" in explanation.guidance.cashier.zh
    assert explanation.may_charge_again


def test_a_decline_without_a_mac_is_not_believed_when_it_says_that_nothing_was_charged() -> None:
    assert explain(said("51", unauthenticated=True)).guidance == CHECKED


def test_the_rest_of_a_partial_approval_may_be_charged_while_it_stands() -> None:
    assert explain(said("10", state="APPROVED")).may_charge_again
    assert not explain(said("10", state="RETURNING")).may_charge_again


def test_one_card_declined_for_funds_stays_that_however_often_it_was_tried() -> None:
    declined = tuple(recent(state="DECLINED", ago_s=n * 60) for n in (1, 2, 3))
    explanation = explain(of_card(state="DECLINED", response_code="51", recent=declined))
    assert explanation.cause.code == "FUNDS_INSUFFICIENT"
    assert [cause.code for cause in explanation.contributing] == ["RETRIED_AFTER_DECLINE"]
    assert explanation.may_charge_again
