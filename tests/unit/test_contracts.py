"""What is agreed with whom: one place answers, a contract goes over what everybody has, and nobody has two."""

from datetime import time

import pytest

from tests.unit.test_settings import GOOD, read
from yuanlu.contracts import Agreements, Compensation, Returns, ServiceLevel, Terms
from yuanlu.kernel.errors import ConfigurationError

SHOP, OTHER, NOBODY = "898440153110001", "898440153110002", "898440153110009"

GENERAL = """
[returns]
automatic_max_minor = 70_000
approval_hours = 12
[compensation]
after_minutes = 60
per_day_minor = 100
[service_levels]
l2_after_ms = 900_000
"""
GOLD = f"""
[contracts.gold]
merchants = ["{SHOP}"]
automatic_max_minor = 200_000
compensation.per_day_minor = 500
service_levels.manager_at = 09:30:00
"""
SILVER = f'[contracts.silver]\nmerchants = ["{OTHER}"]\n'


def agreed(tmp_path, *parts: str, **environment: str) -> Agreements:
    return read(tmp_path, "".join((GOOD, *parts)), **environment).agreements()


def test_without_a_contract_a_merchant_has_what_everybody_has(tmp_path):
    assert agreed(tmp_path).of(NOBODY) == Terms()
    terms = agreed(tmp_path, GENERAL, GOLD).of(NOBODY)
    assert terms.contract == ""
    assert terms.returns == Returns(automatic_max_minor=70_000, approval_hours=12)
    assert terms.compensation == Compensation(after_minutes=60, per_day_minor=100)
    assert terms.service_levels == ServiceLevel(l2_after_ms=900_000)


def test_a_contract_says_what_is_otherwise_and_the_rest_is_as_for_everybody(tmp_path):
    terms = agreed(tmp_path, GENERAL, GOLD).of(SHOP)
    assert terms.contract == "gold"
    assert terms.returns == Returns(automatic_max_minor=200_000, approval_hours=12)
    assert terms.compensation == Compensation(after_minutes=60, per_day_minor=500)
    assert terms.service_levels == ServiceLevel(l2_after_ms=900_000, manager_at=time(9, 30))


def test_a_contract_that_says_nothing_else_only_names_its_merchants(tmp_path):
    both = agreed(tmp_path, GENERAL, GOLD, SILVER)
    assert both.of(OTHER).contract == "silver"
    assert both.of(OTHER).returns == both.of(NOBODY).returns


def test_the_environment_goes_over_contracts_too(tmp_path):
    over = {"YUANLU_CONTRACTS__GOLD__APPROVAL_HOURS": "48", "YUANLU_RETURNS__AUTOMATIC_PER_DAY_MINOR": "9"}
    terms = agreed(tmp_path, GOLD, **over).of(SHOP)
    assert (terms.returns.approval_hours, terms.returns.automatic_per_day_minor) == (48, 9)


def contract(more: str = "", merchants: str = f'["{SHOP}"]') -> str:
    return f"[contracts.gold]\nmerchants = {merchants}\n{more}\n"


BAD = [
    (GOLD + contract(merchants=f'["{SHOP}"]').replace("gold", "b"),
     rf"\[contracts.b\] merchant {SHOP} is in \[contracts.gold\] already", "two contracts"),
    (contract(merchants=f'["{SHOP}", "{SHOP}"]'), rf"merchant {SHOP} is in .* already", "named twice"),
    (contract(merchants="[]"), r"\[contracts.gold.merchants\]", "nobody"),
    ("[contracts.gold]\nautomatic_max_minor = 1\n", r"\[contracts.gold\].*merchants", "no list of merchants"),
    (contract(merchants='["8984"]'), r"\[contracts.gold.merchants", "no merchant number"),
    (contract(merchants=f'"{SHOP}"'), r"\[contracts.gold.merchants\]", "a text for a list"),
    (contract("automatic_max = 1"), r"\[contracts.gold\].*automatic_max", "a misspelt limit"),
    (contract("automatic_max_minor = -1"), r"\[contracts.gold.automatic_max_minor\]", "below zero"),
    (contract("automatic_max_minor = 12.5"), r"\[contracts.gold.automatic_max_minor\]", "half a fen"),
    (contract("approval_hours = 0"), r"\[contracts.gold.approval_hours\]", "no time to approve"),
    (contract("approval_hours = 1_000_000"), r"\[contracts.gold.approval_hours\]", "a century"),
    (contract("compensation.per_day = 1"), r"\[contracts.gold.compensation\]", "a misspelt term"),
    (contract("compensation = 5"), r"\[contracts.gold.compensation\]", "no table"),
    (contract("service_levels.manager_at = 2025-01-01"), r"contracts.gold.service_levels.manager_at", "a date"),
    (contract("service_levels.l2_after_ms = -1"), r"contracts.gold.service_levels.l2_after_ms", "before it happened"),
    ("[contracts]\ngold = 5\n", r"\[contracts.gold\]", "a contract is a table"),
    ('contracts = "gold"\n' + GOOD, r"\[contracts\]", "so are the contracts"),
    ("[returns]\nautomatic_max_minor = -1\n" + GOLD, r"\[returns.automatic_max_minor\]", "the general limit is named"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "why"), BAD, ids=[row[2] for row in BAD])
def test_a_wrong_contract_is_refused_by_name(tmp_path, text, message, why):
    whole = text if GOOD in text else GOOD + text
    with pytest.raises(ConfigurationError, match=message) as error:
        read(tmp_path, whole)
    assert "yuanlu.toml" in str(error.value), why
