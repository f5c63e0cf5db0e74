"""What a person asks of the list of messages: the fields of its address, read into a filter."""

from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import Struct

from yuanlu.console.asked import Asked
from yuanlu.console.payment_filters import Sought, sought
from yuanlu.notices import Event
from yuanlu.notification.states import Sending
from yuanlu.notification.store import Wanted
from yuanlu.notification.templates import Audience

FIELDS = ("from", "to", "hours", "about", "state", "audience", "channel", "event", "m")
ABOUT_CHARACTERS_MAX = 64


class Asking(Struct, frozen=True, kw_only=True):
    """A filter, and the fields as given. `about` names one payment, case or incident, whenever its messages were."""

    wanted: Wanted
    about: str
    time: Sought
    given: Mapping[str, str]

    def address(self, **over: str) -> str:
        """The query of the same list with some fields otherwise; "" takes a field away."""
        return urlencode({name: value for name, value in {**self.given, **over}.items() if value})


def asking(asked: Asked) -> Asking:
    """Read the address of a list. Whoever belongs to a merchant sees no other's messages, whatever is asked."""
    time = sought(asked)
    given = {name: asked.given(name)[:ABOUT_CHARACTERS_MAX] for name in FIELDS if asked.given(name)}
    return Asking(
        wanted=Wanted(
            since_us=time.filter.since_us,
            until_us=time.filter.until_us,
            merchant_id=asked.who.merchant_id or given.get("m", ""),
            state=_known(given.get("state", ""), Sending),
            audience=_known(given.get("audience", ""), Audience),
            channel=given.get("channel", ""),
            event=_known(given.get("event", ""), Event),
        ),
        about=given.get("about", ""),
        time=time,
        given=given,
    )


def _known(value: str, names: type[Sending] | type[Audience] | type[Event]) -> str:
    return value if value in set(names) else ""
