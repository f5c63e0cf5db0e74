"""The outbox: with its fact or not at all, once, not in the night, again and again, and what the database forbids."""

import pytest
from msgspec.structs import replace
from sqlalchemy.exc import DBAPIError

from tests.contract.fake_servers import provider
from tests.store.journals import fact, until
from tests.store.message_office import MessageOffice, put, told
from tests.unit.notification.payments import beijing_us
from yuanlu.journal.unit import Committed, Conflict
from yuanlu.notices import Sandbox, Webhook
from yuanlu.notification.channels.channel import Receipt
from yuanlu.notification.deciding import Standing
from yuanlu.notification.delivering import outgoing
from yuanlu.notification.records import Contact
from yuanlu.notification.states import STEPS, Sending
from yuanlu.notification.store import (
    Wanted,
    attempts_of,
    by_state,
    contacts_of,
    find_by_receipt,
    insert_contact,
    is_unwanted,
    latest,
    of_transaction,
    paged,
    put_optout,
    queue,
    told_of_transaction,
)
from yuanlu.notification.writing import SendingRefused, again, moved

S = Sending
HOUR_US = 3_600_000_000


async def driven(office: MessageOffice, *states: Sending, message_id: str = "m1") -> None:
    """The driver runs until the message stands in one of these states."""
    runner = office.deliverer.runner
    runner.start()
    runner.nudge_all()
    listed = "', '".join(states)
    query = f"SELECT 1 FROM notifications WHERE message_id = '{message_id}' AND state IN ('{listed}')"
    await until(lambda: bool(office.at.sql(query)))
    await runner.stop()


def test_a_message_is_durable_with_its_fact_or_not_at_all(place):
    async def story(o: MessageOffice) -> None:
        await o.journal.commit([fact("t1")])
        assert isinstance(await o.put(o.message(), fact("t1")), Conflict)
        assert (o.at.sql("SELECT 1 FROM notifications"), o.at.sql("SELECT 1 FROM tasks")) == ([], [])
        assert isinstance(await o.put(o.message(), fact("t2")), Committed)
        assert [row.kind for row in o.at.sql("SELECT kind FROM tasks")] == ["deliver"]

    told(place, story)


def test_the_same_person_is_told_the_same_once(place):
    async def story(o: MessageOffice) -> None:
        await put(o, o.message("m1"))
        assert isinstance(await o.put(o.message("m2")), Conflict)
        await put(o, replace(o.message("m3"), round="20261124"))

    told(place, story)


def test_what_is_due_goes_out_and_what_was_tried_is_kept(place):
    async def story(o: MessageOffice) -> None:
        await put(o, o.message())
        await driven(o, S.DELIVERED)
        message = await o.found()
        assert (message.channel, message.provider_id, message.attempts) == ("chat", "m1", 1)
        assert [each["to"] for each in o.inbox()] == ["finance@example.cn"]
        [attempt] = await o.journal.read(lambda c: attempts_of(c, "m1"))
        assert (attempt.number, attempt.outcome) == (1, "accepted")
        assert o.at.sql("SELECT 1 FROM tasks") == []
        kinds = [row.kind for row in o.at.sql("SELECT kind FROM facts WHERE subject_id = 'm1' ORDER BY version")]
        assert kinds == ["TELLING", "TOLD_DELIVERED"]

    told(place, story)


def test_in_the_night_it_waits_and_in_the_morning_it_goes(place):
    async def story(o: MessageOffice) -> None:
        o.clock.us = beijing_us("11-24 03:00")
        await put(o, o.message(standing=Standing.ACCEPTED))
        [due] = o.at.sql("SELECT due_at_us FROM tasks")
        assert due.due_at_us == beijing_us("11-24 08:00")
        o.clock.us = beijing_us("11-24 08:01")
        await driven(o, S.DELIVERED)
        assert len(o.inbox()) == 1

    told(place, story)


def test_a_provider_that_is_down_is_asked_again_later_and_given_up_in_the_end(place):
    async def story(o: MessageOffice) -> None:
        await put(o, o.message(standing=Standing.ACCEPTED))
        o.deliverer.runner.start()
        await until(lambda: bool(o.at.sql("SELECT 1 FROM notifications WHERE attempts = 1")))
        await o.deliverer.runner.stop()
        [task] = o.at.sql("SELECT due_at_us, holder FROM tasks")
        assert (task.due_at_us - o.clock.us, task.holder) == (5_000_000, 0)
        message = await o.found()
        assert (message.state, message.note) == (S.WAITING, "chat: the sandbox was told to fail")
        o.clock.us += 72 * HOUR_US
        await driven(o, S.FAILED)
        assert (await o.found()).note.startswith("its time is over")

    told(place, story, chat=Sandbox(fails=True))


