"""From what happened to the messages: who is told, in which language, by which way, and not before when. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from yuanlu.causes.cause import Words
from yuanlu.notices import (
    ADDRESSED,
    AliyunSms,
    ChannelSettings,
    Language,
    Notification,
    Recipient,
    Shop,
    Telling,
    TencentSms,
)
from yuanlu.notification.addresses import masked
from yuanlu.notification.deciding import Happening
from yuanlu.notification.messages.known import find_template
from yuanlu.notification.records import Contact, Message
from yuanlu.notification.schedule import HOUR_US, not_before_us
from yuanlu.notification.states import Sending
from yuanlu.notification.templates import Audience, Rendered, Template, TemplateError, said

SOME_SHOP = Words(zh="商户", en="the shop")
"""What is said where no name is known, or none fits."""

PEOPLES: Mapping[str, Template] = {}
"""Nobody has put words of his own in the place of the program's."""


class Person(Struct, frozen=True, kw_only=True):
    """Somebody to tell, and how."""

    audience: Audience
    language: Language
    person: str
    contact_id: str
    masked: str
    ways: tuple[str, ...]
    events: frozenset[str] = frozenset()


def people(
    contract: str, telling: Telling, notification: Notification, contacts: Sequence[Contact] = ()
) -> list[Person]:  # fmt: skip
    """Everybody whom this merchant's terms name, and the cardholders whose numbers are known.

    Whom the terms of everybody name is the same person in every contract that says nothing else.
    """
    own = [("" if each in notification.recipients else contract, each) for each in telling.recipients]
    found = [_recipient(whose, each, notification) for whose, each in own]
    if telling.cardholders and telling.sms:
        found += [_cardholder(each, telling) for each in contacts]
    return found


def addresses(tellings: Mapping[str, Telling]) -> dict[str, str]:
    """The address of each recipient, by person; `tellings` by contract, everybody's by ""."""
    return {f"{whose}/{each.name}": each.to for whose, telling in tellings.items() for each in telling.recipients}


def _cardholder(contact: Contact, telling: Telling) -> Person:
    return Person(
        audience=Audience.CARDHOLDER, language=contact.language, person=contact.token, contact_id=contact.contact_id,
        masked=contact.masked, ways=telling.sms,
    )  # fmt: skip


def _recipient(contract: str, recipient: Recipient, notification: Notification) -> Person:
    addressed = any(isinstance(notification.channels[name], ADDRESSED) for name in recipient.via)
    return Person(
        audience=Audience(recipient.audience), language=recipient.language, person=f"{contract}/{recipient.name}",
        contact_id="", masked=masked(recipient.to) if addressed else recipient.name, ways=recipient.via,
        events=frozenset(recipient.events),
    )  # fmt: skip


def compose(
    happening: Happening, person: Person, telling: Telling, notification: Notification, message_id: str, now_us: int,
    peoples: Mapping[str, Template] = PEOPLES,
) -> Message | None:  # fmt: skip
    """The message by which this person hears of it; None when it does not concern them. Raises TemplateError.

    `peoples` are the words that people have put in the place of the program's, by the template's name. The program's
    own are said where a provider on the person's way has not registered these, and where these do not fit the values.
    """
    own = find_template(happening.event, person.audience)
    if own is None or not _concerns(happening, person):
        return None
    template, rendered = _said(own, peoples.get(own.name), happening, person, telling, notification)
    return _message(happening, person, template, rendered, telling, notification, message_id, now_us)


def _said(
    own: Template, peoples: Template | None, happening: Happening, person: Person, telling: Telling,
    notification: Notification,
) -> tuple[Template, Rendered]:  # fmt: skip
    if peoples is not None and not without_code(peoples, person.language, person.ways, notification.channels):
        try:
            return peoples, _rendered(peoples, happening, person.language, telling, notification.shops)
        except TemplateError:
            pass  # whatever people wrote, everybody hears of his money
    return own, _rendered(own, happening, person.language, telling, notification.shops)


def code_of(channel: ChannelSettings | None, template: Template, language: str) -> str | None:
    """The code under which a provider of SMS has the text; "" while none is set, None where none is needed."""
    if not isinstance(channel, AliyunSms | TencentSms):
        return None
    return channel.templates.get(f"{template.registered}.{language}", "")


def without_code(
    template: Template, language: str, ways: Sequence[str], channels: Mapping[str, ChannelSettings]
) -> tuple[str, ...]:  # fmt: skip
    """Of these channels, those whose provider could not send this text."""
    return tuple(name for name in ways if code_of(channels.get(name), template, language) == "")


def _concerns(happening: Happening, person: Person) -> bool:
    return person.audience in happening.audiences and (not person.events or happening.event in person.events)


def _rendered(
    template: Template, happening: Happening, language: Language, telling: Telling, shops: Mapping[str, Shop]
) -> Rendered:
    """With the longest name of the shop that fits. Raises TemplateError when not even none does."""
    values = {name: said(words, language) for name, words in happening.values.items()} | {"brand": telling.brand}
    names = list(_shop_names(happening, language, shops))
    for name in names[:-1]:
        try:
            return template.render(language, values | {"shop": name})
        except TemplateError:
            continue
    return template.render(language, values | {"shop": names[-1]})


def _shop_names(happening: Happening, language: Language, shops: Mapping[str, Shop]) -> Iterator[str]:
    shop = shops.get(happening.subject.merchant_id)
    if shop is not None:
        yield shop.name
        if shop.short:
            yield shop.short
    yield said(SOME_SHOP, language)


def _message(
    happening: Happening, person: Person, template: Template, rendered: Rendered, telling: Telling,
    notification: Notification, message_id: str, now_us: int,
) -> Message:  # fmt: skip
    earliest_us = not_before_us(telling, now_us, urgent=template.urgent)
    tried_hours = template.useful_hours or notification.keep_trying_hours
    return Message(
        message_id=message_id,
        subject=happening.subject,
        event=happening.event,
        audience=person.audience,
        template=template.key,
        language=person.language,
        person=person.person,
        contact_id=person.contact_id,
        masked=person.masked,
        round=happening.round,
        title=rendered.title,
        text=rendered.text,
        values=rendered.values,
        urgent=template.urgent,
        ways=person.ways,
        state=Sending.WAITING,
        attempts=0,
        channel="",
        provider_id="",
        note="",
        created_at_us=now_us,
        not_before_us=earliest_us,
        expires_at_us=earliest_us + min(tried_hours, notification.keep_trying_hours) * HOUR_US,
        changed_at_us=now_us,
        version=1,
    )
