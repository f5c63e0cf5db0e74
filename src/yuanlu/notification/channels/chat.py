"""Chats by Apprise: WeCom, DingTalk, Feishu and whatever else it knows. It says yes or no, and not why."""

import threading
import warnings

import apprise

from yuanlu.notices import Apprise
from yuanlu.notification.channels.channel import Accepted, Outgoing, Result, Unreachable


class Chat:
    """One group or robot."""

    def __init__(self, settings: Apprise) -> None:
        self._service = service_of(settings)
        self._one_at_a_time = threading.Lock()

    def send(self, message: Outgoing) -> Result:
        """Post it."""
        if self._service is None:
            return Unreachable(why="Apprise does not know this address")
        with self._one_at_a_time:  # it keeps the pace that the service wants
            taken = self._service.notify(title=message.title, body=message.text)
        if not taken:
            return Unreachable(why="Apprise could not deliver it")
        return Accepted(provider_id=message.message_id)


def service_of(settings: Apprise) -> apprise.NotifyBase | None:
    """The service that the address names, with our time-outs; None for an address that Apprise does not know."""
    url = settings.url + ("&" if "?" in settings.url else "?") + f"cto={settings.timeout_s}&rto={settings.timeout_s}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of modules that it loads with all its services
        return apprise.Apprise.instantiate(url)
