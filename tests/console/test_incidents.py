"""Incidents at the console: declared, sales held and released, ended."""

import asyncio
import re

from tests.console.desk import ConsoleDesk, seen, words
from tests.console.people_at_work import forms, press
from tests.scenario.linked import sold
from tests.scenario.stage import MERCHANT
from yuanlu.access.roles import Role

OTHER = "898440153110002"


async def declared(browser, **typed: str):
    page = await browser.see("/en/incidents/new")
    fields = {"kind": "power_cut", "scope": "host|h1", "reason": "the street is dark", "since": "5"} | typed
    return await press_new(browser, page, **fields)


async def press_new(browser, page, **typed: str):
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
    return await browser.client.post("/en/incidents/new", data={"csrf": csrf} | typed)


def test_an_incident_is_declared_sales_are_held_released_and_it_ends(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        assert "没有进行中的事件" in words(await support.see("/zh/incidents"))
        made = await declared(support, hold="1")
        assert made.status_code == 303, words(made)
        path = re.sub(r"^/en(/incidents/[^?]+).*", r"\1", made.headers["location"])
        page = await support.see(f"/zh{path}")
        assert "主机 h1" in words(page)
        assert "Zhao Lei 已暂停新交易" in words(page)
        assert re.search(r"/zh/cases/C[0-9-]+", page.text), "its case"
        async with asyncio.timeout(6):  # the gateway takes notice within a second
            while await desk.stage.code(desk.stage.sale(desk.stage.payment())) != "91":  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert (await press(support, page, f"{path}/release", reason="来电了")).status_code == 303
        stale = await press(support, page, f"{path}/end", reason="结束")
        assert (stale.status_code, "刚刚有变动" in words(stale), "结束" in stale.text) == (422, True, True)
        page = await support.see(f"/zh{path}")
        assert f"{path}/hold" in forms(page)
        assert (await press(support, page, f"{path}/end", reason="恢复供电")).status_code == 303
        text = words(await support.see(f"/zh{path}"))
        assert "恢复供电" in text
        assert "事件已结束" in text
        assert "已结束的事件" in words(await support.see("/zh/incidents"))

    run(seen(story, tmp_path))


def test_a_wrong_declaration_is_refused_in_the_readers_language(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        for typed, why in (
            ({"scope": "host|mars"}, 'There is no host "mars"'),
            ({"scope": "planet|mars"}, "Choose whom it concerns."),
            ({"scope": "issuer|", "bin": "62"}, "Give the first 6 digits"),
            ({"kind": "<b>"}, "Choose what it is."),
            ({"since": "1e9"}, "This form is not complete."),
            ({"reason": "  "}, "Say why in a few words"),
        ):
            answer = await declared(support, **typed)
            assert (answer.status_code, why in words(answer)) == (422, True), words(answer)
        assert (await declared(support)).status_code == 303
        again = await declared(support)
        assert "Host h1 has an active incident already" in words(again)
        assert "the street is dark" in again.text

    run(seen(story, tmp_path))


def test_a_merchants_people_see_and_declare_only_their_merchants_incidents(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        await sold(desk.stage)
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        theirs = await desk.staff("Qian Wu", Role.SUPPORT, merchant_id=MERCHANT)
        others = await desk.staff("Hu Die", Role.SUPPORT, merchant_id=OTHER)
        made = await declared(support)
        path = re.sub(r"^/en(/incidents/[^?]+).*", r"\1", made.headers["location"])
        for browser in (theirs, others):
            assert (await browser.see(f"/en{path}")).status_code == 404
            assert (await browser.send(f"/en{path}/end", seen="1", reason="x")).status_code == 404
            assert path not in (await browser.see("/en/incidents")).text
            assert (await declared(browser, scope="all|")).status_code == 403
        own = await declared(theirs, scope=f"merchant|{MERCHANT}")
        assert own.status_code == 303
        assert (await others.see(own.headers["location"].partition("?")[0])).status_code == 404

    run(seen(story, tmp_path))


def test_finance_sees_incidents_and_cannot_touch_them(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        finance = await desk.staff("Li Na", Role.FINANCE)
        made = await declared(support)
        path = re.sub(r"^/en(/incidents/[^?]+).*", r"\1", made.headers["location"])
        page = await finance.see(f"/en{path}")
        assert not {each for each in forms(page) if each.startswith("/incidents")}
        for name in ("hold", "release", "end"):
            assert (await finance.send(f"/en{path}/{name}", seen="1", reason="x")).status_code == 403
        assert (await declared(finance)).status_code == 403

    run(seen(story, tmp_path))
