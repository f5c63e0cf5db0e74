"""Payments as JSON: what a till's program sends, what it is told, and where the money ends."""

import asyncio
from typing import Any

import pytest

from tests.console.desk import ConsoleDesk
from tests.console.program import OTHER_MERCHANT, open_another_shop, problem, program
from tests.console.tilling import CARD, QR, SALE, at_a_till, becomes
from tests.scenario.scripted_host import HangUp, Hush, Say
from yuanlu.access.api_keys import Mode


@pytest.mark.parametrize("dialect", ["cup-pos", "iso87-ascii"])
@pytest.mark.parametrize("mac", ["none", "ansi-x9.19"])
def test_a_payment_is_taken_at_the_real_gateway_and_is_there_by_id_and_by_key(run, tmp_path, dialect, mac):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        answer = await shop.post("/payments", SALE | {"reference": "order-1"}, "k1")
        said = answer.json()
        assert (answer.status_code, said["status"], said["position"]) == (201, "approved", "charged"), answer.text
        assert (said["rrn"], said["reference"], said["cashier"]) == ("000000000001", "order-1", None)
        asked = desk.stage.host.asked("0200")
        assert len(asked) == 1
        assert (asked[0][4], asked[0][11]) == ("000000001280", said["stan"])
        assert (await shop.get(f"/payments/{said['id']}")).json() == said
        (by_key,) = (await shop.get("/payments", idempotency_key="k1")).json()["data"]
        assert by_key == said
        transaction = (await shop.get(f"/transactions/{said['transaction_id']}")).json()
        assert (transaction["state"], transaction["card"]["last4"]) == ("APPROVED", "0005")

    run(at_a_till(story, tmp_path, dialect=dialect, gateway={"mac": mac}))


