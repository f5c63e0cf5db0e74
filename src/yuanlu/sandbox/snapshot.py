"""What the board shows, read from the gateway's database in short queries."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from yuanlu.journal.tables import facts, transactions

EVENTS_SHOWN = 8
CAUSES_SHOWN = 8
AT_RISK = ("SEND_INTENT", "UNKNOWN", "RETURNING", "REOPENED", "ESCALATED")
STILL_OPEN = frozenset({"SEND_INTENT", "UNKNOWN", "RETURNING", "REOPENED"})
UNEVENTFUL = ("SEND_INTENT", "APPROVED", "DECLINED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One of the last things that happened."""

    at_us: int
    terminal_id: str
    kind: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The journal at one moment: payments by state, by acquirer and state, by reason; money in minor units."""

    by_state: Mapping[str, int]
    open_by_acquirer: Mapping[str, int]
    causes: Sequence[tuple[str, int]]
    at_risk_minor: int
    events: Sequence[Event]

    @property
    def transactions(self) -> int:
        """All payments in the journal."""
        return sum(self.by_state.values())

    def count(self, *states: str) -> int:
        """Payments in any of these states."""
        return sum(self.by_state.get(state, 0) for state in states)


EMPTY = Snapshot(by_state={}, open_by_acquirer={}, causes=(), at_risk_minor=0, events=())


def take_snapshot(engine: Engine) -> Snapshot | None:
    """Read now; None while there is no database yet, or it is just being recovered."""
    try:
        with engine.connect() as connection:
            return _read(connection)
    except SQLAlchemyError:
        return None


def _read(connection: Connection) -> Snapshot:
    t = transactions.c
    by_state: Counter[str] = Counter()
    still_open: Counter[str] = Counter()
    at_risk_minor = 0
    states = select(t.acquirer, t.state, func.count(), func.sum(t.amount_minor)).group_by(t.acquirer, t.state)
    for acquirer, state, count, amount_minor in connection.execute(states):
        by_state[state] += count
        if state in STILL_OPEN:
            still_open[acquirer] += count
        if state in AT_RISK:
            at_risk_minor += amount_minor
    return Snapshot(
        by_state=by_state,
        open_by_acquirer=still_open,
        causes=_causes(connection),
        at_risk_minor=at_risk_minor,
        events=_events(connection),
    )


def _causes(connection: Connection) -> list[tuple[str, int]]:
    """Why payments left the ordinary way, most frequent first."""
    t = transactions.c
    query = (
        select(t.reason, func.count().label("number"))
        .where(t.reason != "", t.state.not_in(UNEVENTFUL))
        .group_by(t.reason)
        .order_by(func.count().desc())
        .limit(CAUSES_SHOWN)
    )
    return [(reason, number) for reason, number in connection.execute(query)]


def _events(connection: Connection) -> list[Event]:
    """The last facts, by the unique index on writer and sequence."""
    f = facts.c
    query = (
        select(f.at_us, f.terminal_id, f.kind, f.note)
        .order_by(f.writer_id.desc(), f.writer_seq.desc())
        .limit(EVENTS_SHOWN)
    )
    return [
        Event(at_us=at_us, terminal_id=terminal_id, kind=kind, note=note)
        for at_us, terminal_id, kind, note in connection.execute(query)
    ]
