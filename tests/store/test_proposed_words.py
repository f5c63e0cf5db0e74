"""What people do to the words of messages beside the gateway: who may, when, and what the trail shows of it."""

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from tests.store.journals import opened
from yuanlu.cases.people import Actor
from yuanlu.causes.cause import Words
from yuanlu.notification.wording_rules import Draft
from yuanlu.notification.wording_store import in_use
from yuanlu.notification.wordings import Wording
from yuanlu.people import wordings
from yuanlu.people.trail import Wanted, deeds
from yuanlu.people.wordings import Proposal, WordingError

LI, WANG = Actor(name="Li", via="console"), Actor(name="Wang", via="console")
NAME = "not_charged"
WORDS = Draft(
    title=Words(zh="未扣款", en="Not charged"),
    text=Words(
        zh="【{brand}】查实：{card}在{shop}的{amount}未扣款。{ref}。",
        en="[{brand}] We checked: {amount} at {shop} was not charged to your {card}. Ref {ref}.",
    ),
)
SHORTER = replace(WORDS, title=Words(zh="没有扣款", en="No charge"))


class Office:
    """People beside a journal."""

    def __init__(self, at: Any) -> None:
        self.at = at
        self.settings = SimpleNamespace(store=SimpleNamespace(url=at.place.url), folder=str(at.place.folder))

    def does(self, action: Any, *what: Any) -> Any:
        return action(self.settings, *what)

    def proposes(self, draft: Draft | None = WORDS, who: Actor = LI) -> Wording:
        return self.does(wordings.propose, Proposal(name=NAME, draft=draft, reason="plainer words"), who)

    def approved(self, draft: Draft | None = WORDS) -> Wording:
        made = self.proposes(draft)
        return self.does(wordings.approve, NAME, made.version, WANG)

    def used(self) -> list[str]:
        return [each.key for each in self.at.aside(in_use)]


@pytest.fixture
def office(place):
    with opened(place) as (_, at):
        yield Office(at)


def test_words_are_used_once_a_second_person_agreed_and_by_two_people_no_more(office):
    assert office.proposes().version == 101
    assert office.used() == []
    assert office.does(wordings.approve, NAME, 101, WANG).checker == "Wang"
    assert office.used() == ["not_charged@101"]
    office.approved(SHORTER)
    assert office.used() == ["not_charged@102"]
    office.approved(None)
    assert office.used() == []
    assert office.approved(WORDS).version == 104


@pytest.mark.parametrize("name", ["Li", "li", "ＬＩ", " Li "])
def test_nobody_decides_about_his_own_words_however_his_name_is_written(office, name):
    office.proposes()
    own = Actor(name=name, via="console")
    with pytest.raises(WordingError, match="a second person has to decide"):
        office.does(wordings.approve, NAME, 101, own)
    with pytest.raises(WordingError, match="a second person has to decide"):
        office.does(wordings.refuse, NAME, 101, "no", own)
    with pytest.raises(WordingError, match="only who proposed them"):
        office.does(wordings.withdraw, NAME, 101, "no", WANG)
    assert office.does(wordings.withdraw, NAME, 101, "typo", own).checker == ""
    assert office.used() == []


def test_one_proposal_waits_at_a_time_and_it_is_decided_once(office):
    office.proposes()
    with pytest.raises(WordingError, match="one proposal at a time"):
        office.proposes(SHORTER, WANG)
    office.does(wordings.refuse, NAME, 101, "not yet", WANG)
    for version in (101, 999):
        with pytest.raises(WordingError, match="waits for no decision"):
            office.does(wordings.approve, NAME, version, WANG)
    assert office.proposes(SHORTER).version == 102


def test_what_breaks_a_rule_or_changes_nothing_is_not_proposed(office):
    link = replace(WORDS, text=replace(WORDS.text, zh=WORDS.text.zh + "a.cn"))
    for draft, why in ((link, "break a rule"), (None, "said already")):
        with pytest.raises(WordingError, match=why):
            office.proposes(draft)
    with pytest.raises(WordingError, match="no template"):
        office.does(wordings.propose, Proposal(name="gone", draft=WORDS, reason="x"), LI)
    office.approved()
    with pytest.raises(WordingError, match="said already"):
        office.proposes(WORDS)
    assert office.at.sql("SELECT count(*) FROM notification_wordings")[0][0] == 1


def test_words_that_a_newer_program_forbids_are_not_approved_any_more(office, monkeypatch):
    zh, en = WORDS.text.zh.replace("在{shop}的", ""), WORDS.text.en.replace(" at {shop}", "")
    office.proposes(replace(WORDS, text=Words(zh=zh, en=en)))
    monkeypatch.setattr("yuanlu.notification.wording_rules.TRUTH", ("amount", "card", "ref", "shop"))
    with pytest.raises(WordingError, match="breaks a rule of this program by now"):
        office.does(wordings.approve, NAME, 101, WANG)
    assert office.used() == []


def test_the_trail_names_everybody_who_proposed_and_decided(office):
    office.approved()
    office.proposes(SHORTER)
    office.does(wordings.refuse, NAME, 102, "too short", WANG)
    everything = Wanted(since_us=0, until_us=2**62)
    found = office.at.aside(lambda c: deeds(c, everything))
    assert [(each.who, each.kind, each.text) for each in reversed(found)] == [
        ("Li", "WORDING_PROPOSED", "not_charged@101: plainer words"),
        ("Wang", "WORDING_APPROVED", "not_charged@101"),
        ("Li", "WORDING_PROPOSED", "not_charged@102: plainer words"),
        ("Wang", "WORDING_REFUSED", "not_charged@102: too short"),
    ]
    assert {f"{each.place}/{each.subject}" for each in found} == {"notifications/templates/not_charged"}
    [own] = {each.who for each in office.at.aside(lambda c: deeds(c, replace(everything, who="Wang")))}
    assert own == "Wang"
    assert office.at.aside(lambda c: deeds(c, replace(everything, merchant_id="M"))) == []
