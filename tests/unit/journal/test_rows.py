"""What is bound for a payment costs the driver no search for an adapter."""

from types import NoneType

from yuanlu.journal.transactions import Transaction, as_row
from yuanlu.kernel.identifiers import TransactionKey
from yuanlu.kernel.money import Money
from yuanlu.returns.states import State


def test_the_row_of_a_transaction_holds_the_databases_own_types_alone():
    transaction = Transaction(
        transaction_id="01J00000000000000000000000",
        key=TransactionKey(
            terminal_id="T0000001", merchant_id="M00000000000001", batch_no="000001", stan="000001", mti_class="0200"
        ),
        acquirer="bank", kind="sale", state=State.SEND_INTENT, version=1, amount=Money(minor=1, currency="156"),
        card_token="", card_bin="", card_last4="", sealed=b"sealed", received_at_us=1, changed_at_us=1,
    )  # fmt: skip
    assert {type(value) for value in as_row(transaction)} == {str, int, bytes, NoneType}
