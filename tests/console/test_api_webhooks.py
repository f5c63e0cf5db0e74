"""Other systems hear of what happened: signed, until they have taken it, and nowhere else."""

import time

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from tests.console.desk import ConsoleDesk, seen
from tests.console.people_at_work import press
from tests.console.program import OTHER_MERCHANT, Program, open_another_shop, problem, program
from tests.console.receiver import Receiver, receiving
from tests.console.test_orders import for_people, order_is
from tests.scenario.scripted_host import Hush, Say
from yuanlu.access.api_keys import Mode
from yuanlu.access.roles import Role
from yuanlu.console.api.outbox import Outbox
from yuanlu.webhooks.events import EVENT_NAMES


async def outbox_of(desk: ConsoleDesk) -> Outbox:
    return Outbox(desk.app.state.console)


async def hook(shop: Program, receiver: Receiver, *events: str) -> dict:
    """A new webhook for these events, all of them if none is named."""
    answer = await shop.post("/webhooks", {"url": receiver.url, "events": list(events or EVENT_NAMES)})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def round_of(outbox: Outbox) -> None:
    """What the console does each second."""
    while await outbox.collect():
        pass
    await outbox.send()
    await outbox.idle()


async def a_lost_payment(desk: ConsoleDesk) -> str:
    """A payment whose answer never came, and which has come home."""
    stage = desk.stage
    stage.host.will("0200", Hush())
    payment = stage.payment()
    await stage.ask(stage.sale(payment))
    await stage.becomes(payment, "RETURNED")
    return (await stage.find(payment)).transaction_id


