"""Saved views: a list's filters under a name, one's own or shared by an administrator."""

import re
from urllib.parse import parse_qsl

import httpx2

from tests.console.desk import Browser, ConsoleDesk, seen, words
from tests.console.people_at_work import forms, press
from tests.console.test_cases import OTHER
from tests.scenario.linked import sold
from tests.scenario.stage import CARD, MERCHANT, TERMINALS
from yuanlu.access.roles import Role
from yuanlu.access.views import NAME_CHARACTERS_MAX, VIEWS_MAX
from yuanlu.console.pages.cases import Filter
from yuanlu.console.saved_views import CASES, FIELDS_OF

LINK = re.compile(
    r'<a class="chip" href="([^"]+)"( aria-current="page")?>([^<]+?)(?: <span class="note">共享</span>)?</a>'
)


async def look(browser: Browser, address: str) -> httpx2.Response:
    """Open a list by its whole address."""
    path, _, query = address.partition("?")
    return await browser.see(path, **dict(parse_qsl(query)))


def views(page: httpx2.Response) -> dict[str, str]:
    """The saved views above a list, by name."""
    found = re.search(r'<div class="views">.*?</ul></nav>', page.text, re.DOTALL)
    links = LINK.findall(found[0]) if found else []
    return {name.strip(): address.replace("&amp;", "&") for address, _, name in links}


def current(page: httpx2.Response) -> list[str]:
    """The names of the views that the list is at."""
    found = re.search(r'<div class="views">.*?</ul></nav>', page.text, re.DOTALL)
    return [name for _, is_current, name in LINK.findall(found[0] if found else "") if is_current]


async def save(browser: Browser, address: str, name: str, **typed: str) -> httpx2.Response:
    """Open a list and keep its filters."""
    page = await look(browser, address)
    place = "/cases/views" if "/cases" in address else "/transactions/views"
    return await press(browser, page, place, name=name, **typed)


