"""Clearing files beside a running gateway: what waits for them ends, what they contradict becomes a case."""

from dataclasses import dataclass

from tests.scenario.clearing_town import BANK, DAYS, SHOP, Days, changed, name_of, noon_us, told
from yuanlu.returns.orders import find_order
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.till_messages import Payment


@dataclass(frozen=True, kw_only=True)
class BadDay:
    """What a day at a host of profile P4 leaves behind."""

    stands: Payment
    reversed_: Payment
    never_came: Payment
    unheard: Payment
    still_taken: Payment
    came_after: Payment
    by_hand: Payment


async def bad_day(days: Days) -> BadDay:
    place = days.town.place(BANK)
    left = BadDay(
        stands=(await place.sold()).ask.payment,
        reversed_=await days.lost(place, "drop_after_commit", "RETURNED"),
        never_came=await days.lost(place, "drop_before_commit", "RETURNED"),
        unheard=await days.lost(place, "reversal_lost_after", "ESCALATED"),
        still_taken=await days.lost(place, "reversal_lost_before", "ESCALATED"),
        came_after=await days.lost(place, "late_commit_silent", "RETURNED"),
        by_hand=(await place.sold(1_500)).ask.payment,
    )
    days.town.servers[BANK].let_go()  # it posts the held-up one after all: its "00" to the reversal proved nothing
    await days.town.until(lambda: days.town.net(left.came_after).debit_count == 1)
    await days.pass_by()
    return left


