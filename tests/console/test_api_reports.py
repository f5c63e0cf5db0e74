"""What a program reads about many payments: reports by day and merchant, merchants, and the filters of lists."""

from datetime import date

import pytest

from tests.console.desk import ConsoleDesk, seen
from tests.console.program import OTHER_MERCHANT, Program, open_another_shop, problem, program
from tests.scenario.linked import sold
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.settling import settlement, upload
from tests.scenario.stage import MERCHANT, TERMINALS
from yuanlu.journal.unit import Committed
from yuanlu.reconciliation.clearing import Document, Entry, Side
from yuanlu.reconciliation.clearing_store import ClearingFile, file_id_of, insert_entry, insert_file

DAY = date(2026, 11, 20)


async def a_mixed_day(desk: ConsoleDesk) -> dict[str, str]:
    """Two sales, a decline, and a payment whose answer was lost; the ids by what became of them."""
    stage = desk.stage
    for amount in (1000, 2500):
        await sold(stage, amount)
    stage.host.will("0200", Say(code="51"))
    declined = stage.payment(amount=700, terminal=1)
    await stage.ask(stage.sale(declined))
    stage.host.will("0200", Hush())
    lost = stage.payment(amount=900, terminal=1)
    await stage.ask(stage.sale(lost))
    await stage.becomes(lost, "RETURNED")
    stage.later(5)
    for each in (declined, lost):
        await stage.has(each, "EXPLAINED")
    return {name: (await stage.find(each)).transaction_id for name, each in (("declined", declined), ("lost", lost))}


async def ids(shop: Program, **query: object) -> list[str]:
    answer = await shop.get("/transactions", **query)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["data"]]


