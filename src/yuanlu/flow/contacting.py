"""A cardholder says where to be told, or that they do not want to be: for whoever asks them, the till or a page.

The number is kept sealed, for this payment alone, and known again only by a keyed name.
"""

from functools import partial

from yuanlu.journal import tasks
from yuanlu.journal.transactions import get
from yuanlu.journal.unit import Committed
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Clock
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.keys.contract import KeyStore
from yuanlu.notices import Language
from yuanlu.notification.addresses import masked, mobile_number
from yuanlu.notification.records import Contact, contact_context
from yuanlu.notification.store import contacts_of, insert_contact, put_optout


class ContactBook:
    """Whom to tell, and whom not; one per process that may ask people."""

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
        token = self.token(plain)
        found = await self._journal.read(partial(get, transaction_id=transaction_id))
        if any(
            each.token == token
            for each in await self._journal.read(partial(contacts_of, transaction_id=transaction_id))
        ):
            return False
        contact_id, now_us = self._identifiers.new(), self._clock.wall_us()
        contact = Contact(
            contact_id=contact_id, transaction_id=transaction_id, merchant_id=found.key.merchant_id,
            masked=masked(plain), token=token, sealed=self._keys.seal(plain.encode(), contact_context(contact_id)),
            language=language, told_by=told_by, at_us=now_us,
        )  # fmt: skip
        rows = [insert_contact(contact), tasks.tell("payment", transaction_id, now_us)]
        return isinstance(await self._journal.commit([], rows), Committed)

    async def refuse(self, number: str, told_by: str) -> None:
        """Tell this number nothing any more. Raises AddressError when it is no mobile number."""
        token = self.token(mobile_number(number))
        await self._journal.commit([], [put_optout(token, told_by, self._clock.wall_us())])

    def token(self, number: str) -> str:
        """The keyed name of a number: the same for the same number, and one-way."""
        return self._keys.card_token(f"telephone {number}")
