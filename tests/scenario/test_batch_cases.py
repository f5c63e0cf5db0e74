"""What a terminal's batch has and no transaction of ours stands for: the batch has a case, and a person closes it."""

import asyncio

from sqlalchemy import select
from typer.testing import CliRunner

from tests.scenario.linked import sold
from tests.scenario.settling import found, item, key, settlement, upload
from tests.scenario.stage import MERCHANT, SOON_S, TERMINALS, Stage, told
from tests.scenario.test_orders import TOML
from yuanlu.cases.records import Case
from yuanlu.cases.store import case_from_row, events_of
from yuanlu.cases.tables import cases
from yuanlu.cli.casework import show
from yuanlu.cli.main import app
from yuanlu.contracts import Contract, ServiceLevel
from yuanlu.flow import settlement as settling
from yuanlu.flow.batch_cases import batch_name
from yuanlu.sandbox.till_batch import upload_frame

HOUR_US = 3_600_000_000


async def of_batch(stage: Stage) -> list[Case]:
    """The cases about the batch, first to last."""
    query = select(cases).where(cases.c.incident == batch_name(key())).order_by(cases.c.opened_at_us)
    return [case_from_row(row) for row in await stage.read(lambda c: c.execute(query).all())]


async def timeline(stage: Stage, case: Case) -> list[str]:
    return [str(event.kind) for event in await stage.read(lambda c: events_of(c, case.case_id))]


def test_what_only_the_terminal_has_is_one_case_about_its_batch_in_both_languages(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage, 100)
        await stage.ask(settlement(stage, [100, 500, 700]))
        await upload(stage, [(1, 100), (77, 500), (78, 700)])
        assert await found(stage) == [("only_theirs", "000077", "case"), ("only_theirs", "000078", "case")]
        [case] = await of_batch(stage)
        assert (case.transaction_id, case.merchant_id, case.terminal_id) == (None, MERCHANT, TERMINALS[0])
        assert (str(case.state), case.queue, case.cause) == ("OPEN", "settlement", "BATCH_DIFFERS")
        assert str(case.amount) == "CNY 12.00", "what the terminal counts and we do not have"
        assert case.explanation.zh.startswith("批次 000001：流水号 000077：终端批次中有，我方未批准（终端 CNY 5.00）")
        assert "trace 000078: in the terminal's batch, and not approved by us (theirs CNY 7.00)" in case.explanation.en
        theirs, ours, first, _ = case.evidence
        assert theirs == (
            "终端总计：借记 3 笔 CNY 13.00，贷记 0 笔 CNY 0.00 / "
            "the terminal's totals: 3 debits of CNY 13.00, 0 credits of CNY 0.00"
        )
        assert "1 debits of CNY 1.00" in ours
        assert "未批准" in first
        assert "not approved by us" in first

    run(told(story, tmp_path))


def test_a_batch_without_such_a_finding_has_no_case_of_its_own(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage, 100)
        await stage.ask(settlement(stage, [101]))
        await upload(stage, [(1, 101)])
        assert await found(stage) == [("other_amount", "000001", "case")]
        assert await of_batch(stage) == []

    run(told(story, tmp_path))


