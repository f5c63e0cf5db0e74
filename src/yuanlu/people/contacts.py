"""A cardholder gives a number to be told by, or takes it back: what the gateway's `ContactBook` does, beside it.

What is taken back stays so for its payment. A number can be told nothing any more, of whatever payment.
"""

import secrets

from yuanlu.flow.contacting import TRIES, given, new_contact, taken_back, token_of
from yuanlu.journal.transactions import get
from yuanlu.journal.unit import Conflict
from yuanlu.journal.visiting import visit
from yuanlu.kernel.clock import SystemClock
from yuanlu.kernel.errors import YuanluError
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.keys.contract import KeyStore
from yuanlu.notices import Language
from yuanlu.notification.addresses import mobile_number
from yuanlu.notification.records import Contact
from yuanlu.notification.store import CONTACTS_MAX, contacts_of, is_unwanted
from yuanlu.people.database import on_database
from yuanlu.settings import Settings


class TooManyContacts(YuanluError):
    """A payment has as many numbers as it may have."""


class TakenBack(YuanluError):
    """Whoever has this number has said that it is to be told nothing, of this payment or at all."""


class ContactBusy(YuanluError):
    """The journal was busy; nothing was done."""


@on_database
def gave(
    settings: Settings, keys: KeyStore, transaction_id: str, number: str, language: Language, told_by: str
) -> Contact:
    """Tell this number about this payment from now on; the same number twice is one contact.

    Raises AddressError, TakenBack, TooManyContacts, ContactBusy.
    """
    plain, clock = mobile_number(number), SystemClock()
    token, identifiers = token_of(keys, plain), IdentifierSource(clock, secrets.randbits)
    with visit(settings.store.url, settings.folder, clock) as visitor:
        for _ in range(TRIES):
            with visitor.reading() as connection:
                payment, known = get(connection, transaction_id), contacts_of(connection, transaction_id)
                same = next((each for each in known if each.token == token), None)
                unwanted = is_unwanted(connection, token, same.contact_id if same else token)
            if unwanted:
                raise TakenBack("this number is told nothing any more")
            if same is not None:
                return same
            if len(known) >= CONTACTS_MAX:
                raise TooManyContacts(f"a payment has at most {CONTACTS_MAX} numbers")
            now = clock.now()
            contact = new_contact(keys, payment, plain, language, told_by, identifiers.new(), now.wall_us)
            if not isinstance(visitor.commit(*given(contact, payment, now)), Conflict):
                return contact
    raise ContactBusy("the payment is just being worked on")


@on_database
def took_back(settings: Settings, transaction_id: str, contact_id: str, told_by: str, *, everywhere: bool) -> bool:
    """Tell a number of this payment nothing more of it; `everywhere`: nor of any other.

    False when the payment has no such contact. Raises ContactBusy.
    """
    clock = SystemClock()
    with visit(settings.store.url, settings.folder, clock) as visitor:
        for _ in range(TRIES):
            with visitor.reading() as connection:
                payment, known = get(connection, transaction_id), contacts_of(connection, transaction_id)
            found = next((each for each in known if each.contact_id == contact_id), None)
            if found is None:
                return False
            rows = taken_back(found, payment, told_by, clock.now(), everywhere=everywhere)
            if not isinstance(visitor.commit(*rows), Conflict):
                return True
    raise ContactBusy("the payment is just being worked on")
