"""Accounts, the trail of what people did, and the stream that keeps pages live."""

import asyncio
import re

from tests.console.desk import ConsoleDesk, seen, words
from tests.console.test_transactions import one_of_each
from yuanlu.access.roles import Role
from yuanlu.access.store import find_staff


def test_an_administrator_makes_an_account_whose_password_works_once_told(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        admin = await desk.staff("admin", Role.ADMINISTRATOR)
        await admin.see("/en/staff")
        answer = await admin.send("/en/staff", name="Zhao Min", **{"role-support": "1", "checker": "1"})
        password = re.search(r"with the password (\S+)\.", words(answer))
        assert password
        newcomer = desk.browser()
        signed = await newcomer.send("/en/sign-in", name="zhao min", password=password[1])
        assert signed.headers["location"] == "/en/cases"
        assert (await admin.send("/en/staff", name="Zhao Min", **{"role-support": "1"})).status_code == 422
        assert (await admin.send("/en/staff", name="No Role")).status_code == 422

    run(seen(story, tmp_path))


def test_a_disabled_account_is_out_at_once(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        admin = await desk.staff("admin", Role.ADMINISTRATOR)
        other = await desk.staff("Wang Fang", Role.FINANCE)
        assert (await other.see("/en/monitor")).status_code == 200
        account = await desk.stage.read(lambda c: find_staff(c, "Wang Fang"))
        await admin.send(f"/en/staff/{account.staff_id}", what="disable")
        assert (await other.see("/en/monitor")).status_code == 303

    run(seen(story, tmp_path))


def test_nobody_changes_his_own_account(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        admin = await desk.staff("admin", Role.ADMINISTRATOR)
        account = await desk.stage.read(lambda c: find_staff(c, "admin"))
        answer = await admin.send(f"/en/staff/{account.staff_id}", what="roles", **{"role-finance": "1"})
        assert answer.status_code == 422
        assert (await desk.stage.read(lambda c: find_staff(c, "admin"))).roles == (Role.ADMINISTRATOR,)

    run(seen(story, tmp_path))


def test_the_trail_shows_who_did_what(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        admin = await desk.staff("admin", Role.ADMINISTRATOR)
        await admin.see("/en/staff")
        await admin.send("/en/staff", name="Zhao Min", **{"role-support": "1"})
        said = words(await admin.see("/en/audit"))
        for part in ("Account made", "admin: Zhao Min, support", "Signed in"):
            assert part in said
        assert "Zhao Min" in (await admin.see("/en/audit", format="csv")).text

    run(seen(story, tmp_path))


def test_a_page_that_is_open_hears_of_a_payment_and_asks_for_its_own_part(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        live = desk.app.state.console.live
        watching = asyncio.ensure_future(live.watch())
        stream = live.stream()
        assert b"beat" in await anext(stream)
        await one_of_each(desk)
        await asyncio.wait_for(_until(stream, b"event: tick"), 10)  # though nobody had looked before it
        await asyncio.wait_for(_until(stream, b"event: beat"), 10)
        await one_of_each(desk)
        await asyncio.wait_for(_until(stream, b"event: tick"), 10)
        watching.cancel()
        browser = await desk.staff("Wang Fang", Role.FINANCE)
        part = await browser.client.get("/zh/monitor", headers={"x-fragment": "1"})
        assert "<html" not in part.text
        assert "每秒交易笔数" in part.text

    run(seen(story, tmp_path))


async def _until(stream, wanted: bytes) -> None:
    async for part in stream:
        if wanted in part:
            return
