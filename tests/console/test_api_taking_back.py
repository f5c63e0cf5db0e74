"""What a client takes back or nobody has heard of comes home: cancelled, unconfirmed, lost, or over a crash."""

import asyncio

import pytest

from tests.console.desk import ConsoleDesk
from tests.console.program import problem, program
from tests.console.tilling import SALE, at_a_till, becomes, restarted
from tests.scenario.scripted_host import Say
from yuanlu.kernel.clock import SystemClock
from yuanlu.till import tills


def test_an_answer_that_is_lost_between_gateway_and_till_comes_home(run, tmp_path, monkeypatch):
    """The gateway believes that it told the till; the till heard nothing, and reverses."""

    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        await shop.post("/payments", SALE, "k0")
        monkeypatch.setattr(tills.messages, "answers", lambda *_: False)
        shorter(desk, 1_000)
        said = (await shop.post("/payments", SALE, "k1")).json()
        assert said["status"] == "unknown"
        monkeypatch.undo()
        await desk.app.state.console.tills.look()
        await becomes(shop, said["id"], "sent")
        assert len(desk.stage.host.asked("0400")) == 1

    run(at_a_till(story, tmp_path))


def shorter(desk: ConsoleDesk, wait_ms: int) -> None:
    """The till's patience, in place of the terminal's in the list."""
    console = desk.app.state.console
    for name, each in list(console.terminals.items()):
        console.terminals[name] = type(each)(
            terminal_id=name, merchant_id=each.merchant_id, acquirer=each.acquirer, wait_ms=wait_ms
        )


def test_a_client_takes_back_what_it_no_longer_wants_by_key(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        paid = (await shop.post("/payments", SALE, "k1")).json()
        said = (await shop.post("/payments/cancel", {"idempotency_key": "k1"})).json()
        assert (said["status"], said["payment"]["id"], said["payment"]["status"]) == (
            "taken_over",
            paid["id"],
            "cancelled",
        )
        await becomes(shop, paid["id"], "sent")
        again = await shop.post("/payments/cancel", {"payment_id": paid["id"]})
        assert (again.status_code, again.json()["status"]) == (200, "taken_over")
        assert len(desk.stage.host.asked("0400")) == 1

    run(at_a_till(story, tmp_path))


def test_a_key_that_is_cancelled_before_its_request_comes_is_refused_when_it_comes(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        for _ in range(2):
            said = (await shop.post("/payments/cancel", {"idempotency_key": "k1"})).json()
            assert said == {"object": "cancellation", "status": "not_charged", "payment": None}
        assert problem(await shop.post("/payments", SALE, "k1")) == (409, "key_cancelled")
        assert desk.stage.host.asked("0200") == []

    run(at_a_till(story, tmp_path))


def test_a_payment_is_taken_back_while_it_is_under_way(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        host = desk.stage.host
        host.will("0200", Say(held=True))
        paying = asyncio.ensure_future(shop.post("/payments", SALE, "k1"))
        await desk.stage.until(lambda: host.holding == 1)
        said = (await shop.post("/payments/cancel", {"idempotency_key": "k1"})).json()
        assert said["status"] in ("taken_over", "under_way")
        host.let_go()
        paid = (await paying).json()
        assert paid["status"] != "approved"
        await desk.app.state.console.tills.look()
        home = await becomes(shop, paid["id"], "sent")
        assert home["may_charge_again"] is False

    run(at_a_till(story, tmp_path))


def test_an_approval_that_nobody_confirms_goes_back(run, tmp_path, monkeypatch):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        kept = (await shop.post("/payments", SALE | {"confirm_within_seconds": 10}, "k1")).json()
        lost = (await shop.post("/payments", SALE | {"confirm_within_seconds": 10}, "k2")).json()
        assert kept["confirm_by"] is not None
        assert (await shop.post(f"/payments/{kept['id']}/confirm", None)).json()["confirm_by"] is None
        keeper = desk.app.state.console.tills
        monkeypatch.setattr(keeper, "_clock", Later(11))
        await keeper.look()
        monkeypatch.undo()
        await becomes(shop, lost["id"], "sent")
        assert (await shop.get(f"/payments/{kept['id']}")).json()["position"] == "charged"
        assert problem(await shop.post(f"/payments/{lost['id']}/confirm", None)) == (409, "refused")

    run(at_a_till(story, tmp_path))


class Later(SystemClock):
    """A clock that is ahead."""

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self._ahead_us = seconds * 1_000_000

    def wall_us(self) -> int:
        return super().wall_us() + self._ahead_us


def test_a_console_that_dies_over_a_payment_gives_the_money_back_and_never_a_number_twice(run, tmp_path, monkeypatch):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)

        class Died(BaseException):
            """The process is gone before it could write the answer down."""

        def die(*_: object) -> None:
            raise Died

        monkeypatch.setattr(tills, "_understood", die)
        with pytest.raises(Died):
            await shop.post("/payments", SALE, "k1")
        monkeypatch.undo()
        restarted(desk)
        after = await program(desk, name="after")
        assert problem(await after.post("/payments", SALE, "k1")) == (409, "request_in_flight")
        keeper = desk.app.state.console.tills
        monkeypatch.setattr(keeper, "_clock", Later(40))
        await keeper.look()
        monkeypatch.undo()
        lost = (await after.post("/payments", SALE, "k1")).json()
        assert lost["status"] == "unknown"
        await becomes(after, lost["id"], "sent")
        fresh = (await after.post("/payments", SALE, "k2")).json()
        assert fresh["stan"] > lost["stan"]
        assert len(desk.stage.host.asked("0200")) == 2

    run(at_a_till(story, tmp_path))
