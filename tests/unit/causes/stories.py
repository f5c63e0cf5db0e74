"""One story per cause: what happened in words, the evidence it leaves, and the cause it must be explained by."""

from typing import Any

from yuanlu.acquirers.outcome import Doubt
from yuanlu.causes.evidence import (
    Break,
    Evidence,
    Failing,
    HandedOver,
    IncidentKind,
    Recent,
    Terminal,
    TerminalReversal,
    Unsent,
    Voice,
)
from yuanlu.kernel.money import Money

CARD, OTHER_CARD = "token-1", "token-2"


def cny(minor: int) -> Money:
    return Money(minor=minor, currency="156")


def recent(minor: int = 12_800, *, ago_s: int = 60, card: str = CARD, **more: Any) -> Recent:
    return Recent(card_token=card, amount=cny(minor), ago_s=ago_s, **{"state": "APPROVED", **more})


def of_card(minor: int = 12_800, **more: Any) -> Evidence:
    """A sale of CARD that stands."""
    return Evidence(**{"amount": cny(minor), "card_token": CARD, "state": "APPROVED", **more})


def said(code: str, **more: Any) -> Evidence:
    """The host declined with this code."""
    return Evidence(**{"response_code": code, "state": "DECLINED", **more})


def ours(code: str, **more: Any) -> Evidence:
    """We declined ourselves, with this code."""
    return said(code, voice=Voice.OURS, **more)


def silent(doubt: Doubt = Doubt.TIMEOUT, **more: Any) -> Evidence:
    """It was sent, and no usable answer came."""
    return Evidence(**{"doubt": doubt, "state": "RETURNING", **more})


def reversed_by_till(reason: str, *, after_ms: int = 60_000, unseen: bool = False, **more: Any) -> Evidence:
    own = TerminalReversal(reason=reason, after_ms=after_ms, original_unseen=unseen)
    return Evidence(state="RETURNING", terminal_reversal=own, **more)


def declared(incident: IncidentKind, **more: Any) -> Evidence:
    return silent(incident=incident, **more)


def not_sent(why: Unsent, code: str = "91") -> Evidence:
    return ours(code, unsent=why)


