"""Saved views in the database of either kind: one of a name, the limit, and who sees and removes which."""

import pytest
from msgspec.structs import replace
from sqlalchemy import insert
from sqlalchemy.exc import DatabaseError

from tests.store.journals import opened
from yuanlu.access.records import Staff
from yuanlu.access.roles import Role
from yuanlu.access.tables import staff
from yuanlu.access.view_tables import saved_views
from yuanlu.access.views import VIEWS_MAX, SavedView, TooManyViews, keep_view, remove_view, views_for

LI = Staff(
    staff_id="U1", name="Li", roles=(Role.FINANCE,), checker=False, merchant_id="", password_hash="x", created_at_us=1
)  # fmt: skip
WANG = replace(LI, staff_id="U2", name="Wang", merchant_id="M1")
ZHAO = replace(LI, staff_id="U3", name="Zhao", merchant_id="M2")


def a_view(name: str = "urgent", who: Staff = LI, **changed: object) -> SavedView:
    view = SavedView(
        view_id=f"{who.staff_id}-{name}", staff_id=who.staff_id, place="cases", name=name, query="p=1", merchant_id="",
        shared=False, created_at_us=1,
    )  # fmt: skip
    return replace(view, **changed)


def with_people(at):
    """Three accounts."""
    values = {"roles": "finance", "checker": 0, "password_hash": "x", "totp_step": 0, "failed": 0, "disabled": 0}
    more = {"locked_until_us": 0, "created_at_us": 1, "version": 1}
    for one in (LI, WANG, ZHAO):
        row = {"staff_id": one.staff_id, "name": one.name, "login": one.name, "merchant_id": one.merchant_id}
        at.aside(lambda c, row=row: c.execute(insert(staff).values(row | values | more)))


def names(at, who: Staff, place: str = "cases") -> list[str]:
    return [view.name for view in at.aside(lambda c: views_for(c, who, place))]


def test_a_view_is_read_back_and_one_of_the_same_name_and_list_replaces_it(place):
    with opened(place) as (_, at):
        with_people(at)
        at.aside(lambda c: keep_view(c, a_view()))
        assert at.aside(lambda c: views_for(c, LI, "cases")) == [a_view()]
        again = a_view(view_id="other", query="p=2", shared=True)
        at.aside(lambda c: keep_view(c, again))
        assert at.aside(lambda c: views_for(c, LI, "cases")) == [again]
        assert names(at, LI, "transactions") == names(at, WANG, "transactions") == []


def test_shared_ones_are_seen_by_whose_merchant_they_name_own_ones_first(place):
    with opened(place) as (_, at):
        with_people(at)
        at.aside(lambda c: keep_view(c, a_view("all", shared=True)))
        at.aside(lambda c: keep_view(c, a_view("one", shared=True, merchant_id="M1")))
        at.aside(lambda c: keep_view(c, a_view("mine")))
        at.aside(lambda c: keep_view(c, a_view("z", WANG)))
        assert names(at, LI) == ["all", "mine", "one"]
        assert names(at, WANG) == ["z", "all", "one"]
        assert names(at, ZHAO) == ["all"]


def test_nobody_removes_anothers_own_view(place):
    with opened(place) as (_, at):
        with_people(at)
        at.aside(lambda c: keep_view(c, a_view("mine")))
        at.aside(lambda c: keep_view(c, a_view("all", shared=True)))

        def removed(name: str, *, shared_too: bool, who: Staff = WANG) -> bool:
            return at.aside(lambda c: remove_view(c, f"U1-{name}", who.staff_id, shared_too=shared_too))

        assert not removed("mine", shared_too=False)
        assert not removed("mine", shared_too=True)
        assert not removed("all", shared_too=False)
        assert names(at, LI) == ["all", "mine"]
        assert removed("all", shared_too=True)
        assert removed("mine", shared_too=False, who=LI)
        assert names(at, LI) == []


def test_a_person_has_so_many_and_the_database_itself_refuses_a_second_of_one_name(place):
    with opened(place) as (_, at):
        with_people(at)
        for n in range(VIEWS_MAX):
            at.aside(lambda c, n=n: keep_view(c, a_view(f"v{n}")))
        with pytest.raises(TooManyViews):
            at.aside(lambda c: keep_view(c, a_view("more")))
        at.aside(lambda c: keep_view(c, a_view("v3", query="p=4")))
        at.aside(lambda c: keep_view(c, a_view("more", WANG)))
        twice = {"view_id": "x", "staff_id": "U2", "place": "cases", "name": "more", "query": "", "merchant_id": ""}
        for wrong in ({}, {"name": "n", "place": "elsewhere"}, {"name": ""}, {"name": "n", "staff_id": "nobody"}):
            row = twice | {"shared": 0, "created_at_us": 1} | wrong
            with pytest.raises(DatabaseError):
                at.aside(lambda c, row=row: c.execute(insert(saved_views).values(row)))
