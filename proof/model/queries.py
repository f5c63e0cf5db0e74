"""The product's queries, answered from memory.

A query only reads: what is decided from its answer stays the product's own code. `answered_from_memory` puts these in
the place of the SQL ones, wherever the product has imported them. SQL itself is tested on the real database.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import yuanlu.wiring  # noqa: F401 - loads every module whose queries are to be replaced
from proof.model.memory import Memory, Values
from yuanlu.fleet import store as fleet_store
from yuanlu.flow import batch_cases, batches
from yuanlu.journal import tasks, transactions
from yuanlu.journal.frames import Direction, StoredFrame, unpack
from yuanlu.journal.tasks import FAR_US, Claimed
from yuanlu.journal.transactions import OWN_STAN_ABOVE, Transaction
from yuanlu.journal.unit import Change
from yuanlu.kernel.clock import Moment, day_began_us
from yuanlu.kernel.identifiers import TransactionKey
from yuanlu.kernel.money import Money
from yuanlu.reconciliation import store as batch_store
from yuanlu.reconciliation.batch import BatchItem, BatchTotals
from yuanlu.reconciliation.store import Batch, BatchKey, BatchState
from yuanlu.returns import orders, store
from yuanlu.returns.orders import Order, OrderState
from yuanlu.returns.policy import Leg
from yuanlu.returns.states import State

_KEY = ("terminal_id", "merchant_id", "batch_no", "stan", "mti_class")
_BATCH = ("terminal_id", "merchant_id", "batch_no")


def as_transaction(memory: Memory, row: Values) -> Transaction:
    """The record of a row."""
    known = memory.records.get((row["transaction_id"],))
    if known is not None and known[0] is row:
        return known[1]  # type: ignore[no-any-return]
    record = _transaction(row)
    memory.records[row["transaction_id"],] = row, record
    return record


def _transaction(row: Values) -> Transaction:
    values = {name: value for name, value in row.items() if name not in _KEY}
    amount = Money(minor=values.pop("amount_minor"), currency=values.pop("currency"))
    return Transaction(key=TransactionKey(**{name: row[name] for name in _KEY}), amount=amount, **values)


def _transactions(memory: Memory, wanted: Callable[[Values], bool]) -> list[Transaction]:
    found = [row for row in memory.tables["transactions"].values() if wanted(row)]
    if len(found) > 1:
        found.sort(key=lambda row: row["transaction_id"])
    return [as_transaction(memory, row) for row in found]


def find_by_key(memory: Memory, key: TransactionKey) -> Transaction | None:
    for row in memory.tables["transactions"].values():
        if row["stan"] == key.stan and all(row[name] == getattr(key, name) for name in _KEY):
            return as_transaction(memory, row)
    return None


def find_by_rrn(memory: Memory, merchant_id: str, rrn: str, kinds: Any) -> Transaction | None:
    found = _transactions(
        memory, lambda r: r["rrn"] == rrn and bool(rrn) and r["merchant_id"] == merchant_id and r["kind"] in kinds
    )
    return found[-1] if found else None


def find_latest(
    memory: Memory, terminal_id: str, merchant_id: str, batch_no: str, stan: str, mti_class: str
) -> Transaction | None:
    found = _transactions(
        memory,
        lambda r: r["terminal_id"] == terminal_id and r["stan"] == stan
        and merchant_id in ("", r["merchant_id"]) and batch_no in ("", r["batch_no"])
        and mti_class in ("", r["mti_class"]),
    )  # fmt: skip
    return found[-1] if found else None


def get(memory: Memory, transaction_id: str) -> Transaction:
    return as_transaction(memory, memory.tables["transactions"][(transaction_id,)])


def about(memory: Memory, original_id: str) -> list[Transaction]:
    return _transactions(memory, lambda r: r["original_id"] == original_id and bool(original_id))


def of_batch(memory: Memory, terminal_id: str, merchant_id: str, batch_no: str) -> list[Transaction]:
    key = (terminal_id, merchant_id, batch_no)
    return _transactions(memory, lambda r: tuple(r[n] for n in _BATCH) == key and r["stan"] <= OWN_STAN_ABOVE)


def newer_from_terminal(memory: Memory, transaction: Transaction) -> bool:
    key = transaction.key
    return any(
        row["terminal_id"] == key.terminal_id and row["merchant_id"] == key.merchant_id
        and row["transaction_id"] > transaction.transaction_id and row["stan"] <= OWN_STAN_ABOVE
        for row in memory.tables["transactions"].values()
    )  # fmt: skip


def own_stan(memory: Memory, terminal_id: str, merchant_id: str, batch_no: str) -> str:
    key = (terminal_id, merchant_id, batch_no)
    ours = [
        row["stan"]
        for row in memory.tables["transactions"].values()
        if tuple(row[n] for n in _BATCH) == key and row["stan"] > OWN_STAN_ABOVE
    ]
    return f"{int(min(ours)) - 1:06}" if ours else "999999"


def latest_id(memory: Memory) -> str:
    return max((key[0] for key in memory.tables["transactions"]), default="")


def left_in_flight(memory: Memory) -> list[tuple[Transaction, int]]:
    found = _transactions(memory, lambda r: r["state"] == "SEND_INTENT")
    facts = memory.tables["facts"]
    return [(each, facts[each.key.merchant_id, each.transaction_id, 1]["writer_id"]) for each in found]


def facts_of(memory: Memory, merchant_id: str, subject_id: str) -> list[Any]:
    found, version = [], 1
    rows = memory.tables["facts"]
    while (row := rows.get((merchant_id, subject_id, version))) is not None:
        found.append(SimpleNamespace(**row))
        version += 1
    return found


def first_request(memory: Memory, transaction: Transaction) -> StoredFrame:
    row = memory.tables["facts"][(transaction.key.merchant_id, transaction.transaction_id, 1)]
    stored = {each.direction: each for each in unpack(row["frames"])}
    return stored.get(Direction.TO_HOST) or stored[Direction.FROM_TERMINAL]


def as_leg(memory: Memory, row: Values) -> Leg:
    """The record of a row."""
    known = memory.records.get(("leg", row["return_id"]))
    if known is not None and known[0] is row:
        return known[1]  # type: ignore[no-any-return]
    record = _leg(row)
    memory.records["leg", row["return_id"]] = row, record
    return record


def _leg(row: Values) -> Leg:
    values = {name: value for name, value in row.items() if name != "live"}
    values["state"], values["case_opened"] = State(values["state"]), bool(values["case_opened"])
    return Leg(**values)


def find_live(memory: Memory, return_id: str) -> Leg | None:
    row = memory.tables["legs"].get((return_id,))
    return as_leg(memory, row) if row is not None and row["live"] else None


def legs_of(memory: Memory, transaction_id: str) -> list[Leg]:
    found = [row for row in memory.tables["legs"].values() if row["transaction_id"] == transaction_id]
    return [as_leg(memory, row) for row in sorted(found, key=lambda row: row["opened_at_us"])]


def live_ids(memory: Memory, acquirer: str) -> list[str]:
    found = [row for row in memory.tables["legs"].values() if row["acquirer"] == acquirer and row["live"]]
    return [row["return_id"] for row in sorted(found, key=lambda row: row["opened_at_us"])]


def restart_windows(memory: Memory, now: Moment) -> None:
    for key, row in memory.tables["legs"].items():
        if row["live"] and row["original_boot_id"] != now.boot_id:
            memory.tables["legs"][key] = row | {
                "original_boot_us": now.boot_us, "original_boot_id": now.boot_id, "last_boot_us": now.boot_us,
                "last_boot_id": now.boot_id, "asked_boot_us": 0,
                "unanswered_boot_us": now.boot_us if row["attempts"] > 0 else 0,
            }  # fmt: skip


def wake(memory: Memory, kind: str, key: str, lane: str, due_at_us: int) -> Change:
    row = memory.tables["tasks"].get((kind, key))
    if row is None:
        return tasks.put(kind, key, lane, due_at_us)
    return tasks.woken(kind, key, row["epoch"], due_at_us)


def is_held(memory: Memory, task: Claimed) -> bool:
    row = memory.tables["tasks"].get((task.kind, task.key))
    return row is not None and row["epoch"] == task.epoch


def due(memory: Memory, kind: str, lane: str, now_us: int, limit: int) -> list[tuple[str, int, int]]:
    found = [
        (row["key"], row["epoch"], row["due_at_us"])
        for row in memory.tables["tasks"].values()
        if row["kind"] == kind and row["lane"] == lane and row["lease_until_us"] < now_us
    ]
    return sorted(found, key=lambda row: row[2])[:limit]


def waiting(memory: Memory, kind: str, lane: str, after_us: int) -> list[tuple[str, int]]:
    found = [
        row
        for row in memory.tables["tasks"].values()
        if row["kind"] == kind and row["lane"] == lane and (row["due_at_us"] > after_us or row["holder"])
    ]
    return [(row["key"], row["epoch"]) for row in sorted(found, key=lambda row: row["due_at_us"])]


def release_all(memory: Memory, now_us: int) -> None:
    for row in memory.tables["tasks"].values():
        if row["holder"]:
            row |= {"holder": 0, "lease_until_us": 0, "due_at_us": now_us}
        if row["due_at_us"] > now_us + FAR_US:
            row["due_at_us"] = now_us


def _as_order(row: Values) -> Order:
    values = dict(row)
    values["amount"] = Money(minor=values.pop("amount_minor"), currency=values.pop("currency"))
    values["state"], values["automatic"] = OrderState(values["state"]), bool(values["automatic"])
    return Order(**values)


def find_order(memory: Memory, order_id: str) -> Order | None:
    row = memory.tables["orders"].get((order_id,))
    return None if row is None else _as_order(row)


def orders_of(memory: Memory, transaction_id: str) -> list[Order]:
    found = [_as_order(row) for row in memory.tables["orders"].values() if row["transaction_id"] == transaction_id]
    return sorted(found, key=lambda order: order.order_id)


def given_minor(memory: Memory, order_id: str) -> int:
    legs = memory.tables["legs"].values()
    return sum(leg["amount_minor"] for leg in legs if leg["order_id"] == order_id and leg["state"] == "RETURNED")


def automatic_today_minor(memory: Memory, merchant_id: str, currency: str, now_us: int) -> int:
    return sum(
        row["amount_minor"]
        for row in memory.tables["orders"].values()
        if row["automatic"] and row["currency"] == currency and row["proposed_at_us"] >= day_began_us(now_us)
        and memory.tables["transactions"][(row["transaction_id"],)]["merchant_id"] == merchant_id
    )  # fmt: skip


def find_batch(memory: Memory, key: BatchKey) -> Batch | None:
    row = memory.tables["batches"].get((key.terminal_id, key.merchant_id, key.batch_no))
    if row is None:
        return None
    return Batch(
        key=key, acquirer=row["acquirer"], currency=row["currency"], state=BatchState(row["state"]),
        version=row["version"], agreed=bool(row["agreed"]), upload_no=row["upload_no"], theirs=_totals(row, "theirs"),
        ours=_totals(row, "ours"), settled_to=row["settled_to"], opened_at_us=row["opened_at_us"],
        closed_at_us=row["closed_at_us"],
    )  # fmt: skip


def _totals(row: Values, side: str) -> BatchTotals:
    parts = ("debit_minor", "debit_count", "credit_minor", "credit_count")
    return BatchTotals(**{part: row[f"{side}_{part}"] for part in parts})


def items_of(memory: Memory, batch: Batch) -> list[BatchItem]:
    key = (batch.key.terminal_id, batch.key.merchant_id, batch.key.batch_no, batch.upload_no)
    return [
        BatchItem(trace_no=row["trace_no"], amount_minor=row["amount_minor"])
        for row in memory.tables["batch_items"].values()
        if (row["terminal_id"], row["merchant_id"], row["batch_no"], row["upload_no"]) == key
    ]


def by_leg(memory: Memory, key: BatchKey) -> tuple[frozenset[str], frozenset[str]]:
    names = (key.terminal_id, key.merchant_id, key.batch_no)
    mine = {
        row["transaction_id"]
        for row in memory.tables["transactions"].values()
        if tuple(row[n] for n in _BATCH) == names
    }
    legs = [leg for leg in memory.tables["legs"].values() if leg["transaction_id"] in mine]
    live = frozenset(leg["transaction_id"] for leg in legs if leg["live"])
    closed = (leg for leg in legs if not leg["live"] and leg["state"] == "RETURNED" and leg["kind"] == "reversal")
    return live, frozenset(leg["transaction_id"] for leg in closed)


def nothing_observed(*_: object) -> list[Any]:
    """Terminals say nothing of themselves here."""
    return []


def never_observed(*_: object) -> None:
    """Nor of anything before."""


def no_case_yet(*_: object) -> None:
    """Cases are not kept here: each finding opens one."""


STANDING_IN: Mapping[Callable[..., Any], Callable[..., Any]] = {
    transactions.find_by_key: find_by_key,
    transactions.find_by_rrn: find_by_rrn,
    transactions.find_latest: find_latest,
    transactions.get: get,
    transactions.about: about,
    transactions.of_batch: of_batch,
    transactions.newer_from_terminal: newer_from_terminal,
    transactions.own_stan: own_stan,
    transactions.latest_id: latest_id,
    transactions.left_in_flight: left_in_flight,
    transactions.facts_of: facts_of,
    transactions.first_request: first_request,
    store.find_live: find_live,
    store.legs_of: legs_of,
    store.live_ids: live_ids,
    store.restart_windows: restart_windows,
    tasks.wake: wake,
    tasks.is_held: is_held,
    tasks.release_all: release_all,
    tasks._due: due,
    tasks._waiting: waiting,
    orders.find_order: find_order,
    orders.orders_of: orders_of,
    orders.given_minor: given_minor,
    orders.automatic_today_minor: automatic_today_minor,
    batch_store.find_batch: find_batch,
    batch_store.items_of: items_of,
    batches._by_leg: by_leg,
    fleet_store.of_terminal: nothing_observed,
    fleet_store.latest_of: never_observed,
    batch_cases.find_batch_case: no_case_yet,
}


@contextmanager
def replaced(by: Mapping[Any, Any]) -> Iterator[None]:
    """Within it, each object of `by` is the other one wherever the product's modules name it."""
    ids = {id(old): new for old, new in by.items()}
    undo: list[tuple[Any, str, Any]] = []
    for name, module in list(sys.modules.items()):
        if not name.startswith(("yuanlu.", "proof.model.")) or name == __name__:
            continue
        for attribute, value in list(vars(module).items()):
            if id(value) in ids:
                undo.append((module, attribute, value))
                setattr(module, attribute, ids[id(value)])
    try:
        yield
    finally:
        for module, attribute, value in undo:
            setattr(module, attribute, value)


@contextmanager
def answered_from_memory() -> Iterator[None]:
    """Within it, the product's queries take a `Memory` where they took a connection."""
    with replaced(STANDING_IN):
        yield
