"""All templates, by what happened and whom it is told."""

from yuanlu.notices import Event
from yuanlu.notification.messages.cardholder import CARDHOLDER
from yuanlu.notification.messages.merchant import MERCHANT
from yuanlu.notification.messages.support import SUPPORT
from yuanlu.notification.templates import Audience, Template

TEMPLATES = (*CARDHOLDER, *MERCHANT, *SUPPORT)

_BY_PLACE = {(template.event, template.audience): template for template in TEMPLATES}


def find_template(event: Event, audience: Audience) -> Template | None:
    """What this audience is told of it; None when it does not concern them."""
    return _BY_PLACE.get((event, audience))
