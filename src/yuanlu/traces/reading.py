"""The spans that became whole since the last look: what the exporter sends next."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, select

from yuanlu.cases.tables import cases
from yuanlu.journal.following import Follower, News
from yuanlu.journal.tables import facts, transactions
from yuanlu.journal.transactions import Transaction, from_row
from yuanlu.traces.spans import Span, case_span, is_ordinary, spans_of, trace_of
from yuanlu.traces.tables import trace_cursors

FOLLOWER = Follower(trace_cursors)
CASE_KINDS = frozenset({"CASE_OPENED", "CASE_REOPENED", "CASE_ESCALATED", "CASE_CLOSED"})


class Wanted(Struct, frozen=True, kw_only=True):
    """Which traces. Of payments without anything odd one in `one_in`; `hosts` says where each acquirer is."""

    one_in: int
    hosts: Mapping[str, tuple[str, int]]


def look(connection: Connection, wanted: Wanted) -> tuple[News, list[Span]]:
    """What happened since, and the spans that are whole by it, oldest first."""
    news = FOLLOWER.news(connection)
    return news, sorted(_spans(connection, news.rows, wanted), key=lambda each: each.end_us)


def _spans(connection: Connection, rows: Sequence[Any], wanted: Wanted) -> Iterable[Span]:
    """Of the transactions and cases that these facts are about."""
    versions: dict[str, int] = {}
    for row in rows:
        versions[row.subject_id] = min(row.version, versions.get(row.subject_id, row.version))
    payments = {one.transaction_id: one for one in _payments(connection, list(versions))}
    told = _facts(connection, payments.values())
    for name, payment in payments.items():
        whole = spans_of(payment, told[name], wanted.hosts)
        since = _since(name, told[name], versions[name], wanted.one_in)
        yield from (span for span in whole if span.version >= since)
    yield from _of_cases(connection, [row for row in rows if row.kind in CASE_KINDS])


def _since(transaction_id: str, rows: Sequence[Any], version: int, one_in: int) -> int:
    """The first version whose spans are sent: a payment that was left out is told as a whole once it is odd."""
    if int.from_bytes(trace_of(transaction_id)[8:]) % one_in == 0:
        return version
    if is_ordinary([row.kind for row in rows]):
        return len(rows) + 1
    before = [row.kind for row in rows if row.version < version]
    return 1 if is_ordinary(before) else version


def _payments(connection: Connection, names: list[str]) -> list[Transaction]:
    """Those of the subjects that are transactions; by the primary key."""
    query = select(transactions).where(transactions.c.transaction_id.in_(names))
    return [from_row(row) for row in connection.execute(query)]


def _facts(connection: Connection, payments: Iterable[Transaction]) -> dict[str, list[Any]]:
    """All their facts in order, merchant by merchant: by the primary key."""
    of_merchant: dict[str, list[str]] = {}
    for each in payments:
        of_merchant.setdefault(each.key.merchant_id, []).append(each.transaction_id)
    found: dict[str, list[Any]] = {}
    for merchant_id, names in of_merchant.items():
        query = select(facts).where(facts.c.merchant_id == merchant_id, facts.c.subject_id.in_(names))
        for row in connection.execute(query.order_by(facts.c.subject_id, facts.c.version)):
            found.setdefault(row.subject_id, []).append(row)
    return found


def _of_cases(connection: Connection, rows: Sequence[Any]) -> Iterable[Span]:
    """What became of payments' cases; a case about a batch or an incident belongs to no payment."""
    c = cases.c
    query = select(c.case_id, c.transaction_id, c.cause, c.severity, c.queue).where(
        c.case_id.in_({row.subject_id for row in rows}), c.transaction_id.is_not(None)
    )
    about = {one.case_id: one for one in connection.execute(query)} if rows else {}
    for row in rows:
        one = about.get(row.subject_id)
        if one is not None:
            said: dict[str, str | int] = {
                "yuanlu.case.cause": one.cause, "yuanlu.case.severity": one.severity, "yuanlu.case.queue": one.queue,
            }  # fmt: skip
            yield case_span(one.transaction_id, row, said)
