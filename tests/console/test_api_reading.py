"""What a program reads at the API."""

import asyncio

from tests.console.desk import ConsoleDesk, seen
from tests.console.program import Program, problem, program
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import MERCHANT, TERMINALS
from yuanlu.kernel.clock import local_time


async def every_page(shop: Program, path: str, limit: int, **query: str) -> list[dict]:
    """All items, page after page."""
    found, cursor = [], None
    for _ in range(20):
        page = (await shop.get(path, limit=limit, **query, **({"cursor": cursor} if cursor else {}))).json()
        assert len(page["data"]) <= limit
        found, cursor = [*found, *page["data"]], page["next_cursor"]
        assert page["has_more"] == (cursor is not None)
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


def test_every_transaction_stands_on_one_page_the_newest_first(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        stage, shop = desk.stage, await program(desk)
        payments = [stage.payment(amount=1000 + n, terminal=n % 2) for n in range(5)]
        stage.host.will("0200", *(Say(fields={37: f"00000000007{n}"}) for n in range(5)))
        for payment in payments:
            await stage.ask(stage.sale(payment))
        for whole in (shop, await program(desk, merchant_id="", name="office")):
            found = await every_page(whole, "/transactions", 2)
            assert [each["amount"]["minor"] for each in found] == [1004, 1003, 1002, 1001, 1000]
        second = await every_page(shop, "/transactions", 1, terminal_id=TERMINALS[1])
        assert [each["stan"] for each in second] == ["000004", "000002"]
        (by_number,) = await every_page(shop, "/transactions", 9, rrn=second[0]["rrn"])
        assert by_number["id"] == second[0]["id"]
        assert await every_page(shop, "/transactions", 9, to="2020-01-01T00:00:00Z") == []
        assert await every_page(shop, "/transactions", 9, state="UNKNOWN") == []

    run(seen(story, tmp_path))


def test_a_transaction_says_where_its_money_is_and_names_no_card(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        stage, shop = desk.stage, await program(desk)
        payment = stage.payment()
        await stage.ask(stage.sale(payment))
        found = await stage.find(payment)
        answer = await shop.get(f"/transactions/{found.transaction_id}", expand=["returns", "case", "timeline"])
        said = answer.json()
        assert said["position"] == "charged"
        assert said["amount"] == {"minor": 1234, "currency": "CNY"}
        assert said["card"] == {"bin": "620000", "last4": "0005"}
        assert said["received_at"].endswith("Z")
        assert [each["kind"] for each in said["timeline"]] == ["SEND_INTENT", "APPROVED"]
        assert (said["returns"], said["case"]) == ([], None)
        assert payment.card.pan not in answer.text

    run(seen(story, tmp_path))


def test_a_wrong_question_is_answered_with_the_field_and_not_with_what_was_sent(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        for query in ({"stat": "X"}, {"state": "6200000000000005"}, {"limit": "0"}, {"cursor": "x"}, {"from": "0"}):
            answer = await shop.get("/transactions", **query)
            assert problem(answer) == (422, "invalid"), query
            ((name, value),) = query.items()
            assert answer.json()["errors"][0]["field"] == f"query.{name}"
            assert len(value) < 3 or value not in answer.text
        assert problem(await shop.get("/nowhere")) == (404, "not_found")
        assert problem(await shop.client.delete("/v1/transactions")) == (405, "method_not_allowed")
        assert problem(await shop.get("/transactions/nothing")) == (422, "invalid")

    run(seen(story, tmp_path))


def test_a_program_proposes_a_return_and_its_maker_cannot_approve_it(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        stage, shop = desk.stage, await program(desk)
        payment = stage.payment()
        await stage.ask(stage.sale(payment))
        found = await stage.find(payment)
        wanted = {"transaction_id": found.transaction_id, "amount": {"minor": 234}, "reason": "wrong price"}
        assert problem(await shop.post("/returns", wanted)) == (422, "invalid")  # without Idempotency-Key
        first = await shop.post("/returns", wanted, "a")
        assert (first.status_code, first.json()["state"], first.json()["maker"]) == (201, "PROPOSED", "Zhao Lei")
        again = await shop.post("/returns", wanted, "a")
        assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
        other = wanted | {"amount": {"minor": 235}}
        assert problem(await shop.post("/returns", other, "a")) == (422, "idempotency_key_reused")
        assert problem(await shop.post("/returns", wanted | {"amount": {"minor": 1001}}, "b")) == (409, "refused")
        (listed,) = (await shop.get("/returns")).json()["data"]
        assert listed == (await shop.get(f"/returns/{listed['id']}")).json() == first.json()
        whole = (await shop.get(f"/transactions/{found.transaction_id}", expand="returns")).json()
        assert (whole["position"], whole["returns"]) == ("waiting", [listed])
        with_lost_answer = await shop.post("/returns", wanted | {"amount": {"minor": 1000}}, "b")
        assert with_lost_answer.status_code == 201  # what was refused has not used its key up

    run(seen(story, tmp_path))


async def listed_cases(shop: Program) -> list[dict]:
    """The open cases, once there are any."""
    for _ in range(100):
        if found := (await shop.get("/cases")).json()["data"]:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("no case was opened")


def test_a_case_is_read_and_noted_in_the_name_of_who_answers_for_the_key(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        stage, shop = desk.stage, await program(desk)
        stage.host.will("0200", Hush())
        stage.host.will("0400", Say(code="57"))
        payment = stage.payment()
        await stage.ask(stage.sale(payment))
        await stage.becomes(payment, "ESCALATED")
        (case,) = await listed_cases(shop)
        noted = await shop.post(f"/cases/{case['id']}/notes", {"text": "asked the bank about 6200000000000005"})
        assert noted.status_code == 201
        last = (await shop.get(f"/cases/{case['id']}", expand="timeline")).json()["timeline"][-1]
        assert last["note"] == "Zhao Lei: asked the bank about ••0005"
        assert problem(await shop.get("/cases/C000101-00000000")) == (404, "not_found")

    run(seen(story, tmp_path))


def test_a_days_totals_add_up(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        stage, shop = desk.stage, await program(desk)
        for amount in (1000, 2000):
            await stage.ask(stage.sale(stage.payment(amount=amount)))
        today = f"{local_time(desk.app.state.console.clock.wall_us()):%Y-%m-%d}"
        said = (await shop.get("/reports/daily")).json()
        assert said["date"] == today
        (row,) = said["totals"]
        assert (row["merchant_id"], row["currency"], row["payments"]) == (MERCHANT, "CNY", 2)
        assert (row["charged_minor"], row["returned_minor"], row["open"]) == (3000, 0, 0)
        assert (await shop.get("/reports/daily", date="2020-02-29")).json()["totals"] == []
        assert problem(await shop.get("/reports/daily", date="2021-02-29")) == (422, "invalid")
        assert (await shop.get("/reports/daily", date="0001-01-01")).json()["totals"] == []

    run(seen(story, tmp_path))


def test_the_description_answers_at_the_root_to_everybody(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        answer = await desk.browser().client.get("/openapi.json")
        said = answer.json()
        assert (answer.status_code, said["openapi"][:4]) == (200, "3.1.")
        assert said["servers"] == [{"url": "/v1"}]
        assert {"/transactions", "/returns", "/cases", "/terminals", "/merchants"} <= set(said["paths"])
        reports = ("daily", "analysis", "settlement", "clearing")
        assert {f"/reports/{name}" for name in reports} <= set(said["paths"])

    run(seen(story, tmp_path))