def test_a_payment_that_comes_home_is_told_step_by_step_and_signed(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop, outbox = await program(desk), await outbox_of(desk)
        await a_lost_payment(desk)  # before there was a webhook: no news
        async with receiving() as receiver:
            secret = (await hook(shop, receiver))["secret"]
            lost = await a_lost_payment(desk)
            await round_of(outbox)
            await round_of(outbox)
            events = [each.verified(secret) for each in receiver.got]
            assert [each["type"] for each in events] == ["transaction.outcome.unknown", "reversal.confirmed"]
            assert {each["data"]["id"] for each in events} == {lost}
            assert events[1]["data"]["position"] == "sent"
            assert len({each.headers["webhook-id"] for each in receiver.got}) == 2
            with pytest.raises(WebhookVerificationError):
                receiver.got[0].verified("whsec_" + "A" * 43 + "=")
        await outbox.close()

    run(seen(story, tmp_path))


def test_a_return_that_people_paid_is_told_as_completed(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop, outbox = await program(desk), await outbox_of(desk)
        payment, path, _ = await for_people(desk)
        async with receiving() as receiver:
            secret = (await hook(shop, receiver, "return.completed"))["secret"]
            payer = await desk.staff("Zhou Min", Role.FINANCE)
            await press(payer, await payer.see(f"/zh{path}"), f"{path}/paid", reference="ICBC-2026-7")
            await order_is(desk, payment, "DONE")
            await round_of(outbox)
            (event,) = [each.verified(secret) for each in receiver.got]
            assert event["type"] == "return.completed"
            assert event["data"]["id"] == (await desk.stage.find(payment)).transaction_id
        await outbox.close()

    run(seen(story, tmp_path))


def test_a_case_is_told_when_it_is_opened(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop, outbox = await program(desk), await outbox_of(desk)
        async with receiving() as receiver:
            secret = (await hook(shop, receiver, "case.opened"))["secret"]
            told = {
                "seen": "complaint",
                "reference": "r1",
                "amount": {"minor": 5},
                "occurred_at": "2026-11-23T09:00:00Z",
            }
            case = (await shop.post("/observations", told)).json()["case"]
            await round_of(outbox)
            (event,) = [each.verified(secret) for each in receiver.got]
            assert (event["type"], event["data"]["id"]) == ("case.opened", case["id"])
        await outbox.close()

    run(seen(story, tmp_path))


def test_what_is_not_taken_is_tried_again_later_and_stands_in_the_log(run, tmp_path, monkeypatch):
    async def story(desk: ConsoleDesk) -> None:
        shop, outbox = await program(desk), await outbox_of(desk)
        async with receiving(500, 302, 0) as receiver:
            receiver.more_headers = f"location: {receiver.url}/elsewhere\r\n"
            made = await hook(shop, receiver, "transaction.outcome.unknown")
            await a_lost_payment(desk)
            await round_of(outbox)
            await round_of(outbox)
            assert len(receiver.got) == 1  # not due yet
            for seconds in (10, 100, 1000):
                monkeypatch.setattr(desk.app.state.console.clock, "wall_us", Ahead(seconds))
                await round_of(outbox)
                monkeypatch.undo()
            assert len(receiver.got) == 4
            assert len({each.headers["webhook-id"] for each in receiver.got}) == 1
            (log,) = (await shop.get(f"/webhooks/{made['id']}/deliveries")).json()["data"]
            assert (log["state"], [each["status"] for each in log["tries"]]) == ("DELIVERED", [500, 302, 0, 204])
            assert (await shop.post(f"/webhooks/{made['id']}/deliveries/{log['id']}/resend", None)).status_code == 202
            await round_of(outbox)
            assert receiver.got[4].headers["webhook-id"] == log["id"]
            assert receiver.got[4].verified(made["secret"]) == receiver.got[0].verified(made["secret"])
        await outbox.close()

    run(seen(story, tmp_path))


class Ahead:
    """The wall clock, so many seconds ahead."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds

    def __call__(self) -> int:
        return time.time_ns() // 1000 + self._seconds * 1_000_000


def test_two_secrets_sign_while_one_takes_over_from_the_other(run, tmp_path, monkeypatch):
    async def story(desk: ConsoleDesk) -> None:
        shop, outbox = await program(desk), await outbox_of(desk)
        async with receiving() as receiver:
            made = await hook(shop, receiver, "reversal.confirmed")
            new = (await shop.post(f"/webhooks/{made['id']}/secrets", None)).json()["secret"]
            await a_lost_payment(desk)
            await round_of(outbox)
            assert receiver.got[0].verified(made["secret"]) == receiver.got[0].verified(new)
            monkeypatch.setattr(desk.app.state.console.clock, "wall_us", Ahead(25 * 3600))
            event_id = receiver.got[0].headers["webhook-id"]
            await shop.post(f"/webhooks/{made['id']}/deliveries/{event_id}/resend", None)
            await round_of(outbox)
            monkeypatch.undo()
            assert len(receiver.got[1].headers["webhook-signature"].split()) == 1
        await outbox.close()

    run(seen(story, tmp_path))


def test_who_answers_410_hears_nothing_more(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop, outbox = await program(desk), await outbox_of(desk)
        async with receiving(410) as receiver:
            made = await hook(shop, receiver, "reversal.confirmed")
            for _ in range(2):
                await a_lost_payment(desk)
                await round_of(outbox)
            assert len(receiver.got) == 1
            found = (await shop.get(f"/webhooks/{made['id']}")).json()
            assert (found["state"], found["why"], found["secret"]) == ("disabled", "it answered 410: never again", None)
            await shop.client.patch(f"/v1/webhooks/{made['id']}", json={"state": "enabled"})
            await a_lost_payment(desk)
            await round_of(outbox)
            assert len(receiver.got) == 2
            assert (await shop.client.delete(f"/v1/webhooks/{made['id']}")).status_code == 204
            assert problem(await shop.get(f"/webhooks/{made['id']}")) == (404, "not_found")
        await outbox.close()

    run(seen(story, tmp_path))


def test_a_merchant_hears_of_its_own_and_of_nothing_else(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        open_another_shop(desk)
        mine, other, outbox = (
            await program(desk),
            await program(desk, merchant_id=OTHER_MERCHANT),
            await outbox_of(desk),
        )
        async with receiving() as receiver, receiving() as theirs:
            made = await hook(mine, receiver)
            await hook(other, theirs)
            await a_lost_payment(desk)
            await round_of(outbox)
            assert receiver.got
            assert not theirs.got
            assert problem(await other.get(f"/webhooks/{made['id']}")) == (404, "not_found")
            assert problem(await other.get(f"/webhooks/{made['id']}/deliveries")) == (404, "not_found")
            assert problem(await other.client.delete(f"/v1/webhooks/{made['id']}")) == (404, "not_found")
            (own,) = (await other.get("/webhooks")).json()["data"]
            event_id = receiver.got[0].headers["webhook-id"]
            stolen = await other.post(f"/webhooks/{own['id']}/deliveries/{event_id}/resend", None)
            assert problem(stolen) == (404, "not_found")
        await outbox.close()

    run(seen(story, tmp_path))


def test_a_console_that_starts_anew_tells_nothing_twice_and_forgets_nothing(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        async with receiving() as receiver:
            await hook(shop, receiver, "reversal.confirmed", "transaction.outcome.unknown")
            await a_lost_payment(desk)
            for _ in range(3):
                outbox = await outbox_of(desk)
                await round_of(outbox)
                await outbox.close()
            stage = desk.stage
            await stage.close()
            await stage.open()
            stage.host.will("0200", Say(code="96"))
            await a_lost_payment(desk)
            outbox = await outbox_of(desk)
            await round_of(outbox)
            await outbox.close()
            names = [each.headers["webhook-id"] for each in receiver.got]
            assert len(names) == len(set(names)) == 4

    run(seen(story, tmp_path))


def test_a_live_webhook_goes_to_public_addresses_by_https_alone(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        live, test = await program(desk, mode=Mode.LIVE), await program(desk, name="tests")
        for url in (
            "http://example.com/", "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/",
            "https://[::ffff:10.0.0.1]/", "https://user:pw@example.com/", "https://[64:ff9b::a00:1]/", "https://0.0.0.0/",
        ):  # fmt: skip
            answer = await live.post("/webhooks", {"url": url, "events": ["case.opened"]})
            assert problem(answer) == (409, "refused"), url
        for url in ("http://10.0.0.1/", "http://example.com/", "https://192.168.0.1/"):
            answer = await test.post("/webhooks", {"url": url, "events": ["case.opened"]})
            assert problem(answer) == (409, "refused"), url
        good = await live.post("/webhooks", {"url": "https://example.com/hook", "events": ["case.opened"]}, "k1")
        assert good.json()["secret"].startswith("whsec_")
        again = await live.post("/webhooks", {"url": "https://example.com/hook", "events": ["case.opened"]}, "k1")
        assert (again.json()["id"], again.json()["secret"]) == (good.json()["id"], None)
        held = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
        assert good.json()["secret"].encode() not in held

    run(seen(story, tmp_path))
