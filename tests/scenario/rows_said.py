"""Rows that the host's answer alone decides: its magic amounts answer with every response code."""

from tests.scenario.rows import APPROVED, CHARGED, DECLINED, NEVER_CHARGED, NO_EFFECT, Play, Row
from tests.scenario.sandbox_town import SandboxTown
from yuanlu.sandbox.faults import APPROVED_PERCENT, find_fault
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.till_messages import EntryMode, Payment


def answered(code: str, *, host: str = "plain", entry: EntryMode = EntryMode.MAGSTRIPE) -> Play:
    """A sale that the host answers with this code: its amount is the magic one."""

    async def play(town: SandboxTown) -> Payment:
        return await town.place(host).sell(find_fault(f"code_{code}").magic_minor, entry=entry)

    return play


def follow_answered(kind: Kind, code: str) -> Play:
    """A request about an earlier payment, which the host answers with this code."""

    async def play(town: SandboxTown) -> Payment:
        place = town.place()
        first = Kind.PREAUTH if kind is Kind.COMPLETION else Kind.SALE
        paper = await place.sold(kind=first)
        place.order(f"code_{code}", kind.value)
        return await place.follow(kind, paper)

    return play


async def partly_approved(town: SandboxTown) -> Payment:
    """The bank approves a part: the shop is told how much, and nobody is charged the rest."""
    place, magic = town.place(), find_fault("code_10").magic_minor
    part = magic * APPROVED_PERCENT // 100
    paper = await place.sold(magic)
    payment = paper.ask.payment
    assert (place.code, paper.amount_minor) == ("10", part)
    assert (await town.find(payment)).paid.minor == part
    assert town.net(payment).debits_minor == part < magic
    return payment


def declined(code: str) -> Row:
    return Row(play=answered(code), ends=DECLINED, books=NEVER_CHARGED)


SAID: dict[str, Row] = {
    "CARD_LOST_OR_STOLEN": declined("43"),
    "CARD_TO_BE_KEPT": declined("04"),
    "ISSUER_SUSPECTS_FRAUD": declined("34"),
    "CARD_CHECK_FAILED": declined("59"),
    "QR_CODE_INVALID": Row(play=answered("14", entry=EntryMode.QR), ends=DECLINED, books=NEVER_CHARGED),
    "CHIP_REQUIRED": declined("45"),
    "CARD_NUMBER_INVALID": declined("14"),
    "CARD_NOT_ACCEPTED": declined("31"),
    "CARD_EXPIRED": declined("54"),
    "PIN_WRONG": declined("55"),
    "PIN_TRIES_EXCEEDED": declined("75"),
    "FUNDS_INSUFFICIENT": declined("51"),
    "AMOUNT_LIMIT_EXCEEDED": declined("61"),
    "COUNT_LIMIT_EXCEEDED": declined("65"),
    "CARD_RESTRICTED": declined("57"),
    "CARD_NOT_ACTIVE": declined("21"),
    "ASK_ISSUER": declined("01"),
    "ISSUER_DECLINED": declined("05"),
    "ACCOUNT_MISSING": declined("39"),
    "ACCOUNT_CURRENCY_DIFFERS": declined("A1"),
    "PARTLY_APPROVED": Row(play=partly_approved, ends=APPROVED, books=CHARGED),
    "LINKED_TRANSACTION_WRONG": Row(
        play=follow_answered(Kind.VOID, "22"), ends=DECLINED, books=NEVER_CHARGED, watch=True
    ),
    "RETURN_AMOUNT_DIFFERS": Row(
        play=follow_answered(Kind.REFUND, "61"), ends=DECLINED, books=NEVER_CHARGED, watch=True
    ),
    "AMOUNT_INVALID": declined("13"),
    "CUSTOMER_CANCELLED": declined("17"),
    "TERMINAL_UNKNOWN": declined("97"),
    "TERMINAL_NOT_PERMITTED": declined("58"),
    "PIN_KEY_STALE": declined("99"),
    "BATCH_OUT_OF_STEP": declined("77"),
    "HOST_REFUSED_MAC": declined("A0"),
    "APPROVED_DEFECTIVELY": Row(play=answered("A2"), ends=APPROVED, books=CHARGED, watch=True),
    "ISSUER_SILENT": Row(play=answered("68"), ends=NO_EFFECT, books=NEVER_CHARGED, watch=True),
    "SWITCH_FAULT": Row(play=answered("96"), ends=NO_EFFECT, books=NEVER_CHARGED, watch=True),
    "STILL_PROCESSING": Row(play=answered("09"), ends=NO_EFFECT, books=NEVER_CHARGED, watch=True),
    "ISSUER_DOWN": Row(play=answered("91"), ends=DECLINED, books=NEVER_CHARGED, watch=True),
    "ISSUER_LINE_DOWN": Row(play=answered("92"), ends=DECLINED, books=NEVER_CHARGED, watch=True),
    "HOST_SAYS_DUPLICATE": Row(play=answered("94"), ends=DECLINED, books=NEVER_CHARGED, case=True),
    "ISSUER_ANSWER_INVALID": Row(play=answered("20"), ends=DECLINED, books=NEVER_CHARGED, watch=True),
    "DAY_CUT_OVER": declined("90"),
    "HOST_ERROR": declined("06"),
    "SECURITY_FAULT": declined("A7"),
    "REENTRY_ASKED": declined("19"),
    "FORMAT_REFUSED": declined("30"),
    "TRANSACTION_INVALID": declined("12"),
    "FUNCTION_UNSUPPORTED": declined("40"),
    "MERCHANT_INVALID": declined("03"),
    "FEE_REFUSED": declined("23"),
    "ORIGINAL_NOT_FOUND": Row(play=follow_answered(Kind.VOID, "25"), ends=DECLINED, books=NEVER_CHARGED, case=True),
    "CODE_UNLISTED": Row(play=answered("18"), ends=DECLINED, books=NEVER_CHARGED, case=True),
}
