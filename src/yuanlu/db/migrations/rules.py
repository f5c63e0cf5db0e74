"""Rules that the database itself holds, written once: SQLite's own text, and the same in PostgreSQL's words.

A migration imports this beside Alembic, so what stands here must keep its meaning for ever: add, never change.
"""

import re

from alembic import op

_RULE = re.compile(
    r"CREATE TRIGGER (?P<name>\w+) BEFORE (?P<event>(INSERT|DELETE|UPDATE)( OF [\w,\s]+?)?) ON (?P<table>\w+)\s+"
    r"(WHEN (?P<when>.+?)\s+)?BEGIN SELECT RAISE\(ABORT, '(?P<words>[^']+)'\); END",
    re.DOTALL,
)


def add_rule(text: str, lock: str = "") -> None:
    """Make a trigger that forbids something, given as SQLite's
    `CREATE TRIGGER … BEFORE … ON … [WHEN …] BEGIN SELECT RAISE(ABORT, '…'); END`.

    `lock` names the row that the rule reads, as `table WHERE …`. SQLite has one writer at a time; on PostgreSQL the
    row is locked first, or two writers would each miss what the other is just about to commit.
    """
    if op.get_bind().dialect.name == "sqlite":
        op.execute(text)
        return
    found = _RULE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"no rule that can be said for PostgreSQL: {text}")
    name, event, table = found["name"], found["event"], found["table"]
    refuse = f"RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = '{found['words']}';"
    locked = f"PERFORM 1 FROM {lock} FOR NO KEY UPDATE;" if lock else ""
    body = f"{locked} IF ({found['when']}) THEN {refuse} END IF;" if found["when"] else refuse
    row = "old" if event == "DELETE" else "new"
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN {row}; END $$")
    op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def drop_rule(name: str, table: str) -> None:
    """Give a rule up, to make it anew."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TRIGGER {name}")
        return
    op.execute(f"DROP TRIGGER {name} ON {table}")
    op.execute(f"DROP FUNCTION {name}()")