def test_of_several_ways_the_next_one_is_asked_at_once(place, tmp_path):
    async def story(o: MessageOffice) -> None:
        await put(o, replace(o.message(), ways=("down", "chat")))
        await driven(o, S.DELIVERED)
        tried = await o.journal.read(lambda c: attempts_of(c, "m1"))
        assert [(each.channel, each.outcome) for each in tried] == [("down", "unreachable"), ("chat", "accepted")]

    told(place, story, down=Sandbox(fails=True), chat=Sandbox(file=str(tmp_path / "inbox.jsonl")))


def test_a_channel_that_is_not_configured_any_more_is_tried_later(place):
    async def story(o: MessageOffice) -> None:
        await put(o, replace(o.message(), ways=("chat", "gone")))
        await driven(o, S.DELIVERED)
        await put(o, replace(o.message("m2"), ways=("gone",), round="2"))
        result = await o.deliverer.sending.send("gone", outgoing(o.message("m9"), "x"))
        assert "no such channel" in result.why

    told(place, story)


def test_what_left_while_better_news_overtook_it_is_recorded_as_told(place):
    async def story(o: MessageOffice) -> None:
        await put(o, o.message())
        o.deliverer.runner.start()
        await until(lambda: bool(erp.requests))
        overtaken = moved(await o.found(), S.OVERTAKEN, "overtaken", o.clock.us)
        assert isinstance(await o.journal.commit(overtaken.facts, overtaken.changes), Committed)
        erp.free.set()
        await driven(o, S.DELIVERED)
        assert [a.outcome for a in await o.journal.read(lambda c: attempts_of(c, "m1"))] == ["accepted"]
        assert o.at.sql("SELECT 1 FROM tasks") == []
        assert len(erp.requests) == 1

    with provider() as erp:
        erp.free.clear()
        told(place, story, chat=Webhook(url=erp.url, secrets=("whsec_" + "A" * 32,)))


def test_a_receipt_says_later_whether_it_arrived(place):
    async def story(o: MessageOffice) -> None:
        await put(o, o.message())
        message = await o.found()
        sent = moved(message, S.SENT, "", o.clock.us, channel="chat", provider_id="p1")
        await o.journal.commit(sent.facts, sent.changes)
        assert not await o.deliverer.received("chat", Receipt(provider_id="p2", delivered=True, note=""))
        assert await o.deliverer.received("chat", Receipt(provider_id="p1", delivered=False, note="MK:0013"))
        assert ((await o.found()).state, (await o.found()).note) == (S.UNDELIVERED, "chat: MK:0013")
        assert await o.deliverer.received("chat", Receipt(provider_id="p1", delivered=True, note=""))
        assert await o.deliverer.received("chat", Receipt(provider_id="p1", delivered=False, note="late"))
        assert (await o.found()).state is S.DELIVERED
        assert await o.journal.read(lambda c: find_by_receipt(c, "other", "p1")) is None

    told(place, story)


def test_a_person_has_it_sent_again_but_not_while_it_waits(place):
    async def story(o: MessageOffice) -> None:
        await put(o, o.message())
        with pytest.raises(SendingRefused, match="WAITING"):
            again(await o.found(), "Li", o.clock.us)
        await driven(o, S.DELIVERED)
        done = again(await o.found(), "Li", o.clock.us)
        assert isinstance(await o.journal.commit(done.facts, done.changes), Committed)
        assert isinstance(await o.journal.commit(done.facts, done.changes), Conflict), "of two who do it one is told"
        await driven(o, S.DELIVERED)
        assert len(o.inbox()) == 2

    told(place, story)


def test_who_opted_out_is_known_by_the_token_alone(place):
    async def story(o: MessageOffice) -> None:
        await o.journal.commit([], [put_optout("/finance", "page", 1)])
        await o.journal.commit([], [put_optout("/finance", "page", 2)])
        assert await o.journal.read(lambda c: is_unwanted(c, "/finance"))
        await put(o, o.message())
        await driven(o, S.UNWANTED)
        assert o.inbox() == []

    told(place, story)


