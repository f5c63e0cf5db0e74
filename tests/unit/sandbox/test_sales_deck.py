import random

from yuanlu.sandbox.errands import Errand, ErrandPlan
from yuanlu.sandbox.faults import FAULTS, fault_of_amount
from yuanlu.sandbox.sales_deck import SalesDeck
from yuanlu.sandbox.till import Behaviour, SalePlan


def deck(**percent: int) -> SalesDeck:
    shares = {"fault_percent": 0, "behaviour_percent": 0, "code_percent": 0} | percent
    return SalesDeck(random.Random(3), **shares)


def dealt_faults(cards: SalesDeck, number: int) -> list[str]:
    faults = [fault_of_amount(cards.deal().amount_minor) for _ in range(number)]
    return [fault.name for fault in faults if fault is not None]


def test_every_fault_comes_up_before_any_comes_twice_and_heavy_ones_never_again():
    cards = deck(fault_percent=100)
    assert sorted(dealt_faults(cards, len(FAULTS))) == sorted(fault.name for fault in FAULTS)
    light = [fault.name for fault in FAULTS if not fault.heavy]
    assert sorted(dealt_faults(cards, len(light))) == sorted(light)


def test_every_way_to_misbehave_comes_up_in_turn():
    cards = deck(behaviour_percent=100)
    ways = [behaviour for behaviour in Behaviour if behaviour is not Behaviour.NORMAL]
    assert {plan.behaviour for plan in (cards.deal() for _ in ways) if isinstance(plan, SalePlan)} == set(ways)


def test_response_codes_are_asked_for_by_amount():
    assert all(name.startswith("code_") for name in dealt_faults(deck(code_percent=100), 20))


def test_ordinary_sales_ask_for_nothing():
    assert dealt_faults(deck(), 500) == []


def test_the_same_seed_deals_the_same_sales():
    shares = {"fault_percent": 20, "behaviour_percent": 20, "code_percent": 10, "errand_percent": 30}
    one, other = deck(**shares), deck(**shares)
    assert [one.deal() for _ in range(100)] == [other.deal() for _ in range(100)]


def test_every_errand_comes_up_before_any_comes_twice_and_its_amount_asks_for_no_fault():
    cards = deck(errand_percent=100)
    plans = [cards.deal() for _ in Errand]
    assert {plan.errand for plan in plans if isinstance(plan, ErrandPlan)} == set(Errand)
    amounts = [amount for plan in plans for amount in (plan.amount_minor, plan.amount_minor * 10)]
    assert [fault_of_amount(amount) for amount in amounts if fault_of_amount(amount)] == []


def test_errands_are_dealt_beside_faults_and_sales_in_their_share():
    shares = {"fault_percent": 10, "behaviour_percent": 8, "code_percent": 4, "errand_percent": 22}
    cards = deck(**shares)
    plans = [cards.deal() for _ in range(1000)]
    errands = sum(isinstance(plan, ErrandPlan) for plan in plans)
    assert 170 < errands < 270
