"""Answers that come late and could pass for another's: an answer names its payment, not the attempt."""

import asyncio

from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import LIFE_S, Stage, told
from yuanlu.sandbox.till_messages import EntryMode

MAC = "unionpay-ecb"
ASCII = {"profile": "P3", "dialect": "iso87-ascii"}


def test_p2_does_not_believe_a_not_found_that_an_earlier_attempt_may_have_earned(run, tmp_path):
    """Attempt 1 overtook the original and was answered 25, late; attempt 2 was lost. The money is at the host."""

    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Hush(), Say(code="25"), Say())
        payment = stage.payment()
        returns = stage.gateway.returns.runner
        returns.hold("h1")  # until half of the original's life is over
        assert await stage.code(stage.sale(payment)) == "98"
        stage.later(LIFE_S / 2)
        returns.release("h1")
        await stage.has(payment, "REVERSAL_ANSWER")
        stage.later(LIFE_S / 2)  # the original's life is over …
        await stage.relink()  # … and the second attempt leaves within the first one's
        await stage.has(payment, "REVERSAL_ANSWER", 2)
        assert (await stage.find(payment)).state == "RETURNING"
        stage.later(LIFE_S)
        await stage.becomes(payment, "RETURNED")
        assert len(stage.host.asked("0400")) == 3

    run(told(story, tmp_path, profile="P2"))


def test_p2_believes_not_found_when_the_attempt_before_was_answered(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Say(code="25"), Say(code="25"))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.has(payment, "REVERSAL_ANSWER")
        stage.later(LIFE_S)
        await stage.becomes(payment, "NO_EFFECT")
        assert len(stage.host.asked("0400")) == 2

    run(told(story, tmp_path, profile="P2"))


def test_p3_does_not_take_an_old_inquirys_answer_for_the_new_ones(run, tmp_path):
    """The first inquiry was answered "approved" before the reversal took effect; believed later, it pays twice."""

    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Hush())
        stage.host.will("0600", Hush(), Say(fields={48: "ST=REVERSED"}, held=True))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.until(lambda: len(stage.host.asked("0600")) == 1)
        await stage.has(payment, "INQUIRY_ANSWER")
        await stage.relink()
        await stage.until(lambda: len(stage.host.asked("0600")) == 2)
        one, two = stage.host.asked("0600")
        assert one[11] != two[11]
        assert one[90] == two[90]
        stage.host.send_all(stage.late(one, Say(fields={48: "ST=APPROVED"})))
        await stage.until(lambda: stage.gateway.hosts["h1"].link.counters.unmatched == 1)
        stage.host.let_go()
        await stage.becomes(payment, "RETURNED")
        assert [m.mti for m in stage.host.seen] == ["0200", "0400", "0600", "0600"]

    run(told(story, tmp_path, **ASCII))


def test_a_late_approval_counts_though_the_keys_have_changed_since(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Say(code="25"), Say())
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.becomes(payment, "NO_EFFECT")
        late = stage.late(stage.host.asked("0200")[0], Say())
        await stage.relink()  # a new link signs in anew
        host = stage.gateway.hosts["h1"]
        await stage.until(lambda: len(stage.host.asked("0800")) == 2 and host._sessions.current("") is not None)
        stage.host.send_all(late)
        await stage.becomes(payment, "RETURNED")
        assert "REOPENED" in await stage.kinds(payment)

    run(told(story, tmp_path, mac=MAC, sign_in="link"))


def test_an_approval_that_cannot_be_checked_keeps_not_found_from_being_final(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Say(code="25"), Say(code="25"))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.has(payment, "REVERSAL_ANSWER")
        stage.host.send_all(stage.late(stage.host.asked("0200")[0], Say(mac="wrong")))
        await stage.has(payment, "UNVERIFIED_ANSWER")
        stage.later(LIFE_S)
        await stage.becomes(payment, "ESCALATED")
        assert await stage.watched(payment)

    run(told(story, tmp_path, profile="P2", mac=MAC, sign_in="link"))


def test_a_qr_sale_answered_in_progress_and_approved_in_one_segment_is_approved(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment(entry=EntryMode.QR)
        asked = asyncio.ensure_future(stage.code(stage.sale(payment)))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        request = stage.host.asked("0200")[0]
        stage.host.send_all(stage.late(request, Say(code="09")) + stage.late(request, Say()))
        assert await asked == "00"
        assert (await stage.find(payment)).state == "APPROVED"

    run(told(story, tmp_path))


def test_two_answers_to_one_sale_in_one_segment_are_one_answer_and_one_note(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        asked = asyncio.ensure_future(stage.code(stage.sale(payment)))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        stage.host.send_all(2 * stage.late(stage.host.asked("0200")[0], Say()))
        assert await asked == "00"
        await stage.has(payment, "LATE_ANSWER")
        assert (await stage.find(payment)).state == "APPROVED"

    run(told(story, tmp_path))


def test_half_an_answer_on_a_link_that_stays_open_ends_the_link_and_the_sale_is_returned(run, tmp_path, monkeypatch):
    async def story(stage: Stage) -> None:
        monkeypatch.setattr("yuanlu.acquirers.link.FRAME_TIMEOUT_S", 0.3)
        stage.host.will("0200", Say(keep=20))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.until(lambda: stage.host.connections == 2)
        await stage.becomes(payment, "RETURNED")
        assert stage.gateway.hosts["h1"].link.counters.rubbish == 1
        assert await stage.code(stage.sale(stage.payment())) == "00"

    run(told(story, tmp_path))
