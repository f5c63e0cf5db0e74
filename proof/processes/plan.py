"""What happens in a run, by its seed: when the gateway is killed, and what else goes wrong meanwhile.

The same seed gives the same plan. Real time does not repeat exactly: which payment is at which step when a kill comes
is another one each time.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from proof.processes.proxy import BOTH, Way, Weather
from proof.processes.world import CARRY_S_MAX, DATABASE, GATEWAYS_ON_SERVER, HOSTS, TOWNS

EARLY_SHARE = 0.15
EARLY_S_MAX = 0.3
LONG_EVERY = 12
LONG_S = (4.0, 7.0)
GAP_S = 0.7
GAP_S_MAX = 3.0
TROUBLE_EVERY_S = 1.6
JUMP_HOURS = 3
"""Jumps of the wall clock are whole multiples: what is left of an instant tells the true time."""
CLOCK_SHARE = 0.3
"""Of the rounds of troubles. What is in doubt when the wall clock passes midnight is handed to a person, since the host
may have changed its day: a day that changes all the time would hide all the rest."""
ALL_AT_ONCE_SHARE = 0.15
"""Of the kills where there are several gateways."""
HANG_S = (2.0, 14.0)
"""Another gateway is given up after 10 s."""
ALL = -1
"""Every gateway at once."""


class Kind(Enum):
    """What goes wrong beside the kills of gateways."""

    PARTITION = "partition"
    HALF_OPEN = "half-open connections"
    SLOW = "slow connections"
    CUT = "connections cut"
    HOST_KILL = "host killed"
    DISK_FULL = "disk full"
    IO_ERROR = "I/O error"
    CLOCK = "wall clock jumps"
    DATABASE_LINE = "line to the database"
    SESSION_KILL = "server's session killed"
    SERVER_KILL = "postmaster killed"
    HANG = "gateway hangs"


ON_FILE = (
    Kind.PARTITION, Kind.HALF_OPEN, Kind.SLOW, Kind.CUT, Kind.HOST_KILL, Kind.DISK_FULL, Kind.IO_ERROR, Kind.CLOCK,
)  # fmt: skip
"""What can happen to a gateway with a file."""
ON_SERVER = (
    Kind.PARTITION, Kind.HALF_OPEN, Kind.SLOW, Kind.CUT, Kind.HOST_KILL, Kind.DATABASE_LINE, Kind.SESSION_KILL,
    Kind.SERVER_KILL, Kind.HANG,
)  # fmt: skip
"""What can happen to gateways on PostgreSQL. Their clocks stay: one that is far from the server's does not start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """When the next kill comes: so long after its gateway listens, or if `early`, after it was begun."""

    seconds: float
    early: bool
    gateway: int = 0
    """Which of several, counted from 0; ALL for all of them at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that goes wrong, `pause_s` after the one before, at a host or a town, for so long."""

    pause_s: float
    kind: Kind
    target: str = ""
    lasts_s: float = 0.0
    weather: Weather | None = None
    hours: int = 0
    spare_kib: int = 0
    """What a full disk still has room for."""
    fault: str = ""
    """The failure point of libfiu."""

    def __str__(self) -> str:
        """In words."""
        what = [self.kind.value, self.target]
        if self.weather is not None:
            lost = ",".join(sorted(way.value for way in self.weather.loses | self.weather.stands_still))
            slow = f"{self.weather.delay_ms} ms" if self.weather.delay_ms else ""
            thin = f"{self.weather.bytes_per_s} bytes/s" if self.weather.bytes_per_s else ""
            what += [lost, slow, thin]
        what += [f"for {self.lasts_s:.1f} s" if self.lasts_s else "", f"{self.hours:+} h" if self.hours else ""]
        what += [self.fault, f"{self.spare_kib} KiB left" if self.kind is Kind.DISK_FULL else ""]
        return " ".join(word for word in what if word)


def gaps(seed: int, kills: int, gateways: int = 1) -> Iterator[Gap]:
    """When each kill comes."""
    chance, whom = random.Random(f"{seed}/kills"), random.Random(f"{seed}/whom")
    for number in range(kills):
        gateway = ALL if gateways > 1 and whom.random() < ALL_AT_ONCE_SHARE else whom.randrange(gateways)
        if number % LONG_EVERY == LONG_EVERY - 1:
            yield Gap(seconds=chance.uniform(*LONG_S), early=False, gateway=gateway)
        elif chance.random() < EARLY_SHARE:
            yield Gap(seconds=chance.uniform(0, EARLY_S_MAX), early=True, gateway=gateway)
        else:
            yield Gap(seconds=min(chance.expovariate(1 / GAP_S), GAP_S_MAX), early=False, gateway=gateway)