def test_a_number_is_kept_once_for_a_payment(place):
    async def story(o: MessageOffice) -> None:
        contact = Contact(
            contact_id="c1", transaction_id="t1", merchant_id="M", masked="138****0000", token="tok", sealed=b"x",
            language="zh", told_by="till", at_us=1,
        )  # fmt: skip
        assert isinstance(await o.journal.commit([], [insert_contact(contact)]), Committed)
        assert isinstance(await o.journal.commit([], [insert_contact(replace(contact, contact_id="c2"))]), Conflict)
        assert await o.journal.read(lambda c: contacts_of(c, "t1")) == [contact]

    told(place, story)


def test_the_database_knows_the_steps_and_what_never_changes(place):
    async def story(o: MessageOffice) -> None:
        await put(o, o.message())
        for before in Sending:
            for after in set(Sending) - {before} - STEPS[before]:
                o.at.write("UPDATE notifications SET version = version + 1")
                _force(o, before)
                with pytest.raises(DBAPIError, match="no such transition"):
                    o.at.write(f"UPDATE notifications SET state = '{after}', version = version + 1")
        for column in ("text", "masked", "person", "ways", "once"):
            with pytest.raises(DBAPIError, match="never changes"):
                o.at.write(f"UPDATE notifications SET {column} = 'x', version = version + 1")
        with pytest.raises(DBAPIError, match="next version"):
            o.at.write("UPDATE notifications SET note = 'x'")
        with pytest.raises(DBAPIError, match="is kept"):
            o.at.write("DELETE FROM notifications")

    told(place, story)


def _force(o: MessageOffice, state: Sending) -> None:
    """Into this state along the table."""
    [row] = o.at.sql("SELECT state FROM notifications")
    path = _path(Sending(row.state), state)
    for step in path:
        o.at.write(f"UPDATE notifications SET state = '{step}', version = version + 1")


def _path(start: Sending, end: Sending) -> list[Sending]:
    paths = [[start]]
    while paths:
        path = paths.pop(0)
        if path[-1] is end:
            return path[1:]
        paths += [[*path, after] for after in STEPS[path[-1]] if after not in path]
    raise AssertionError(f"{end} cannot be reached from {start}")


def test_who_was_told_what_is_found_by_its_index(place):
    async def story(o: MessageOffice) -> None:
        for n in range(3):
            await put(o, replace(o.message(f"m{n}"), round=str(n)))
        assert len(await o.journal.read(lambda c: told_of_transaction(c, "01KAQ"))) == 3
        o.at.found_by(of_transaction("01KAQ"), "ix_notifications_transaction")
        page = await o.journal.read(lambda c: latest(c, limit=2, waiting=True))
        assert [each.message_id for each in page] == ["m2", "m1"]
        rest = await o.journal.read(lambda c: latest(c, limit=2, waiting=False, before="m1"))
        assert [each.message_id for each in rest] == ["m0"]

    told(place, story)


LISTS = (
    ({}, "(sqlite_autoindex_notifications_1|pk_notifications)"),
    ({"merchant_id": "898440153110001"}, "ix_notifications_merchant"),
    ({"transaction_id": "01KAQ", "merchant_id": "898440153110001"}, "ix_notifications_transaction"),
    ({"case_id": "C261123-00000001"}, "ix_notifications_case"),
    ({"incident_id": "I261123-01"}, "ix_notifications_incident"),
)


def test_every_list_is_found_by_its_index_in_its_order(place):
    async def story(o: MessageOffice) -> None:
        for n in range(3):
            await put(o, replace(o.message(f"m{n}"), round=str(n)))
        for asked, index in LISTS:
            o.at.found_by(paged(Wanted(**asked), "m2", 2), index)

    told(place, story)


def test_a_list_counts_what_stands_where_and_since_when_the_oldest_waits(place):
    async def story(o: MessageOffice) -> None:
        for n in range(3):
            await put(o, replace(o.message(f"m{n}"), round=str(n), not_before_us=o.clock.us + n))
        await driven(o, S.DELIVERED, message_id="m0")
        merchant_id = (await o.found("m1")).subject.merchant_id
        counts = await o.journal.read(lambda c: by_state(c, Wanted()))
        assert sum(counts.values()) == 3
        assert counts[S.DELIVERED] >= 1
        assert (await o.journal.read(lambda c: queue(c, merchant_id))).waiting == counts.get(S.WAITING, 0)
        nobody = await o.journal.read(lambda c: queue(c, "another"))
        assert (nobody.waiting, nobody.due_since_us) == (0, None)
        assert await o.journal.read(lambda c: by_state(c, Wanted(merchant_id="another"))) == {}

    told(place, story)
