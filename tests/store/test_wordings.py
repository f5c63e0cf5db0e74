"""People's own words in the database: two people, one proposal at a time, versions that rise, nothing taken back."""

import pytest
from msgspec.structs import replace
from sqlalchemy.exc import IntegrityError

from tests.store.journals import fact, opened
from yuanlu.causes.cause import Words
from yuanlu.journal.unit import Committed, Conflict
from yuanlu.notification.wording_store import (
    decide_wording,
    find_in_use,
    find_wording,
    in_use,
    insert_wording,
    last_approved,
    waiting,
    wordings_of,
)
from yuanlu.notification.wordings import WORDING_STEPS, Wording, WordingState

S = WordingState
FIRST = Wording(
    name="not_charged", version=101, back=False, title=Words(zh="题", en="title"), text=Words(zh="字", en="words"),
    reason="plainer", state=S.PROPOSED, maker="Li", proposed_at_us=1,
)  # fmt: skip
NONE = Words(zh="", en="")


def decided(wording: Wording, state: S, checker: str = "Wang") -> Wording:
    return replace(wording, state=state, checker="" if state is S.WITHDRAWN else checker, decided_at_us=2)


async def proposed(at, wording: Wording) -> None:
    assert isinstance(await at.journal.commit([fact(wording.key)], [insert_wording(wording)]), Committed)


async def ends(at, wording: Wording, state: S) -> Wording:
    """It is proposed, and decided about."""
    await proposed(at, wording)
    after = decided(wording, state)
    assert isinstance(await at.journal.commit([fact(wording.key, 2)], [decide_wording(after)]), Committed)
    return after


def test_what_was_approved_last_is_in_use_and_a_way_back_ends_it(place):
    with opened(place) as (run, at):

        async def story() -> None:
            read = at.journal.read
            await proposed(at, FIRST)
            assert (await read(in_use), await read(waiting)) == ([], [FIRST])
            one = decided(FIRST, S.APPROVED)
            await at.journal.commit([], [decide_wording(one)])
            assert (await read(in_use), await read(waiting)) == ([one], [])
            await ends(at, replace(FIRST, version=102), S.REFUSED)
            await ends(at, replace(FIRST, version=103), S.WITHDRAWN)
            other = await ends(at, replace(FIRST, name="return_accepted"), S.APPROVED)
            assert sorted(await read(in_use), key=lambda each: each.name) == [one, other]
            two = await ends(at, replace(FIRST, version=104), S.APPROVED)
            assert two in await read(in_use)
            assert await read(lambda c: find_in_use(c, "not_charged")) == two
            back = replace(FIRST, version=105, back=True, title=NONE, text=NONE)
            await ends(at, back, S.APPROVED)
            assert await read(in_use) == [other]
            assert await read(lambda c: find_in_use(c, "return_accepted")) == other
            assert await read(lambda c: find_in_use(c, "not_charged")) is None
            history = await read(lambda c: wordings_of(c, "not_charged"))
            assert [each.version for each in history] == [105, 104, 103, 102, 101]
            assert await read(lambda c: find_wording(c, "not_charged", 104)) == two

        run(story)


def test_whoever_proposed_words_cannot_approve_them(place):
    with opened(place) as (run, at):

        async def story() -> None:
            await proposed(at, FIRST)
            for checker in ("Li", ""):
                own = decided(FIRST, S.APPROVED, checker)
                assert isinstance(await at.journal.commit([], [decide_wording(own)]), Conflict), checker

        run(story)
        with pytest.raises(IntegrityError, match="two_people"):
            at.write("UPDATE notification_wordings SET state = 'APPROVED', checker = 'Li'")
        with pytest.raises(IntegrityError, match="decided"):
            at.write("UPDATE notification_wordings SET state = 'APPROVED'")


def test_one_proposal_of_a_template_waits_and_its_version_is_above_those_before(place):
    with opened(place) as (run, at):

        async def story() -> None:
            await proposed(at, FIRST)
            for more in ({"version": 102}, {}):
                assert isinstance(await at.journal.commit([], [insert_wording(replace(FIRST, **more))]), Conflict)
            await at.journal.commit([], [decide_wording(decided(FIRST, S.REFUSED))])
            for wrong in (
                {"version": 101}, {"name": "other", "version": 100}, {"version": 102, "state": S.APPROVED},
                {"version": 102, "text": NONE}, {"version": 102, "back": True}, {"version": 102, "maker": ""},
                {"version": 102, "reason": ""},
            ):  # fmt: skip
                result = await at.journal.commit([], [insert_wording(replace(FIRST, **wrong))])
                assert isinstance(result, Conflict), wrong
            await proposed(at, replace(FIRST, version=103))
            low = replace(FIRST, version=102)
            assert isinstance(await at.journal.commit([], [insert_wording(low)]), Conflict)

        run(story)


def test_states_move_only_along_the_table(place):
    with opened(place) as (run, at):
        for n, before in enumerate(S):
            for m, after in enumerate(S):
                wording = replace(FIRST, name=f"t{n}{m}")
                if before is S.PROPOSED:
                    run(lambda wording=wording: proposed(at, wording))
                else:
                    run(lambda wording=wording, before=before: ends(at, wording, before))
                checker = "''" if after in (S.PROPOSED, S.WITHDRAWN) else "'Wang'"
                statement = f"UPDATE notification_wordings SET state = '{after}', checker = {checker}"
                statement += f" WHERE name = '{wording.name}'"
                if after in WORDING_STEPS[before]:
                    at.write(statement)
                else:
                    with pytest.raises(IntegrityError, match="no such transition"):
                        at.write(statement)


def test_what_was_proposed_never_changes_and_nothing_is_deleted(place):
    with opened(place) as (run, at):
        run(lambda: proposed(at, FIRST))
        for change in ("text_zh = 'x'", "title_en = 'x'", "maker = 'x'", "version = 200", "reason = 'x'", "back = 1"):
            with pytest.raises(IntegrityError, match="never changes"):
                at.write(f"UPDATE notification_wordings SET {change}, state = 'WITHDRAWN'")
        with pytest.raises(IntegrityError, match="kept"):
            at.write("DELETE FROM notification_wordings")


def test_what_is_in_use_is_read_off_its_index(file):
    with opened(file) as (_, at):
        plan = at.aside(lambda c: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {last_approved()}").all())
    lines = [row[3] for row in plan]
    assert any("ix_notification_wordings_in_use" in line for line in lines), lines
    assert any("SEARCH notification_wordings USING PRIMARY KEY (name=? AND version=?)" in line for line in lines), lines