STORIES: tuple[tuple[str, Evidence, str], ...] = (
    # Card and account.
    ("the chip is dirty and is not read", Evidence(terminal=Terminal(read_failures=2)), "CARD_UNREADABLE"),
    (
        "the customer pulls the card",
        Evidence(state="RETURNING", terminal=Terminal(card_removed=True)),
        "CARD_REMOVED_EARLY",
    ),
    (
        "the chip says no after the host's yes",
        Evidence(state="RETURNING", response_code="00", terminal=Terminal(chip_declined=True)),
        "CHIP_REFUSED_APPROVAL",
    ),
    ("the code on the phone is too old", said("14", kind="qr_sale"), "QR_CODE_INVALID"),
    ("a chip card is swiped", said("45"), "CHIP_REQUIRED"),
    ("a wrong number", said("14"), "CARD_NUMBER_INVALID"),
    ("a card of a bank that is not connected", said("31"), "CARD_NOT_ACCEPTED"),
    ("last year's card", said("54"), "CARD_EXPIRED"),
    ("a digit of the PIN is wrong", said("55"), "PIN_WRONG"),
    ("the PIN is wrong too often", said("75"), "PIN_TRIES_EXCEEDED"),
    ("the account is empty", said("51"), "FUNDS_INSUFFICIENT"),
    ("the amount is above the card's limit", said("61"), "AMOUNT_LIMIT_EXCEEDED"),
    ("the card was used too often today", said("65"), "COUNT_LIMIT_EXCEEDED"),
    ("the card may not pay this", said("57"), "CARD_RESTRICTED"),
    ("the card has never been switched on", said("21"), "CARD_NOT_ACTIVE"),
    ("the bank wants to be asked", said("01"), "ASK_ISSUER"),
    ("the bank says no and nothing else", said("05"), "ISSUER_DECLINED"),
    ("the account is not there", said("39"), "ACCOUNT_MISSING"),
    ("the account is in another currency", said("A1"), "ACCOUNT_CURRENCY_DIFFERS"),
    ("the bank grants a part", said("10", state="APPROVED"), "PARTLY_APPROVED"),
    # Network.
    ("only this shop's tills fail", silent(failing=Failing(merchant_terminals=3)), "SHOP_NETWORK_DOWN"),
    (
        "a mobile till in the cellar",
        Evidence(state="RETURNING", terminal_gone=True, terminal=Terminal(signal_percent=5)),
        "SIGNAL_WEAK",
    ),
    ("the till reverses what we never saw", reversed_by_till("98", unseen=True), "REQUEST_NEVER_ARRIVED"),
    ("the approval comes when it is being reversed", silent(late_code="00"), "ANSWER_LATE"),
    ("asked later, the host had approved", silent(inquiry_state="APPROVED"), "ANSWER_LOST"),
    ("asked later, the host never saw it", silent(state="NO_EFFECT"), "REQUEST_LOST"),
    (
        "the approval comes after the till's time",
        Evidence(state="RETURNING", response_code="00", after_deadline=True),
        "ANSWER_AFTER_DEADLINE",
    ),
    (
        "the till hangs up before the approval",
        Evidence(state="RETURNING", response_code="00", terminal_gone=True),
        "TERMINAL_LINE_LOST",
    ),
    ("the till waits in vain and reverses", reversed_by_till("98"), "TERMINAL_SAW_NO_ANSWER"),
    (
        "our link to the host flaps",
        silent(Doubt.DISCONNECTED, failing=Failing(host_reconnects=4)),
        "HOST_LINK_UNSTABLE",
    ),
    ("answers come that nobody asked for", silent(foreign_answers=2), "ANSWER_FOREIGN"),
    ("the line breaks while we wait", silent(Doubt.DISCONNECTED), "LINK_LOST"),
    ("the answer is rubbish", silent(Doubt.GARBLED), "ANSWER_GARBLED"),
    ("nothing comes", silent(), "NO_ANSWER"),
    (
        "the till repeats itself three times",
        Evidence(state="APPROVED", terminal=Terminal(repeats=3)),
        "TERMINAL_LINE_UNSTABLE",
    ),
    ("the host cannot be reached", not_sent(Unsent.HOST_UNREACHABLE), "HOST_UNREACHABLE"),
    ("the switch cannot reach the bank", said("92"), "ISSUER_LINE_DOWN"),
    # Systems: hosts and gateway.
    (
        "we are killed between sending and answering",
        Evidence(state="RETURNING", gateway_crashed=True),
        "GATEWAY_CRASHED",
    ),
    ("many shops wait for one host", silent(failing=Failing(host_merchants=4, merchant_terminals=2)), "HOST_DOWN"),
    ("the host was silent so often that we pause", not_sent(Unsent.HOST_SILENT), "HOST_SILENT"),
    ("the host refuses our sign-in", not_sent(Unsent.SIGN_IN_REFUSED), "HOST_REFUSED_SIGN_IN"),
    ("too much at once", not_sent(Unsent.GATEWAY_BUSY, "96"), "GATEWAY_BUSY"),
    ("the disk fills up", not_sent(Unsent.DISK_NEARLY_FULL, "96"), "DISK_NEARLY_FULL"),
    ("the host approves what it had not found", silent(late_code="00", reopened=True), "APPROVED_AFTER_CLOSE"),
    ("the answer's MAC is wrong", silent(Doubt.BAD_MAC), "ANSWER_MAC_WRONG"),
    ("the file has what we declined", Evidence(state="DECLINED", clearing=Break.ONLY_THEIRS), "CLEARING_DIFFERS"),
    ("the till's totals do not agree", Evidence(state="APPROVED", batch=Break.ONLY_OURS), "BATCH_DIFFERS"),
    ("a decline without a MAC", said("51", unauthenticated=True), "DECLINE_UNSIGNED"),
    ("approved, ask the issuer", said("A2", state="APPROVED"), "APPROVED_DEFECTIVELY"),
    ("the bank's answer came too late for the switch", said("68", state="RETURNING"), "ISSUER_SILENT"),
    ("the switch is out of order", said("96", state="RETURNING"), "SWITCH_FAULT"),
    ("the host is still at it", said("09", state="RETURNING"), "STILL_PROCESSING"),
    ("the bank cannot work", said("91"), "ISSUER_DOWN"),
    ("the host has seen it before", said("94"), "HOST_SAYS_DUPLICATE"),
    ("the bank's answer made no sense", said("20"), "ISSUER_ANSWER_INVALID"),
    ("a code that stands in no list", said("ZZ"), "CODE_UNLISTED"),
    ("the host changes its day", said("90"), "DAY_CUT_OVER"),
    ("an error, it says", said("06"), "HOST_ERROR"),
    ("its security module fails", said("A7"), "SECURITY_FAULT"),
    ("enter it again, it says", said("19"), "REENTRY_ASKED"),
    ("it does not like our format", said("30"), "FORMAT_REFUSED"),
    ("not a valid transaction", said("12"), "TRANSACTION_INVALID"),
    ("it does not do this", said("40"), "FUNCTION_UNSUPPORTED"),
    ("it does not know the merchant", said("03"), "MERCHANT_INVALID"),
    ("the fee is wrong", said("23"), "FEE_REFUSED"),
    ("it does not find what is to be refunded", said("25", kind="refund"), "ORIGINAL_NOT_FOUND"),
    # Systems: devices.
    ("somebody pulls the plug", Evidence(state="RETURNING", terminal=Terminal(restarted=True)), "TERMINAL_LOST_POWER"),
    ("the till refuses our answer's MAC", reversed_by_till("A0"), "TERMINAL_REFUSED_ANSWER"),
    (
        "paper out after the approval",
        Evidence(state="APPROVED", terminal=Terminal(slip_failed=True)),
        "SLIP_NOT_PRINTED",
    ),
    ("the keypad is dead", Evidence(state="APPROVED", terminal=Terminal(hardware_fault="keypad")), "TERMINAL_FAULTY"),
    ("old software, new format", said("30", terminal=Terminal(software_outdated=True)), "SOFTWARE_OUTDATED"),
    ("a till nobody has registered", said("97"), "TERMINAL_UNKNOWN"),
    ("the till may not do this", said("58"), "TERMINAL_NOT_PERMITTED"),
    ("the till's MAC is wrong", ours("A0"), "TERMINAL_MAC_WRONG"),
    ("our MAC is wrong, says the host", said("A0"), "HOST_REFUSED_MAC"),
    ("the PIN key is old", said("99"), "PIN_KEY_STALE"),
    ("the batch number is old", said("77"), "BATCH_OUT_OF_STEP"),
    ("a reset till counts from one again", ours("94"), "TRACE_NUMBER_REUSED"),
    # At the till.
    (
        "goods go out on a debit SMS",
        Evidence(state="RETURNING", handed_over=HandedOver.GOODS),
        "HANDED_OVER_WHILE_RETURNING",
    ),
    (
        "the cashier refunds what is being reversed",
        Evidence(kind="refund", original_state="RETURNING"),
        "RETURNED_BY_HAND_TOO",
    ),
    (
        "a stolen card, tried again and again",
        said("43", card_token=CARD, recent=(recent(state="DECLINED"),) * 3),
        "CARD_LOST_OR_STOLEN",
    ),
    (
        "a host in trouble, tried again and again",
        said("91", card_token=CARD, recent=(recent(state="DECLINED"),) * 3),
        "ISSUER_DOWN",
    ),
    (
        "charged again within the second",
        of_card(recent=(recent(state="RETURNING", ago_s=0),)),
        "CHARGED_WHILE_UNKNOWN",
    ),
    (
        "charged again without waiting for the first",
        of_card(recent=(recent(state="RETURNING"),)),
        "CHARGED_WHILE_UNKNOWN",
    ),
    ("charged twice in a minute", of_card(recent=(recent(),)), "CHARGED_TWICE"),
    (
        "1,280.00 instead of 128.00",
        of_card(128_000, voided=True, recent=(recent(12_800, ago_s=-90),)),
        "AMOUNT_OFF_BY_TEN",
    ),
    ("182.00 instead of 128.00", of_card(18_200, voided=True, recent=(recent(12_800, ago_s=-90),)), "DIGITS_SWAPPED"),
    (
        "a sale instead of a pre-authorisation",
        of_card(voided=True, recent=(recent(kind="preauth", ago_s=-90),)),
        "WRONG_TRANSACTION_TYPE",
    ),
    (
        "the wrong slip is voided, its sale made anew, the right one voided",
        of_card(kind="void", recent=(recent(ago_s=-60), recent(5_000, ago_s=-120, card=OTHER_CARD, kind="void"))),
        "WRONG_SLIP_VOIDED",
    ),
    ("one fen to see whether it works", of_card(1, voided=True), "TEST_AMOUNT_LIVE"),
    (
        "the third wrong number in a row",
        said(
            "14", entry_mode="012", recent=(_keyed := recent(keyed=True, response_code="14", state="DECLINED"), _keyed)
        ),
        "KEYING_ERRORS",
    ),
    (
        "declined again and again",
        said("05", card_token=CARD, recent=(recent(state="DECLINED"),) * 3),
        "RETRIED_AFTER_DECLINE",
    ),
    ("nobody signed in this morning", ours("A0", terminal=Terminal(signed_in=False)), "SIGN_IN_FORGOTTEN"),
    ("reversed after two seconds", reversed_by_till("98", after_ms=2_000), "DID_NOT_WAIT"),
    (
        "approved after one second, cancelled after two",
        reversed_by_till("06", after_ms=2_000, response_code="00"),
        "CANCELLED_AT_TERMINAL",
    ),
    (
        "approved after one second, and the MAC is refused at once",
        reversed_by_till("A0", after_ms=2_000, response_code="00"),
        "TERMINAL_REFUSED_ANSWER",
    ),
    (
        "we say after one second that nobody knows, and the till reverses",
        reversed_by_till("06", after_ms=2_000, doubt=Doubt.DISCONNECTED),
        "CANCELLED_AT_TERMINAL",
    ),
    ("the cashier presses cancel", reversed_by_till("06"), "CANCELLED_AT_TERMINAL"),
    ("a void the next morning", Evidence(kind="void", state="DECLINED", day_changed=True), "VOID_TOO_LATE"),
    ("the original was voided before", said("22", kind="void"), "LINKED_TRANSACTION_WRONG"),
    ("the amount is not the original's", said("64"), "RETURN_AMOUNT_DIFFERS"),
    ("a refund of another amount", said("64", kind="refund"), "RETURN_AMOUNT_DIFFERS"),
    ("a refund of more than is left", said("61", kind="refund"), "RETURN_AMOUNT_DIFFERS"),
    ("a void of more than was paid", said("61", kind="void"), "RETURN_AMOUNT_DIFFERS"),
    ("a void with another card than was charged", said("14", kind="void"), "WRONG_SLIP_VOIDED"),
    ("the amount is zero", ours("13"), "AMOUNT_INVALID"),
    ("the customer changes their mind", said("17"), "CUSTOMER_CANCELLED"),
    (
        "the customer never types the password",
        silent(kind="qr_sale", customer_confirming=True),
        "CUSTOMER_DID_NOT_CONFIRM",
    ),
    # External.
    ("an earthquake", declared(IncidentKind.DISASTER), "NATURAL_DISASTER"),
    ("an attack", declared(IncidentKind.CYBER_ATTACK), "CYBER_ATTACK"),
    ("business is stopped by order", declared(IncidentKind.ORDER), "ORDERED_STOP"),
    (
        "all the shop's tills restart at once",
        silent(terminal=Terminal(restarted=True), failing=Failing(merchant_restarts=3)),
        "POWER_CUT",
    ),
    ("the carrier has an outage", declared(IncidentKind.CARRIER_OUTAGE), "CARRIER_OUTAGE"),
    ("the bank had announced it", said("91", incident=IncidentKind.MAINTENANCE), "PLANNED_MAINTENANCE"),
    ("the shopping festival", declared(IncidentKind.PEAK), "BUSINESS_PEAK"),
    (
        "a whole district fails on several hosts",
        silent(failing=Failing(region_merchants=7, region_hosts=3)),
        "REGIONAL_OUTAGE",
    ),
    (
        "codes fail everywhere, cards do not",
        silent(kind="qr_sale", failing=Failing(wallet_merchants=5)),
        "WALLET_OUTAGE",
    ),
    ("one bank's cards fail everywhere", said("91", failing=Failing(issuer_terminals=9)), "ISSUER_OUTAGE"),
    # Suspicion of fraud.
    ("the till's case was opened", Evidence(terminal=Terminal(tampered=True)), "TERMINAL_TAMPERED"),
    ("fresh keys, and every MAC is wrong", silent(Doubt.BAD_MAC, mac_failures=6), "MESSAGES_FORGED"),
    ("the till works in another city", Evidence(terminal=Terminal(moved=True)), "TERMINAL_MOVED"),
    (
        "five cards in a row are declined",
        said(
            "05",
            card_token="token-0",
            recent=tuple(recent(100, card=f"token-{n}", state="DECLINED") for n in range(1, 5)),
        ),
        "CARD_TESTING",
    ),
    (
        "three times 5,000.00 on one card",
        of_card(500_000, recent=(recent(500_000, ago_s=900), recent(600_000, ago_s=1_800))),
        "CASH_OUT",
    ),
    (
        "over the limit, and at once half of it",
        of_card(5_000, recent=(recent(9_900, state="DECLINED", response_code="61", ago_s=0),)),
        "AMOUNT_SPLIT",
    ),
    (
        "over the limit, then half of it",
        of_card(5_000, recent=(recent(9_900, state="DECLINED", response_code="61"),)),
        "AMOUNT_SPLIT",
    ),
    (
        "three refunds to one card",
        of_card(kind="refund", recent=(recent(100, kind="refund", ago_s=900), recent(200, kind="refund", ago_s=1_200))),
        "RETURNS_PILE_UP",
    ),
    ("the bank suspects fraud", said("34"), "ISSUER_SUSPECTS_FRAUD"),
    ("the card's check value is wrong", said("59"), "CARD_CHECK_FAILED"),
    ("the card was reported stolen", said("43"), "CARD_LOST_OR_STOLEN"),
    ("the bank wants the card", said("04"), "CARD_TO_BE_KEPT"),
)
