"""What `yuanlu notification` reads, does and prints."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from yuanlu.cases.people import person
from yuanlu.cli.database import on_database
from yuanlu.cli.words import CHINESE, language_of, word
from yuanlu.db.choosing import reading
from yuanlu.db.errors import StoreError
from yuanlu.journal.transactions import facts_of
from yuanlu.journal.unit import Conflict
from yuanlu.journal.visiting import visit
from yuanlu.kernel.clock import SystemClock, local_time
from yuanlu.kernel.errors import YuanluError
from yuanlu.notices import AliyunSms, Notification, TencentSms
from yuanlu.notification.messages.known import TEMPLATES
from yuanlu.notification.records import Message
from yuanlu.notification.store import (
    attempts_of,
    get_message,
    latest,
    told_of_case,
    told_of_incident,
    told_of_transaction,
)
from yuanlu.notification.templates import SIGNATURE, Audience, Template, characters, longest, parts, said
from yuanlu.notification.writing import FACTS, again
from yuanlu.settings import Settings

Result = TypeVar("Result")


class TemplateUnknown(YuanluError):
    """What was named is no template."""


def _read(settings: Settings, query: Callable[[Connection], Result]) -> Result:
    try:
        with reading(settings.store.url, settings.folder).connect() as connection:
            return query(connection)
    except DatabaseError as error:
        raise StoreError(f"the journal cannot be read: {error.orig}") from None


@on_database
def list_text(settings: Settings, lang: str, *, waiting: bool, about: str, limit: int) -> str:
    """One line a message."""
    language = language_of(lang)
    found = _read(settings, lambda c: _found(c, waiting=waiting, about=about, limit=limit))
    if not found:
        return "没有通知" if language == CHINESE else "nobody was told anything"
    return "\n".join(line(each, language) for each in found)


def _found(connection: Connection, *, waiting: bool, about: str, limit: int) -> list[Message]:
    if not about:
        return latest(connection, limit=limit, waiting=waiting)
    found = {
        each.message_id: each
        for told in (told_of_transaction(connection, about), told_of_incident(connection, about))
        for each in (*told, *told_of_case(connection, about, ""))
    }
    return [found[name] for name in sorted(found, reverse=True)][:limit]


def line(message: Message, language: str) -> str:
    """When, what became of it, who, what."""
    at = local_time(message.changed_at_us)
    state = word(FACTS[message.state], language)
    by = f"  {message.channel}" if message.channel else ""
    return (
        f"{message.message_id}  {at:%Y-%m-%d %H:%M:%S}  {state}  {message.audience.value} {message.masked}"
        f"  {message.template}  {message.subject}{by}"
    )


@on_database
def show_text(settings: Settings, message_id: str, lang: str) -> str:
    """All of one message."""
    language = language_of(lang)

    def told(connection: Connection) -> str:
        message = get_message(connection, message_id)
        lines = [line(message, language), "", message.title, message.text, ""]
        for row in facts_of(connection, message.subject.merchant_id, message_id):
            lines.append(f"{local_time(row.at_us):%Y-%m-%d %H:%M:%S}  {word(row.kind, language)}: {row.note}")
        for each in attempts_of(connection, message_id):
            note = f": {each.note}" if each.note else ""
            lines.append(
                f"{local_time(each.at_us):%Y-%m-%d %H:%M:%S}  {each.channel} {each.outcome} {each.provider_id}{note}"
            )
        return "\n".join(lines)

    return _read(settings, told)


@on_database
def sent_again(settings: Settings, message_id: str, name: str, lang: str) -> str:
    """Put it into the outbox once more; the gateway sends it within a second."""
    who, clock = person(name), SystemClock()
    with visit(settings.store.url, settings.folder, clock) as visitor:
        with visitor.reading() as connection:
            message = get_message(connection, message_id)
        done = again(message, who.name, clock.wall_us())
        if isinstance(visitor.commit(done.facts, done.changes), Conflict):
            raise YuanluError(f"{message_id} changed meanwhile, nothing was done; look at it again")
    return line(done.message, language_of(lang))


def notification_lines(notification: Notification) -> list[str]:
    """What `[notification]` means, and which texts a provider of SMS could not send."""
    if not notification.channels:
        return ["notification  none: nobody is told anything but the tills"]
    sms = " then ".join(notification.sms) or "none"
    lines = [f"notification  {len(notification.channels)} channels, SMS by {sms}"]
    texts = [f"{each.name}.{notification.language}" for each in TEMPLATES if each.audience is Audience.CARDHOLDER]
    for name, channel in notification.channels.items():
        if isinstance(channel, AliyunSms | TencentSms) and (
            missing := [t for t in texts if t not in channel.templates]
        ):
            lines.append(f"warning    {name}: no template is registered for {', '.join(missing)}")
    return lines


def preview_text(name: str, *, register: bool) -> str:
    """Templates as they stand, or as a provider registers them."""
    found = [each for each in TEMPLATES if not name or each.name == name]
    if not found:
        known = ", ".join(each.name for each in TEMPLATES)
        raise TemplateUnknown(f'"{name}" is no template; there are: {known}')
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
    """Without the signature, which the provider puts before it."""
    names = [each for each in template.variables(language) if each != SIGNATURE]
    text = said(template.text, language).partition("】" if language == "zh" else "] ")[2]
    numbered = text.format_map({each: f"{{{n}}}" for n, each in enumerate(names, 1)})
    named = text.format_map({each: f"${{{each}}}" for each in names})
    return f"{template.name}.{language}\naliyun-sms   {named}\ntencent-sms  {numbered}"
