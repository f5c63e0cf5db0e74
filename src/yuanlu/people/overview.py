"""What people look at first: how much is open now, what goes wrong, what happened last. Short reads by index."""

from msgspec import Struct
from sqlalchemy import Connection, case, func, select, text

from yuanlu.cases.tables import AWAKE, case_decisions, cases
from yuanlu.causes.taxonomy import CAUSES
from yuanlu.incidents.records import Incident
from yuanlu.incidents.store import active_incidents
from yuanlu.journal.listing import Filter, grouped, page
from yuanlu.journal.tables import facts, transactions, writers
from yuanlu.journal.transactions import IN_FLIGHT, Transaction
from yuanlu.returns.tables import legs, orders

FAMILY_OF = {cause.code: cause.family for cause in CAUSES}
HOUR_US = 3_600_000_000
RECENT_ROWS = 15
LOOKED_AT_ONCE = 500

_T, _L = transactions.c, legs.c


class Sum(Struct, frozen=True, kw_only=True):
    """So many payments, and what they come to."""

    number: int
    minor: int
    currency: str


class Overview(Struct, frozen=True, kw_only=True):
    """One look at everything. Amounts are per currency, the largest first."""

    unknown: int
    """Sent or received, and nobody knows yet; these are seconds old."""
    returning: int
    """Returns that the machine drives."""
    with_people: int
    """Returns that a person has."""
    at_risk: tuple[Sum, ...]
    """What is neither confirmed as paid nor given back."""
    cases_open: int
    cases_late: int
    to_approve: int
    incidents: tuple[Incident, ...]
    by_family: tuple[tuple[str, int], ...]
    """Abnormal payments of the last hour, by where their cause lies."""
    by_cause: tuple[tuple[str, int], ...]
    recent: tuple[Transaction, ...]
    """The latest abnormal payments."""


def overview(connection: Connection, merchant_id: str, now_us: int) -> Overview:
    """Everything of one merchant, or of all with ""."""
    open_now = _open_returns(connection, merchant_id)
    last_hour = Filter(since_us=now_us - HOUR_US, until_us=now_us + HOUR_US, merchant_id=merchant_id, abnormal=True)
    causes = [(each.key, each.number) for each in grouped(connection, last_hour, "cause", 200)]
    families: dict[str, int] = {}
    for code, number in causes:
        family = FAMILY_OF.get(code)
        families[family.value if family else "unclassified"] = families.get(family or "unclassified", 0) + number
    day = Filter(since_us=now_us - 24 * HOUR_US, until_us=now_us + HOUR_US, merchant_id=merchant_id, abnormal=True)
    return Overview(
        unknown=_in_flight(connection, merchant_id),
        returning=sum(s.number for person, s in open_now if not person),
        with_people=sum(s.number for person, s in open_now if person),
        at_risk=_together([s for _, s in open_now]),
        cases_open=_cases(connection, merchant_id),
        cases_late=_cases(connection, merchant_id, late_at_us=now_us),
        to_approve=_to_approve(connection, merchant_id),
        incidents=tuple(each for each in active_incidents(connection) if _touches(each, merchant_id)),
        by_family=tuple(sorted(families.items(), key=lambda row: -row[1])),
        by_cause=tuple(causes[:8]),
        recent=tuple(page(connection, day, limit=RECENT_ROWS)),
    )


def _open_returns(connection: Connection, merchant_id: str) -> list[tuple[bool, Sum]]:
    """Live returns by whether a person has them; by the partial index of live legs."""
    person = case((_T.state == "ESCALATED", 1), else_=0)
    query = (
        select(person, func.count(), func.sum(_L.amount_minor), _L.currency)
        .join(transactions, _T.transaction_id == _L.transaction_id)
        .where(_L.live == 1)
        .group_by(person, _L.currency)
    )
    query = query.where(_T.merchant_id == merchant_id) if merchant_id else query
    return [(bool(row[0]), Sum(number=row[1], minor=int(row[2]), currency=row[3])) for row in connection.execute(query)]


def _together(sums: list[Sum]) -> tuple[Sum, ...]:
    found: dict[str, Sum] = {}
    for each in sums:
        before = found.get(each.currency, Sum(number=0, minor=0, currency=each.currency))
        found[each.currency] = Sum(
            number=before.number + each.number, minor=before.minor + each.minor, currency=each.currency
        )
    return tuple(sorted(found.values(), key=lambda each: -each.minor))


def _in_flight(connection: Connection, merchant_id: str) -> int:
    query = select(func.count()).select_from(transactions).where(IN_FLIGHT)
    return connection.execute(query.where(_T.merchant_id == merchant_id) if merchant_id else query).scalar_one()


def _cases(connection: Connection, merchant_id: str, late_at_us: int = 0) -> int:
    query = select(func.count()).select_from(cases).where(text(AWAKE))
    query = query.where(cases.c.deadline_at_us < late_at_us) if late_at_us else query
    return connection.execute(query.where(cases.c.merchant_id == merchant_id) if merchant_id else query).scalar_one()


def _to_approve(connection: Connection, merchant_id: str) -> int:
    """Decisions about cases and orders that wait for a second person."""
    decisions = (
        select(func.count())
        .select_from(case_decisions.join(cases, cases.c.case_id == case_decisions.c.case_id))
        .where(text("case_decisions.state = 'PROPOSED'"))
    )
    wanted = (
        select(func.count())
        .select_from(orders.join(transactions, _T.transaction_id == orders.c.transaction_id))
        .where(orders.c.closed_at_us.is_(None), orders.c.state == "PROPOSED")
    )
    if merchant_id:
        decisions = decisions.where(cases.c.merchant_id == merchant_id)
        wanted = wanted.where(_T.merchant_id == merchant_id)
    return connection.execute(decisions).scalar_one() + connection.execute(wanted).scalar_one()


def _touches(incident: Incident, merchant_id: str) -> bool:
    return not merchant_id or incident.scope.kind != "merchant" or incident.scope.name == merchant_id


class Mark(Struct, frozen=True, kw_only=True):
    """How far the journal has come: the newest writer, and the last number of each that is at work."""

    newest_writer: int
    sequences: tuple[tuple[int, int], ...]


def mark_now(connection: Connection) -> Mark:
    """A few look-ups by index, however large the journal is."""
    newest = connection.execute(select(func.max(writers.c.writer_id))).scalar() or 0
    at_work = connection.execute(
        select(writers.c.writer_id).where(writers.c.stopped_at_us.is_(None)).order_by(writers.c.writer_id)
    ).scalars()
    last = select(func.max(facts.c.writer_seq))
    numbers = [(each, connection.execute(last.where(facts.c.writer_id == each)).scalar() or 0) for each in at_work]
    return Mark(newest_writer=newest, sequences=tuple(numbers))


def kinds_since(connection: Connection, mark: Mark) -> set[str] | None:
    """What kinds of fact came since then; None when they are too many to look at."""
    kinds: set[str] = set()
    before = dict(mark.sequences)
    for writer_id, sequence in mark_now(connection).sequences:
        since = before.get(writer_id, sequence)
        query = (
            select(facts.c.kind)
            .where(facts.c.writer_id == writer_id, facts.c.writer_seq > since)
            .order_by(facts.c.writer_seq)
            .limit(LOOKED_AT_ONCE)
        )
        found = list(connection.execute(query).scalars())
        if len(found) == LOOKED_AT_ONCE:
            return None
        kinds |= set(found)
    return kinds
