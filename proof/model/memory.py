"""The journal's tables in memory, with the rules that the database enforces, and nothing else of it.

Statements are the product's own (`journal.statements`): a unit is applied row by row, and rolled back when one row
finds no match or breaks a rule. A rule is a function of the row before and after; `RULES` names each, so that a guard
can be taken away by its name. `tests/unit/proof/test_memory.py` plays the same units to SQLite and compares.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from yuanlu.journal.statements import Delete, Insert, Statement, Update
from yuanlu.journal.unit import Change, Fact
from yuanlu.returns.states import TRANSITIONS

Values = dict[str, Any]
Rule = Callable[["Memory", Values | None, Values], str]
"""What the row would break, "" for nothing; the row before is None when it is new."""

OPEN_ORDERS = ("PROPOSED", "RUNNING", "ESCALATED")
ORDER_STEPS = {
    "PROPOSED": ("RUNNING", "REFUSED", "EXPIRED"),
    "RUNNING": ("DONE", "FAILED", "ESCALATED", "CANCELLED"),
    "ESCALATED": ("DONE", "FAILED"),
}
_TRANSITIONS = {before.value: {after.value for after in ends} for before, ends in TRANSITIONS.items()}
_IDENTITY = ("terminal_id", "merchant_id", "batch_no", "stan", "mti_class")


class Broken(Exception):
    """A row that may not be."""


class Memory:
    """Rows by table and primary key; what survives a crash. `without` names the rules that do not hold."""

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        self.tables: dict[str, dict[tuple[Any, ...], Values]] = {name: {} for name in TABLES}
        self.moves: list[tuple[str, str, str]] = []
        self.seqs: dict[int, int] = {}
        self.alive: set[int] = set()
        self.records: dict[tuple[Any, ...], tuple[Values, Any]] = {}
        """What was made of rows as they stand: a row is replaced, never changed."""
        self._compares = "compare and set" not in without
        self._keeps_facts = "fact key" not in without
        self._fences = "lease fence" not in without
        self._rules: Mapping[str, Sequence[Rule]] = {
            table: tuple(rule for name, rule in rules.items() if name not in without) for table, rules in RULES.items()
        }
        self._undo: list[tuple[dict[tuple[Any, ...], Values], tuple[Any, ...], Values | None]] = []

    def apply(self, facts: Sequence[Fact], changes: Sequence[Change], writer_id: int, now_s: float) -> str:
        """All of a unit or nothing; why not, or ""."""
        self._undo.clear()
        moves, seq = len(self.moves), self.seqs.get(writer_id, 0)
        try:
            for change in changes:
                self._change(change.statement, change.row)
            for fact in facts:
                self._append(fact, writer_id, now_s)
        except Broken as broken:
            for rows, key, before in reversed(self._undo):
                if before is None:
                    del rows[key]
                else:
                    rows[key] = before
            del self.moves[moves:]
            self.seqs[writer_id] = seq
            return str(broken)
        return ""

    def _append(self, fact: Fact, writer_id: int, now_s: float) -> None:
        seq = self.seqs[writer_id] = self.seqs.get(writer_id, 0) + 1
        key = (fact.merchant_id, fact.subject_id, fact.version)
        rows = self.tables["facts"]
        if key in rows and self._keeps_facts:
            raise Broken("UNIQUE constraint failed: facts")
        self._put(rows, key, {
            "merchant_id": fact.merchant_id, "subject_id": fact.subject_id, "version": fact.version,
            "writer_id": writer_id, "writer_seq": seq, "at_us": fact.at_us, "kind": str(fact.kind),
            "terminal_id": fact.terminal_id, "note": fact.note, "frames": fact.frames, "durable_s": now_s,
        })  # fmt: skip

    def _put(self, rows: dict[tuple[Any, ...], Values], key: tuple[Any, ...], values: Values) -> None:
        self._undo.append((rows, key, rows.get(key)))
        rows[key] = values

    def _change(self, statement: Statement, row: tuple[Any, ...]) -> None:
        shape = _SHAPES.get(statement)
        if shape is None:
            shape = _SHAPES[statement] = Shape(statement)
        rows = self.tables[shape.table]
        if isinstance(statement, Insert):
            after = dict(zip(shape.columns, row))  # noqa: B905 - a statement's row fits, and this is the hot path
            key = tuple([row[place] for place in shape.places])
            before = rows.get(key)
            if before is not None and not statement.replace:
                raise Broken(f"UNIQUE constraint failed: {shape.table}")
            if before is not None and statement.rises:
                after[statement.rises] = before[statement.rises] + 1
            self._check(shape.table, None, after)
            self._put(rows, key, after)
            return
        given = row[shape.sets :]
        key = given[: len(shape.key)]
        before = rows.get(key)
        if before is None or (
            (self._fences if shape.table == "tasks" else self._compares)
            and not _matches(before, shape.more, given[len(shape.key) :])
        ):
            raise Broken(f"{shape.table} changed meanwhile")
        if isinstance(statement, Delete):
            self._undo.append((rows, key, before))
            del rows[key]
            return
        after = before.copy()
        after.update(zip(statement.sets, row))  # noqa: B905 - what is matched stands behind what is set
        if statement.marks:
            after[statement.marks] = -abs(before[statement.marks])
        if statement.sooner is not None:
            column, marked = statement.sooner
            if before[marked] < 0:
                after[column] = min(before[column], after[column])
        self._check(shape.table, before, after)
        self._put(rows, key, after)

    def _check(self, table: str, before: Values | None, after: Values) -> None:
        for rule in self._rules.get(table, ()):
            if broken := rule(self, before, after):
                raise Broken(broken)
        if table == "transactions" and before is not None and before["state"] != after["state"]:
            self.moves.append((after["transaction_id"], before["state"], after["state"]))


class Shape:
    """A statement taken apart once."""

    __slots__ = ("columns", "key", "more", "places", "sets", "table")

    def __init__(self, statement: Statement) -> None:
        self.table = statement.table.name
        self.columns = tuple(statement.table.columns.keys())
        self.key = tuple(statement.table.primary_key.columns.keys())
        self.places = tuple(self.columns.index(name) for name in self.key)
        self.sets = len(statement.sets) if isinstance(statement, Update) else 0
        match = () if isinstance(statement, Insert) else statement.match
        assert match[: len(self.key)] == (self.key if match else ()), "a row is found by its primary key"
        self.more = match[len(self.key) :]


_SHAPES: dict[Statement, Shape] = {}


def _matches(row: Values, names: Sequence[str], wanted: tuple[Any, ...]) -> bool:
    return tuple([row[name] for name in names]) == wanted


def _unique_identity(memory: Memory, before: Values | None, after: Values) -> str:
    if before is not None:
        return ""
    same = (all(row[n] == after[n] for n in _IDENTITY) for row in memory.tables["transactions"].values())
    return "UNIQUE constraint failed: uq_transactions_key" if any(same) else ""


def _transition(memory: Memory, before: Values | None, after: Values) -> str:
    if before is None or before["state"] == after["state"]:
        return ""
    return "" if after["state"] in _TRANSITIONS[before["state"]] else "no such transition"


def _legs_of(memory: Memory, transaction_id: str) -> list[Values]:
    return [leg for leg in memory.tables["legs"].values() if leg["transaction_id"] == transaction_id]


def _one_live(memory: Memory, before: Values | None, after: Values) -> str:
    if not after["live"]:
        return ""
    others = (leg for leg in _legs_of(memory, after["transaction_id"]) if leg["return_id"] != after["return_id"])
    return "UNIQUE constraint failed: ix_legs_one_live" if any(leg["live"] for leg in others) else ""


def _leg_number(memory: Memory, before: Values | None, after: Values) -> str:
    if before is not None:
        return ""
    same = (leg["kind"] == after["kind"] and leg["leg_no"] == after["leg_no"]
            for leg in _legs_of(memory, after["transaction_id"]))  # fmt: skip
    return "UNIQUE constraint failed: uq_legs_number" if any(same) else ""


def _paid(memory: Memory, transaction_id: str) -> int:
    found = memory.tables["transactions"][(transaction_id,)]
    minor = found["amount_minor"] if found["approved_minor"] is None else found["approved_minor"]
    return int(minor)


def _legs_cap(memory: Memory, before: Values | None, after: Values) -> str:
    if before is not None:
        return ""
    if after["amount_minor"] <= 0:
        return "CHECK constraint failed: amount"
    given = sum(leg["amount_minor"] for leg in _legs_of(memory, after["transaction_id"]) if leg["state"] != "NO_EFFECT")
    too_much = after["amount_minor"] + given > _paid(memory, after["transaction_id"])
    return "more would be returned than was paid" if too_much else ""


def _two_people(memory: Memory, before: Values | None, after: Values) -> str:
    if after["checker"] and after["checker"] == after["maker"]:
        return "CHECK constraint failed: two_people"
    early = after["state"] in ("PROPOSED", "REFUSED", "EXPIRED")
    return "" if after["automatic"] or after["checker"] or early else "CHECK constraint failed: approved"


def _order_steps(memory: Memory, before: Values | None, after: Values) -> str:
    if before is None or before["state"] == after["state"]:
        return ""
    return "" if after["state"] in ORDER_STEPS.get(before["state"], ()) else "no such transition"


def _orders_cap(memory: Memory, before: Values | None, after: Values) -> str:
    if before is not None or after["paid_from"] != "original":
        return ""
    subject = after["transaction_id"]
    mine = [order for order in memory.tables["orders"].values() if order["transaction_id"] == subject]
    open_ids = {order["order_id"] for order in mine if order["state"] in OPEN_ORDERS}
    ordered = sum(o["amount_minor"] for o in mine if o["order_id"] in open_ids and o["paid_from"] == "original")
    given = sum(
        leg["amount_minor"]
        for leg in _legs_of(memory, subject)
        if leg["state"] != "NO_EFFECT" and leg["order_id"] not in open_ids
    )
    too_much = after["amount_minor"] + ordered + given > _paid(memory, subject)
    return "more would be returned than was paid" if too_much else ""


RULES: dict[str, dict[str, Rule]] = {
    "transactions": {"unique key": _unique_identity, "transitions": _transition},
    "legs": {"one live leg": _one_live, "leg number": _leg_number, "cap": _legs_cap},
    "orders": {"two people": _two_people, "order steps": _order_steps, "cap": _orders_cap},
}
"""By table; what primary keys and compare-and-set hold stands in `Memory` itself."""

TABLES = (
    "facts", "transactions", "tasks", "legs", "leg_sends", "watches", "orders",
    "batches", "batch_items", "batch_findings",
)  # fmt: skip
