"""What people were told: read it, send it again; which texts a provider could not send. For commands and pages."""

from collections.abc import Sequence

from sqlalchemy import Connection

from yuanlu.cases.errors import CaseUnknown
from yuanlu.cases.people import Actor
from yuanlu.cases.store import get_case
from yuanlu.flow.telling import in_case
from yuanlu.journal.transactions import get
from yuanlu.journal.unit import Change, Conflict, Fact
from yuanlu.journal.visiting import visit
from yuanlu.kernel.clock import Moment, SystemClock
from yuanlu.kernel.errors import YuanluError
from yuanlu.notices import AliyunSms, Notification, TencentSms
from yuanlu.notification.messages.known import TEMPLATES
from yuanlu.notification.records import Message
from yuanlu.notification.store import get_message, told_of_case, told_of_incident, told_of_transaction
from yuanlu.notification.templates import SIGNATURE, Audience, Template, said
from yuanlu.notification.wording_rules import SIGNED
from yuanlu.notification.writing import AGAIN, about, again
from yuanlu.people.database import on_database
from yuanlu.returns.orders import told
from yuanlu.settings import Settings

TRIES = 5


class TemplateUnknown(YuanluError):
    """What was named is no template."""


class ChangedMeanwhile(YuanluError):
    """The message moved while somebody looked at it; nothing was done."""


def told_about(connection: Connection, subject: str) -> list[Message]:
    """Every message about a transaction, a case and its payment, or an incident, the latest first."""
    try:
        payment = get_case(connection, subject).transaction_id or ""
    except CaseUnknown:
        payment = ""
    told = (
        *told_of_transaction(connection, subject),
        *told_of_incident(connection, subject),
        *told_of_case(connection, subject, payment),
    )
    found = {each.message_id: each for each in told}
    return [found[name] for name in sorted(found, reverse=True)]


@on_database
def send_again(settings: Settings, message_id: str, who: Actor) -> Message:
    """Put it into the outbox once more; the gateway sends it within a second. The timeline of what it is about says who
    wanted it. Raises ChangedMeanwhile.
    """
    clock, seen = SystemClock(), 0
    with visit(settings.store.url, settings.folder, clock) as visitor:
        for _ in range(TRIES):
            now = clock.now()
            with visitor.reading() as connection:
                message = get_message(connection, message_id)
                done = again(message, who.name, now.wall_us)
                facts, changes = _in_timeline(connection, done.message, who, now)
            if seen not in (0, message.version):
                break
            seen = message.version
            if not isinstance(visitor.commit([*done.facts, *facts], [*done.changes, *changes]), Conflict):
                return done.message
    raise ChangedMeanwhile(f"{message_id} changed meanwhile, nothing was done; look at it again")


def _in_timeline(
    connection: Connection, message: Message, who: Actor, now: Moment
) -> tuple[Sequence[Fact], Sequence[Change]]:
    """Of the payment, which its case shows as well; or of the case."""
    if not message.subject.transaction_id:
        return (), in_case(connection, message, who)
    return told(get(connection, message.subject.transaction_id), AGAIN, f"{who.name}: {about(message)}", now)


def templates_named(name: str) -> list[Template]:
    """The template of that name, or all of them for none. Raises TemplateUnknown."""
    found = [each for each in TEMPLATES if not name or each.name == name]
    if not found:
        known = ", ".join(each.name for each in TEMPLATES)
        raise TemplateUnknown(f'"{name}" is no template; there are: {known}')
    return found


def unregistered(notification: Notification, language: str) -> dict[str, list[str]]:
    """By channel of SMS, the texts of that language for which no template code of the provider is set."""
    texts = [f"{each.name}.{language}" for each in TEMPLATES if each.audience is Audience.CARDHOLDER]
    return {
        name: [text for text in texts if text not in channel.templates]
        for name, channel in notification.channels.items()
        if isinstance(channel, AliyunSms | TencentSms)
    }


def shop_name(settings: Settings, merchant_id: str) -> str:
    """What customers call the merchant; "" where no name is set."""
    shop = settings.notification.shops.get(merchant_id)
    return "" if shop is None else shop.name


def channels_by_audience(settings: Settings) -> dict[Audience, tuple[str, ...]]:
    """The channels by which each audience is told, whatever the contract, in the order of the settings."""
    tellings = [settings.notification.everybody(), *(each.notification for each in settings.contracts.values())]
    used: dict[Audience, set[str]] = {audience: set() for audience in Audience}
    for each in tellings:
        used[Audience.CARDHOLDER] |= set(each.sms) if each.cardholders else set()
        for recipient in each.recipients:
            used[Audience(recipient.audience)] |= set(recipient.via)
    return {audience: tuple(n for n in settings.notification.channels if n in used[audience]) for audience in Audience}


def as_registered(template: Template, language: str) -> tuple[str, str]:
    """The text as Alibaba Cloud (`${name}`) and as Tencent Cloud (`{1}`) register it.

    Without the signature, which the provider puts before it.
    """
    names = [each for each in template.variables(language) if each != SIGNATURE]
    text = said(template.text, language).removeprefix(SIGNED[language])
    numbered = text.format_map({each: f"{{{n}}}" for n, each in enumerate(names, 1)})
    named = text.format_map({each: f"${{{each}}}" for each in names})
    return named, numbered
