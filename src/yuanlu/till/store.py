"""Payments of our own till in the database. Numbers are taken and payments begun in one transaction."""

from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, text, update

from yuanlu.journal.tables import transactions
from yuanlu.journal.transactions import OWN_STAN_ABOVE
from yuanlu.kernel.money import Money
from yuanlu.till.records import Entry, TillKind, TillPayment, TillState, Told, Undo
from yuanlu.till.tables import SENT, UNCONFIRMED, UNDO_DUE, till_counters, till_payments

LISTED_MAX = 100
_T = till_payments.c


def batch_of(connection: Connection, terminal_id: str) -> str:
    """The terminal's batch number, "" before its first sign-in."""
    query = select(till_counters.c.batch_no).where(till_counters.c.terminal_id == terminal_id)
    return connection.execute(query).scalar() or ""


def next_stan(connection: Connection, terminal_id: str, merchant_id: str, batch_no: str) -> str:
    """The next trace number, for good. The first one of a batch lies behind what the journal has of it: the terminal
    may have been a real one before.
    """
    own = till_counters.c.terminal_id == terminal_id
    row = connection.execute(select(till_counters).where(own)).first()
    if row is None:
        connection.execute(insert(till_counters).values(terminal_id=terminal_id, batch_no="", stan=0))
    last = (
        row.stan
        if row is not None and row.batch_no == batch_no
        else _used(connection, terminal_id, merchant_id, batch_no)
    )
    stan = last % int(OWN_STAN_ABOVE) + 1
    connection.execute(update(till_counters).where(own).values(stan=stan, batch_no=batch_no))
    return f"{stan:06}"


def _used(connection: Connection, terminal_id: str, merchant_id: str, batch_no: str) -> int:
    highest = select(func.max(transactions.c.stan)).where(
        transactions.c.terminal_id == terminal_id,
        transactions.c.merchant_id == merchant_id,
        transactions.c.batch_no == batch_no,
        transactions.c.stan <= OWN_STAN_ABOVE,
    )
    return int(connection.execute(highest).scalar() or 0)


def begin(connection: Connection, payment: TillPayment) -> TillPayment:
    """The payment with its trace number, durable before it leaves."""
    stan = next_stan(connection, payment.terminal_id, payment.merchant_id, payment.batch_no)
    values = {name: getattr(payment, name) for name in payment.__struct_fields__ if name != "amount"}
    values |= {"stan": stan, "amount_minor": payment.amount.minor, "currency": payment.amount.currency}
    values |= {name: str(values[name]) for name in ("kind", "entry", "state", "undo")}
    connection.execute(insert(till_payments).values(values))
    return payment_of(connection.execute(select(till_payments).where(_T.payment_id == payment.payment_id)).one())


def settle(connection: Connection, payment_id: str, told: Told, now_us: int) -> TillPayment:
    """What it was told, once; an order to reverse it that came meanwhile stands."""
    values: dict[str, Any] = {
        "state": told.state.value, "code": told.code, "rrn": told.rrn, "auth_code": told.auth_code,
        "date_mmdd": told.date_mmdd, "approved_minor": told.approved_minor, "changed_at_us": now_us,
    }  # fmt: skip
    if told.state is not TillState.APPROVED:
        values["confirm_by_us"] = None
    mine = update(till_payments).where(_T.payment_id == payment_id, _T.state == TillState.SENT.value)
    connection.execute(mine.values(values))
    if told.undo is Undo.DUE:
        order_undo(connection, payment_id, now_us)
    found = find_payment(connection, payment_id)
    assert found is not None, "what was begun is never deleted"
    return found


def order_undo(connection: Connection, payment_id: str, now_us: int) -> None:
    """The till has to reverse it."""
    mine = update(till_payments).where(_T.payment_id == payment_id, _T.undo == "")
    connection.execute(mine.values(undo=Undo.DUE.value, confirm_by_us=None, changed_at_us=now_us))


def undone(connection: Connection, payment_id: str, undo: Undo, now_us: int) -> None:
    """The reversal has come to its end."""
    mine = update(till_payments).where(_T.payment_id == payment_id, text(UNDO_DUE))
    connection.execute(mine.values(undo=undo.value, changed_at_us=now_us))


def confirmed(connection: Connection, payment_id: str, now_us: int) -> bool:
    """The client has the answer; False when it is reversed already."""
    mine = update(till_payments).where(_T.payment_id == payment_id, _T.undo == "", _T.state == TillState.APPROVED.value)
    return connection.execute(mine.values(confirm_by_us=None, changed_at_us=now_us)).rowcount == 1


def find_payment(connection: Connection, payment_id: str) -> TillPayment | None:
    """By its id."""
    return _one(connection, select(till_payments).where(_T.payment_id == payment_id))


def find_by_request(connection: Connection, tenant: str, key: str) -> TillPayment | None:
    """By the client's own key; by its unique index."""
    return _one(connection, select(till_payments).where(_T.tenant == tenant, _T.key == key))


def about(connection: Connection, payment_id: str) -> list[TillPayment]:
    """Its voids and refunds, oldest first."""
    return _all(connection, select(till_payments).where(_T.original_id == payment_id).order_by(_T.payment_id))


def page(connection: Connection, *, merchant_id: str, before_id: str, limit: int) -> list[TillPayment]:
    """The newest first; of all merchants with ""."""
    query = select(till_payments).order_by(_T.payment_id.desc()).limit(limit)
    query = query.where(_T.merchant_id == merchant_id) if merchant_id else query
    return _all(connection, query.where(_T.payment_id < before_id) if before_id else query)


def to_undo(connection: Connection) -> list[TillPayment]:
    """What has to be reversed; by the partial index."""
    return _all(connection, select(till_payments).where(text(UNDO_DUE)).limit(LISTED_MAX))


def left_sent(connection: Connection, before_us: int) -> list[TillPayment]:
    """Without an answer since then; by the partial index."""
    return _all(connection, select(till_payments).where(text(SENT), _T.made_at_us < before_us).limit(LISTED_MAX))


def unconfirmed(connection: Connection, now_us: int) -> list[TillPayment]:
    """Approved, and not confirmed in time; by the partial index."""
    query = select(till_payments).where(text(UNCONFIRMED), _T.confirm_by_us < now_us, _T.state == "APPROVED")
    return _all(connection, query.limit(LISTED_MAX))


def _one(connection: Connection, query: Select[Any]) -> TillPayment | None:
    return next(iter(_all(connection, query)), None)


def _all(connection: Connection, query: Select[Any]) -> list[TillPayment]:
    return [payment_of(row) for row in connection.execute(query)]


def payment_of(row: Any) -> TillPayment:
    """A row as its record."""
    values = dict(row._mapping)
    values["amount"] = Money(minor=values.pop("amount_minor"), currency=values.pop("currency"))
    values |= {
        "kind": TillKind(values["kind"]), "entry": Entry(values["entry"]), "state": TillState(values["state"]),
        "undo": Undo(values["undo"]),
    }  # fmt: skip
    return TillPayment(**values)