def test_filters_are_kept_under_a_name_opened_by_one_press_and_removed(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        await sold(desk.stage)
        maker = await desk.staff("Li Na", Role.FINANCE)
        answer = await save(maker, f"/zh/transactions?t={TERMINALS[0]}&odd=1", "异常 1 号机")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/zh/transactions?t={TERMINALS[0]}&odd=1")
        page = await look(maker, "/zh/transactions")
        assert views(page) == {"异常 1 号机": f"/zh/transactions?t={TERMINALS[0]}&odd=1"}
        assert current(page) == []
        there = await look(maker, views(page)["异常 1 号机"])
        assert current(there) == ["异常 1 号机"]
        assert f'value="{TERMINALS[0]}"' in there.text
        assert views(await look(maker, "/zh/cases")) == {}, "each list has its own"
        [remove] = [path for path in forms(there) if path.endswith("/remove")]
        gone = await press(maker, there, remove)
        assert gone.headers["location"] == f"/zh/transactions?t={TERMINALS[0]}&odd=1", "the list stays as it was"
        assert views(await look(maker, "/zh/transactions")) == {}

    run(seen(story, tmp_path))


def test_the_work_list_has_views_as_well_with_their_tab(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        support = await desk.staff("Zhao Lei", Role.SUPPORT)
        await save(support, "/zh/cases?tab=unassigned&f=network", "没人管的网络")
        page = await look(support, "/zh/cases")
        assert views(page) == {"没人管的网络": "/zh/cases?tab=unassigned&f=network"}
        assert "保存为视图" not in words(page), "a list without filters has nothing to keep"
        assert current(await look(support, "/zh/cases?f=network&tab=unassigned")) == ["没人管的网络"]

    run(seen(story, tmp_path))


def test_a_view_without_dates_keeps_the_present_ones_and_one_with_dates_its_own(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        maker = await desk.staff("Li Na", Role.FINANCE)
        asked = "/zh/transactions?from=2026-11-01T00:00&to=2026-11-02T00:00&odd=1"
        await save(maker, asked, "异常")
        await save(maker, asked, "十一月一日", dates="1")
        found = views(await look(maker, "/zh/transactions?from=2026-10-05T00:00&to=2026-10-06T00:00"))
        assert found["异常"] == "/zh/transactions?odd=1&from=2026-10-05T00%3A00&to=2026-10-06T00%3A00"
        assert found["十一月一日"] == "/zh/transactions?from=2026-11-01T00%3A00&to=2026-11-02T00%3A00&odd=1"
        assert "包含当前日期" not in words(await look(maker, "/zh/transactions?odd=1"))

    run(seen(story, tmp_path))


def test_the_same_name_again_replaces_the_view(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        maker = await desk.staff("Li Na", Role.FINANCE)
        await save(maker, "/zh/cases?p=1", "急")
        await save(maker, "/zh/cases?p=2", "急")
        assert views(await look(maker, "/zh/cases")) == {"急": "/zh/cases?p=2"}

    run(seen(story, tmp_path))


def test_a_view_is_its_owners_alone_unless_an_administrator_shares_it(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        maker, other = await desk.staff("Li Na", Role.FINANCE), await desk.staff("Wang Fang", Role.FINANCE)
        admin = await desk.staff("admin", Role.ADMINISTRATOR)
        assert "共享给所有人" not in words(await look(maker, "/zh/cases?p=1"))
        await maker.send("/zh/cases/views", name="我的", query="p=1", shared="1")
        assert views(await look(other, "/zh/cases")) == views(await look(admin, "/zh/cases")) == {}, "he may not share"
        await save(admin, "/zh/cases?p=2", "全体", shared="1")
        await save(admin, "/zh/cases?p=3", "管理员自己")
        page = await look(other, "/zh/cases")
        assert views(page) == {"全体": "/zh/cases?p=2"}
        assert "全体 共享" in words(page)
        assert not [path for path in forms(page) if path.endswith("/remove")]
        shared, own = await removable(admin)
        assert (await other.send(f"/zh{shared}")).status_code == 404, "as if it were not"
        assert (await other.send(f"/zh{own}")).status_code == 404
        second = await desk.staff("admin two", Role.ADMINISTRATOR)
        assert (await second.send(f"/zh{own}")).status_code == 404, "another's own view is nobody's business"
        assert (await second.send(f"/zh{shared}")).status_code == 303
        assert views(await look(other, "/zh/cases")) == {}

    run(seen(story, tmp_path))


async def removable(admin: Browser) -> tuple[str, str]:
    """The administrator's shared view and his own: the forms that remove them."""
    page = await look(admin, "/zh/cases")
    paths = [path for path in forms(page) if path.endswith("/remove")]
    names = list(views(page))
    return paths[names.index("全体")], paths[names.index("管理员自己")]


def test_a_shared_view_that_names_a_merchant_is_not_shown_to_anothers_people(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        admin = await desk.staff("admin", Role.ADMINISTRATOR)
        await save(admin, f"/zh/cases?m={MERCHANT}", "一店", shared="1")
        await save(admin, "/zh/cases?p=1", "都看", shared="1")
        own = await desk.staff("Sun Yi", Role.FINANCE, merchant_id=MERCHANT)
        strange = await desk.staff("Qian Er", Role.FINANCE, merchant_id=OTHER)
        whole = await desk.staff("Li Na", Role.FINANCE)
        assert (
            set(views(await look(own, "/zh/cases"))) == set(views(await look(whole, "/zh/cases"))) == {"一店", "都看"}
        )
        assert set(views(await look(strange, "/zh/cases"))) == {"都看"}
        held = await desk.staff("shop admin", Role.ADMINISTRATOR, merchant_id=OTHER)
        await save(held, "/zh/cases?p=4", "二店的", shared="1")
        assert "二店的" in views(await look(strange, "/zh/cases"))
        assert "二店的" not in views(await look(own, "/zh/cases"))

    run(seen(story, tmp_path))


def test_what_is_no_filter_is_not_kept_and_what_is_typed_is_text(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        maker = await desk.staff("Li Na", Role.FINANCE)
        await look(maker, "/zh/cases")
        await maker.send("/zh/cases/views", name='<b>"x"', query="p=1&next=//evil&after=C1&p=2&javascript:alert(1)")
        page = await look(maker, "/zh/cases")
        assert "<b>" not in page.text
        assert "&lt;b&gt;&#34;x&#34;" in page.text
        assert 'href="/zh/cases?p=2"' in page.text
        refused = [
            ({"name": "", "query": "p=1"}, "请填写视图名称"),
            ({"name": "x" * (NAME_CHARACTERS_MAX + 1), "query": "p=1"}, "请填写视图名称"),
            ({"name": "x", "query": "q=" + "x" * 700}, "筛选条件过长"),
            ({"name": "x", "query": f"q={CARD.pan}"}, "系统不保存卡号"),
            ({"name": CARD.pan, "query": "p=1"}, "系统不保存卡号"),
        ]
        for typed, why in refused:
            answer = await maker.send("/zh/cases/views", **typed)
            assert (answer.status_code, why in words(answer)) == (422, True), (typed, words(answer))
        assert len(views(await look(maker, "/zh/cases"))) == 1

    run(seen(story, tmp_path))


def test_a_person_keeps_so_many_views_of_a_list_and_no_more(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        maker = await desk.staff("Li Na", Role.FINANCE)
        await look(maker, "/zh/cases")
        for n in range(VIEWS_MAX):
            assert (await maker.send("/zh/cases/views", name=f"v{n}", query="p=1")).status_code == 303
        answer = await maker.send("/zh/cases/views", name="one more", query="p=1")
        assert (answer.status_code, "已达上限" in words(answer)) == (422, True)
        assert (await maker.send("/zh/cases/views", name="v0", query="p=2")).status_code == 303, "replaced"
        assert (await maker.send("/zh/transactions/views", name="v", query="odd=1")).status_code == 303, "another list"

    run(seen(story, tmp_path))


def test_a_cashier_has_no_lists_and_no_views(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        cashier = await desk.staff("Chen Jing", Role.CASHIER)
        for path in ("/zh/cases/views", "/zh/transactions/views", "/zh/cases/views/X/remove"):
            assert (await cashier.send(path, name="x", query="p=1")).status_code == 403

    run(seen(story, tmp_path))


def test_every_filter_of_the_work_list_can_be_kept():
    assert set(FIELDS_OF[CASES]) == set(Filter.__struct_fields__)
