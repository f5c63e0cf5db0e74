"""Every message has its words and its examples: none is shown by a bare name."""

from yuanlu.notices import Event
from yuanlu.notification.messages.known import TEMPLATES, offered
from yuanlu.notification.states import Sending
from yuanlu.notification.templates import Audience
from yuanlu.notification.wordings import WordingState
from yuanlu.people.message_words import (
    AUDIENCE_WORDS,
    EVENT_WORDS,
    EXAMPLES,
    SENDING_WORDS,
    VARIABLE_WORDS,
    WORDING_WORDS,
)


def test_events_states_and_audiences_have_words():
    assert (set(EVENT_WORDS), set(SENDING_WORDS), set(AUDIENCE_WORDS)) == (set(Event), set(Sending), set(Audience))


def test_every_variable_that_may_be_used_is_explained():
    assert set(VARIABLE_WORDS) == {name for template in TEMPLATES for name in offered(template)}
    assert set(WORDING_WORDS) == set(WordingState)


def test_every_template_can_be_shown_with_the_examples_in_both_languages():
    for template in TEMPLATES:
        for language in ("zh", "en"):
            rendered = template.render(language, EXAMPLES[language] | {"brand": "原路"})
            assert "{" not in rendered.title + rendered.text, template.key


def test_no_example_is_kept_that_no_template_uses():
    for language in ("zh", "en"):
        used = {name for template in TEMPLATES for name in template.variables(language)}
        titles = " ".join(template.title.zh + template.title.en for template in TEMPLATES)
        assert not {name for name in EXAMPLES[language] if name not in used and f"{{{name}}}" not in titles}
