"""Rows of the operator's history, of batches and of fraud: what neighbouring payments show."""

from tests.scenario.rows import APPROVED, CHARGED, DECLINED, GONE_BACK, NEVER_CHARGED, RETURNED, Play, Row
from tests.scenario.sandbox_town import SandboxTown
from yuanlu.sandbox.cards import mistyped
from yuanlu.sandbox.faults import find_fault
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.till_closing import close_batch
from yuanlu.sandbox.till_messages import EntryMode, Payment, sale_frame

REFUSED = find_fault("code_05").magic_minor
ABOVE_LIMIT = find_fault("code_61").magic_minor


def declined(times: int, *, cards: int) -> Play:
    """So many sales in a row that the bank declines, on one card or on many; the last one."""

    async def play(town: SandboxTown) -> Payment:
        place, customers = town.place(), [town.card() for _ in range(cards)]
        return [await place.sell(REFUSED, card=customers[n % cards]) for n in range(times)][-1]

    return play


def charged(*amounts: int) -> Play:
    """Sales of one card, one after the other; the last one."""

    async def play(town: SandboxTown) -> Payment:
        place, card = town.place(), town.card()
        return [await place.sell(amount, card=card) for amount in amounts][-1]

    return play


def put_right(wrong: int, right: int, kind: Kind = Kind.SALE) -> Play:
    """A sale is voided; that has long been looked at when the same card is charged as it was meant."""

    async def play(town: SandboxTown) -> Payment:
        place = town.place()
        paper = await place.sold(wrong)
        payment = paper.ask.payment
        await place.follow(Kind.VOID, paper)
        await town.looked_at(payment)
        await place.sold(right, card=payment.card, kind=kind)
        return payment

    return play


async def returns_pile_up(town: SandboxTown) -> Payment:
    """Three sales of one card are refunded within the hour."""
    place, card = town.place(), town.card()
    papers = [await place.sold(amount, card=card) for amount in (1_100, 2_200, 3_300)]
    return [await place.follow(Kind.REFUND, paper) for paper in papers][-1]


async def charged_while_unknown(town: SandboxTown) -> Payment:
    """The first answer is lost, and the cashier does not wait for its result."""
    place, card = town.place("once"), town.card()
    place.order("drop_after_commit")
    await place.sell(card=card)
    assert place.code == "98"
    return await place.sell(card=card)


async def wrong_slip(town: SandboxTown) -> Payment:
    """One customer's slip is voided instead of another's: it is charged anew, and the right one voided."""
    place = town.place()
    wrong, right = await place.sold(1_111), await place.sold(2_222)
    void = await place.follow(Kind.VOID, wrong)
    await town.looked_at(wrong.ask.payment)
    await place.sold(1_111, card=wrong.ask.payment.card)
    await place.follow(Kind.VOID, right)
    return void


async def test_amount(town: SandboxTown) -> Payment:
    """One fen to see whether it works, and back."""
    place = town.place()
    paper = await place.sold(1)
    await place.follow(Kind.VOID, paper)
    return paper.ask.payment


async def keying_errors(town: SandboxTown) -> Payment:
    """One number is keyed in wrongly, three times in a row."""
    place, card = town.place(), mistyped(town.card())
    return [await place.sell(card=card, entry=EntryMode.KEYED) for _ in range(3)][-1]


async def uploaded_though_reversed(town: SandboxTown) -> Payment:
    """The customer shows a debit SMS, the goods go out, and the till's batch counts the payment as paid."""
    place = town.place()
    paper = await place.sold()
    assert await place.reverse(paper.ask.payment, "98") == "00"
    await close_batch(place.till)
    return paper.ask.payment


async def forgotten_by_the_till(town: SandboxTown) -> Payment:
    """The till has lost a sale by the evening, and has sold since: it had heard of it."""
    place = town.place()
    lost, _ = [await place.sold(amount) for amount in (1_100, 2_200)]
    place.till.memory.lose_one()
    await close_batch(place.till)
    return lost.ask.payment


async def says_it_again(town: SandboxTown) -> Payment:
    """The till repeats an approved sale twice, since its line is bad; later the sale is voided."""
    place = town.place()
    paper = await place.sold()
    line = await place.till.ready_line()
    for _ in range(2):
        await line.send(sale_frame(place.identity, paper.ask.payment, None))
        answer = await line.receive(5.0)
        assert answer is not None
        assert answer[39] == "00"
    await place.follow(Kind.VOID, paper)
    return paper.ask.payment


async def void_of_yesterday(town: SandboxTown) -> Payment:
    """A sale of yesterday is voided, goes on as a refund, and the host says no; the cashier makes a refund later."""
    place = town.place()
    paper = await place.sold()
    await town.sleep_till_tomorrow()
    place.order("code_57", "refund")
    void = await place.follow(Kind.VOID, paper)
    assert place.code == "57"
    await town.looked_at(void)
    await place.follow(Kind.REFUND, paper)
    assert place.code == "00"
    return void


TAKEN_BACK = {"ends": RETURNED, "books": GONE_BACK}
STANDS = {"ends": APPROVED, "books": CHARGED}
REFUSED_BY_HOST = {"ends": DECLINED, "books": NEVER_CHARGED}
GIVEN_BACK = {"ends": APPROVED, "books": NEVER_CHARGED}
"""Of a void or refund itself: it was approved, and charged nobody."""

TILL: dict[str, Row] = {
    "RETURNS_PILE_UP": Row(play=returns_pile_up, case=True, **GIVEN_BACK),
    "CARD_TESTING": Row(play=declined(5, cards=5), case=True, **REFUSED_BY_HOST),
    "CASH_OUT": Row(play=charged(500_000, 500_000, 500_000), case=True, **STANDS),
    "AMOUNT_SPLIT": Row(play=charged(ABOVE_LIMIT, 330_030, 330_030), case=True, **STANDS),
    "HANDED_OVER_WHILE_RETURNING": Row(play=uploaded_though_reversed, case=True, **TAKEN_BACK),
    "CHARGED_WHILE_UNKNOWN": Row(play=charged_while_unknown, case=True, **STANDS),
    "CHARGED_TWICE": Row(play=charged(4_567, 4_567), case=True, **STANDS),
    "WRONG_SLIP_VOIDED": Row(play=wrong_slip, case=True, **GIVEN_BACK),
    "AMOUNT_OFF_BY_TEN": Row(play=put_right(56_780, 5_678), **TAKEN_BACK),
    "DIGITS_SWAPPED": Row(play=put_right(18_200, 12_800), **TAKEN_BACK),
    "WRONG_TRANSACTION_TYPE": Row(play=put_right(4_567, 4_567, Kind.PREAUTH), **TAKEN_BACK),
    "TEST_AMOUNT_LIVE": Row(play=test_amount, **TAKEN_BACK),
    "KEYING_ERRORS": Row(play=keying_errors, **REFUSED_BY_HOST),
    "RETRIED_AFTER_DECLINE": Row(play=declined(4, cards=1), **REFUSED_BY_HOST),
    "BATCH_DIFFERS": Row(play=forgotten_by_the_till, case=True, **STANDS),
    "TERMINAL_LINE_UNSTABLE": Row(play=says_it_again, watch=True, **TAKEN_BACK),
}

YESTERDAY: dict[str, Row] = {"VOID_TOO_LATE": Row(play=void_of_yesterday, original=GONE_BACK, **REFUSED_BY_HOST)}
"""In a town of its own: its clock goes a day ahead."""
