"""Which place is failing and when it is well again: each row of a table with its reason, and what holds for any."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanlu.causes.evidence import IncidentKind
from yuanlu.incidents.detection import Crowd, Enough, Failure, Health, Sign, Tally, Window, shortest
from yuanlu.incidents.records import EVERYTHING, Place, Scope, ScopeKind
from yuanlu.settings import Incidents

LIMITS = Incidents()
S = 1_000_000
NOW = 1_000 * S
K = IncidentKind


def place(terminal: int, shop: int, host: str = "h1", region: str = "") -> Place:
    return Place(terminal_id=f"T{terminal:07}", merchant_id=f"M{shop}", host=host, region=region)


def host(name: str = "h1") -> Scope:
    return Scope(kind=ScopeKind.HOST, name=name)


def region(name: str = "north") -> Scope:
    return Scope(kind=ScopeKind.REGION, name=name)


def shop(number: int) -> Scope:
    return Scope(kind=ScopeKind.MERCHANT, name=f"M{number}")


def told(places: Iterable[Place], ago_s: int = 5) -> Window:
    """A window in which these have failed."""
    window = Window(LIMITS)
    for each in places:
        window.failed(each, NOW - ago_s * S, 7)
    return window


def terminals(count: int, shops: int, **where: str) -> list[Place]:
    """So many terminals, spread evenly over so many merchants."""
    return [place(n, n % shops, **where) for n in range(count)]


@dataclass(frozen=True, kw_only=True)
class Row:
    why: str
    failed: list[Place]
    found: list[tuple[IncidentKind, Scope]]
    down_s: int = 0
    active: frozenset[Scope] = frozenset()
    ago_s: int = 5


ROWS = [
    Row(why="nothing fails", failed=[], found=[]),
    Row(why="five tills of one shop, and nobody else", failed=terminals(5, 1), found=[(K.SHOP_OFFLINE, shop(0))]),
    Row(why="four tills are not enough for a shop", failed=terminals(4, 1), found=[]),
    Row(why="nine terminals are not enough for a host, and no shop is alone", failed=terminals(9, 3), found=[]),
    Row(why="ten terminals of three merchants", failed=terminals(10, 3), found=[(K.HOST_DOWN, host())]),
    Row(why="ten terminals of two merchants are not enough for a host", failed=terminals(10, 2), found=[]),
    Row(
        why="one shop has most of them, one random failure beside it",
        failed=[*terminals(5, 1), place(90, 9)],
        found=[(K.SHOP_OFFLINE, shop(0))],
    ),
    Row(
        why="of another host's trouble a shop knows nothing",
        failed=[*terminals(5, 1), *[place(n, n, host="h2") for n in range(50, 59)]],
        found=[(K.SHOP_OFFLINE, shop(0))],
    ),
    Row(
        why="a region, since two hosts are concerned",
        failed=[*terminals(5, 3, region="north"), *[place(20 + n, n % 3, "h2", "north") for n in range(5)]],
        found=[(K.REGION_OFFLINE, region())],
    ),
    Row(
        why="one host alone is the host, not the region",
        failed=terminals(10, 3, region="north"),
        found=[(K.HOST_DOWN, host())],
    ),
    Row(
        why="terminals that cannot be told need no second host",
        failed=terminals(10, 3, host="", region="north"),
        found=[(K.REGION_OFFLINE, region())],
    ),
    Row(
        why="terminals that cannot be told say nothing about a host",
        failed=terminals(10, 3, host=""),
        found=[],
    ),
    Row(why="one payment and a link that is down long enough", failed=terminals(1, 1), down_s=10,
        found=[(K.HOST_DOWN, host())]),
    Row(why="a link that has just gone", failed=terminals(1, 1), down_s=9, found=[]),
    Row(why="a link is down and nobody notices", failed=[], down_s=600, found=[]),
    Row(
        why="what a dead link explains is no region",
        failed=[*terminals(9, 3, region="north"), *[place(20 + n, n, "h2", "north") for n in range(3)]],
        down_s=10,
        found=[(K.HOST_DOWN, host())],
    ),
    Row(why="it is known already", failed=terminals(10, 3), active=frozenset({host()}), found=[]),
    Row(why="a shop of a host that is known to be down", failed=terminals(5, 1), active=frozenset({host()}), found=[]),
    Row(
        why="a shop that was known first does not hide its host",
        failed=terminals(10, 3),
        active=frozenset({shop(0)}),
        found=[(K.HOST_DOWN, host())],
    ),
    Row(why="all is known to be lost", failed=terminals(20, 4), active=frozenset({EVERYTHING}), found=[]),
    Row(why="a minute later it is forgotten", failed=terminals(10, 3), ago_s=60, found=[]),
    Row(why="just within the minute", failed=terminals(10, 3), ago_s=59, found=[(K.HOST_DOWN, host())]),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row.why for row in ROWS])
def test_what_fails_is_found_and_what_is_known_is_not_found_again(row: Row) -> None:
    window = told(row.failed, row.ago_s)
    down = {"h1": NOW - row.down_s * S} if row.down_s else {}
    found = window.failing(NOW, down, row.active)
    assert [(verdict.kind, verdict.scope) for verdict in found] == row.found, row.why


def test_a_verdict_says_who_fails_and_since_when() -> None:
    window = Window(LIMITS)
    for n, each in enumerate(terminals(12, 4)):
        window.failed(each, NOW - n * S, 1_000 - n)
    [verdict] = window.failing(NOW, {}, ())
    assert verdict.crowd == Crowd(terminals=12, merchants=4, hosts=1)
    assert verdict.since_us == 989
    assert window.crowd(host()) == verdict.crowd
    assert window.crowd(host("h2")) == Crowd()


def test_what_failed_before_an_incident_was_over_does_not_count_again() -> None:
    window = told([*terminals(10, 3), *[place(50 + n, 9, host="h2") for n in range(5)]])
    window.forgive(host())
    assert [verdict.scope for verdict in window.failing(NOW, {}, ())] == [shop(9)]


def test_of_a_terminal_that_fails_again_the_first_time_is_kept_unless_it_is_long_ago() -> None:
    window = Window(LIMITS)
    for at_s, since_s in ((0, 10), (1, 5), (2, 200), (3, 190)):
        window.failed(place(1, 1), NOW + at_s * S, since_s * S)
    [verdict] = window.failing(NOW + 4 * S, {"h1": 0}, ())
    assert verdict.since_us == 190 * S


def test_a_busy_host_with_a_few_failures_is_not_down() -> None:
    window = Window(LIMITS)
    for n, each in enumerate(terminals(12, 4)):
        window.failed(each, NOW - (12 - n) * S, 1)
        window.tally(host()).good += 100
    assert window.failing(NOW, {}, ()) == []


def test_a_busy_host_that_stops_is_down_however_much_succeeded_before() -> None:
    window = Window(LIMITS)
    window.tally(host()).good += 1_000_000
    for each in terminals(10, 3):
        window.failed(each, NOW, 1)
    assert [verdict.scope for verdict in window.failing(NOW, {}, ())] == [host()]


def test_one_terminal_that_fails_a_hundred_times_is_one_terminal() -> None:
    assert told([place(1, 1)] * 100).failing(NOW, {}, ()) == []


FAILURES = st.lists(
    st.tuples(
        st.builds(
            place, st.integers(0, 25), st.integers(0, 5), st.sampled_from(["", "h1", "h2"]),
            st.sampled_from(["", "north"]),
        ),
        st.integers(0, 59),
    ),
    max_size=60,
)  # fmt: skip


def fed(failures: list[tuple[Place, int]]) -> Window:
    window = Window(LIMITS)
    for each, ago_s in failures:
        window.failed(each, NOW - ago_s * S, NOW - ago_s * S)
    return window


@given(failures=FAILURES, chance=st.randoms())
def test_within_the_window_the_order_does_not_matter(failures, chance) -> None:
    """A terminal belongs to one merchant and region, as in the list of terminals."""
    homes = {each.terminal_id: each for each, _ in reversed(failures)}
    failures = [
        (
            Place(
                terminal_id=each.terminal_id, host=each.host, merchant_id=homes[each.terminal_id].merchant_id,
                region=homes[each.terminal_id].region,
            ),
            ago_s,
        )
        for each, ago_s in failures
    ]  # fmt: skip
    shuffled = chance.sample(failures, len(failures))
    down = {"h2": NOW - 20 * S}
    assert fed(failures).failing(NOW, down, ()) == fed(shuffled).failing(NOW, down, ())


@given(failures=FAILURES)
def test_nothing_is_declared_below_its_threshold(failures) -> None:
    for verdict in fed(failures).failing(NOW, {}, ()):
        here = [each for each, _ in failures if verdict.scope in each.scopes]
        names, shops = {each.terminal_id for each in here}, {each.merchant_id for each in here}
        match verdict.kind:
            case K.HOST_DOWN:
                assert (len(names) >= LIMITS.host_terminals, len(shops) >= LIMITS.host_merchants) == (True, True)
            case K.REGION_OFFLINE:
                assert len(names) >= LIMITS.region_terminals
                assert len(shops) >= LIMITS.region_merchants
            case _:
                assert len(names) >= LIMITS.merchant_terminals


@given(failures=FAILURES)
def test_a_failure_belongs_to_one_verdict_at_most(failures) -> None:
    found = fed(failures).failing(NOW, {"h2": NOW - 20 * S}, ())
    wide = [verdict.scope for verdict in found if verdict.scope.kind is not ScopeKind.MERCHANT]
    for verdict in found:
        if verdict.scope.kind is ScopeKind.MERCHANT:
            own = [each for each, _ in failures if verdict.scope in each.scopes]
            left = {each.terminal_id for each in own if not set(wide) & set(each.scopes)}
            assert len(left) >= LIMITS.merchant_terminals
    assert len({verdict.scope for verdict in found}) == len(found)


def test_the_shortest_stretch_goes_back_no_further_than_it_must() -> None:
    failures = [
        Failure(place=place(n, n % 2), scopes=place(n, n % 2).scopes, at_us=n, since_us=n, good=()) for n in range(9)
    ]
    assert [each.at_us for each in shortest(failures, Enough(terminals=3, merchants=2))] == [8, 7, 6]
    assert shortest(failures, Enough(terminals=3, merchants=3)) == []
    assert shortest([], Enough(terminals=1)) == []


UP, DOWN = Sign(up=True, received=5), Sign(up=False, received=5)


def lived(*looks: tuple[int, Sign | None, int, int], sign: Sign | None = None) -> bool:
    """Whether it is well after these looks: (second, sign, succeeded, failed)."""
    tally = Tally()
    health = Health(tally, sign, 0)
    at_s = 0
    for at_s, now, good, bad in looks:
        tally.good += good
        tally.bad += bad
        health.look(now, at_s * S, LIMITS)
    return health.well(at_s * S, LIMITS)


LIVES = [
    (lived((1, None, 1, 0), (60, None, 0, 0)), True, "a success, and a minute without failures"),
    (lived((1, None, 1, 0), (59, None, 0, 0)), False, "not a minute yet"),
    (lived((60, None, 0, 0), (600, None, 0, 0)), False, "silence alone shows nothing"),
    (lived((1, None, 1, 0), (30, None, 0, 1), (80, None, 1, 0)), False, "it failed again half a minute ago"),
    (lived((1, None, 1, 0), (30, None, 0, 1), (90, None, 1, 0)), True, "and now it has been well for a minute"),
    (lived((1, None, 100, 5), (61, None, 0, 0)), True, "a busy place may have a few that fail"),
    (lived((1, None, 100, 6), (60, None, 0, 0)), False, "these are too many"),
    (lived((1, DOWN, 0, 0), (2, UP, 0, 0), (61, UP, 0, 0), sign=DOWN), True, "the link came up and stayed"),
    (lived((1, DOWN, 0, 0), (30, UP, 0, 0), (61, UP, 0, 0), sign=DOWN), True, "half a minute after the last bad look"),
    (lived((1, UP, 0, 0), (61, UP, 0, 0), sign=UP), False, "a link that was always up shows nothing"),
    (lived((1, Sign(up=True, received=6), 0, 0), (61, UP, 0, 0), sign=UP), True, "the host answers reversals again"),
    (lived((1, UP, 1, 0), (50, DOWN, 0, 0), (70, UP, 0, 0), sign=UP), False, "the link was lost once more"),
]


@pytest.mark.parametrize(("well", "expected", "why"), LIVES, ids=[row[2] for row in LIVES])
def test_a_place_is_well_when_it_has_shown_it_for_long_enough(well: bool, expected: bool, why: str) -> None:
    assert well is expected, why


def test_a_place_is_quiet_when_neither_good_nor_bad_comes_from_there() -> None:
    tally = Tally()
    health = Health(tally, None, 0)
    health.look(None, 100 * S, LIMITS)
    assert health.quiet_us(100 * S) == 100 * S
    tally.bad += 1
    health.look(None, 200 * S, LIMITS)
    assert health.quiet_us(250 * S) == 50 * S
    tally.good += 1
    health.look(None, 300 * S, LIMITS)
    assert health.quiet_us(300 * S) == 0
    line = Health(Tally(), UP, 0)
    line.look(UP, 50 * S, LIMITS)
    assert line.quiet_us(50 * S) == 50 * S
    line.look(Sign(up=True, received=6), 60 * S, LIMITS)
    assert line.quiet_us(60 * S) == 0, "the host answers something"
