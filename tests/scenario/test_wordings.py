"""People's own words at a gateway that runs: said from the approval on."""

import asyncio

from tests.scenario.messages import comes_to, inbox, spoken, texts, timed_out
from tests.scenario.stage import Stage
from tests.scenario.stage import told as on_a_stage
from yuanlu.cases.people import Actor
from yuanlu.causes.cause import Words
from yuanlu.notification.states import Sending
from yuanlu.notification.wording_rules import Draft
from yuanlu.people.wordings import Proposal, approve, propose


def test_words_that_two_people_approved_are_said_from_then_on_without_a_restart(run, tmp_path, each_database):
    """The gateway runs all the time; the second payment is told in the new words, the third in the old ones again."""
    words = Draft(
        title=Words(zh="请稍候", en="Please wait"),
        text=Words(
            zh="【{brand}】请稍候：{shop}的{amount}（{card}）正在确认。",
            en="[{brand}] Please wait: {amount} at {shop} ({card}) is being confirmed.",
        ),
    )  # fmt: skip

    async def story(stage: Stage) -> None:
        async def said(draft: Draft | None) -> None:
            """One person proposes it, another one approves."""
            wanted = Proposal(name="outcome_unknown", draft=draft, reason="shorter")
            made = await asyncio.to_thread(propose, stage.settings, wanted, Actor(name="Li", via="test"))
            await asyncio.to_thread(approve, stage.settings, made.name, made.version, Actor(name="Wang", via="test"))

        first = await timed_out(stage, amount=128_000)
        await comes_to(stage, first, Sending.DELIVERED)
        await said(words)
        second = await timed_out(stage, amount=128_100, stan="000002")
        [message] = await comes_to(stage, second, Sending.DELIVERED)
        assert message.template == "outcome_unknown@101"
        assert texts(stage)[1] == "【原路支付】请稍候：南站出口店的¥1,281.00（尾号0005的卡）正在确认。"
        await said(None)
        third = await timed_out(stage, amount=128_200, stan="000003")
        [message] = await comes_to(stage, third, Sending.DELIVERED)
        assert message.template == "outcome_unknown@1"
        assert [each["template"] for each in inbox(stage)] == [
            "outcome_unknown", "outcome_unknown@101", "outcome_unknown",
        ]  # fmt: skip

    run(on_a_stage(story, tmp_path, more=spoken()))
