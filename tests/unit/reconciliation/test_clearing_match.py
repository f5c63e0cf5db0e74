"""Which line is about which transaction, and what the files say of it."""

import pytest

from yuanlu.reconciliation.clearing import Entry, Side
from yuanlu.reconciliation.clearing_match import Files, Holding, Index, Ours, Seen, Standing, Verdict, verdict

HOUR_US = 3_600_000_000
NOON_US = 1_795_000_000_000_000


def ours(name: str, **more) -> Ours:
    usual = {
        "transaction_id": name, "merchant_id": "M", "terminal_id": "T", "stan": "000001", "rrn": "", "card_last4": "",
        "side": Side.DEBIT, "amount_minor": 1000, "currency": "156", "at_us": NOON_US,
    }  # fmt: skip
    return Ours(**usual | more)


def line(**more) -> Entry:
    usual = {
        "line": 3, "side": Side.DEBIT, "terminal_id": "T", "merchant_id": "M", "stan": "000001", "amount_minor": 1000,
        "currency": "156", "at_us": NOON_US,
    }  # fmt: skip
    return Entry(**usual | more)


CREDIT = {"side": Side.CREDIT}
ABOUT = [
    ([ours("a")], line(), "a", "the same terminal and trace number"),
    ([ours("a")], line(terminal_id="X"), "", "another terminal"),
    ([ours("a")], line(merchant_id="X"), "", "another merchant"),
    ([ours("a")], line(currency="840"), "", "another currency"),
    ([ours("a", rrn="1"), ours("b", rrn="2")], line(rrn="2"), "b", "the reference number tells them apart"),
    ([ours("a", rrn="1")], line(rrn="2"), "", "the reference number contradicts"),
    ([ours("a", rrn="")], line(rrn="2"), "a", "we never heard the reference number"),
    ([ours("a", card_last4="0001")], line(card_last4="0002"), "", "another card"),
    ([ours("a"), ours("b", at_us=NOON_US - HOUR_US)], line(at_us=NOON_US - HOUR_US), "b", "the nearer one"),
    ([ours("a", at_us=NOON_US - 40 * HOUR_US)], line(), "", "trace numbers come again"),
    ([ours("a", at_us=NOON_US - HOUR_US), ours("b")], line(at_us=None), "b", "without a time the newest"),
    ([ours("a", amount_minor=1), ours("b", at_us=NOON_US - HOUR_US)], line(), "b", "the same amount goes first"),
    ([ours("a", amount_minor=1)], line(), "a", "another amount is about it all the same"),
    ([ours("a"), ours("v", stan="000002", **CREDIT)], line(stan="000002", **CREDIT), "v", "a void's own credit"),
    ([ours("a")], line(**CREDIT), "a", "a reversal has its original's trace number"),
    ([ours("a"), ours("v", **CREDIT)], line(**CREDIT), "v", "its own goes before what it may take back"),
    ([ours("a", rrn="7")], line(stan="", original_rrn="7", **CREDIT), "a", "an adjustment names its original"),
    ([ours("a")], line(stan="", original_stan="000001", **CREDIT), "a", "by the original's trace number"),
    ([ours("a", rrn="7")], line(stan="", original_rrn="8", original_stan="000001", **CREDIT), "", "or contradicts it"),
    ([ours("a")], line(stan="", original_rrn="8", original_stan="000001", **CREDIT), "a", "or is unheard of by us"),
    ([ours("a")], line(stan="", original_stan="000001", amount_minor=1001, **CREDIT), "", "more than was paid"),
    ([ours("a", rrn="7", at_us=1)], line(stan="", original_rrn="7", **CREDIT), "a", "an original may be old"),
    ([ours("v", **CREDIT)], line(), "v", "a void that was reversed is charged again"),
    ([ours("b", side=None)], line(), "b", "what should move no money, and did"),
    ([ours("a", rrn="7")], line(stan="", rrn="7"), "a", "the reference number alone"),
]  # fmt: skip


@pytest.mark.parametrize(("known", "entry", "name", "why"), ABOUT, ids=[row[3] for row in ABOUT])
def test_a_line_is_about_the_transaction_that_it_names(known, entry, name, why):
    assert Index(known).find(entry) == name, why


def held(standing: Standing, **more) -> Holding:
    usual = {
        "transaction_id": "a", "merchant_id": "M", "standing": standing, "side": Side.DEBIT, "amount_minor": 1000,
        "first_day": 10, "last_day": 10,
    }  # fmt: skip
    return Holding(**usual | more)


