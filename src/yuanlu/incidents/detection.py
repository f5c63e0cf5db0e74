"""Which place is failing, and whether it is well again: pure and deterministic.

The caller says what failed and what succeeded, and looks now and then; there is no clock in here, every time is given.
A success only counts up a few numbers, since every payment pays for it.

Rules:
- A place fails when enough of its terminals do (how many is set), and when in the shortest recent time in which they
  did so at least half of its requests failed. A busy host always has some that fail.
- An issuer or a wallet fails when it mostly does and everything else at the same hosts goes through.
- Wide before narrow: what a link that is down explains counts for no issuer or wallet, what these explain for no
  region, what a region explains for no host, and what a host explains for no merchant. So a thousand payments make one
  incident.
- A place is well when for some time hardly anything failed, and something has shown since that it lives.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from yuanlu.causes.evidence import IncidentKind
from yuanlu.incidents.records import EVERYTHING, Place, Scope, ScopeKind, first_digits, issuer_or_wallet
from yuanlu.settings import Incidents

NEVER = -1
NARROW = (ScopeKind.WALLET, ScopeKind.ISSUER)
"""Those who decide about a payment behind its host."""

NOTICED = 6
OTHERS_GOOD_MIN = 3
OTHERS_FAILING_PERCENT_MAX = 20
"""An issuer or a wallet is to blame only if beside it so many requests succeed, and at most so many fail."""

_KINDS = {
    ScopeKind.REGION: IncidentKind.REGION_OFFLINE,
    ScopeKind.HOST: IncidentKind.HOST_DOWN,
    ScopeKind.WALLET: IncidentKind.WALLET_OUTAGE,
    ScopeKind.ISSUER: IncidentKind.ISSUER_OUTAGE,
    ScopeKind.MERCHANT: IncidentKind.SHOP_OFFLINE,
}


@dataclass(slots=True, eq=False)
class Tally:
    """What succeeded and failed in one scope since the start. Only ever counted up."""

    good: int = 0
    bad: int = 0


class Failure(Struct, frozen=True, kw_only=True):
    """The latest failure of one terminal with one issuer or wallet.

    `at_us` is the caller's steady clock, `since_us` wall time: when the first payment came that got lost with it.
    `good` is how many requests had succeeded by then, scope by scope of its place.
    """

    place: Place
    scopes: tuple[Scope, ...]
    at_us: int
    since_us: int
    good: tuple[int, ...]


class Crowd(Struct, frozen=True, kw_only=True):
    """Who fails together."""

    terminals: int = 0
    merchants: int = 0
    hosts: int = 0

    def grown(self, other: "Crowd") -> "Crowd":
        """The larger of each number."""
        return Crowd(
            terminals=max(self.terminals, other.terminals),
            merchants=max(self.merchants, other.merchants),
            hosts=max(self.hosts, other.hosts),
        )


class Verdict(Struct, frozen=True, kw_only=True):
    """A place that is failing. `since_us` is the wall time of the first payment that belongs to it."""

    kind: IncidentKind
    scope: Scope
    crowd: Crowd
    since_us: int


class Enough(Struct, frozen=True, kw_only=True):
    """How many must fail together."""

    terminals: int
    merchants: int = 1
    hosts: int = 1


class Window:
    """The failures of the latest time, one for each terminal, and what succeeded beside them.

    `by_card_bin` are the tallies of issuers and wallets, by the first digits of a payment: only of those with trouble,
    so that there are few. `to_blame` says, as of the last look, which of them fail while everything else goes through.
    """

    def __init__(self, limits: Incidents) -> None:
        self._limits = limits
        self._tallies: dict[Scope, Tally] = {}
        self._latest: dict[tuple[str, str, str], Failure] = {}
        self.by_card_bin: dict[str, Tally] = {}
        self.to_blame: dict[Scope, Verdict] = {}

    def tally(self, scope: Scope) -> Tally:
        """The numbers of a scope; a new one begins at zero."""
        found = self._tallies.get(scope)
        if found is None:
            found = self._tallies[scope] = Tally()
            self.by_card_bin |= dict.fromkeys(first_digits(scope), found)
        return found

    def failed(self, place: Place, at_us: int, since_us: int) -> None:
        """A request of this terminal got lost, or could not be sent."""
        scopes = place.scopes
        tallies = [self.tally(scope) for scope in scopes]
        for each in tallies:
            each.bad += 1
        key = place.terminal_id, place.host, place.card_bin
        known = self._latest.get(key)
        new = Failure(
            place=place, scopes=scopes, at_us=at_us, since_us=since_us, good=tuple([each.good for each in tallies])
        )
        self._latest[key] = new if known is None else self._joined(known, new)

    def _joined(self, one: Failure, other: Failure) -> Failure:
        """Two failures of one terminal are one: the later, since the earlier, if that is not long ago."""
        latest = other if other.at_us >= one.at_us else one
        first_us, last_us = sorted((one.since_us, other.since_us))
        near = last_us - first_us <= self._limits.window_ms * 1000
        return replace(latest, since_us=first_us if near else last_us)

    def failing(self, now_us: int, down_since_us: Mapping[str, int], active: Collection[Scope]) -> list[Verdict]:
        """What fails now and is in no active incident yet. `down_since_us` are the hosts whose links are down."""
        self._forget(now_us, active)
        self.to_blame = {}
        if EVERYTHING in active or not self._latest:
            return []
        known = set(active)
        explained = {scope for scope in active if scope.kind is not ScopeKind.MERCHANT}
        found: list[Verdict] = []
        looks: tuple[Callable[[list[Failure]], list[Verdict]], ...] = (
            lambda left: self._links_down(left, now_us, down_since_us),
            self._narrow,
            lambda left: self._crowds(left, ScopeKind.REGION),
            lambda left: self._crowds(left, ScopeKind.HOST),
            lambda left: self._crowds([each for each in left if known.isdisjoint(each.scopes)], ScopeKind.MERCHANT),
        )
        for look in looks:
            news = look([each for each in self._latest.values() if explained.isdisjoint(each.scopes)])
            found += news
            explained.update(verdict.scope for verdict in news)
        return found

    def crowd(self, scope: Scope) -> Crowd:
        """Who fails in this scope now."""
        return crowd_of(each for each in self._latest.values() if scope in each.scopes)

    def forgive(self, scope: Scope) -> None:
        """Its incident is over: what failed before counts no more."""
        for key in [key for key, each in self._latest.items() if scope in each.scopes]:
            del self._latest[key]

    def _forget(self, now_us: int, active: Collection[Scope]) -> None:
        oldest_us = now_us - self._limits.window_ms * 1000
        for key in [key for key, each in self._latest.items() if each.at_us <= oldest_us]:
            del self._latest[key]
        kept = {scope for each in self._latest.values() for scope in each.scopes}.union(active)
        watched = {scope for scope in map(issuer_or_wallet, self.by_card_bin) if scope is not None}
        for scope in watched - kept:
            del self._tallies[scope]
            for digits in first_digits(scope):
                del self.by_card_bin[digits]

    def _links_down(self, left: list[Failure], now_us: int, down_since_us: Mapping[str, int]) -> list[Verdict]:
        """Hosts without a link for long enough, with payments affected."""
        latest_us = now_us - self._limits.link_down_ms * 1000
        return [
            _verdict(scope, failures)
            for scope, failures in _grouped(left, ScopeKind.HOST)
            if down_since_us.get(scope.name, now_us) <= latest_us
        ]

    def _narrow(self, left: list[Failure]) -> list[Verdict]:
        """Issuers and wallets that fail while everything else at the same hosts goes through."""
        suspects = {
            scope: (failures, stretch)
            for kind in NARROW
            for scope, failures in _grouped(left, kind)
            if (stretch := self._failing_stretch(scope, failures, _noticed(self._enough(kind))))
        }
        self.to_blame = {
            scope: _verdict(scope, failures)
            for scope, (failures, stretch) in suspects.items()
            if self._others_go_through(stretch, {scope: each[1] for scope, each in suspects.items()}, left)
        }
        return [
            verdict
            for scope, verdict in self.to_blame.items()
            if self._failing_stretch(scope, suspects[scope][0], self._enough(scope.kind))
        ]

    def _failing_stretch(self, scope: Scope, failures: list[Failure], enough: Enough) -> list[Failure]:
        stretch = shortest(failures, enough)
        return stretch if stretch and self._mostly_failing(scope, stretch) else []

    def _others_go_through(
        self, stretch: list[Failure], suspects: Mapping[Scope, list[Failure]], left: list[Failure]
    ) -> bool:
        """Whether beside all suspects hardly anything fails at these hosts; when only one shop has it, in that shop."""
        kind = ScopeKind.MERCHANT if len({each.place.merchant_id for each in stretch}) == 1 else ScopeKind.HOST
        around: dict[Scope, Failure] = {}
        for each in stretch:  # the newest first, so the first failure of each stays
            around |= {scope: each for scope in each.scopes if scope.kind is kind}
        good = sum(self._good_since(scope, first) for scope, first in around.items())
        good -= sum(self._good_since(scope, own[-1]) for scope, own in suspects.items())
        bad = {
            each.place.terminal_id
            for each in left
            if each.at_us >= stretch[-1].at_us
            and suspects.keys().isdisjoint(each.scopes)
            and not around.keys().isdisjoint(each.scopes)
        }
        return good >= OTHERS_GOOD_MIN and len(bad) * 100 <= OTHERS_FAILING_PERCENT_MAX * (good + len(bad))

    def _good_since(self, scope: Scope, first: Failure) -> int:
        return self.tally(scope).good - first.good[first.scopes.index(scope)]

    def _crowds(self, left: list[Failure], kind: ScopeKind) -> list[Verdict]:
        found = []
        for scope, failures in _grouped(left, kind):
            stretch = self._failing_stretch(scope, failures, self._enough(kind))
            if stretch and self._is_its_own(scope, failures, left):
                found.append(_verdict(scope, failures))
        return found

    def _enough(self, kind: ScopeKind) -> Enough:
        limits = self._limits
        match kind:
            case ScopeKind.REGION:
                return Enough(
                    terminals=limits.region_terminals, merchants=limits.region_merchants, hosts=limits.region_hosts
                )
            case ScopeKind.HOST:
                return Enough(terminals=limits.host_terminals, merchants=limits.host_merchants)
            case ScopeKind.WALLET:
                return Enough(terminals=limits.wallet_merchants, merchants=limits.wallet_merchants)
            case ScopeKind.ISSUER:
                return Enough(terminals=limits.issuer_terminals)
            case ScopeKind.MERCHANT | ScopeKind.ALL:
                return Enough(terminals=limits.merchant_terminals)

    def _mostly_failing(self, scope: Scope, stretch: list[Failure]) -> bool:
        """Whether since the stretch began at least as many failed, in percent, as is needed."""
        good = self._good_since(scope, stretch[-1])
        bad = crowd_of(stretch).terminals
        return bad * 100 >= self._limits.failing_percent * (bad + good)

    def _is_its_own(self, scope: Scope, failures: list[Failure], left: list[Failure]) -> bool:
        """Of a shop: that hardly anybody else fails at its hosts. Of anything wider: always."""
        if scope.kind is not ScopeKind.MERCHANT:
            return True
        hosts = {each.place.host for each in failures} - {""}
        beside = {each.place.terminal_id for each in left if each.place.host in hosts}
        own = {each.place.terminal_id for each in failures}
        return len(own) * 100 >= self._limits.merchant_share_percent * len(own | beside)


def _noticed(enough: Enough) -> Enough:
    """As many as `causes` needs to blame an issuer or a wallet, where an incident needs more."""
    return Enough(terminals=min(enough.terminals, NOTICED), merchants=min(enough.merchants, NOTICED))


def shortest(failures: Iterable[Failure], enough: Enough) -> list[Failure]:
    """The latest failures, the newest first, as far back as is needed to be enough; none when all are not.

    Trouble between terminals and us needs no second host.
    """
    newest = sorted(failures, key=lambda each: (-each.at_us, each.place.terminal_id, each.place.host))
    terminals, merchants, hosts = set[str](), set[str](), set[str]()
    for count, each in enumerate(newest, 1):
        terminals.add(each.place.terminal_id)
        merchants.add(each.place.merchant_id)
        hosts.add(each.place.host)
        far = len(hosts) >= enough.hosts or "" in hosts
        if far and len(terminals) >= enough.terminals and len(merchants) >= enough.merchants:
            return newest[:count]
    return []


def crowd_of(failures: Iterable[Failure]) -> Crowd:
    """Who they are, counted."""
    places = [each.place for each in failures]
    return Crowd(
        terminals=len({place.terminal_id for place in places}),
        merchants=len({place.merchant_id for place in places}),
        hosts=len({place.host for place in places} - {""}),
    )


def _grouped(failures: Iterable[Failure], kind: ScopeKind) -> list[tuple[Scope, list[Failure]]]:
    """By the scopes of this kind, in the order of their names."""
    groups: dict[Scope, list[Failure]] = {}
    for each in failures:
        for scope in each.scopes:
            if scope.kind is kind:
                groups.setdefault(scope, []).append(each)
    return sorted(groups.items(), key=lambda group: group[0].name)


def _verdict(scope: Scope, failures: list[Failure]) -> Verdict:
    since_us = min(each.since_us for each in failures)
    return Verdict(kind=_KINDS[scope.kind], scope=scope, crowd=crowd_of(failures), since_us=since_us)


class Sign(Struct, frozen=True, kw_only=True):
    """What a host's link shows: whether it is up, and how many answers have come over it since the start."""

    up: bool
    received: int


