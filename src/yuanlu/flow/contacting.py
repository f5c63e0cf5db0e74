"""A cardholder says where to be told, or that they do not want to be: for whoever asks them, the till or a page.

The number is kept sealed, for this payment alone, and known again only by a keyed name.
"""

from functools import partial

from yuanlu.journal import tasks
from yuanlu.journal.transactions import Transaction, get
from yuanlu.journal.unit import Change, Committed, Fact
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Clock, Moment
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.keys.contract import KeyStore
from yuanlu.notices import Language
from yuanlu.notification.addresses import masked, mobile_number
from yuanlu.notification.records import Contact, contact_context
from yuanlu.notification.store import contacts_of, insert_contact, put_optout
from yuanlu.returns.orders import told

GIVEN, TAKEN_BACK = "CONTACT_GIVEN", "CONTACT_TAKEN_BACK"
"""What the payment's timeline says; the note begins with whose word it was, and has the number without its middle."""
TRIES = 5

Rows = tuple[list[Fact], list[Change]]


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


def given(contact: Contact, payment: Transaction, now: Moment) -> Rows:
    """It is told from now on; what holds now is told at once. The payment's timeline says so."""
    facts, changes = told(payment, GIVEN, f"{contact.told_by}: {contact.masked}", now)
    tell = tasks.tell("payment", contact.transaction_id, contact.at_us)
    return facts, [*changes, insert_contact(contact), tell]


def taken_back(contact: Contact, payment: Transaction, told_by: str, now: Moment, *, everywhere: bool) -> Rows:
    """It is told nothing more of this payment; `everywhere`: nor of any other. The payment's timeline says so."""
    names = (contact.contact_id, contact.token) if everywhere else (contact.contact_id,)
    note = f"{told_by}: {contact.masked}{', of every payment' if everywhere else ''}"
    facts, changes = told(payment, TAKEN_BACK, note, now)
    return facts, [*changes, *(put_optout(name, told_by, now.wall_us) for name in names)]


class ContactBook:
    """Whom to tell, and whom not; for the gateway's own process. Beside it: `yuanlu.people.contacts`."""

    def __init__(self, journal: Journal, keys: KeyStore, clock: Clock, identifiers: IdentifierSource) -> None:
        self._journal = journal
        self._keys = keys
        self._clock = clock
        self._identifiers = identifiers

    async def give(self, transaction_id: str, number: str, language: Language, told_by: str) -> bool:
        """Tell this number about this payment from now on; what holds now is told at once.

        False when it is known already, or the payment keeps changing. Raises AddressError when it is no mobile number.
        """
        plain, identifier = mobile_number(number), self._identifiers.new()
        for _ in range(TRIES):
            now = self._clock.now()
            found = await self._journal.read(partial(get, transaction_id=transaction_id))
            contact = new_contact(self._keys, found, plain, language, told_by, identifier, now.wall_us)
            known = await self._journal.read(partial(contacts_of, transaction_id=transaction_id))
            if any(each.token == contact.token for each in known):
                return False
            if isinstance(await self._journal.commit(*given(contact, found, now)), Committed):
                return True
        return False

    async def refuse(self, number: str, told_by: str) -> None:
        """Tell this number nothing any more. Raises AddressError when it is no mobile number."""
        token = token_of(self._keys, mobile_number(number))
        await self._journal.commit([], [put_optout(token, told_by, self._clock.wall_us())])
