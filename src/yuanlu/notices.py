"""`[notification]`: who is told what, when, and by which channel. Settings, and the names that messages go by.

A channel is one way out: a provider of SMS, a mail server, a webhook, a chat. Who is told is agreed with merchants, so
contracts may say otherwise; the channels themselves are everybody's.
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from msgspec import Meta
from msgspec.structs import replace

from yuanlu.kernel.errors import ConfigurationError
from yuanlu.kernel.section import Positive, Section

BRAND_CHARACTERS_MAX = 6
SHOP_CHARACTERS_MAX = 30
SHORT_SHOP_CHARACTERS_MAX = 8
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Language = Literal["zh", "en"]
TimeOfDay = Annotated[time, Meta(tz=False)]
Named = Annotated[str, Meta(min_length=1)]
WAYS_MAX = 4
Seconds = Annotated[int, Meta(ge=1, le=20)]
Ways = tuple[Named, ...]
ReceiptsSecret = Annotated[str, Meta(pattern="^([A-Za-z0-9_-]{32,128})?$")]


class Event(StrEnum):
    """What people hear of. A webhook's `type` is this name."""

    OUTCOME_UNKNOWN = "transaction.outcome.unknown"
    """Sent, and nobody knows what became of it: it is being returned."""
    NOT_CHARGED = "transaction.not_charged"
    """Who had heard of the doubt hears that nothing was charged."""
    DUPLICATE_FOUND = "transaction.duplicate.found"
    """The same account was charged the same amount twice."""
    RETURN_ACCEPTED = "return.accepted"
    """The acquirer has accepted the return. That the money arrived, nobody has confirmed yet."""
    RETURN_CONFIRMED = "return.confirmed"
    """A clearing file or the bank itself says that the money went back."""
    RETURN_DELAYED = "return.delayed"
    """It takes longer than it should, and a person is on it. Once a day as long as it lasts."""
    COMPENSATION_PAID = "compensation.paid"
    """Paid by contract, because the money came back late."""
    CASE_ESCALATED = "case.escalated"
    """A case has gone up a level, or to technical support."""
    INCIDENT_BEGAN = "incident.began"
    """One cause for many payments, at one place."""
    INCIDENT_ENDED = "incident.ended"
    """It is over; with its report."""


class Recipient(Section, frozen=True, kw_only=True):
    """An entry of `recipients`: somebody of the merchant or of technical support who is told."""

    name: Named
    """Who it is, as it is kept: a role is better than a person."""
    via: Annotated[Ways, Meta(min_length=1, max_length=WAYS_MAX)]
    """Names of channels, at most 4, in the order in which they are tried."""
    to: str = ""
    """The address, for channels that need one: a mobile number or an e-mail address."""
    audience: Literal["merchant", "support"] = "merchant"
    """Whose words are used."""
    language: Language = "zh"
    """In which language."""
    events: tuple[Event, ...] = ()
    """Only these; none: all that concern this audience."""


class Telling(Section, frozen=True, kw_only=True):
    """`[notification]`: what contracts may say otherwise, as `[contracts.NAME.notification]`."""

    brand: Annotated[str, Meta(max_length=BRAND_CHARACTERS_MAX, pattern=r"^(?!.*[0-9]{5})[^.:/]+$")] = "原路"
    """Who speaks: the signature of every SMS, as the providers have registered it; no link and no number to call."""
    language: Language = "zh"
    """For cardholders who have not said which."""
    cardholders: bool = True
    """Whether cardholders are told, where a number is known."""
    sms: Annotated[Ways, Meta(max_length=WAYS_MAX)] = ()
    """Channels for cardholders' SMS, at most 4, in the order in which they are tried; none: no SMS."""
    quiet_from: TimeOfDay = time(22, 0)
    """From this time, Beijing time, nothing is sent that is not urgent …"""
    quiet_until: TimeOfDay = time(8, 0)
    """… until this one. Both alike: there are no quiet hours."""
    update_at: TimeOfDay = time(18, 0)
    """By this time each day people hear how a delayed return stands."""
    recipients: tuple[Recipient, ...] = ()
    """Who else is told, each a table with these keys."""


class Shop(Section, frozen=True, kw_only=True):
    """`[notification.shops.MERCHANT]`: what customers call a merchant (field 42)."""

    name: Annotated[str, Meta(min_length=1, max_length=SHOP_CHARACTERS_MAX)]
    """In messages that have room."""
    short: Annotated[str, Meta(max_length=SHORT_SHOP_CHARACTERS_MAX)] = ""
    """In an SMS that the name would make too long."""


