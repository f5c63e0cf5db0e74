"""One line for a terminal: what happened, and that nobody charges again, wherever the cause says so."""

import pytest

from yuanlu.causes.cause import Words
from yuanlu.causes.guidance import DECLINED, RETURN_REFUSED, UNKNOWN
from yuanlu.causes.prompts import prompt
from yuanlu.causes.taxonomy import CAUSES


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.code)
def test_every_cause_fits_a_terminal_and_keeps_its_warning(cause):
    cashier = cause.guidance.cashier
    zh, en = prompt(cashier, "zh", 60, "gbk"), prompt(cashier, "en", 120, "ascii")
    assert 0 < len(zh.encode("gbk")) <= 60
    assert 0 < len(en.encode("ascii")) <= 120
    assert zh.endswith("。")
    assert ("请勿重复刷卡" in cashier.zh) == ("请勿重复刷卡" in zh)
    assert ("Do not charge again" in cashier.en) == ("Do not charge again" in en)
    assert ("未扣款" in zh) <= ("未扣款" in cashier.zh)


def test_an_unknown_outcome_says_so_first_and_then_not_to_charge_again():
    assert prompt(UNKNOWN.cashier, "zh", 60, "gbk") == "交易结果未知，系统正在自动冲正。请勿重复刷卡。"


def test_a_first_sentence_that_is_too_long_loses_its_last_clause_and_never_the_warning():
    assert prompt(RETURN_REFUSED.cashier, "zh", 60, "gbk") == "这笔撤销或退货没有办成，原交易不变。请勿重复刷卡。"
    long = Words(zh="一" * 40 + "。请勿重复刷卡或扫码。", en="x")
    assert prompt(long, "zh", 60, "gbk") == "请勿重复刷卡。"


def test_what_fits_beside_the_first_sentence_comes_whole_or_not_at_all():
    assert prompt(DECLINED.cashier, "zh", 60, "gbk") == "银行未同意这笔交易，本次未扣款。"
    assert prompt(DECLINED.cashier, "zh", 200, "gbk") == DECLINED.cashier.zh
