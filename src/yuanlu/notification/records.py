"""The records of what people are told: what happened, a message, an attempt to send it, a contact."""

from msgspec import Struct

from yuanlu.notices import Event, Language
from yuanlu.notification.states import Sending
from yuanlu.notification.templates import Audience


class Subject(Struct, frozen=True, kw_only=True):
    """What a message is about. "" for what it is not about."""

    merchant_id: str
    terminal_id: str = ""
    transaction_id: str = ""
    case_id: str = ""
    incident_id: str = ""

    def __str__(self) -> str:
        return self.transaction_id or self.case_id or self.incident_id


class Contact(Struct, frozen=True, kw_only=True):
    """A cardholder's mobile number for one payment. `sealed` opens under the context `context`.

    `token` is the keyed name of the number: the same for the same number, and nothing else can be read from it.
    """

    contact_id: str
    transaction_id: str
    merchant_id: str
    masked: str
    token: str
    sealed: bytes
    language: Language
    told_by: str
    at_us: int

    @property
    def context(self) -> str:
        """To which row the sealed number belongs."""
        return contact_context(self.contact_id)


def contact_context(contact_id: str) -> str:
    """To which row a sealed number belongs."""
    return f"notification_contacts/{contact_id}/sealed"


class Message(Struct, frozen=True, kw_only=True):
    """One message to one person, as it stands.

    `person` names whoever is told: a contact's token, or "contract/recipient" of the settings. `round` tells apart
    what may be said again of the same subject: the day of an update. `ways` are the channels in the order in which
    they are tried, `channel` the one that took it, under the provider's `provider_id`.
    """

    message_id: str
    subject: Subject
    event: Event
    audience: Audience
    template: str
    language: Language
    person: str
    contact_id: str
    masked: str
    round: str
    title: str
    text: str
    values: dict[str, str]
    urgent: bool
    ways: tuple[str, ...]
    state: Sending
    attempts: int
    channel: str
    provider_id: str
    note: str
    created_at_us: int
    not_before_us: int
    expires_at_us: int
    changed_at_us: int
    version: int

    @property
    def once(self) -> str:
        """The same person hears the same of the same subject once: the database holds it unique."""
        name = self.template.partition("@")[0]
        return "|".join((self.person, name, str(self.subject), self.round))


class Attempt(Struct, frozen=True, kw_only=True):
    """One channel that was tried, and what came of it."""

    message_id: str
    number: int
    at_us: int
    channel: str
    outcome: str
    provider_id: str
    note: str