def troubles(seed: int, kinds: Sequence[Kind]) -> Iterator[Trouble]:
    """What else goes wrong, without end: each kind once before any comes again, the clock less often."""
    chance = random.Random(f"{seed}/troubles")
    while kinds:
        clock = chance.random() < CLOCK_SHARE
        for kind in chance.sample(list(kinds), len(kinds)):
            if kind is Kind.CLOCK and not clock:
                continue
            yield _trouble(kind, min(chance.expovariate(1 / TROUBLE_EVERY_S), 4 * TROUBLE_EVERY_S), chance)


def _trouble(kind: Kind, pause_s: float, chance: random.Random) -> Trouble:
    host = chance.choice(HOSTS).name
    line = chance.choice([host, host, *TOWNS])
    match kind:
        case Kind.PARTITION:
            ways = chance.choice([BOTH, BOTH, frozenset({Way.THERE}), frozenset({Way.BACK})])
            weather, lasts_s = Weather(loses=ways), chance.uniform(0.3, 5.0)
        case Kind.HALF_OPEN:
            ways = chance.choice([BOTH, frozenset({Way.THERE}), frozenset({Way.BACK})])
            weather, lasts_s = Weather(stands_still=ways), chance.uniform(0.2, 2 * CARRY_S_MAX)
        case Kind.SLOW:
            delay_ms, bytes_per_s = chance.choice([(chance.randint(50, 700), 0), (0, chance.randint(2_000, 20_000))])
            weather, lasts_s = Weather(delay_ms=delay_ms, bytes_per_s=bytes_per_s), chance.uniform(1.0, 5.0)
        case Kind.CUT:
            return Trouble(pause_s=pause_s, kind=kind, target=line)
        case Kind.HOST_KILL:
            return Trouble(pause_s=pause_s, kind=kind, target=host)
        case Kind.DISK_FULL:
            spare = chance.choice([0, 0, 100, 400, 1_500])
            return Trouble(pause_s=pause_s, kind=kind, lasts_s=chance.uniform(0.5, 3.0), spare_kib=spare)
        case Kind.IO_ERROR:
            point = chance.choice(["posix/io/sync/*", "posix/io/rw/pwrite"])
            return Trouble(pause_s=pause_s, kind=kind, fault=point)
        case Kind.DATABASE_LINE | Kind.SESSION_KILL | Kind.SERVER_KILL | Kind.HANG:
            return _trouble_on_server(kind, pause_s, chance)
        case Kind.CLOCK:
            hours = JUMP_HOURS * chance.choice([-8, -4, -1, 1, 2, 4, 8, 16])
            return Trouble(pause_s=pause_s, kind=kind, hours=hours)
    return Trouble(pause_s=pause_s, kind=kind, target=line, lasts_s=lasts_s, weather=weather)


def _trouble_on_server(kind: Kind, pause_s: float, chance: random.Random) -> Trouble:
    """What only gateways on PostgreSQL have."""
    name = chance.choice(GATEWAYS_ON_SERVER)
    if kind is Kind.HANG:
        return Trouble(pause_s=pause_s, kind=kind, target=name, lasts_s=chance.uniform(*HANG_S))
    if kind is not Kind.DATABASE_LINE:
        return Trouble(pause_s=pause_s, kind=kind)
    # Cut, or it loses what it carries, one way or both; a lost answer to a commit is the worst of it.
    weathers = [
        None,
        Weather(loses=BOTH),
        Weather(loses=frozenset({Way.BACK})),
        Weather(loses=frozenset({Way.THERE})),
        Weather(stands_still=BOTH),
        Weather(delay_ms=chance.randint(5, 60)),
    ]
    weather = chance.choice(weathers)
    lasts_s = chance.uniform(0.2, 3.0) if weather is not None else 0.0
    return Trouble(pause_s=pause_s, kind=kind, target=DATABASE + name, lasts_s=lasts_s, weather=weather)
