"""What `yuanlu notification` reads, does and prints."""

from sqlalchemy import Connection

from yuanlu.cases.people import person
from yuanlu.journal.transactions import facts_of
from yuanlu.kernel.clock import local_time
from yuanlu.notices import Notification
from yuanlu.notification.records import Message
from yuanlu.notification.store import attempts_of, get_message, latest
from yuanlu.notification.templates import Audience, Template, characters, longest, parts
from yuanlu.notification.writing import FACTS
from yuanlu.people.database import on_database, reading
from yuanlu.people.message_words import AUDIENCE_WORDS, OUTCOME_WORDS
from yuanlu.people.notes.reading import TRY, in_words
from yuanlu.people.notifications import as_registered, send_again, templates_named, told_about, unregistered
from yuanlu.people.words import CHINESE, language_of, word
from yuanlu.settings import Settings


@on_database
def list_text(settings: Settings, lang: str, *, waiting: bool, about: str, limit: int) -> str:
    """One line a message."""
    language = language_of(lang)
    with reading(settings) as connection:
        found = _found(connection, waiting=waiting, about=about, limit=limit)
    if not found:
        return "没有通知" if language == CHINESE else "nobody was told anything"
    return "\n".join(line(each, language) for each in found)


def _found(connection: Connection, *, waiting: bool, about: str, limit: int) -> list[Message]:
    if about:
        return told_about(connection, about)[:limit]
    return latest(connection, limit=limit, waiting=waiting)


def line(message: Message, language: str) -> str:
    """When, what became of it, who, what."""
    at = local_time(message.changed_at_us)
    state = word(FACTS[message.state], language)
    by = f"  {message.channel}" if message.channel else ""
    whom = AUDIENCE_WORDS[message.audience].zh if language == CHINESE else message.audience.value
    return (
        f"{message.message_id}  {at:%Y-%m-%d %H:%M:%S}  {state}  {whom} {message.masked}"
        f"  {message.template}  {message.subject}{by}"
    )


@on_database
def show_text(settings: Settings, message_id: str, lang: str) -> str:
    """All of one message."""
    language = language_of(lang)
    with reading(settings) as connection:
        message = get_message(connection, message_id)
        lines = [line(message, language), "", message.title, message.text, ""]
        for row in facts_of(connection, message.subject.merchant_id, message_id):
            said = in_words(row.note, language, row.kind)
            lines.append(f"{local_time(row.at_us):%Y-%m-%d %H:%M:%S}  {word(row.kind, language)}: {said}")
        for each in attempts_of(connection, message_id):
            note = f": {in_words(each.note, language, TRY)}" if each.note else ""
            outcome = OUTCOME_WORDS[each.outcome].zh if language == CHINESE else each.outcome
            lines.append(
                f"{local_time(each.at_us):%Y-%m-%d %H:%M:%S}  {each.channel} {outcome} {each.provider_id}{note}"
            )
    return "\n".join(lines)


def sent_again(settings: Settings, message_id: str, name: str, lang: str) -> str:
    """Put it into the outbox once more, and say so."""
    return line(send_again(settings, message_id, person(name)), language_of(lang))


def notification_lines(notification: Notification) -> list[str]:
    """What `[notification]` means, and which texts a provider of SMS could not send."""
    if not notification.channels:
        return ["notification  none: nobody is told anything but the tills"]
    sms = " then ".join(notification.sms) or "none"
    lines = [f"notification  {len(notification.channels)} channels, SMS by {sms}"]
    for name, missing in unregistered(notification, notification.language).items():
        if missing:
            lines.append(f"warning    {name}: no template is registered for {', '.join(missing)}")
    return lines


def preview_text(name: str, *, register: bool) -> str:
    """Templates as they stand, or as a provider registers them."""
    found = templates_named(name)
    if register:
        found = [each for each in found if each.audience is Audience.CARDHOLDER]
    shown = _registered if register else _previewed
    return "\n\n".join(shown(each, language) for each in found for language in ("zh", "en"))


def _previewed(template: Template, language: str) -> str:
    rendered = template.render(language, longest(language))
    count = ""
    if template.audience is Audience.CARDHOLDER:
        count = f"  {characters(rendered.text)} characters, {parts(rendered.text)} SMS"
    return f"{template.key} {language}{count}\n{rendered.title}\n{rendered.text}"


def _registered(template: Template, language: str) -> str:
    named, numbered = as_registered(template, language)
    return f"{template.name}.{language}\naliyun-sms   {named}\ntencent-sms  {numbered}"
