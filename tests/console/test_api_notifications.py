"""What a program reads of messages to people: its own merchant's, page by page, and no address."""

from tests.console.desk import ConsoleDesk, seen
from tests.console.program import OTHER_MERCHANT, open_another_shop, problem, program
from tests.console.test_api_reading import every_page
from tests.scenario.messages import FINANCE, comes_to, spoken, timed_out
from tests.scenario.stage import MERCHANT
from yuanlu.access.api_keys import Scope
from yuanlu.notification.states import Sending


async def two_told(desk: ConsoleDesk) -> str:
    """Cardholder and finance are told of a sale that timed out; its id."""
    payment = await timed_out(desk.stage, amount=128_000)
    found = await comes_to(desk.stage, payment, Sending.DELIVERED, Sending.DELIVERED)
    return found[0].subject.transaction_id


def test_every_message_stands_on_one_page_the_newest_first_and_shows_no_number(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        transaction_id = await two_told(desk)
        shop = await program(desk, Scope.NOTIFICATIONS_READ)
        found = await every_page(shop, "/notifications", 1)
        assert [each["audience"] for each in found] in (["cardholder", "merchant"], ["merchant", "cardholder"])
        assert [each["id"] for each in found] == sorted((each["id"] for each in found), reverse=True)
        [sms] = [each for each in found if each["audience"] == "cardholder"]
        assert (sms["to"], sms["state"], sms["channel"]) == ("138****0000", "DELIVERED", "phone")
        assert sms["state_text"] == {"zh": "已送达", "en": "Delivered"}
        assert (sms["event"], sms["transaction_id"]) == ("transaction.outcome.unknown", transaction_id)
        assert "¥1,280.00" in sms["text"]
        answer = await shop.get(f"/notifications/{sms['id']}", expand="tries")
        [tried] = answer.json()["tries"]
        assert (tried["channel"], tried["outcome"]) == ("phone", "accepted")
        assert "13800000000" not in answer.text

    run(seen(story, tmp_path, more=spoken(FINANCE)))


def test_each_filter_keeps_what_it_names(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        transaction_id = await two_told(desk)
        shop = await program(desk)
        for query, number in (
            ({"transaction_id": transaction_id}, 2), ({"transaction_id": "0" * 26}, 0), ({"audience": "merchant"}, 1),
            ({"channel": "phone"}, 1), ({"state": "FAILED"}, 0), ({"event": "transaction.outcome.unknown"}, 2),
            ({"case_id": "C000101-00000000"}, 0), ({"incident_id": "I261123-01"}, 0), ({"merchant_id": MERCHANT}, 2),
            ({"to": "2020-01-01T00:00:00Z"}, 0), ({"from": "2020-01-01T00:00:00Z"}, 2),
        ):  # fmt: skip
            assert len((await shop.get("/notifications", **query)).json()["data"]) == number, query
        for wrong in ({"state": "SENT_OFF"}, {"audience": "all"}, {"about": "x"}, {"cursor": "x"}):
            assert problem(await shop.get("/notifications", **wrong)) == (422, "invalid")

    run(seen(story, tmp_path, more=spoken(FINANCE)))


def test_without_its_scope_or_of_another_merchant_a_key_reads_nothing(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        await two_told(desk)
        [one, *_] = (await (await program(desk)).get("/notifications")).json()["data"]
        blind = await program(desk, Scope.PAYMENTS_READ, name="blind")
        assert problem(await blind.get("/notifications")) == (403, "forbidden")
        assert problem(await blind.get(f"/notifications/{one['id']}")) == (403, "forbidden")
        open_another_shop(desk)
        stranger = await program(desk, merchant_id=OTHER_MERCHANT, name="stranger")
        assert (await stranger.get("/notifications")).json()["data"] == []
        assert problem(await stranger.get("/notifications", merchant_id=MERCHANT)) == (404, "not_found")
        assert problem(await stranger.get(f"/notifications/{one['id']}")) == (404, "not_found")

    run(seen(story, tmp_path, more=spoken(FINANCE)))
