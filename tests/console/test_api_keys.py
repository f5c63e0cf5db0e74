"""Who is let in at the API, and how often."""

import pytest

from tests.console.desk import ConsoleDesk, seen
from tests.console.program import MAKER, OTHER_MERCHANT, client, open_another_shop, problem, program
from yuanlu.access.api_keys import Mode, Scope
from yuanlu.access.records import AccessRefused
from yuanlu.cases.people import Actor
from yuanlu.people.api_keys import NewKey, created, revoked
from yuanlu.settings import Console

SECRET = "yl_test_" + "x" * 43


def test_nobody_gets_in_without_a_key_whatever_he_sends(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        for secret in ("", "x", SECRET, "y" * 5000, "' OR 1=1 --", "\udcff"):
            answer = await client(desk, "").get(
                "/v1/transactions", headers={"authorization": f"Bearer {secret}".encode("utf-8", "surrogatepass")}
            )
            assert problem(answer) == (401, "unauthorized")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        nowhere = await client(desk, SECRET).post("/v1/nowhere", content="{")
        assert problem(nowhere) == (401, "unauthorized")

    run(seen(story, tmp_path))


def test_a_key_does_what_its_scopes_say_until_it_is_revoked(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk, Scope.TERMINALS_READ)
        assert (await shop.get("/terminals")).status_code == 200
        assert problem(await shop.get("/transactions")) == (403, "forbidden")
        assert problem(await shop.post("/returns", {}, "k")) == (403, "forbidden")
        await desk.app.state.console.store.act(revoked, shop.key.key_id, Actor(name="Li Na", via="test"), "it leaked")
        assert problem(await shop.get("/terminals")) == (401, "unauthorized")
        (made,), (gone,) = await desk.stage.events("KEY_CREATED"), await desk.stage.events("KEY_REVOKED")
        assert made.startswith(f"{MAKER}: till-server, test, terminals:read")
        assert gone == "Li Na: it leaked"

    run(seen(story, tmp_path))


def test_the_journal_holds_no_secret(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        secret = shop.client.headers["authorization"].removeprefix("Bearer ")
        assert secret.startswith("yl_test_")
        held = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
        assert shop.key.secret_hash.encode() in held
        assert secret.encode() not in held

    run(seen(story, tmp_path))


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (NewKey(name=" ", mode=Mode.TEST, scopes=tuple(Scope)), "a key's name"),
        (NewKey(name="x", mode=Mode.TEST, scopes=()), "at least one scope"),
        (NewKey(name="x", mode=Mode.TEST, scopes=tuple(Scope), merchant_id="nobody"), "is no merchant"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(run, tmp_path, wanted, why):
    async def story(desk: ConsoleDesk) -> None:
        with pytest.raises(AccessRefused, match=why):
            await desk.app.state.console.store.act(created, wanted, Actor(name="Li Na", via="test"))

    run(seen(story, tmp_path))


def test_a_merchants_key_sees_that_merchant_alone(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        open_another_shop(desk)
        await desk.stage.ask(desk.stage.sale(desk.stage.payment()))
        mine, other = await program(desk), await program(desk, merchant_id=OTHER_MERCHANT)
        everybody = await program(desk, merchant_id="")
        (found,) = (await mine.get("/transactions")).json()["data"]
        assert (await other.get("/transactions")).json()["data"] == []
        assert problem(await other.get(f"/transactions/{found['id']}")) == (404, "not_found")
        missing = await other.get("/transactions/01JDBA3W8N0000000000000000")
        assert missing.json() == (await other.get(f"/transactions/{found['id']}")).json() | {
            "instance": missing.json()["instance"]
        }
        assert problem(await mine.get("/transactions", merchant_id=OTHER_MERCHANT)) == (404, "not_found")
        assert problem(await other.get("/terminals/T0000001")) == (404, "not_found")
        assert [each["id"] for each in (await everybody.get("/transactions")).json()["data"]] == [found["id"]]

    run(seen(story, tmp_path))


def test_who_asks_too_much_is_told_when_to_come_back(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop, other = await program(desk), await program(desk, name="other")
        answers = [await shop.get("/terminals") for _ in range(25)]
        refused = [each for each in answers if each.status_code == 429]
        assert 1 <= len(refused) <= 15
        assert problem(refused[-1]) == (429, "rate_limited")
        assert refused[-1].headers["retry-after"] == "1"
        assert (await other.get("/terminals")).status_code == 200

    console = Console(listen="127.0.0.1:0", second_factor="optional", api_requests_per_second=1)
    run(seen(story, tmp_path, more={"console": console}))
