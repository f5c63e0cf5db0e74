"""A merchant's contract on real sockets: what goes by itself, what is owed, and by when a person must look."""

import asyncio

import pytest

from tests.scenario.linked import sold
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.settling import found, settlement, upload
from tests.scenario.stage import LIFE_S, MERCHANT, SOON_S, Stage, told
from tests.scenario.test_batch_details import yesterday
from tests.scenario.test_causes_and_cases import case_of
from tests.scenario.test_orders import SALE, Desk, desk
from yuanlu.cli.reading import config_text
from yuanlu.contracts import Compensation, Contract, Returns, ServiceLevel
from yuanlu.returns.orders import Order, orders_of

ELSEWHERE = "898440153119999"
HOUR_US = 3_600_000_000


def gold(merchant: str = MERCHANT, **terms) -> dict[str, Contract]:
    return {"gold": Contract(merchants=(merchant,), **terms)}


async def orders(stage: Stage, payment) -> list[Order]:
    name = (await stage.find(payment)).transaction_id
    return await stage.read(lambda c: orders_of(c, name))


LIMITS = [
    (gold(automatic_max_minor=99), 1_000, "case", "above contract gold's limit of CNY 0.99 for a return", "below"),
    (gold(automatic_max_minor=100), 1, "returned", "within the limits of contract gold", "his contract allows it"),
    (gold(automatic_per_day_minor=99), 1_000, "case", "contract gold's limit of CNY 0.99 a day", "the day's"),
    (gold(ELSEWHERE, automatic_max_minor=99), 1_000, "returned", "a refund", "another merchant's contract"),
    (gold(ELSEWHERE), 99, "case", "above the limit of CNY 0.99 for a return", "everybody's limit names no contract"),
]


@pytest.mark.parametrize(("contracts", "everybodys", "done", "words", "why"), LIMITS, ids=[row[4] for row in LIMITS])
def test_a_batchs_return_keeps_to_the_contract_and_says_so(run, tmp_path, contracts, everybodys, done, words, why):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 100)
        await yesterday(stage)
        await stage.ask(settlement(stage))
        await upload(stage, [])
        assert await found(stage) == [("only_ours", "000001", done)], why
        [order] = await orders(stage, payment)
        assert (order.automatic, words in order.explanation) == (done == "returned", True), order.explanation
        assert ("gold" in order.explanation) == ("gold" in words)

    more = {"contracts": contracts, "returns": Returns(automatic_max_minor=everybodys)}
    run(told(story, tmp_path, more=more))


def test_what_came_back_late_is_compensated_as_the_contract_says(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Hush())
        payment = stage.payment(amount=100)
        await stage.code(stage.sale(payment))
        await stage.put_off(payment)
        stage.later(LIFE_S)
        await stage.becomes(payment, "ESCALATED")
        await yesterday(stage)
        stage.host.send_all(stage.late(stage.host.asked("0400")[0], Say()))
        await stage.becomes(payment, "RETURNED")
        stage.later(1.5)
        async with asyncio.timeout(SOON_S):
            while not (owed := await orders(stage, payment)):  # noqa: ASYNC110 - the journal has no event
                await asyncio.sleep(0.02)
        assert [(order.kind, order.amount.minor, order.automatic) for order in owed] == [("compensation", 1_400, False)]

    own = gold(compensation=Compensation(after_minutes=60, per_day_minor=700))
    everybodys = Compensation(after_minutes=60, per_day_minor=1)
    run(told(story, tmp_path, profile="P4", more={"contracts": own, "compensation": everybodys}))


def test_a_case_has_the_contracts_times(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Say(code="40"))
        payment = stage.payment()
        await stage.code(stage.sale(payment))
        case = await case_of(stage, payment)
        assert case.deadline_at_us - case.since_us == HOUR_US

    own = gold(service_levels=ServiceLevel(l2_after_ms=3_600_000))
    run(told(story, tmp_path, more={"contracts": own}))


TOML = f'[contracts.gold]\nmerchants = ["{MERCHANT}"]\napproval_hours = 72\n'


def test_a_proposal_at_the_command_line_waits_as_long_as_the_contract_says(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        payment = await sold(stage)
        await at.propose(SALE)
        [order] = await orders(stage, payment)
        assert order.expires_at_us - order.proposed_at_us == 72 * HOUR_US
        assert "gold" not in order.explanation, "a person asked for it: no limit decided"

    run(desk(story, tmp_path, TOML))


def test_config_check_says_what_each_contract_means_and_who_has_no_terminal(run, tmp_path):
    async def story(stage: Stage) -> None:
        text = config_text(stage.settings)
        assert "contract   gold: 2 merchants, by itself CNY 500.00 a return and CNY 10,000.00 a day" in text
        assert f"warning    gold: no terminal has merchant {ELSEWHERE}" in text
        assert MERCHANT not in text

    both = {"gold": Contract(merchants=(MERCHANT, ELSEWHERE), automatic_max_minor=50_000)}
    run(told(story, tmp_path, more={"contracts": both}))
