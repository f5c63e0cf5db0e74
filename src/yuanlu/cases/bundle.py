"""The diagnostic bundle of a case: what technical support, or the second person, needs to see; JSON, no secrets.

It holds the case with its timeline and decisions, the transaction's facts with each masked message described by
field, the legs as the caller gives them, what two people may decide now, and the versions that ran. It holds no card
number, no card token, no sealed material and no setting.
"""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version as installed
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from yuanlu.cases.decisions import kinds_allowed
from yuanlu.cases.records import Case
from yuanlu.cases.store import attachments_of, decisions_of, events_of
from yuanlu.cases.tables import ATTACHMENT_BYTES_MAX
from yuanlu.iso8583.codec import codec_for
from yuanlu.iso8583.masking import describe
from yuanlu.journal import transactions
from yuanlu.journal.frames import unpack
from yuanlu.journal.transactions import facts_of
from yuanlu.kernel.clock import local_time

FACTS_MAX = 500
"""The last so many facts of a transaction; a return that was driven for days has more."""

Row = Mapping[str, Any]


def bundle(connection: Connection, case: Case, legs: Sequence[Row], now_us: int) -> bytes:
    """The bundle as UTF-8 JSON. `legs` are rows about the returns of the case's transaction."""
    document: dict[str, Any] = {
        "made_at": _said(now_us),
        "versions": versions(connection),
        "case": _times(msgspec.to_builtins(case)),
        "timeline": [_times(msgspec.to_builtins(each)) for each in events_of(connection, case.case_id)],
        "decisions": [_times(msgspec.to_builtins(each)) for each in decisions_of(connection, case.case_id)],
        "attachments": [_times(msgspec.to_builtins(each)) for each in attachments_of(connection, case.case_id)],
        "legs": [_times(dict(leg)) for leg in legs],
    }
    if case.transaction_id is not None:
        document |= _transaction(connection, case)
    return _within_limit(document)


def _within_limit(document: dict[str, Any]) -> bytes:
    """As text; of facts that are too large together, the older ones are left out."""
    while len(content := msgspec.json.format(msgspec.json.encode(document), indent=2)) > ATTACHMENT_BYTES_MAX:
        facts = document.get("facts", [])
        if not facts:
            return b'{"error": "this case is too large for a bundle; see its timeline"}'
        document |= {"facts": facts[len(facts) // 2 + 1 :]}
    return content


def versions(connection: Connection) -> dict[str, str]:
    """What ran: this program, Python, the database and its schema."""
    return {
        "yuanlu": installed("yuanlu"),
        "python": platform.python_version(),
        "system": platform.system(),
        "database": f"{connection.dialect.name} {'.'.join(map(str, connection.dialect.server_version_info or ()))}",
        "schema": str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar()),
    }


def _transaction(connection: Connection, case: Case) -> dict[str, Any]:
    found = transactions.get(connection, case.transaction_id or "")
    facts = facts_of(connection, case.merchant_id, found.transaction_id)
    return {
        "allowed": [kind.value for kind in kinds_allowed(case, found.state)],
        "transaction": {
            "transaction_id": found.transaction_id, "terminal_id": found.key.terminal_id,
            "merchant_id": found.key.merchant_id, "batch_no": found.key.batch_no, "stan": found.key.stan,
            "acquirer": found.acquirer, "kind": found.kind, "state": found.state, "version": found.version,
            "amount": str(found.amount), "card_last4": found.card_last4, "reason": found.reason,
            "response_code": found.response_code, "rrn": found.rrn, "auth_code": found.auth_code,
            "received_at": _said(found.received_at_us), "changed_at": _said(found.changed_at_us),
        },
        "facts_in_all": len(facts),
        "facts": [_fact(row) for row in facts[-FACTS_MAX:]],
    }  # fmt: skip


def _fact(row: Any) -> dict[str, Any]:
    frames = [
        {
            "direction": stored.direction.name.lower(),
            "dialect": stored.dialect,
            "fields": {
                str(number): value for number, value in describe(stored.masked, codec_for(stored.dialect)).items()
            },
        }
        for stored in unpack(row.frames)
    ]
    return {"version": row.version, "at": _said(row.at_us), "kind": row.kind, "note": row.note, "frames": frames}


def _times(values: dict[str, Any]) -> dict[str, Any]:
    """Instants as people read them, beside the exact ones."""
    said = {
        f"{name.removesuffix('_us')}": _said(value)
        for name, value in values.items()
        if name.endswith("_at_us") and value and not name.startswith("original_boot")
    }
    return values | said


def _said(at_us: int) -> str:
    """An instant in Beijing time, with its zone."""
    return local_time(at_us).isoformat(timespec="milliseconds")
