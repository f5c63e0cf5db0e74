"""What the board shows, read from the gateway's database in short queries."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from yuanlu.causes.taxonomy import CAUSES
from yuanlu.journal.tables import facts, transactions
from yuanlu.returns.tables import legs, orders
from yuanlu.sandbox.evidence import cause_column, in_work

EVENTS_SHOWN = 8
CAUSES_SHOWN = 8
AT_RISK = ("SEND_INTENT", "UNKNOWN", "RETURNING", "REOPENED", "ESCALATED")
STILL_OPEN = frozenset({"SEND_INTENT", "UNKNOWN", "RETURNING", "REOPENED"})
UNKNOWN_FAMILY = "unclassified"
FAMILY_OF = {cause.code: cause.family.value for cause in CAUSES}
"""The family of each cause, by the cause's code."""
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
    """The journal at one moment: transactions by state, by acquirer and state, by reason; money in minor units.

    `by_kind` counts what has been given back, by how; `by_family` abnormal transactions, by where their cause lies.
    `open_orders` are givings-back that are decided and not done, `without_case` what a person has and no case is open.
    """

    by_state: Mapping[str, int]
    open_by_acquirer: Mapping[str, int]
    causes: Sequence[tuple[str, int]]
    at_risk_minor: int
    events: Sequence[Event]
    by_kind: Mapping[str, int] = field(default_factory=dict)
    by_family: Mapping[str, int] = field(default_factory=dict)
    open_orders: int = 0
    without_case: int = 0

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is left that the gateway does by itself."""
        return not (sum(self.open_by_acquirer.values()) or self.open_orders or self.without_case)

    @property
    def transactions(self) -> int:
        """All transactions in the journal."""
        return sum(self.by_state.values())

    def count(self, *states: str) -> int:
        """Transactions in any of these states."""
        return sum(self.by_state.get(state, 0) for state in states)


# The board asks these at every beat, a proof at every look: made once.
_t, _f = transactions.c, facts.c
_CAUSE = cause_column()
_STATES = select(_t.acquirer, _t.state, func.count(), func.sum(_t.amount_minor)).group_by(_t.acquirer, _t.state)
_REFUNDS_WITH_PEOPLE = (
    select(legs.c.acquirer, func.count().label("number"))
    .join(transactions, _t.transaction_id == legs.c.message_id)
    .where(legs.c.message_id != "", legs.c.state == "ESCALATED", _t.state == "UNKNOWN")
    .group_by(legs.c.acquirer)
)
_RETURNED = select(legs.c.kind, func.count().label("number")).where(legs.c.state == "RETURNED").group_by(legs.c.kind)
_BY_CAUSE = select(_CAUSE, func.count()).select_from(transactions).group_by(_CAUSE)
_WITH_PERSON = (
    select(legs.c.order_id)
    .join(transactions, _t.transaction_id == legs.c.message_id)
    .where(legs.c.live == 1, legs.c.order_id != "", _t.state == "ESCALATED")
)
_OPEN_ORDERS = (
    select(func.count()).select_from(orders).where(orders.c.state == "RUNNING", orders.c.order_id.not_in(_WITH_PERSON))
)
_WITHOUT_CASE = select(func.count()).where(_t.state == "ESCALATED", _t.transaction_id.not_in(in_work()))
_REASONS = (
    select(_t.reason, func.count().label("number"))
    .where(_t.reason != "", _t.state.not_in(UNEVENTFUL))
    .group_by(_t.reason)
    .order_by(func.count().desc())
    .limit(CAUSES_SHOWN)
)
_LAST_FACTS = (
    select(_f.at_us, _f.terminal_id, _f.kind, _f.note)
    .order_by(_f.writer_id.desc(), _f.writer_seq.desc())
    .limit(EVENTS_SHOWN)
)

EMPTY = Snapshot(by_state={}, open_by_acquirer={}, causes=(), at_risk_minor=0, events=())


def take_snapshot(engine: Engine) -> Snapshot | None:
    """Read now; None while there is no database yet, or it is just being recovered."""
    try:
        with engine.connect() as connection:
            return _read(connection)
    except SQLAlchemyError:
        return None


def _read(connection: Connection) -> Snapshot:
    by_state: Counter[str] = Counter()
    still_open: Counter[str] = Counter()
    at_risk_minor = 0
    for acquirer, state, count, amount_minor in connection.execute(_STATES):
        by_state[state] += count
        if state in STILL_OPEN:
            still_open[acquirer] += count
        if state in AT_RISK:
            at_risk_minor += amount_minor
    return Snapshot(
        by_state=by_state,
        open_by_acquirer=still_open - _refunds_with_people(connection),
        causes=_causes(connection),
        at_risk_minor=at_risk_minor,
        events=_events(connection),
        by_kind=_returned_by_kind(connection),
        by_family=_by_family(connection),
        open_orders=_open_orders(connection),
        without_case=_without_case(connection),
    )


def _refunds_with_people(connection: Connection) -> Counter[str]:
    """Refunds in doubt at hosts that cannot be asked: a person has them, so the gateway has nothing left to do."""
    return Counter({row.acquirer: row.number for row in connection.execute(_REFUNDS_WITH_PEOPLE)})


def _returned_by_kind(connection: Connection) -> dict[str, int]:
    """Givings-back that have returned their money."""
    return {row.kind: row.number for row in connection.execute(_RETURNED)}


def _by_family(connection: Connection) -> dict[str, int]:
    """Transactions that have a cause."""
    counts: Counter[str] = Counter()
    for code, count in connection.execute(_BY_CAUSE):
        if code:
            counts[FAMILY_OF.get(code, UNKNOWN_FAMILY)] += count
    return dict(counts)


def _open_orders(connection: Connection) -> int:
    """Orders that the driver still works on; not those that wait for what a person decides about their message."""
    return connection.execute(_OPEN_ORDERS).scalar_one()


def _without_case(connection: Connection) -> int:
    """Escalated transactions that are in nobody's work list yet."""
    return connection.execute(_WITHOUT_CASE).scalar_one()


def _causes(connection: Connection) -> list[tuple[str, int]]:
    """Why payments left the ordinary way, most frequent first."""
    return [(reason, number) for reason, number in connection.execute(_REASONS)]


def _events(connection: Connection) -> list[Event]:
    """The last facts, by the unique index on writer and sequence."""
    return [
        Event(at_us=at_us, terminal_id=terminal_id, kind=kind, note=note)
        for at_us, terminal_id, kind, note in connection.execute(_LAST_FACTS)
    ]