class Sandbox(Section, frozen=True, kw_only=True, tag_field="kind", tag="sandbox"):
    """`[notification.channels.NAME]` with `kind = "sandbox"`: nothing leaves, messages go into a file."""

    file: Named = "inbox.jsonl"
    """One JSON object a line, with messages and whole addresses in the clear. Never in production."""
    fails: bool = False
    """True: as if the provider could not be reached."""


class Smtp(Section, frozen=True, kw_only=True, tag_field="kind", tag="smtp"):
    """`kind = "smtp"`: e-mail through a mail server."""

    host: Named
    """The server that takes our mail."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 465
    """Its port."""
    tls: Literal["tls", "starttls", "none"] = "tls"
    """`none` only to a server on this machine."""
    user: str = ""
    """To sign in; none: without."""
    password: str = ""
    """Better from the environment: `YUANLU_NOTIFICATION__CHANNELS__NAME__PASSWORD`."""
    sender: Named
    """Our own address, as in `From`."""
    timeout_s: Seconds = 15
    """So long each step may take."""


class Webhook(Section, frozen=True, kw_only=True, tag_field="kind", tag="webhook"):
    """`kind = "webhook"`: JSON to the merchant's own system, signed by the Standard Webhooks specification."""

    url: Named
    """`https://…`; `http` only to this machine."""
    secrets: Annotated[tuple[Annotated[str, Meta(pattern="^whsec_[A-Za-z0-9+/]{32,}={0,2}$")], ...], Meta(min_length=1)]
    """`whsec_` and 24 to 64 random bytes in base64. Several while they are changed: each signs."""
    timeout_s: Seconds = 15
    """How long the other side may take."""


class Apprise(Section, frozen=True, kw_only=True, tag_field="kind", tag="apprise"):
    """`kind = "apprise"`: a chat such as WeCom, DingTalk or Feishu."""

    url: Named
    """Apprise's address: `wecombot://KEY`, `dingtalk://TOKEN`, `feishu://TOKEN`."""
    timeout_s: Seconds = 15
    """How long the other side may take."""


class AliyunSms(Section, frozen=True, kw_only=True, tag_field="kind", tag="aliyun-sms"):
    """`kind = "aliyun-sms"`: SMS by Alibaba Cloud (dysmsapi 2017-05-25)."""

    access_key_id: Named
    """Of a RAM user that may do nothing but send SMS."""
    access_key_secret: Named
    """Better from the environment."""
    sign_name: Named
    """The signature registered there, without brackets; it must be `brand`."""
    templates: Mapping[str, str]
    """Template codes by our template and language, as in `{"outcome_unknown.zh" = "SMS_1"}`;
    `yuanlu notification preview` prints the texts to register. Words that people approved at the console have a
    version, too: `"outcome_unknown@101.zh"`; without a code for it the program's own words go out."""
    receipts_secret: ReceiptsSecret = ""
    """Receipts are taken at `/receipts/NAME/SECRET` of the console; none without a secret. They carry no signature:
    whoever knows the address can say that a message arrived."""
    endpoint: str = "https://dysmsapi.aliyuncs.com"
    """Where requests go."""
    timeout_s: Seconds = 10
    """How long an answer may take."""


class TencentSms(Section, frozen=True, kw_only=True, tag_field="kind", tag="tencent-sms"):
    """`kind = "tencent-sms"`: SMS by Tencent Cloud (sms 2021-01-11)."""

    secret_id: Named
    """Of a sub-user that may do nothing but send SMS."""
    secret_key: Named
    """Better from the environment."""
    app_id: Named
    """SmsSdkAppId of the application there."""
    sign_name: Named
    """The signature registered there, without brackets; it must be `brand`."""
    templates: Mapping[str, str]
    """Template ids by our template and language, as for `aliyun-sms`."""
    region: Literal["ap-guangzhou", "ap-beijing", "ap-nanjing"] = "ap-guangzhou"
    """Where the service is asked."""
    receipts_secret: ReceiptsSecret = ""
    """As for `aliyun-sms`."""
    endpoint: str = "https://sms.tencentcloudapi.com"
    """Where requests go."""
    timeout_s: Seconds = 10
    """How long an answer may take."""


ChannelSettings = Sandbox | Smtp | Webhook | Apprise | AliyunSms | TencentSms


