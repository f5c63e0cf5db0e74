"""What a merchant's own systems saw: of a payment that is ours, and of one that never passed through us."""

import pytest

from tests.console.desk import ConsoleDesk, seen
from tests.console.program import OTHER_MERCHANT, open_another_shop, problem, program
from tests.scenario.scripted_host import Hush
from tests.scenario.stage import MERCHANT, TERMINALS
from yuanlu.access.api_keys import Scope
from yuanlu.cases.records import OUTSIDE
from yuanlu.flow.outside import KINDS, Seen

SEEN = {
    "seen": "time_out", "reference": "order-1842", "amount": {"minor": 1234},
    "occurred_at": "2026-11-23T09:00:00+08:00", "terminal_id": "POS-77",
}  # fmt: skip


def test_a_payment_that_is_not_ours_has_a_case_and_true_words(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        answer = await shop.post("/observations", SEEN | {"remark": "card 6200000000000005, no slip"})
        said = answer.json()
        assert (answer.status_code, said["ours"], said["transaction"], said["return"]) == (201, False, None, None)
        assert "自动冲正" not in said["cashier"]["zh"]  # nothing here sends that money back
        assert "请勿重复刷卡" in said["cashier"]["zh"]
        case = (await shop.get(f"/cases/{said['case']['id']}", expand="timeline")).json()
        assert (case["incident"], case["queue"]) == (f"{OUTSIDE}{MERCHANT} order-1842", "reported")
        assert (case["amount"]["minor"], case["transaction_id"]) == (1234, None)
        assert "未经本系统" in case["explanation"]["zh"]
        assert "6200000000000005" not in answer.text
        (noted,) = await desk.stage.events("OBSERVED")
        assert noted == "Zhao Lei (api/till-server): time_out, reference order-1842, CNY 12.34"

    run(seen(story, tmp_path))


def test_the_same_reference_again_joins_its_case_and_the_same_request_does_nothing(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        first = (await shop.post("/observations", SEEN, "k1")).json()
        again = await shop.post("/observations", SEEN, "k1")
        assert (again.json(), again.headers["idempotency-replayed"]) == (first, "true")
        joined = (await shop.post("/observations", SEEN | {"seen": "complaint"})).json()
        assert joined["case"]["id"] == first["case"]["id"]
        other = (await shop.post("/observations", SEEN | {"reference": "order-1843"})).json()
        assert other["case"]["id"] != first["case"]["id"]
        case = (await shop.get(f"/cases/{first['case']['id']}", expand="timeline")).json()
        assert [each["kind"] for each in case["timeline"]] == ["CASE_OPENED", "CASE_JOINED"]

    run(seen(story, tmp_path))


def test_a_payment_of_ours_is_found_and_its_return_is_proposed(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop, stage = await program(desk), desk.stage
        payment = stage.payment()
        await stage.ask(stage.sale(payment))
        found = await stage.find(payment)
        seen_twice = SEEN | {"seen": "duplicate", "terminal_id": TERMINALS[0], "stan": "000001", "propose_return": True}
        said = (await shop.post("/observations", seen_twice)).json()
        assert (said["ours"], said["transaction"]["id"]) == (True, found.transaction_id)
        assert (said["return"]["state"], said["return"]["amount"]["minor"]) == ("PROPOSED", 1234)
        assert said["transaction"]["position"] == "waiting"
        assert said["case"]["transaction_id"] == found.transaction_id
        again = (await shop.post("/observations", seen_twice)).json()
        assert again["return"] is None
        assert again["return_refused"]
        assert again["case"]["id"] == said["case"]["id"]
        other_amount = (await shop.post("/observations", seen_twice | {"amount": {"minor": 1}})).json()
        assert other_amount["ours"] is False

    run(seen(story, tmp_path))


def test_what_is_coming_home_already_is_not_proposed_again(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop, stage = await program(desk), desk.stage
        stage.host.will("0200", Hush())
        payment = stage.payment()
        await stage.ask(stage.sale(payment))
        await stage.becomes(payment, "RETURNED")
        found = await stage.find(payment)
        told = SEEN | {"transaction_id": found.transaction_id, "propose_return": True}
        said = (await shop.post("/observations", told)).json()
        assert (said["ours"], said["return"]) == (True, None)
        assert "going back already" in said["return_refused"]
        assert said["transaction"]["position"] == "sent"

    run(seen(story, tmp_path))


def test_nobody_reports_for_another_merchant_or_without_saying_what(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        open_another_shop(desk)
        payment = desk.stage.payment()
        await desk.stage.ask(desk.stage.sale(payment))
        found = await desk.stage.find(payment)
        other, whole = await program(desk, merchant_id=OTHER_MERCHANT), await program(desk, merchant_id="")
        assert problem(await other.post("/observations", SEEN | {"merchant_id": MERCHANT})) == (404, "not_found")
        theirs = SEEN | {"transaction_id": found.transaction_id}
        assert problem(await other.post("/observations", theirs)) == (404, "not_found")
        guessed = SEEN | {"terminal_id": TERMINALS[0], "stan": "000001"}
        assert (await other.post("/observations", guessed)).json()["ours"] is False
        assert problem(await whole.post("/observations", SEEN)) == (422, "invalid")
        narrow = await program(desk, Scope.OBSERVATIONS_WRITE)
        assert problem(await narrow.post("/observations", SEEN | {"propose_return": True})) == (403, "forbidden")
        card = SEEN | {"reference": "6200000000000005"}
        assert problem(await narrow.post("/observations", card)) == (422, "invalid")

    run(seen(story, tmp_path))


@pytest.mark.parametrize("kind", list(Seen))
def test_nobody_is_promised_what_nobody_here_does(kind):
    said = KINDS[kind]
    for words in (said.guidance.cashier, said.guidance.cardholder):
        assert "自动" not in words.zh
        assert "automatic" not in words.en
        assert "失败" not in words.zh