def test_the_list_of_payments_narrows_as_the_consoles_does(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        names = await a_mixed_day(desk)
        shop, office = await program(desk), await program(desk, merchant_id="", name="office")
        lost, declined = names["lost"], names["declined"]
        cause = (await shop.get(f"/transactions/{lost}")).json()["cause"]["code"]
        for asker in (shop, office):
            assert await ids(asker, position="sent") == [lost]
            assert await ids(asker, position="not_charged") == [declined]
            assert len(await ids(asker, position="charged")) == 2
            assert await ids(asker, position="charged", state="RETURNED") == []
            assert await ids(asker, abnormal=True) == [lost, declined]
            assert await ids(asker, cause=cause) == [lost]
            assert await ids(asker, cause=cause, family="fraud") == []
            assert await ids(asker, response_code="51") == [declined]
            assert await ids(asker, amount_from=701, amount_to=999) == [lost]
            assert await ids(asker, stan="000004") == [lost]
            assert len(await ids(asker, acquirer="h1")) == 4
            assert await ids(asker, acquirer="h2") == []

    run(seen(story, tmp_path))


def test_an_analysis_counts_payments_by_what_they_have_in_common(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        await a_mixed_day(desk)
        shop = await program(desk)
        said = (await shop.get("/reports/analysis", by="terminal_id")).json()
        assert [(each["key"], each["payments"], each["abnormal"], each["amount_minor"]) for each in said["groups"]] == [
            (TERMINALS[0], 2, 0, 3500), (TERMINALS[1], 2, 2, 1600),
        ]  # fmt: skip
        by_cause = (await shop.get("/reports/analysis", abnormal=True)).json()["groups"]
        assert sum(each["payments"] for each in by_cause) == 2
        assert all(each["title"]["zh"] and each["title"]["en"] for each in by_cause)
        (kind,) = (await shop.get("/reports/analysis", by="kind", position="charged")).json()["groups"]
        assert (kind["key"], kind["payments"], kind["currency"]) == ("sale", 2, "CNY")
        assert (await shop.get("/reports/analysis", to="2020-01-01T00:00:00Z")).json()["groups"] == []
        long = (await shop.get("/reports/analysis", **{"from": "2001-01-01T00:00:00Z"})).json()
        assert long["begins_at"] > "2001-02", "at most the latest 92 days"

    run(seen(story, tmp_path))


def test_the_days_batches_are_added_up_by_merchant(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        stage, shop = desk.stage, await program(desk)
        await sold(stage, 100)
        await sold(stage, 250)
        await stage.ask(settlement(stage, [100, 260]))
        await upload(stage, [(1, 100), (2, 260)])
        said = (await shop.get("/reports/settlement", expand="batches")).json()
        (day,), (batch,) = said["merchants"], said["batches"]
        assert (day["merchant_id"], day["currency"], day["batches"], day["agreed"]) == (MERCHANT, "CNY", 1, 0)
        assert (day["ours"]["debit_minor"], day["theirs"]["debit_minor"]) == (350, 360)
        assert day["findings"] == batch["findings"] == 1
        assert (batch["terminal_id"], batch["ours"], batch["theirs"]) == (TERMINALS[0], day["ours"], day["theirs"])
        assert (await shop.get("/reports/settlement")).json()["batches"] is None
        assert (await shop.get("/reports/settlement", date="2020-01-01")).json()["merchants"] == []

    run(seen(story, tmp_path))


def entry(line: int, side: Side, amount: int, merchant_id: str) -> Entry:
    return Entry(
        line=line, side=side, terminal_id=TERMINALS[0], merchant_id=merchant_id, stan=f"{line:06}",
        amount_minor=amount, currency="156",
    )  # fmt: skip


async def a_file_is_loaded(desk: ConsoleDesk) -> None:
    """A file of all merchants: a line that is matched and two that are not, one of them another shop's."""
    lines = (
        entry(1, Side.DEBIT, 1000, MERCHANT), entry(2, Side.CREDIT, 300, MERCHANT),
        entry(3, Side.DEBIT, 70, OTHER_MERCHANT),
    )  # fmt: skip
    of = Document(day=DAY, merchant_id="", entries=lines)
    file = ClearingFile(
        file_id=file_id_of("h1", of, "ab"), acquirer="h1", day=DAY, merchant_id="", name="f.csv", sha256="ab",
        lines=len(lines), totals=of.totals, loaded_at_us=1_790_000_000_000_000, loaded_by="Li Na",
    )  # fmt: skip
    matched = {1: "01JDBA3W8N0000000000000000"}
    rows = [insert_entry(file.file_id, each, matched.get(each.line, "")) for each in lines]
    for changes in (rows, [insert_file(file)]):
        assert isinstance(await desk.stage.gateway.journal.commit([], changes), Committed)


def test_a_days_clearing_is_told_by_merchant_with_what_is_not_ours(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        open_another_shop(desk)
        await a_file_is_loaded(desk)
        shop, office = await program(desk), await program(desk, merchant_id="", name="office")
        said = (await office.get("/reports/clearing", date=f"{DAY}", expand="files")).json()
        mine, other = said["merchants"]
        assert (mine["merchant_id"], mine["acquirer"], mine["currency"]) == (MERCHANT, "h1", "CNY")
        assert mine["totals"] == {"debit_count": 1, "debit_minor": 1000, "credit_count": 1, "credit_minor": 300}
        assert mine["unmatched"] == {"debit_count": 0, "debit_minor": 0, "credit_count": 1, "credit_minor": 300}
        assert (other["merchant_id"], other["unmatched"]["debit_minor"]) == (OTHER_MERCHANT, 70)
        assert [(each["name"], each["lines"], each["merchant_id"]) for each in said["files"]] == [("f.csv", 3, None)]
        own = (await shop.get("/reports/clearing", date=f"{DAY}", expand="files")).json()
        assert (own["merchants"], own["files"]) == ([mine], []), "a file of all merchants is not one merchant's"
        assert (await shop.get("/reports/clearing", date=f"{DAY}", acquirer="h2")).json()["merchants"] == []

    run(seen(story, tmp_path))


@pytest.mark.parametrize("report", ["daily", "analysis", "settlement", "clearing"])
def test_a_report_about_another_merchant_is_not_there(run, tmp_path, report):
    async def story(desk: ConsoleDesk) -> None:
        open_another_shop(desk)
        shop = await program(desk)
        assert problem(await shop.get(f"/reports/{report}", merchant_id=OTHER_MERCHANT)) == (404, "not_found")
        assert problem(await shop.get(f"/reports/{report}", colour="red")) == (422, "invalid")

    run(seen(story, tmp_path))


def test_a_merchant_comes_with_its_terminals_when_they_are_asked_for(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        office = await program(desk, merchant_id="", name="office")
        (bare,) = (await office.get("/merchants")).json()["data"]
        assert (bare["terminals"], bare["terminal_list"]) == (len(TERMINALS), None)
        (whole,) = (await office.get("/merchants", expand="terminals", acquirer="h1")).json()["data"]
        assert [each["id"] for each in whole["terminal_list"]] == list(TERMINALS)
        assert (await office.get(f"/merchants/{MERCHANT}", expand="terminals")).json() == whole
        assert (await office.get("/merchants", acquirer="h2")).json()["data"] == []
        assert (await office.get("/terminals", acquirer="h2")).json()["data"] == []

    run(seen(story, tmp_path))


def test_cases_narrow_by_terminal_urgency_and_family(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        stage, shop = desk.stage, await program(desk)
        stage.host.will("0200", Hush())
        stage.host.will("0400", Say(code="57"))
        payment = stage.payment(terminal=1)
        await stage.ask(stage.sale(payment))
        await stage.becomes(payment, "ESCALATED")
        stage.later(5)
        await stage.has(payment, "EXPLAINED")
        (case,) = (await shop.get("/cases", terminal_id=TERMINALS[1])).json()["data"]
        assert (await shop.get("/cases", terminal_id=TERMINALS[0])).json()["data"] == []
        found = {n: (await shop.get("/cases", priority=n)).json()["data"] for n in range(1, 5)}
        assert [each for each in found.values() if each] == [[case]]
        families = ("card_data", "network", "system", "operator", "external", "fraud")
        assert sum([len((await shop.get("/cases", family=each)).json()["data"]) for each in families]) == 1

    run(seen(story, tmp_path))