class Notification(Telling, frozen=True, kw_only=True):
    """`[notification]`: who is told what, when, and by which channel."""

    keep_trying_hours: Positive = 72
    """So long a message is tried again and again, unless it is of no use before."""
    shops: Mapping[str, Shop] = {}
    """What customers call merchants, a table each, below."""
    channels: Mapping[str, ChannelSettings] = {}
    """Ways out, a table each, below."""

    def everybody(self) -> Telling:
        """What holds for merchants whose contract says nothing else, and for those without one."""
        return Telling(**{name: getattr(self, name) for name in Telling.__struct_fields__})


FOR_PHONES = (Sandbox, AliyunSms, TencentSms)
FOR_MAIL = (Sandbox, Smtp)
ADDRESSED = (*FOR_PHONES, *FOR_MAIL)
"""Kinds that need the address of whoever is told. The others have one place, where everything goes."""


def for_contracts(table: Mapping[str, Any]) -> dict[str, Any]:
    """Of `[notification]` as it stands in the file, what holds for contracts that say nothing else."""
    return {key: table[key] for key in Telling.__struct_fields__ if key in table}


def with_files(notification: Notification, path: Callable[[str], Path]) -> Notification:
    """With the sandbox's inboxes where the configuration means them."""
    channels = {
        name: replace(each, file=str(path(each.file))) if isinstance(each, Sandbox) else each
        for name, each in notification.channels.items()
    }
    return replace(notification, channels=channels)


def check(notification: Notification, tellings: Iterable[tuple[str, Telling]]) -> None:
    """What one key alone cannot show. `tellings` are everybody's and each contract's, with the table's name.

    Raises ConfigurationError.
    """
    for name, channel in notification.channels.items():
        _check_channel(f"[notification.channels.{name}]", channel)
    for where, telling in tellings:
        _check_telling(where, telling, notification.channels)


def _check_channel(where: str, channel: ChannelSettings) -> None:
    if isinstance(channel, Webhook) and not all(_is_base64(each.removeprefix("whsec_")) for each in channel.secrets):
        raise ConfigurationError(f"{where} secrets: after whsec_ comes base64, as openssl rand -base64 32 prints it")
    match channel:
        case Webhook(url=url) | AliyunSms(endpoint=url) | TencentSms(endpoint=url):
            parts = urlsplit(url)
            if not parts.hostname or not (
                parts.scheme == "https" or (parts.scheme == "http" and _here(parts.hostname))
            ):
                raise ConfigurationError(f"{where} messages leave this machine by https only")
        case Smtp(host=host, tls=tls):
            if tls == "none" and not _here(host):
                raise ConfigurationError(f'{where} tls = "none" is for a server on this machine only')
        case Apprise(url=url):
            if "://" not in url:
                raise ConfigurationError(f"{where} url must begin with a scheme, as in wecombot://KEY")
        case Sandbox():
            pass


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False


def _here(host: str) -> bool:
    return host in LOOPBACK


def _check_telling(where: str, telling: Telling, channels: Mapping[str, ChannelSettings]) -> None:
    for name in telling.sms:
        channel = _named(where, name, channels)
        if not isinstance(channel, FOR_PHONES):
            raise ConfigurationError(f"{where} sms: channel {name} sends no SMS")
        if isinstance(channel, AliyunSms | TencentSms) and channel.sign_name != telling.brand:
            raise ConfigurationError(
                f"{where} sms: channel {name} signs as {channel.sign_name}, not as {telling.brand}"
            )
    seen: set[str] = set()
    for recipient in telling.recipients:
        if recipient.name in seen:
            raise ConfigurationError(f"{where} recipients: {recipient.name} stands there twice")
        seen.add(recipient.name)
        for name in recipient.via:
            _check_address(f"{where} recipients {recipient.name}:", recipient.to, name, _named(where, name, channels))


def _named(where: str, name: str, channels: Mapping[str, ChannelSettings]) -> ChannelSettings:
    if name not in channels:
        raise ConfigurationError(f"{where} there is no [notification.channels.{name}]")
    return channels[name]


def _check_address(where: str, to: str, name: str, channel: ChannelSettings) -> None:
    if isinstance(channel, ADDRESSED) and not to:
        raise ConfigurationError(f"{where} channel {name} needs an address (to)")
    if isinstance(channel, Smtp) and "@" not in to:
        raise ConfigurationError(f"{where} channel {name} needs an e-mail address")
