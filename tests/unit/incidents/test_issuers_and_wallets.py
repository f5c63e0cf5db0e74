"""An issuer or a wallet fails while everything else goes through: neither it nor its host is blamed for the other."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from yuanlu.causes.evidence import IncidentKind
from yuanlu.incidents.detection import Crowd, Window
from yuanlu.incidents.records import Place, Scope, ScopeKind, issuer_or_wallet
from yuanlu.settings import Incidents

LIMITS = Incidents()
S = 1_000_000
NOW = 1_000 * S
K = IncidentKind
OURS, THEIRS, OTHER = "621700", "622848", "625912"
ALIPAY, WECHAT = "28", "13"


def place(terminal: int, shop: int, card_bin: str, host: str = "h1") -> Place:
    return Place(terminal_id=f"T{terminal:07}", merchant_id=f"M{shop}", host=host, card_bin=card_bin)


def scope(card_bin: str) -> Scope:
    found = issuer_or_wallet(card_bin)
    assert found is not None
    return found


class Traffic:
    """What happened at the hosts, in the order in which it is told."""

    def __init__(self, limits: Incidents = LIMITS) -> None:
        self.window = Window(limits)

    def fail(self, card_bin: str, terminals: int, *, shops: int = 3, host: str = "h1", first: int = 0) -> "Traffic":
        """One payment fails at each of so many terminals, spread evenly over so many shops."""
        for n in range(terminals):
            self.window.failed(place(first + n, n % shops, card_bin, host), NOW - 5 * S, 7)
        return self

    def succeed(self, card_bin: str, times: int, *, shop: int = 7, host: str = "h1") -> "Traffic":
        for each in place(500, shop, "", host).scopes:
            self.window.tally(each).good += times
        if card_bin in self.window.by_card_bin:
            self.window.by_card_bin[card_bin].good += times
        return self

    def found(self, *active: Scope, down: dict[str, int] | None = None) -> list[tuple[IncidentKind, str]]:
        verdicts = self.window.failing(NOW, down or {}, active)
        return [(verdict.kind, verdict.scope.name) for verdict in verdicts]


@dataclass(frozen=True, kw_only=True)
class Row:
    why: str
    traffic: Callable[[Traffic], Traffic]
    found: list[tuple[IncidentKind, str]]
    active: tuple[Scope, ...] = ()
    down: bool = False


H1 = Scope(kind=ScopeKind.HOST, name="h1")
ROWS = [
    Row(
        why="cards of one issuer fail at five terminals, others go through",
        traffic=lambda t: t.fail(OURS, 5).succeed(OTHER, 20),
        found=[(K.ISSUER_OUTAGE, OURS)],
    ),
    Row(why="four terminals are not enough", traffic=lambda t: t.fail(OURS, 4).succeed(OTHER, 20), found=[]),
    Row(
        why="an issuer with most of the cards is still not its host",
        traffic=lambda t: t.fail(OURS, 12).succeed(OTHER, 8),
        found=[(K.ISSUER_OUTAGE, OURS)],
    ),
    Row(
        why="everything fails, whoever issued it",
        traffic=lambda t: t.fail(OURS, 6).fail(THEIRS, 6, first=20),
        found=[(K.HOST_DOWN, "h1")],
    ),
    Row(why="there is one issuer alone, and it fails", traffic=lambda t: t.fail(OURS, 12), found=[(K.HOST_DOWN, "h1")]),
    Row(
        why="what still goes through of the issuer itself shows nothing about others",
        traffic=lambda t: t.fail(OURS, 10).succeed(OURS, 5),
        found=[(K.HOST_DOWN, "h1")],
    ),
    Row(
        why="a host that fails every second time is no issuer",
        traffic=lambda t: t.fail(OURS, 6).fail(OTHER, 4, first=20).succeed(THEIRS, 6),
        found=[(K.HOST_DOWN, "h1")],
    ),
    Row(
        why="a busy issuer has some that fail",
        traffic=lambda t: t.fail(OURS, 6).succeed(OURS, 30).succeed(OTHER, 30),
        found=[],
    ),
    Row(
        why="at another host the same cards go through, so it is not their issuer",
        traffic=lambda t: t.fail(OURS, 6).succeed(OURS, 10, host="h2").succeed(OTHER, 10),
        found=[],
    ),
    Row(
        why="what goes through at another host says nothing about this one",
        traffic=lambda t: t.fail(OURS, 10).succeed(OTHER, 100, host="h2"),
        found=[(K.HOST_DOWN, "h1")],
    ),
    Row(
        why="two issuers at once",
        traffic=lambda t: t.fail(OURS, 6).fail(THEIRS, 6, first=20).succeed(OTHER, 12),
        found=[(K.ISSUER_OUTAGE, OURS), (K.ISSUER_OUTAGE, THEIRS)],
    ),
    Row(
        why="an issuer at two hosts",
        traffic=lambda t: (
            t.fail(OURS, 3).fail(OURS, 3, host="h2", first=9).succeed(OTHER, 9).succeed(OTHER, 9, host="h2")
        ),
        found=[(K.ISSUER_OUTAGE, OURS)],
    ),
    Row(
        why="one shop in which nothing goes through is a shop",
        traffic=lambda t: t.fail(OURS, 6, shops=1).fail(OTHER, 5, shops=1, first=20).succeed(OTHER, 90),
        found=[(K.SHOP_OFFLINE, "M0")],
    ),
    Row(
        why="one shop in which other cards go through is the issuer",
        traffic=lambda t: t.fail(OURS, 6, shops=1).succeed(OTHER, 9, shop=0),
        found=[(K.ISSUER_OUTAGE, OURS)],
    ),
    Row(
        why="codes of one wallet fail at three merchants, cards go through",
        traffic=lambda t: t.fail(ALIPAY, 2, shops=2).fail("25", 1, first=9).fail("30", 3).succeed(OTHER, 9),
        found=[(K.WALLET_OUTAGE, "alipay")],
    ),
    Row(why="two merchants are not enough", traffic=lambda t: t.fail(ALIPAY, 9, shops=2).succeed(OTHER, 9), found=[]),
    Row(
        why="two wallets, and cards go through",
        traffic=lambda t: t.fail(ALIPAY, 3).fail(WECHAT, 4, first=9).succeed(OTHER, 20),
        found=[(K.WALLET_OUTAGE, "alipay"), (K.WALLET_OUTAGE, "wechat")],
    ),
    Row(
        why="a code that no wallet of ours begins with",
        traffic=lambda t: t.fail("99", 9).succeed(OTHER, 9),
        found=[],
    ),
    Row(
        why="its host is known to be down",
        traffic=lambda t: t.fail(OURS, 6).succeed(OTHER, 20),
        active=(H1,),
        found=[],
    ),
    Row(
        why="its host's link is down",
        traffic=lambda t: t.fail(OURS, 6).succeed(OTHER, 20),
        down=True,
        found=[(K.HOST_DOWN, "h1")],
    ),
    Row(
        why="the issuer is known, and now the host fails for all others, too",
        traffic=lambda t: t.fail(OURS, 6).fail(OTHER, 10, first=20),
        active=(scope(OURS),),
        found=[(K.HOST_DOWN, "h1")],
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row.why for row in ROWS])
def test_who_is_to_blame(row: Row) -> None:
    traffic = row.traffic(Traffic())
    down = {"h1": NOW - 10 * S} if row.down else None
    assert traffic.found(*row.active, down=down) == row.found, row.why


def test_the_settings_say_how_many() -> None:
    few = Incidents(issuer_terminals=3, wallet_merchants=2)
    assert Traffic(few).fail(OURS, 3).succeed(OTHER, 9).found() == [(K.ISSUER_OUTAGE, OURS)]
    assert Traffic(few).fail(ALIPAY, 2).succeed(OTHER, 9).found() == [(K.WALLET_OUTAGE, "alipay")]


def test_who_is_to_blame_is_said_also_where_it_is_too_little_for_an_incident() -> None:
    traffic = Traffic(Incidents(issuer_terminals=50)).fail(OURS, 6).succeed(OTHER, 20)
    assert traffic.found() == []
    assert traffic.window.to_blame[scope(OURS)].crowd == Crowd(terminals=6, merchants=3, hosts=1)


def test_only_who_has_trouble_is_counted_and_not_for_ever() -> None:
    traffic = Traffic().succeed(OURS, 1_000)
    assert traffic.window.by_card_bin == {}
    traffic.fail(OURS, 1).fail(ALIPAY, 1)
    assert traffic.window.by_card_bin.keys() == {OURS, "25", "26", "27", "28", "29", "30"}
    later_us = NOW + LIMITS.window_ms * 1000
    traffic.window.failing(later_us, {}, {scope(OURS)})
    assert traffic.window.by_card_bin.keys() == {OURS}, "as long as its incident lasts"
    traffic.window.failing(later_us, {}, ())
    assert traffic.window.by_card_bin == {}