class Health:
    """How one scope has been since its incident is known. Looked at regularly."""

    def __init__(self, tally: Tally, sign: Sign | None, now_us: int) -> None:
        self._tally = tally
        self._good, self._bad = tally.good, tally.bad
        self._sign = sign
        self._unwell_at_us, self._alive_at_us, self._heard_at_us = now_us, NEVER, now_us

    def look(self, sign: Sign | None, now_us: int, limits: Incidents) -> None:
        """Take note of what has happened since the last look. `sign` is given for a host."""
        good, bad = self._tally.good - self._good, self._tally.bad - self._bad
        self._good, self._bad = self._tally.good, self._tally.bad
        before, self._sign = self._sign, sign
        if good or bad or _shows_life(before, sign):
            self._heard_at_us = now_us
        down = sign is not None and not sign.up
        if down or (bad and bad * 100 > limits.healthy_failing_percent * (good + bad)):
            self._unwell_at_us = now_us
        elif good or _shows_life(before, sign):
            self._alive_at_us = now_us

    def quiet_us(self, now_us: int) -> int:
        """For how long nothing has come from there, good or bad."""
        return now_us - self._heard_at_us

    def well(self, now_us: int, limits: Incidents) -> bool:
        """Whether it has been well for long enough, and has shown it."""
        quiet = now_us - self._unwell_at_us >= limits.healthy_ms * 1000
        return quiet and self._alive_at_us > self._unwell_at_us


def _shows_life(before: Sign | None, now: Sign | None) -> bool:
    """The link came up, or something came over it."""
    return before is not None and now is not None and now.up and (not before.up or now.received > before.received)
