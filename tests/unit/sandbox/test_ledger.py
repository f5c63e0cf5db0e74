import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanlu.sandbox.ledger import Entry, EntryKind, Ledger, LedgerError, PaymentRef

REF = PaymentRef(terminal_id="T0000001", merchant_id="M00000000000001", batch_no="000001", stan="000001")


def entry(kind: EntryKind, amount_minor: int, card: str = "card:a") -> Entry:
    return Entry(
        ref=REF,
        kind=kind,
        amount_minor=amount_minor,
        card_account=card,
        merchant_account="merchant:m",
        at_us=0,
    )


@given(st.lists(st.tuples(st.sampled_from(EntryKind), st.integers(1, 10**9), st.sampled_from("abc"))))
def test_whatever_is_posted_the_sum_of_all_accounts_stays_zero(movements):
    ledger = Ledger()
    for kind, amount_minor, card in movements:
        ledger.post(entry(kind, amount_minor, f"card:{card}"))
    assert ledger.total_minor() == 0


def test_a_debit_and_its_credit_net_to_nothing():
    ledger = Ledger()
    ledger.post(entry(EntryKind.DEBIT, 1250))
    assert ledger.balances["card:a"] == -1250
    ledger.post(entry(EntryKind.CREDIT, 1250))
    [net] = ledger.nets()
    assert (net.debits_minor, net.credits_minor, net.net_minor, net.debit_count) == (1250, 1250, 0, 1)


def test_a_hold_is_no_debit_and_its_release_ends_it():
    ledger = Ledger()
    ledger.post(entry(EntryKind.HOLD, 500))
    [net] = ledger.nets()
    assert (net.held_minor, net.net_minor, net.debit_count, ledger.balances["card:a"]) == (500, 0, 0, -500)
    ledger.post(entry(EntryKind.RELEASE, 500))
    assert ledger.nets()[0].held_minor == 0
    assert ledger.total_minor() == 0


@pytest.mark.parametrize("kind", EntryKind)
def test_an_entry_and_its_opposite_leave_nothing_behind(kind):
    ledger = Ledger()
    ledger.post(entry(kind, 70))
    ledger.post(entry(kind.opposite, 70))
    assert not any(ledger.balances.values())
    [net] = ledger.nets()
    assert (net.net_minor, net.held_minor) == (0, 0)
    assert kind.opposite.opposite is kind


def test_a_second_credit_shows_as_money_paid_twice():
    ledger = Ledger()
    for kind in (EntryKind.DEBIT, EntryKind.CREDIT, EntryKind.CREDIT):
        ledger.post(entry(kind, 100))
    assert ledger.nets()[0].net_minor == 100


@pytest.mark.parametrize("amount_minor", [0, -1])
def test_an_entry_that_moves_nothing_is_refused(amount_minor):
    with pytest.raises(LedgerError):
        Ledger().post(entry(EntryKind.DEBIT, amount_minor))
