"""Finding payments: one's own merchant's alone, by whatever is known of them, and away as a file that harms nobody."""

import csv
import io

from tests.console.desk import ConsoleDesk, seen, words
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import MERCHANT
from yuanlu.access.roles import Role
from yuanlu.console.exporting import safe

OTHER = "898440153119999"


async def one_of_each(desk: ConsoleDesk) -> tuple[str, str]:
    """An approved sale and one that timed out and was returned; their ids."""
    stage = desk.stage
    stage.host.will("0200", Say(fields={37: "123456789012"}), Hush())
    good, lost = stage.payment(amount=128_000), stage.payment(amount=3650)
    assert await stage.code(stage.sale(good)) == "00"
    assert await stage.code(stage.sale(lost)) == "98"
    await stage.becomes(lost, "RETURNED")
    return (await stage.find(good)).transaction_id, (await stage.find(lost)).transaction_id


def test_a_payment_is_found_by_whatever_is_known_of_it(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        good, lost = await one_of_each(desk)
        browser = await desk.staff("Wang Fang", Role.FINANCE)
        for known in ("123456789012", "T0000001+000001", "000001", "1,280.00", "T0000001"):
            page = await browser.see("/zh/transactions", q=known)
            assert f"/zh/transactions/{good}" in page.text, known
        assert (await browser.see("/zh/transactions", q=good)).headers["location"] == f"/zh/transactions/{good}"
        page = await browser.see("/zh/transactions", at="sent")
        assert lost in page.text
        assert good not in page.text
        assert "没有符合条件的交易" in words(await browser.see("/zh/transactions", min="9999999"))

    run(seen(story, tmp_path))


def test_a_payment_shows_its_whole_story_and_no_card_number(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        _, lost = await one_of_each(desk)
        browser = await desk.staff("Wang Fang", Role.FINANCE)
        page = await browser.see(f"/zh/transactions/{lost}")
        said = words(page)
        for part in (
            "¥36.50",
            "结果未知",
            "发出冲正",
            "主机已受理退回",
            "已受理退回，待入账",
            "尾号 0005",
            "0400 网关 → 主机",
        ):
            assert part in said
        assert "6200000000000005" not in page.text

    run(seen(story, tmp_path))


def test_another_merchants_payment_is_not_there(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        good, _ = await one_of_each(desk)
        own = await desk.staff("own", Role.FINANCE, merchant_id=MERCHANT)
        other = await desk.staff("other", Role.FINANCE, merchant_id=OTHER)
        assert (await own.see(f"/en/transactions/{good}")).status_code == 200
        missing, foreign = await other.see("/en/transactions/nothing"), await other.see(f"/en/transactions/{good}")
        assert missing.status_code == foreign.status_code == 404
        for path in ("/en/transactions", f"/en/transactions?m={MERCHANT}", "/en/transactions?format=csv"):
            assert good not in (await other.see(path)).text
        assert "nothing abnormal" not in words(await other.see("/en/transactions/analysis"))
        assert "0 payments" in words(await other.see("/en/transactions"))
        assert "¥0.00" in words(await other.see("/en/monitor"))

    run(seen(story, tmp_path))


def test_what_nobody_would_type_gets_a_clear_word_and_no_error(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        await one_of_each(desk)
        browser = await desk.staff("Wang Fang", Role.FINANCE)
        for name in (
            "q",
            "from",
            "to",
            "hours",
            "m",
            "t",
            "a",
            "at",
            "family",
            "cause",
            "kind",
            "code",
            "min",
            "max",
            "after",
        ):
            for value in ("<script>alert(1)</script>", "' OR 1=1 --", "９９", "-1", "1e400", "\x00", "x" * 5000, "²"):
                for path in ("/zh/transactions", "/zh/transactions/analysis"):
                    answer = await browser.see(path, **{name: value})
                    assert answer.status_code == 200, (path, name, value)
                    assert "<script>alert" not in answer.text
        assert "时间请写作" in words(await browser.see("/zh/transactions", **{"from": "yesterday"}))

    run(seen(story, tmp_path))


def test_a_list_goes_away_as_a_file_that_a_spreadsheet_reads_as_it_is(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        good, _ = await one_of_each(desk)
        browser = await desk.staff("Wang Fang", Role.FINANCE)
        answer = await browser.see("/zh/transactions", format="csv")
        assert answer.content.startswith(b"\xef\xbb\xbf")
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert "Wang Fang" in rows[0][0]
        named = dict(zip(rows[2], next(row for row in rows if good in row), strict=True))
        assert (named["金额"], named["参考号"].strip(), named["终端流水号"].strip()) == (
            "1280.00",
            "123456789012",
            "000001",
        )
        sheet = await browser.see("/zh/transactions", format="xlsx")
        assert sheet.content.startswith(b"PK")
        assert (
            await (await desk.staff("support", Role.SUPPORT)).see("/en/transactions", format="csv")
        ).status_code == 404

    run(seen(story, tmp_path))


def test_no_cell_is_a_formula():
    assert [safe(cell) for cell in ("=1+1", "+86", "-2", "@x", "-12.50", "12.50", "000123", "123456789012", "7")] == [
        "'=1+1", "'+86", "'-2", "'@x", "-12.50", "12.50", "\t000123", "\t123456789012", "7",
    ]  # fmt: skip