def test_two_files_close_what_waited_for_them_and_what_they_contradict_is_a_case(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        town, left = days.town, await bad_day(days)
        order = await by_two_people(days, left.by_hand)
        town.core(BANK).books.adjust(left.by_hand.ref, 1_500, noon_us(DAYS[1]))
        waiting = await days.names(left.reversed_, left.never_came, left.came_after, left.unheard, left.still_taken)
        assert await days.watched() == waiting

        assert "6 debits" in await days.load(BANK, DAYS[0])
        assert await days.state(left.unheard) == "ESCALATED", "one file decides nothing"
        assert await days.watched() == waiting

        assert "orders closed: 1" in await days.load(BANK, DAYS[1])
        ends = [await days.state(each) for each in (left.stands, left.reversed_, left.never_came, left.unheard)]
        assert ends == ["APPROVED", "RETURNED", "RETURNED", "RETURNED"]
        assert [await days.state(each) for each in (left.by_hand, left.still_taken)] == ["RETURNED", "ESCALATED"]
        done = await town.read(lambda c: find_order(c, order))
        assert (str(done.state), done.reference) == ("DONE", f"{BANK}-{DAYS[1]:%Y%m%d}.csv:3")
        assert "CLEARED" in " ".join(await town.timeline(left.reversed_))
        assert await days.watched() == await days.names(left.came_after, left.still_taken)
        one_sided = await town.soon(lambda: town.case(left.came_after))
        assert any("against the clearing file" in line for line in one_sided.evidence)

        again = await days.load(BANK, DAYS[1])
        assert "loaded before, nothing twice" in again
        assert "orders closed" not in again

    run(told(story, tmp_path, monkeypatch))


async def by_two_people(days: Days, payment: Payment, kind: str = "adjustment") -> str:
    """Proposed and approved; a credit adjustment is sent by people, too."""
    wish = ("--kind", kind, "--reason", "goods came back")
    order = (await days.say("return", "propose", name_of(payment), *wish)).split()[0]
    await days.say("return", "approve", order, who="wang")
    return order


def test_an_order_that_the_host_refused_and_people_carried_out_is_closed_by_its_credit(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        place = days.town.place(BANK)
        payment = (await place.sold(1_500)).ask.payment
        place.order("code_40", "refund")
        await days.pass_by()
        order = await by_two_people(days, payment, "refund")

        async def refused() -> bool:
            return (await days.town.read(lambda c: find_order(c, order))).state == "ESCALATED"

        await days.town.soon(refused)
        days.town.core(BANK).books.adjust(payment.ref, 1_500, noon_us(DAYS[1]))
        await days.load(BANK, DAYS[1])
        assert (await days.town.read(lambda c: find_order(c, order))).state == "DONE"
        assert await days.state(payment) == "RETURNED"
        assert "nothing is left" in await days.say("return", "propose", name_of(payment), "--reason", "again")

    run(told(story, tmp_path, monkeypatch))


def test_a_void_in_doubt_that_was_undone_is_made_again_as_a_refund(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        place = days.town.place(BANK)
        paper = await place.sold(1_500)
        place.order("reversal_lost_after", "void")
        void = await place.follow(Kind.VOID, paper)
        await days.becomes(void, "ESCALATED")
        await days.pass_by()
        for day in DAYS[:2]:
            await days.load(BANK, day)
        assert await days.state(void) == "RETURNED", "the files have its credit and what took it back"
        await days.becomes(paper.ask.payment, "RETURNED")
        assert days.town.net(paper.ask.payment).net_minor == 0, "and the refund gave it back, once"

    run(told(story, tmp_path, monkeypatch))


def test_a_return_that_had_no_effect_stays_a_persons_until_a_file_shows_the_credit(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        town = days.town
        payment = await days.lost(town.place(BANK), "reversal_lost_before", "ESCALATED")
        await days.pass_by()
        case = await town.soon(lambda: town.case(payment))
        for day in DAYS[:2]:
            await days.load(BANK, day)
        assert await days.state(payment) == "ESCALATED"
        assert "贷记调整" in await days.case_notes(case)
        assert "manual credit" in await days.case_notes(case)

        town.core(BANK).books.adjust(payment.ref, payment.amount_minor, noon_us(DAYS[2]))
        await days.load(BANK, DAYS[2])
        assert await days.state(payment) == "RETURNED", "people adjusted it, and the file shows it"
        assert await days.watched() == set()
        assert "now have debit and credit" in await days.case_notes(case)
        assert town.net(payment).net_minor == 0

    run(told(story, tmp_path, monkeypatch))


def test_a_host_that_never_had_the_payment_ends_its_return_without_effect(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        payment = await days.lost(days.town.place(SHOP), "drop_before_commit", "ESCALATED")
        await days.pass_by()
        await days.load(SHOP, DAYS[1])
        assert await days.state(payment) == "ESCALATED"
        assert "no effect: 1" in await days.load(SHOP, DAYS[0])
        assert await days.state(payment) == "NO_EFFECT"

        async def case_closed() -> bool:
            case = await days.town.case(payment)
            return case is not None and case.state == "CLOSED"

        await days.town.soon(case_closed)
        assert await days.watched() == set()

    run(told(story, tmp_path, monkeypatch))


def test_another_acquirers_files_end_nothing(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        payment = await days.lost(days.town.place(SHOP), "drop_before_commit", "ESCALATED")
        await days.pass_by()
        for day in DAYS:
            await days.load(BANK, day)
        assert await days.state(payment) == "ESCALATED"

    run(told(story, tmp_path, monkeypatch))


def test_one_merchants_files_say_nothing_of_another_merchant(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        payments = [
            await days.lost(days.town.place(SHOP), "drop_before_commit", "ESCALATED") for _ in range(2)
        ]  # fmt: skip
        await days.pass_by()
        for day in DAYS[:2]:
            whose = days.text(SHOP, day).replace(",*", f",{payments[0].ref.merchant_id}")
            await days.load(SHOP, day, whose)
        assert [await days.state(each) for each in payments] == ["NO_EFFECT", "ESCALATED"]

    run(told(story, tmp_path, monkeypatch))


def test_a_payment_that_stands_and_is_in_no_file_is_a_case(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        place = days.town.place(BANK)
        missing, kept = (await place.sold()).ask.payment, (await place.sold()).ask.payment
        await days.pass_by()
        text = changed(days.text(BANK, DAYS[0]), without=f",{missing.ref.stan},")
        await days.load(BANK, DAYS[0], text)
        assert await days.town.case(missing) is None, "tomorrow's file may have it (存疑)"
        await days.load(BANK, DAYS[1])
        await days.caused(missing, "CLEARING_DIFFERS")
        assert await days.town.case(kept) is None
        shown = await days.say("clearing", "show", DAYS[0].isoformat(), "--acquirer", BANK)
        assert "agree: 1" in shown
        assert f"{name_of(missing)}  CNY 45.67  ours, and in no file" in shown
        assert "短款" in await days.say("clearing", "show", DAYS[0].isoformat(), "--acquirer", BANK, lang="zh")

    run(told(story, tmp_path, monkeypatch))


def test_a_payment_charged_twice_and_one_of_another_amount_are_cases(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        place = days.town.place(BANK)
        twice, other = (await place.sold(1_000)).ask.payment, (await place.sold(2_000)).ask.payment
        await days.pass_by()
        text = days.text(BANK, DAYS[0])
        [line] = [each for each in text.splitlines() if f",{twice.ref.stan}," in each]
        await days.load(BANK, DAYS[0], changed(text.replace(",2000,", ",2001,"), line))
        await days.load(BANK, DAYS[1])
        for payment in (twice, other):
            await days.caused(payment, "CLEARING_DIFFERS")
        said = [await days.town.timeline(each) for each in (twice, other)]
        assert "clearing twice" in " ".join(said[0])
        assert "clearing amount_differs" in " ".join(said[1])

    run(told(story, tmp_path, monkeypatch))


def test_a_void_and_a_refund_agree_with_their_own_lines(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        place = days.town.place(BANK)
        await place.follow(Kind.VOID, await place.sold(1_000))
        await place.follow(Kind.REFUND, await place.sold(2_000), 500)
        await days.pass_by()
        for day in DAYS[:2]:
            await days.load(BANK, day)
        shown = await days.say("clearing", "show", DAYS[0].isoformat(), "--acquirer", BANK)
        assert "agree: 4" in shown, shown
        assert "0 lines about none" in shown

    run(told(story, tmp_path, monkeypatch))


def test_a_refund_in_doubt_is_decided_by_its_line(run, tmp_path, monkeypatch):
    async def story(days: Days) -> None:
        place = days.town.place(BANK)
        ends = []
        for fault in ("drop_after_commit", "drop_before_commit"):
            paper = await place.sold(2_000)
            place.order(fault, "refund")
            ends.append(await place.follow(Kind.REFUND, paper, 500))
            await days.becomes(ends[-1], "UNKNOWN")
        await days.pass_by()
        for day in DAYS[:2]:
            await days.load(BANK, day)
        assert [await days.state(each) for each in ends] == ["APPROVED", "DECLINED"]

    run(told(story, tmp_path, monkeypatch))
