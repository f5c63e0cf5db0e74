"""From the settings of a channel to the channel."""

from yuanlu.notices import AliyunSms, Apprise, ChannelSettings, Sandbox, Smtp, TencentSms, Webhook
from yuanlu.notification.channels.aliyun_sms import AliyunSender
from yuanlu.notification.channels.channel import Channel
from yuanlu.notification.channels.sandbox import SandboxInbox
from yuanlu.notification.channels.smtp import Mail
from yuanlu.notification.channels.tencent_sms import TencentSender
from yuanlu.notification.channels.webhook import WebhookCaller


def channel_of(name: str, settings: ChannelSettings) -> Channel:
    """The channel that these settings describe."""
    match settings:
        case Sandbox():
            return SandboxInbox(settings, name)
        case Smtp():
            return Mail(settings)
        case Webhook():
            return WebhookCaller(settings)
        case Apprise():
            from yuanlu.notification.channels.chat import Chat  # noqa: PLC0415 - a large library, only where it is used

            return Chat(settings)
        case AliyunSms():
            return AliyunSender(settings)
        case TencentSms():
            return TencentSender(settings)
