"""What a clearing file may not be, what it may, and what becomes of a load that broke off or never came."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace
from pysqlite3 import dbapi2

from tests.scenario.clearing_town import BANK, DAYS, SHOP, Days, changed, told
from tests.scenario.sandbox_town import merchant_of, terminal_of
from yuanlu.cli import clearing_work
from yuanlu.flow.clearing_days import find_day_case
from yuanlu.kernel.clock import CHINA

FOREIGN = "debit,FOREIGN1,898440153119999,000001,,700,156,,,,"


def test_lines_of_other_terminals_are_kept_and_counted_and_those_of_ours_are_one_case(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        await days.pass_by()
        ours = [
            f"debit,{terminal_of(BANK, 0)},{merchant_of(BANK, 0)},{stan},,900,156,,,," for stan in ("000007", "000008")
        ]
        said = await days.load(BANK, DAYS[0], changed(days.text(BANK, DAYS[0]), FOREIGN, FOREIGN, *ours))
        assert "2 lines of our terminals, 2 of others" in said
        case = await days.town.read(lambda c: find_day_case(c, BANK, DAYS[0]))
        assert case.amount.minor == 1_800
        assert case.evidence == (f"{BANK}-{DAYS[0]:%Y%m%d}.csv:5 {terminal_of(BANK, 0)} debit 2 × CNY 18.00",)

    run(told(story, tmp_path, monkeypatch))


def test_what_cannot_be_believed_is_refused_and_leaves_nothing_behind(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        await days.town.place(BANK).sold()
        await days.pass_by()
        text, today = days.text(BANK, DAYS[0]), datetime.now(CHINA).date() + timedelta(days=1)
        for words, wrong, more in (
            ("of acquirer bank, not shop", text, ("--acquirer", SHOP)),
            ("of settlement date", text, ("--date", DAYS[1].isoformat())),
            ("is no date", text, ("--date", "yesterday")),
            ("there are bank, shop", text, ("--acquirer", "none")),
            ("there are csv, zm", text, ("--format", "xml")),
            ("not the whole file", text[: text.rindex("total")], ()),
            ("not those of the lines", text.replace("total,1,", "total,2,"), ()),
            ("not written in", text + "合计".encode("gbk").decode("latin-1"), ("--encoding", "ascii")),
            ("has not ended", text.replace(DAYS[0].isoformat(), today.isoformat()), ()),
        ):
            said = await days.load(BANK, DAYS[0], wrong, *more)
            assert said.startswith("refused: "), words
            assert words in said, said
        assert "no action is anonymous" in await days.say("clearing", "load", "f", "--acquirer", BANK, who=" ")
        assert "No such file" in await days.say("clearing", "load", "no-such-file", "--acquirer", BANK)
        assert "card number" in await days.say("clearing", "load", "6200000000000005.csv", "--acquirer", BANK)
        assert await days.town.events("CLEARING_LINES") == []
        assert "no clearing file is loaded" in await days.say(
            "clearing", "show", DAYS[0].isoformat(), "--acquirer", BANK
        )

    run(told(story, tmp_path, monkeypatch))


def test_another_file_of_the_same_date_takes_nothing_s_place(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        await days.pass_by()
        await days.load(BANK, DAYS[0])
        said = await days.load(BANK, DAYS[0], changed(days.text(BANK, DAYS[0]), FOREIGN))
        assert "nothing takes its place" in said
        listed = await days.say("clearing", "list")
        assert listed.count(BANK) == 2, "the file's name and its acquirer, once"
        assert "已装入" not in listed

    run(told(story, tmp_path, monkeypatch))


def test_a_load_that_broke_off_goes_on_where_it_stopped(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        place = days.town.place(BANK)
        for _ in range(3):
            await place.sold()
        await days.pass_by()
        monkeypatch.setattr(clearing_work, "ROWS_PER_COMMIT", 1)
        broken = iter([None, RuntimeError("the power went")])

        def pause(_: float) -> None:
            if (error := next(broken, None)) is not None:
                raise error

        with monkeypatch.context() as patch:
            patch.setattr(clearing_work.time, "sleep", pause)
            with pytest.raises(AssertionError, match="the power went"):
                await days.load(BANK, DAYS[0])
        assert "no clearing file is loaded" in await days.say(
            "clearing", "show", DAYS[0].isoformat(), "--acquirer", BANK
        )
        assert "loaded\n" in await days.load(BANK, DAYS[0])
        assert len(await days.town.events("CLEARING_LINES")) == 3
        assert "agree: 3" in await days.say("clearing", "show", DAYS[0].isoformat(), "--acquirer", BANK)

    run(told(story, tmp_path, monkeypatch))


def test_payments_go_on_while_a_file_is_matched(run, tmp_path, monkeypatch):
    free: list[bool] = []
    read_known = clearing_work.read_known

    def looked(connection, terms, names):
        known = read_known(connection, terms, names)
        other = dbapi2.connect(str(tmp_path / "journal.db"), timeout=1.0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # what every commit of the gateway begins with
        other.execute("ROLLBACK")
        other.close()
        free.append(True)
        return known

    async def story(days: Days) -> None:
        await days.town.place(BANK).sold()
        await days.pass_by()
        monkeypatch.setattr(clearing_work, "read_known", looked)
        assert "loaded\n" in await days.load(BANK, DAYS[0])
        assert free, "nothing was read"

    run(told(story, tmp_path, monkeypatch))


def test_a_file_that_does_not_come_is_one_case_until_it_does(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        days.town.settings = replace(
            days.town.settings,
            acquirers={
                name: replace(each, clearing_after_days=1) for name, each in days.town.settings.acquirers.items()
            },
        )
        await days.town.close()
        await days.town.open()
        await days.town.place(BANK).sold()
        await days.pass_by()

        async def case():
            return await days.town.read(lambda c: find_day_case(c, BANK, DAYS[0]))

        found = await days.town.soon(case)
        assert "is not loaded" in found.explanation.en
        assert await days.town.read(lambda c: find_day_case(c, SHOP, DAYS[0])) is None, "nothing waits for its file"
        await days.load(BANK, DAYS[0])
        assert await case() is None, "the file came, so the case is closed"

    run(told(story, tmp_path, monkeypatch, after_days=1))
