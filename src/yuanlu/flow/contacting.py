"""A cardholder says where to be told, or that they do not want to be: for whoever asks them, the till or a page.

The number is kept sealed, for this payment alone, and known again only by a keyed name.
"""

from functools import partial

from yuanlu.journal import tasks
from yuanlu.journal.transactions import Transaction, get
from yuanlu.journal.unit import Change, Committed
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Clock
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.keys.contract import KeyStore
from yuanlu.notices import Language
from yuanlu.notification.addresses import masked, mobile_number
from yuanlu.notification.records import Contact, contact_context
from yuanlu.notification.store import contacts_of, insert_contact, put_optout


def token_of(keys: KeyStore, number: str) -> str:
    """The keyed name of a number: the same for the same number, and one-way."""
    return keys.card_token(f"telephone {number}")


def new_contact(
    keys: KeyStore, payment: Transaction, plain: str, language: Language, told_by: str, contact_id: str, now_us: int
) -> Contact:
    """This number for this payment; `plain` is in the form of E.164."""
    return Contact(
        contact_id=contact_id, transaction_id=payment.transaction_id, merchant_id=payment.key.merchant_id,
        masked=masked(plain), token=token_of(keys, plain),
        sealed=keys.seal(plain.encode(), contact_context(contact_id)), language=language, told_by=told_by, at_us=now_us,
    )  # fmt: skip


def given(contact: Contact) -> list[Change]:
    """It is told from now on; what holds now is told at once."""
    return [insert_contact(contact), tasks.tell("payment", contact.transaction_id, contact.at_us)]


class ContactBook:
    """Whom to tell, and whom not; for the gateway's own process. Beside it: `yuanlu.people.contacts`."""

    def __init__(self, journal: Journal, keys: KeyStore, clock: Clock, identifiers: IdentifierSource) -> None:
        self._journal = journal
        self._keys = keys
        self._clock = clock
        self._identifiers = identifiers

    async def give(self, transaction_id: str, number: str, language: Language, told_by: str) -> bool:
        """Tell this number about this payment from now on; what holds now is told at once.

        False when it is known already. Raises AddressError when it is no mobile number.
        """
        plain = mobile_number(number)
        found = await self._journal.read(partial(get, transaction_id=transaction_id))
        contact = new_contact(
            self._keys, found, plain, language, told_by, self._identifiers.new(), self._clock.wall_us()
        )  # fmt: skip
        known = await self._journal.read(partial(contacts_of, transaction_id=transaction_id))
        if any(each.token == contact.token for each in known):
            return False
        return isinstance(await self._journal.commit([], given(contact)), Committed)

    async def refuse(self, number: str, told_by: str) -> None:
        """Tell this number nothing any more. Raises AddressError when it is no mobile number."""
        token = token_of(self._keys, mobile_number(number))
        await self._journal.commit([], [put_optout(token, told_by, self._clock.wall_us())])