S, G, D, M = Standing.STANDS, Standing.GONE, Standing.IN_DOUBT, Standing.MOVING
V = Verdict
PAIR = Seen(own=(1000,), other=(1000,))
DEBIT = Seen(own=(1000,))
NOTHING = Seen()
SAID = [
    (held(S), DEBIT, False, V.MATCHED, "it stands and is there"),
    (held(S), NOTHING, False, V.DOUBTFUL, "it may be in tomorrow's file"),
    (held(S), NOTHING, True, V.ONLY_OURS, "no file has it"),
    (held(S), PAIR, True, V.ONLY_OURS, "given back, and we do not know of it"),
    (held(S), Seen(own=(999,)), False, V.DOUBTFUL, "another amount may be put right tomorrow"),
    (held(S), Seen(own=(999,)), True, V.AMOUNT_DIFFERS, "another amount"),
    (held(S, adjusted=True), Seen(own=(1100,)), True, V.MATCHED, "with its tip"),
    (held(S, adjusted=True), NOTHING, True, V.ONLY_OURS, "a tip does not make it vanish"),
    (held(S), Seen(own=(1000, 1000)), True, V.TWICE, "taken twice"),
    (held(S), Seen(own=(1000, 1000), other=(1000,)), True, V.MATCHED, "taken twice, and put right"),
    (held(S, given_minor=400), Seen(own=(1000,), other=(400,)), True, V.MATCHED, "part of it by hand"),
    (held(S, given_minor=400), DEBIT, True, V.AMOUNT_DIFFERS, "the part by hand is not there"),
    (held(G), NOTHING, True, V.MATCHED, "reversed, and nothing is left of it"),
    (held(G), PAIR, True, V.MATCHED, "reversed, as a pair"),
    (held(G), NOTHING, False, V.DOUBTFUL, "not all files are there"),
    (held(G), DEBIT, False, V.DOUBTFUL, "its credit may be in tomorrow's file"),
    (held(G), DEBIT, True, V.ONLY_THEIRS, "the money is still taken"),
    (held(G), Seen(own=(1000,), other=(1000, 1000)), True, V.TWICE, "given back twice"),
    (held(G), Seen(other=(1000,)), True, V.AMOUNT_DIFFERS, "given back what was never taken"),
    (held(D), NOTHING, False, V.DOUBTFUL, "one file decides nothing"),
    (held(D), PAIR, False, V.DOUBTFUL, "not even a pair"),
    (held(D), NOTHING, True, V.ENDS_NO_EFFECT, "no debit in both files"),
    (held(D), PAIR, True, V.ENDS_RETURNED, "debit and credit"),
    (held(D), DEBIT, True, V.TOOK_EFFECT, "only the debit"),
    (held(D), Seen(own=(999,)), True, V.ONLY_THEIRS, "another amount decides nothing"),
    (held(D), Seen(own=(1000,), other=(400,)), True, V.ONLY_THEIRS, "part of it went back"),
    (held(D), Seen(own=(1000, 1000)), True, V.TWICE, "taken twice"),
    (held(D, clears=False), NOTHING, True, V.WAITS, "a hold is in no file, so files tell nothing of it"),
    (held(S, clears=False), NOTHING, True, V.MATCHED, "a hold that stands is in no file"),
    (held(S, clears=False), DEBIT, True, V.ONLY_THEIRS, "a hold that was charged"),
    (held(M), DEBIT, True, V.WAITS, "it is under way"),
]


@pytest.mark.parametrize(("holding", "seen", "complete", "said", "why"), SAID, ids=[row[4] for row in SAID])
def test_what_the_files_say_of_a_transaction(holding, seen, complete, said, why):
    assert verdict(holding, seen, complete=complete, partner_seen=False) is said, why


NETTED = [
    (held(S, partner="v"), NOTHING, False, V.MATCHED, "sale and void are netted"),
    (held(S, partner="v"), NOTHING, True, V.ONLY_OURS, "the void alone is there"),
    (held(S, partner="a", side=Side.CREDIT), NOTHING, True, V.ONLY_OURS, "the sale is there, its void is not"),
    (held(D, partner="a", side=Side.CREDIT), NOTHING, False, V.DOUBTFUL, "a void in doubt may have been netted"),
    (held(D, partner="a", side=Side.CREDIT), NOTHING, True, V.ENDS_NO_EFFECT, "the sale's debit stands alone"),
]


@pytest.mark.parametrize(("holding", "seen", "partner_seen", "said", "why"), NETTED, ids=[row[4] for row in NETTED])
def test_a_voided_sale_may_be_in_no_file_with_its_void(holding, seen, partner_seen, said, why):
    assert verdict(holding, seen, complete=True, partner_seen=partner_seen) is said, why


COVER = [
    ({(10, ""), (11, "")}, True, "its date and the next"),
    ({(10, "")}, False, "only its date"),
    ({(11, "")}, False, "only the next"),
    ({(10, "M"), (11, "M")}, True, "its merchant's"),
    ({(10, "M"), (11, "X")}, False, "another merchant's file says nothing of it"),
]


@pytest.mark.parametrize(("loaded", "said", "why"), COVER, ids=[row[2] for row in COVER])
def test_the_files_that_could_have_it_are_there_or_not(loaded, said, why):
    assert Files(loaded=frozenset(loaded)).cover(held(D)) is said, why


def test_a_return_of_a_later_day_needs_the_files_of_that_day_too():
    long = held(D, last_day=12)
    assert not Files(loaded=frozenset({(10, ""), (11, "")})).cover(long)
    assert not Files(loaded=frozenset({(10, ""), (12, ""), (13, "")})).cover(long), "the one between may have it"
    assert Files(loaded=frozenset((day, "") for day in range(10, 14))).cover(long)
