"""The trail of people's actions: who did what, when, to what."""

from starlette.responses import Response

from yuanlu.access.roles import Right
from yuanlu.console.asked import Asked
from yuanlu.console.exporting import csv_file
from yuanlu.console.payment_filters import sought
from yuanlu.console.routing import Page
from yuanlu.console.texts import noted
from yuanlu.people.figures import when_text
from yuanlu.people.notes.reading import in_words
from yuanlu.people.trail import SHOWN_MAX, Wanted, deeds
from yuanlu.people.words import word

HEADINGS = (noted("Time"), noted("Who"), noted("By way of"), noted("What"), noted("Of what"), noted("Text"))


async def show(asked: Asked) -> Response:
    """The trail of a time, of one person or of all; a merchant's people see what concerns their merchant alone."""
    wanted = sought(asked)
    span, who = wanted.filter, asked.given("who")[:64]
    of = Wanted(since_us=span.since_us, until_us=span.until_us, who=who, merchant_id=asked.who.merchant_id)
    found = await asked.read(lambda c: deeds(c, of))
    if asked.given("format") == "csv" and asked.may(Right.EXPORT):
        headings = [asked.say(each) for each in HEADINGS]
        rows = (
            (
                when_text(d.at_us), d.who, d.via, word(d.kind, asked.language), d.subject,
                in_words(d.text, asked.language, d.kind),
            )
            for d in found
        )  # fmt: skip
        return csv_file(asked, "audit-trail", headings, rows, f"{wanted.since} – {wanted.until}")
    return asked.page("audit.html", deeds=found, sought=wanted, who=who, most=SHOWN_MAX)


PAGES = (Page(path="/audit", right=Right.SEE_AUDIT, show=show),)
