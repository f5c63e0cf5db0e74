"""All templates, by what happened and whom it is told."""

from yuanlu.notices import Event
from yuanlu.notification.messages.cardholder import CARDHOLDER
from yuanlu.notification.messages.merchant import MERCHANT
from yuanlu.notification.messages.support import SUPPORT
from yuanlu.notification.templates import LONGEST, Audience, Template, variables_of

TEMPLATES = (*CARDHOLDER, *MERCHANT, *SUPPORT)

_BY_NAME = {template.name: template for template in TEMPLATES}
_BY_PLACE = {(template.event, template.audience): template for template in TEMPLATES}


def find_template(event: Event, audience: Audience) -> Template | None:
    """What this audience is told of it; None when it does not concern them."""
    return _BY_PLACE.get((event, audience))


def template_named(name: str) -> Template | None:
    """By the name that settings and messages call it; None when there is none."""
    return _BY_NAME.get(name)


def offered(template: Template) -> tuple[str, ...]:
    """The values that words for this event and audience may use: what the program itself says of the event, to
    whomever; to cardholders only what an SMS may say.
    """
    alike = [each for each in TEMPLATES if each.event is template.event]
    found = {name for each in alike for words in (each.title, each.text) for name in variables_of(words.zh)}
    if template.audience is Audience.CARDHOLDER:
        found &= set(LONGEST["zh"])
    return tuple(sorted(found))