def test_the_end_of_an_upload_made_again_and_a_restart_open_no_second_case(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.ask(settlement(stage, [500]))
        await upload(stage, [(77, 500)])
        before = await of_batch(stage)
        await upload(stage, [(77, 500)])
        await stage.close()
        await stage.open()
        await upload(stage, [(77, 500)])
        assert await of_batch(stage) == before
        assert await timeline(stage, before[0]) == ["opened"]

    run(told(story, tmp_path))


def test_an_upload_that_never_ends_is_a_case_and_what_it_then_shows_joins_it(run, tmp_path, monkeypatch):
    monkeypatch.setattr(settling, "UPLOAD_PATIENCE_US", 0)

    async def story(stage: Stage) -> None:
        await stage.ask(settlement(stage, [500]))
        async with asyncio.timeout(SOON_S):
            while not await of_batch(stage):  # noqa: ASYNC110 - the journal has no event
                await asyncio.sleep(0.02)
        [case] = await of_batch(stage)
        assert case.explanation.zh == "批次 000001：终端开始批上送后一直没有结束"
        assert case.explanation.en == "batch 000001: the terminal began to upload its batch and never ended"
        await upload(stage, [(77, 500)])
        [case] = await of_batch(stage)
        assert await timeline(stage, case) == ["opened", "joined"]
        [_, joined] = await stage.read(lambda c: events_of(c, case.case_id))
        assert "trace 000077" in joined.text

    run(told(story, tmp_path))


def test_totals_that_differ_though_every_detail_agrees_are_a_case(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 100)
        await stage.ask(settlement(stage, [90, 60]))
        await upload(stage, [(1, 100)])
        assert await found(stage) == [("totals_differ", "", "case")]
        [case] = await of_batch(stage)
        assert "every detail agrees, and the totals differ all the same" in case.explanation.en
        assert "明细逐笔相符" in case.explanation.zh
        assert (await stage.find(payment)).state == "CAPTURED", "what agrees is captured"

    run(told(story, tmp_path))


def test_details_that_agree_once_a_payment_has_been_decided_need_nobody(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage, 100)
        await stage.ask(settlement(stage, [100, 200]))
        await sold(stage, 200)  # the terminal had counted it already
        await upload(stage, [(1, 100), (2, 200)])
        assert await found(stage) == []
        assert await of_batch(stage) == []

    run(told(story, tmp_path))


def test_a_long_list_is_cut_and_says_so(run, tmp_path):
    async def story(stage: Stage) -> None:
        listed = [(n, 100) for n in range(100, 160)]
        await stage.ask(settlement(stage, [100] * 60))
        await upload(stage, listed)
        [case] = await of_batch(stage)
        assert case.explanation.en.endswith("; and 55 more")
        assert case.explanation.zh.endswith("；另有 55 笔")
        assert len(case.evidence) == 2 + 50

    run(told(story, tmp_path))


def test_a_person_closes_it_with_an_outcome_and_later_trouble_is_a_new_case(run, tmp_path):
    async def story(stage: Stage) -> None:
        (tmp_path / "yuanlu.toml").write_text(TOML, "utf-8")
        await stage.ask(settlement(stage, [500]))
        await upload(stage, [(77, 500)])
        [case] = await of_batch(stage)
        refused = await say(tmp_path, "propose", case.case_id, "manual_credit", "--reason", "r")
        assert "no payment of ours" in refused
        assert case.case_id in await say(tmp_path, "close", case.case_id, "--outcome", "repaired", "--person-needed")
        await stage.ask(settlement(stage, [700], stan=801))
        frame = upload_frame(stage.identity(), "000001", "000820", [item(78, 700)], None)
        assert await stage.code(frame) == "00"
        await upload(stage, [], stan=830, count=1)
        first, second = await of_batch(stage)
        assert (str(first.state), first.outcome, first.person_needed) == ("CLOSED", "repaired", True)
        assert (str(second.state), str(second.amount)) == ("OPEN", "CNY 7.00")
        chinese, english = ("批次: T0000001 8984", "流水号 000078"), ("batch: T0000001 8984", "trace 000078")
        for language, (words, line) in (("zh", chinese), ("en", english)):
            text = show(stage.settings, second.case_id, None, language)
            assert words in text
            assert line in text

    run(told(story, tmp_path))


def test_its_deadline_is_the_merchants(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.ask(settlement(stage, [500]))
        await upload(stage, [(77, 500)])
        [case] = await of_batch(stage)
        assert case.deadline_at_us - case.since_us == HOUR_US

    contracts = {"gold": Contract(merchants=(MERCHANT,), service_levels=ServiceLevel(l2_after_ms=3_600_000))}
    run(told(story, tmp_path, more={"contracts": contracts}))


async def say(folder, *words: str) -> str:
    """A command of the work list, beside the gateway; what it says, or why not."""
    line = ["case", *words, "--config", str(folder / "yuanlu.toml"), "--as", "li"]
    result = await asyncio.get_running_loop().run_in_executor(None, lambda: CliRunner().invoke(app, line))
    return str(result.exception) if result.exception else result.output
