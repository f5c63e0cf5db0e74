"""Accounts, the trail of what people did, and the stream that keeps pages live."""

import asyncio
import re

from tests.console.desk import ConsoleDesk, seen, words
from tests.console.people_at_work import press, two
from tests.console.test_incidents import declared
from tests.console.test_orders import asked_for
from tests.console.test_transactions import one_of_each
from tests.scenario.linked import sold
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import MERCHANT
from yuanlu.access.roles import Role
from yuanlu.access.store import find_staff
from yuanlu.kernel.clock import local_time


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


def test_an_administrator_of_one_merchant_sees_and_makes_accounts_of_that_merchant_alone(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        await desk.staff("Wang Fang", Role.FINANCE)
        await desk.staff("Zhou Jie", Role.FINANCE, merchant_id="another")
        admin = await desk.staff("admin of one", Role.ADMINISTRATOR, merchant_id=MERCHANT)
        page = await admin.see("/en/staff")
        assert "Wang Fang" not in page.text
        assert "Zhou Jie" not in page.text
        assert "all merchants" not in page.text
        for name in ("Wang Fang", "Zhou Jie"):
            account = await desk.stage.read(lambda c, name=name: find_staff(c, name))
            assert (await admin.send(f"/en/staff/{account.staff_id}", what="password")).status_code == 404
        everything = await admin.send("/en/staff", name="Zhao Min", **{"role-administrator": "1", "merchant": ""})
        assert everything.status_code == 200
        made = await desk.stage.read(lambda c: find_staff(c, "Zhao Min"))
        assert made.merchant_id == MERCHANT
        assert (
            await admin.send("/en/staff", name="X Y", **{"role-support": "1", "merchant": "another"})
        ).status_code == 404

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
        newcomer = await desk.stage.read(lambda c: find_staff(c, "Zhao Min"))
        await admin.send(f"/en/staff/{newcomer.staff_id}", what="disable")
        disabled, made, *others = rows(await admin.see("/en/audit"))
        assert made == f"admin Account made {newcomer.staff_id} Zhao Min, support"
        assert disabled == f"admin console Account changed {newcomer.staff_id} Zhao Min, disable"
        assert others[0].startswith("admin console Signed in")
        assert rows(await admin.see("/en/audit", who="Zhao Min")) == [], "he did nothing yet"
        assert "Zhao Min" in (await admin.see("/en/audit", format="csv")).text

    run(seen(story, tmp_path))


def rows(page) -> list[str]:
    """The trail as read, the latest first, without the times."""
    found = re.findall(r"<tr><td.*?</tr>", page.text, re.DOTALL)
    return [re.sub(r"^\S+ \S+ ", "", " ".join(re.sub(r"<[^>]+>", " ", row).split())) for row in found]


def test_the_trail_shows_who_proposed_approved_and_refused_returns(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        payment = await sold(desk.stage)
        maker, checker = await two(desk)
        admin = await desk.staff("admin", Role.ADMINISTRATOR)
        refused = await asked_for(maker, amount="1.00", reason="wrong size")
        await press(checker, await checker.see(f"/en{refused}"), f"{refused}/refuse", reason="no slip")
        given = await asked_for(maker)
        await press(checker, await checker.see(f"/en{given}"), f"{given}/approve")
        await desk.stage.becomes(payment, "RETURNED")
        page = await admin.see("/en/audit")
        said = [row for row in rows(page) if "Return" in row]
        expected = (
            ("Wang Fang Return approved", given, "void ¥12.34: goods came back"),
            ("Li Na Return proposed; a second person has to approve", given, "void ¥12.34: goods came back"),
            ("Wang Fang Return refused; nothing moved", refused, "refund ¥1.00: no slip"),
            ("Li Na Return proposed; a second person has to approve", refused, "refund ¥1.00: wrong size"),
        )
        for row, (who_what, path, text) in zip(said, expected, strict=True):
            assert row == f"{who_what} {path.removeprefix('/returns/')} {text}"
            assert f'href="/en{path}"' in page.text
        only = [row for row in rows(await admin.see("/en/audit", who="Wang Fang")) if "Return" in row]
        assert only == [said[0], said[2]]
        assert await sold_earlier(desk, admin) == []

    run(seen(story, tmp_path))


async def sold_earlier(desk: ConsoleDesk, browser) -> list[str]:
    """What the trail says of returns up to an hour ago, when nothing had happened."""
    hour_ago = local_time(desk.stage.clock.wall_us() - 3_600_000_000).strftime("%Y-%m-%dT%H:%M")
    return [row for row in rows(await browser.see("/en/audit", to=hour_ago)) if "Return" in row]


def test_the_trail_shows_who_declared_held_released_and_ended_incidents(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        other = await desk.staff("Hu Die", Role.SUPPORT)
        admin = await desk.staff("admin", Role.ADMINISTRATOR)
        made = await declared(support, hold="1")
        path = re.sub(r"^/en(/incidents/[^?]+).*", r"\1", made.headers["location"])
        for browser, what, why in (
            (other, "release", "light"),
            (support, "hold", "dark"),
            (other, "end", "day: again"),
        ):
            answer = await press(browser, await browser.see(f"/en{path}"), f"{path}/{what}", reason=why)
            assert answer.status_code == 303, words(answer)
        page = await admin.see("/en/audit")
        said = [row for row in rows(page) if "ncident" in row or "ales" in row]
        number = path.removeprefix("/incidents/")
        end, *others, first = [row for row in said if number in row]
        assert end.startswith(f"Hu Die Incident ended {number} day: again; 0 transactions")
        assert others == [f"Zhao Lei New sales held {number} dark", f"Hu Die New sales taken again {number} light"]
        assert first.startswith(f"Zhao Lei Incident declared {number} Power cut, host h1: the street is dark")
        assert f'href="/en{path}"' in page.text
        assert [row for row in rows(await admin.see("/en/audit", who="Hu Die")) if number in row] == [end, others[1]]

    run(seen(story, tmp_path))


def test_what_the_machine_does_by_itself_is_not_in_the_trail(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        admin = await desk.staff("admin", Role.ADMINISTRATOR)
        desk.stage.host.will("0200", Hush())
        desk.stage.host.will("0400", Say(code="00"))
        payment = desk.stage.payment()
        assert await desk.stage.code(desk.stage.sale(payment)) == "98"
        await desk.stage.becomes(payment, "RETURNED")
        said = rows(await admin.see("/en/audit"))
        assert [row.split()[:3] for row in said] == [["admin", "console", "Signed"], ["test", "Account", "made"]]

    run(seen(story, tmp_path))


def test_a_merchants_people_see_the_trail_of_their_merchant_alone(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        await sold(desk.stage)
        maker, _ = await two(desk)
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        path = await asked_for(maker)
        numbers = [path.removeprefix("/returns/")]
        for scope in (f"merchant|{MERCHANT}", "host|h1"):
            made = await declared(support, scope=scope)
            numbers.append(re.sub(r"^/en/incidents/([^?]+).*", r"\1", made.headers["location"]))
        theirs = await desk.staff("Qian Wu", Role.COMPLIANCE, merchant_id=MERCHANT)
        others = await desk.staff("Sun Qi", Role.COMPLIANCE, merchant_id="898440153110002")
        for browser, name, seen_numbers in ((theirs, "Qian Wu", numbers[:2]), (others, "Sun Qi", [])):
            said = rows(await browser.see("/en/audit"))
            assert [n for n in numbers if any(f" {n} " in row for row in said)] == seen_numbers
            assert all(row.startswith(f"{name} console ") for row in said if "Signed in" in row)
            cases = [row for row in said if re.search(r" C\d+-", row)]
            assert len(cases) == len(seen_numbers[1:]), "an incident's case is its merchant's"

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