def test_the_same_request_twice_is_one_payment(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        first = await shop.post("/payments", SALE, "k1")
        again = await shop.post("/payments", SALE, "k1")
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
        dearer = SALE | {"amount": {"minor": 1281}}
        assert problem(await shop.post("/payments", dearer, "k1")) == (422, "idempotency_key_reused")
        sister = await program(desk, name="second server")
        assert (await sister.post("/payments", SALE, "k1")).json() == first.json()
        whole = await program(desk, merchant_id="", name="office")
        other = await whole.post("/payments", SALE, "k1")
        assert other.json()["id"] != first.json()["id"]
        assert len(desk.stage.host.asked("0200")) == 2

    run(at_a_till(story, tmp_path))


def test_of_many_at_once_under_one_key_one_pays_and_the_others_are_told_to_wait(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        host = desk.stage.host
        host.will("0200", Say(held=True))
        asked = [asyncio.ensure_future(shop.post("/payments", SALE, "k1")) for _ in range(5)]
        await desk.stage.until(lambda: host.holding == 1 and sum(each.done() for each in asked) == 4)
        host.let_go()
        answers = await asyncio.gather(*asked)
        assert sorted(each.status_code for each in answers) == [201, 409, 409, 409, 409]
        waiting = next(each for each in answers if each.status_code == 409)
        assert (problem(waiting), waiting.json()["retryable"]) == ((409, "request_in_flight"), True)
        assert len(desk.stage.host.asked("0200")) == 1

    run(at_a_till(story, tmp_path))


@pytest.mark.parametrize("host", [Hush(), HangUp(), Say(code="96"), Say(code="51")], ids=["silent", "gone", "96", "51"])
def test_the_cashier_is_told_the_truth_and_what_to_do(run, tmp_path, host):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        desk.stage.host.will("0200", host)
        said = (await shop.post("/payments", SALE, "k1")).json()
        assert not (said["may_charge_again"] and said["position"] != "not_charged")
        if host == Say(code="51"):
            assert (said["status"], said["response_code"], said["may_charge_again"]) == ("declined", "51", True)
            return
        assert (said["status"], said["may_charge_again"]) == ("unknown", False)
        assert "请勿重复刷卡" in said["cashier"]["zh"]
        home = await becomes(shop, said["id"], "sent")
        assert (home["status"], home["may_charge_again"]) == ("unknown", False)
        assert len(desk.stage.host.asked("0400")) == 1

    run(at_a_till(story, tmp_path))


def test_when_the_gateway_is_down_nothing_was_charged_and_it_says_so(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        assert (await shop.post("/payments", SALE, "k0")).status_code == 201
        await desk.stage.close()
        said = (await shop.post("/payments", SALE, "k1")).json()
        assert (said["status"], said["position"], said["may_charge_again"]) == ("not_sent", "not_charged", True)
        await desk.stage.open()
        assert (await shop.post("/payments", SALE, "k2")).json()["status"] == "approved"
        assert (await shop.post("/payments", SALE, "k1")).json()["status"] == "not_sent"

    run(at_a_till(story, tmp_path))


def test_a_payment_goes_back_at_the_till_whole_or_in_part(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        paid = [(await shop.post("/payments", SALE, f"k{n}")).json() for n in range(2)]
        bare = await shop.post(f"/payments/{paid[0]['id']}/refunds", {}, "r0")
        assert (problem(bare), bare.json()["next_action"]) == ((409, "refused"), "present_the_card_or_propose_a_return")
        void = (await shop.post(f"/payments/{paid[0]['id']}/refunds", {"source": CARD}, "r1")).json()
        assert (void["kind"], void["status"], void["original_id"]) == ("void", "approved", paid[0]["id"])
        assert (await shop.get(f"/payments/{paid[0]['id']}")).json()["position"] == "sent"
        part = {"source": CARD, "amount": {"minor": 280}}
        refund = (await shop.post(f"/payments/{paid[1]['id']}/refunds", part, "r2")).json()
        assert (refund["kind"], refund["status"], refund["amount"]["minor"]) == ("refund", "approved", 280)
        too_much = {"source": CARD, "amount": {"minor": 1001}}
        said = (await shop.post(f"/payments/{paid[1]['id']}/refunds", too_much, "r3")).json()
        assert (said["status"], said["may_charge_again"]) == ("declined", False)
        assert problem(await shop.post("/payments/cancel", {"payment_id": paid[1]["id"]})) == (409, "refused")
        assert problem(await shop.post("/payments/cancel", {"payment_id": refund["id"]})) == (409, "refused")

    run(at_a_till(story, tmp_path))


def test_a_code_pays_and_goes_back_without_being_scanned_again(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk, mode=Mode.LIVE)
        paid = (await shop.post("/payments", SALE | {"source": QR}, "k1")).json()
        assert (paid["status"], paid["entry"]) == ("approved", "qr")
        back = (await shop.post(f"/payments/{paid['id']}/refunds", {}, "r1")).json()
        assert (back["kind"], back["status"]) == ("void", "approved")

    run(at_a_till(story, tmp_path))


def test_chip_data_is_passed_on_and_no_card_is_kept_anywhere(run, tmp_path, caplog, capfd):
    chip = {"type": "chip", "track2": "6216261000000000018D30122019999", "emv": "9F2608A1B2C3D4E5F60718"}

    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk, mode=Mode.LIVE)
        refused = await shop.post("/payments", SALE, "k0")
        assert problem(refused) == (409, "refused")  # a number alone, with a live key
        paid = await shop.post("/payments", SALE | {"source": chip}, "k1")
        assert paid.json()["status"] == "approved", paid.text
        (asked,) = desk.stage.host.asked("0200")
        assert (asked[2], asked[22][:3], asked[55]) == ("6216261000000000018", "072", chip["emv"])
        wrong = await shop.post("/payments", SALE | {"source": chip | {"emv": "xx"}}, "k2")
        assert problem(wrong) == (422, "invalid")
        held = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
        for secret in ("6216261000000000018", "6200000000000005"):
            assert secret.encode() not in held
            assert secret not in paid.text + refused.text + wrong.text + caplog.text + "".join(capfd.readouterr())

    run(at_a_till(story, tmp_path))


def test_nobody_pays_or_asks_at_another_merchants_terminal(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        open_another_shop(desk)
        mine, other = await program(desk), await program(desk, merchant_id=OTHER_MERCHANT)
        paid = (await mine.post("/payments", SALE, "k1")).json()
        assert problem(await other.post("/payments", SALE, "k1")) == (404, "not_found")
        assert problem(await other.get(f"/payments/{paid['id']}")) == (404, "not_found")
        assert problem(await other.post("/payments/cancel", {"payment_id": paid["id"]})) == (404, "not_found")
        assert problem(await other.post(f"/payments/{paid['id']}/refunds", {"source": CARD}, "r")) == (404, "not_found")
        assert (await other.get("/payments")).json()["data"] == []
        assert (await other.get("/payments", idempotency_key="k1")).json()["data"] == []
        cancelled = (await other.post("/payments/cancel", {"idempotency_key": "k1"})).json()
        assert cancelled["payment"] is None
        assert (await mine.get(f"/payments/{paid['id']}")).json()["position"] == "charged"

    run(at_a_till(story, tmp_path))


HOSTILE: list[dict[str, Any]] = [
    {"amount": {"minor": 12.8}}, {"amount": {"minor": "1280"}}, {"amount": {"minor": 0}}, {"amount": {"minor": -1}},
    {"amount": {"minor": 10**12}}, {"amount": {"minor": True}}, {"amount": {"minor": 1, "currency": "XAU"}},
    {"amount": None}, {"source": {"type": "cash"}}, {"source": CARD | {"number": "4111111111111111"}},
    {"terminal_id": "T0000001\n"}, {"surprise": 1}, {"reference": "x" * 65},
    {"source": {"type": "qr", "code": "١" * 18}},
]  # fmt: skip


def test_what_makes_no_sense_takes_no_number(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        for change in HOSTILE:
            assert problem(await shop.post("/payments", SALE | change, "k1")) == (422, "invalid"), change
        for body in (b"{", b"[" * 50_000, b'{"a":1e999}', b"\xff", b""):
            answer = await shop.client.post(
                "/v1/payments", content=body, headers={"idempotency-key": "k1", "content-type": "application/json"}
            )
            assert problem(answer)[0] in (400, 422)
        for key in ("", "x" * 256, "a b"):
            answer = await shop.client.post("/v1/payments", json=SALE, headers={"idempotency-key": key})
            assert problem(answer) == (422, "invalid")
        assert (await shop.post("/payments", SALE, "k1")).json()["stan"] == "000001"

    run(at_a_till(story, tmp_path))
