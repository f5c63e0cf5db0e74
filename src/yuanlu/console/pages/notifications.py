"""Messages to people: who was told what, by which way, and whether it arrived."""

from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from yuanlu.access.roles import Right
from yuanlu.cases.records import Words
from yuanlu.console.asked import Asked, NotThere
from yuanlu.console.charts import Bar, bars
from yuanlu.console.exporting import csv_file
from yuanlu.console.message_filters import Asking, asking
from yuanlu.console.routing import Page
from yuanlu.console.texts import noted
from yuanlu.console.typed import Wrong, number
from yuanlu.journal.transactions import facts_of
from yuanlu.notification.records import Message
from yuanlu.notification.states import STEPS, Sending
from yuanlu.notification.store import attempts_of, by_state, find_message, page, queue
from yuanlu.notification.templates import (
    characters,
    parts,
)
from yuanlu.notification.writing import SendingRefused
from yuanlu.people.figures import when_text
from yuanlu.people.message_words import AUDIENCE_WORDS, EVENT_WORDS, SENDING_WORDS, TONES, WORDS
from yuanlu.people.notifications import (
    ChangedMeanwhile,
    send_again,
    told_about,
)
from yuanlu.people.words import CHINESE

ROWS, EXPORT_ROWS_MAX, VERSION_MAX = 50, 10_000, 10**9
HEADINGS = (
    noted("Time"), noted("Message"), noted("To whom"), noted("Address"), noted("What about"), noted("Template"),
    noted("Channel"), noted("State"), noted("Merchant"), noted("Payment"), noted("Case"), noted("Incident"),
)  # fmt: skip


async def show(asked: Asked) -> Response:
    """The list, one page of it, and what waits."""
    ask = asking(asked)
    if asked.given("format") == "csv" and asked.may(Right.EXPORT):
        return await _export(asked, ask)
    after, settings = asked.given("after")[:26], asked.console.settings
    found, waiting = await asked.read(
        lambda c: (_found(c, asked, ask, after, ROWS + 1), queue(c, asked.who.merchant_id))
    )
    counts = {} if ask.about else await asked.read(lambda c: by_state(c, ask.wanted))
    more = ask.address(after=found[ROWS - 1].message_id) if len(found) > ROWS else ""
    late = waiting.due_since_us is not None and waiting.due_since_us <= asked.now_us
    return asked.page(
        "notifications.html", messages=found[:ROWS], ask=ask, more=more, waiting=waiting, late=late,
        chart=_chart(asked, ask, counts) if counts else "", channels=tuple(settings.notification.channels), **WORDS,
    )  # fmt: skip


def _found(connection: Connection, asked: Asked, ask: Asking, after: str, limit: int) -> list[Message]:
    if not ask.about:
        return page(connection, ask.wanted, after, limit)
    own = [each for each in told_about(connection, ask.about) if asked.who.sees(each.subject.merchant_id)]
    return [each for each in own if not after or each.message_id < after][:limit]


def _chart(asked: Asked, ask: Asking, counts: dict[Sending, int]) -> str:
    rows = [
        Bar(
            label=_words(asked, SENDING_WORDS[state]), value=counts[state],
            address=asked.address("/notifications?" + ask.address(state=state.value)),
            tone="bar odd" if TONES.get(state) == "bad" else "bar",
        )
        for state in Sending
        if state in counts
    ]  # fmt: skip
    return bars(rows, asked.say("Messages by state"))


def _words(asked: Asked, words: Words) -> str:
    return words.zh if asked.language == CHINESE else words.en


async def _export(asked: Asked, ask: Asking) -> Response:
    found = await asked.read(lambda c: _found(c, asked, ask, "", EXPORT_ROWS_MAX + 1))
    if len(found) > EXPORT_ROWS_MAX:
        raise Wrong(asked.say("More than {n} messages. Narrow the time and export again.", n=f"{EXPORT_ROWS_MAX:,}"))
    rows = (
        (
            when_text(m.created_at_us), m.message_id, _words(asked, AUDIENCE_WORDS[m.audience]), m.masked,
            _words(asked, EVENT_WORDS[m.event]), m.template, m.channel, _words(asked, SENDING_WORDS[m.state]),
            m.subject.merchant_id, m.subject.transaction_id, m.subject.case_id, m.subject.incident_id,
        )
        for m in found
    )  # fmt: skip
    headings = [asked.say(each) for each in HEADINGS]
    return csv_file(asked, "notifications", headings, rows, f"{ask.time.since} – {ask.time.until} {ask.address()}")


async def one(asked: Asked) -> Response:
    """One message: its words as they were sent, and every try."""
    return await _one(asked)


async def _one(asked: Asked, status: int = 200, wrong: str = "") -> Response:
    message_id = asked.request.path_params["message_id"]

    def read(connection: Connection) -> tuple[Message, list[Any], list[Any]]:
        message = _own(asked, connection, message_id)
        facts = facts_of(connection, message.subject.merchant_id, message_id)
        return message, attempts_of(connection, message_id), facts

    message, attempts, facts = await asked.read(read)
    return asked.page(
        "notification.html", status, message=message, attempts=attempts, facts=facts, wrong=wrong,
        done=asked.given("done"), again=Sending.WAITING in STEPS[message.state],
        size=(characters(message.text), parts(message.text)) if message.contact_id else None, **WORDS,
    )  # fmt: skip


def _own(asked: Asked, connection: Connection, message_id: str) -> Message:
    found = find_message(connection, message_id)
    if found is None or not asked.who.sees(found.subject.merchant_id):
        raise NotThere(asked.say("There is no such message."))
    return found


async def resend(asked: Asked) -> Response:
    """Once more, to the same person by the same channels; refused if it moved since the page was made."""
    message_id = asked.request.path_params["message_id"]
    message = await asked.read(lambda c: _own(asked, c, message_id))
    moved = asked.say("The message changed meanwhile; nothing was done. Look at it again.")
    try:
        if number(asked, "seen", 1, VERSION_MAX) != message.version:
            raise Wrong(moved)
        await asked.act(send_again, message_id, asked.actor)
    except Wrong as error:
        return await _one(asked, 422, str(error))
    except (SendingRefused, ChangedMeanwhile):
        return await _one(asked, 409, moved)
    return asked.go(f"/notifications/{message_id}?done=again")


PAGES = (
    Page(path="/notifications", right=Right.SEE_MESSAGES, show=show),
    Page(path="/notifications/{message_id}", right=Right.SEE_MESSAGES, show=one),
    Page(path="/notifications/{message_id}/again", right=Right.SEND_MESSAGES, show=resend, method="POST"),
)
