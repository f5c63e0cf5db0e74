"""Answers that come late and could pass for another's: an answer names its payment, not the attempt."""

import asyncio

from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import Stage, told
from yuanlu.sandbox.till_messages import EntryMode

MAC = "unionpay-ecb"
ASCII = {"profile": "P3", "dialect": "iso87-ascii"}


async def reversals_answered(stage: Stage, payment, count: int) -> None:
    """Wait until the journal says so often that a reversal's answer came, or did not."""
    while (await stage.kinds(payment)).count("REVERSAL_ANSWER") < count:  # noqa: ASYNC110 - the journal has no event
        await asyncio.sleep(0.01)


def test_p2_does_not_believe_a_not_found_that_an_earlier_attempt_may_have_earned(run, tmp_path):
    """Attempt 1 overtook the original and was answered 25, late; attempt 2 was lost. The money is at the host."""

    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Hush(), Say(code="25"), Say())
        payment = stage.payment()
        began_s = asyncio.get_running_loop().time()
        assert await stage.code(stage.sale(payment)) == "98"
        await reversals_answered(stage, payment, 1)
        await asyncio.sleep(began_s + 1.6 - asyncio.get_running_loop().time())  # the original's life is over …
        await stage.relink()  # … and the second attempt leaves within the first one's
        await stage.becomes(payment, "RETURNED")
        assert len(stage.host.asked("0400")) == 3

    run(told(story, tmp_path, profile="P2", packet_life_ms=1_500, answer_timeout_ms=500))


def test_p2_believes_not_found_when_the_attempt_before_was_answered(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Say(code="25"), Say(code="25"))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.becomes(payment, "NO_EFFECT")
        assert len(stage.host.asked("0400")) == 2

    run(told(story, tmp_path, profile="P2"))


def test_p3_does_not_take_an_old_inquirys_answer_for_the_new_ones(run, tmp_path):
    """The first inquiry was answered "approved" before the reversal took effect; believed later, it pays twice."""

    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Hush())
        stage.host.will("0600", Hush(), Say(fields={48: "ST=REVERSED"}, after_s=0.15))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.until(lambda: len(stage.host.asked("0600")) == 1)
        while "INQUIRY_ANSWER" not in await stage.kinds(payment):  # noqa: ASYNC110 - the journal has no event
            await asyncio.sleep(0.01)
        await stage.relink()
        await stage.until(lambda: len(stage.host.asked("0600")) == 2)
        one, two = stage.host.asked("0600")
        assert one[11] != two[11]
        assert one[90] == two[90]
        stage.host.send_all(stage.late(one, Say(fields={48: "ST=APPROVED"})))
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
        await stage.until(lambda: len(stage.host.asked("0800")) == 2)
        await asyncio.sleep(0.05)
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
        await stage.until(lambda: len(stage.host.asked("0400")) == 1)
        stage.host.send_all(stage.late(stage.host.asked("0200")[0], Say(mac="wrong")))
        await stage.becomes(payment, "ESCALATED")
        assert "UNVERIFIED_ANSWER" in await stage.kinds(payment)
        assert await stage.watched(payment)

    run(told(story, tmp_path, profile="P2", packet_life_ms=800, mac=MAC, sign_in="link"))


def test_a_qr_sale_answered_in_progress_and_approved_in_one_segment_is_approved(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        payment = stage.payment(entry=EntryMode.QR)
        asked = asyncio.ensure_future(stage.code(stage.sale(payment)))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        request = stage.host.asked("0200")[0]
        stage.host.send_all(stage.late(request, Say(code="09")) + stage.late(request, Say()))
        assert await asked == "00"
        assert (await stage.find(payment)).state == "APPROVED"

    run(told(story, tmp_path, answer_timeout_ms=2_000))


def test_two_answers_to_one_sale_in_one_segment_are_one_answer_and_one_note(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        payment = stage.payment()
        asked = asyncio.ensure_future(stage.code(stage.sale(payment)))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        stage.host.send_all(2 * stage.late(stage.host.asked("0200")[0], Say()))
        assert await asked == "00"
        while "LATE_ANSWER" not in await stage.kinds(payment):  # noqa: ASYNC110 - the journal has no event
            await asyncio.sleep(0.01)
        assert (await stage.find(payment)).state == "APPROVED"

    run(told(story, tmp_path, answer_timeout_ms=2_000))


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

    run(told(story, tmp_path, answer_timeout_ms=1_000))
