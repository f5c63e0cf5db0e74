"""API keys: what a program shows in place of a person's password, and what it may do with it.

A key is `yl_test_` or `yl_live_` and 256 random bits; only its SHA-256 is stored. It acts in the name of the person
who made it, so that this person can never approve what his own key proposed.
"""

import hashlib
import secrets
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, select

from yuanlu.access.key_tables import api_keys
from yuanlu.cases.people import Actor
from yuanlu.journal.statements import Insert, Update
from yuanlu.journal.unit import Change

SECRET_BYTES = 32
HINT_CHARACTERS = 4
SECRET_CHARACTERS_MAX = 64


class Mode(StrEnum):
    """What a key is for: trying things out, or cardholders' money."""

    TEST = "test"
    LIVE = "live"


class Scope(StrEnum):
    """One thing that a key may do."""

    PAYMENTS_READ = "payments:read"
    """Payments and transactions."""
    PAYMENTS_WRITE = "payments:write"
    """Take, cancel and refund payments as a till."""
    RETURNS_READ = "returns:read"
    RETURNS_PROPOSE = "returns:propose"
    """Propose that money goes back; a person approves."""
    CASES_READ = "cases:read"
    CASES_WRITE = "cases:write"
    """Notes on cases."""
    INCIDENTS_READ = "incidents:read"
    OBSERVATIONS_WRITE = "observations:write"
    """Report what went wrong with a payment, ours or not."""
    TERMINALS_READ = "terminals:read"
    """Terminals and merchants."""
    REPORTS_READ = "reports:read"
    NOTIFICATIONS_READ = "notifications:read"
    """Who was told what; addresses are masked."""
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"


class ApiKey(Struct, frozen=True, kw_only=True):
    """One key, without its secret."""

    key_id: str
    name: str
    mode: Mode
    secret_hash: str
    hint: str
    scopes: frozenset[Scope]
    merchant_id: str
    """Sees and serves this merchant alone; "" for all."""
    made_by: str
    created_at_us: int
    revoked_by: str = ""
    revoked_at_us: int | None = None
    version: int = 1

    @property
    def actor(self) -> Actor:
        """As every timeline names what it does: the person who answers for it, by way of the key."""
        return Actor(name=self.made_by, via=f"api/{self.name}")

    @property
    def tenant(self) -> str:
        """Whose requests are told apart by Idempotency-Key: keys of one merchant and mode share theirs."""
        return f"{self.mode.value}:{self.merchant_id}"

    def sees(self, merchant_id: str) -> bool:
        """Whether what belongs to this merchant is its to see."""
        return self.merchant_id in ("", merchant_id)


def new_secret(mode: Mode) -> str:
    """A secret that nobody has had before."""
    return f"yl_{mode.value}_{secrets.token_urlsafe(SECRET_BYTES)}"


def secret_hash(secret: str) -> str:
    """How a secret is stored and looked for."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


_INSERT = Insert(table=api_keys)
_REVOKE = Update(table=api_keys, sets=("revoked_by", "revoked_at_us", "version"), match=("key_id", "version"))


def insert_key(key: ApiKey) -> Change:
    """A new key."""
    return Change(
        statement=_INSERT,
        row=(
            key.key_id, key.name, key.mode.value, key.secret_hash, key.hint, " ".join(sorted(key.scopes)),
            key.merchant_id, key.made_by, key.created_at_us, key.revoked_by, key.revoked_at_us, key.version,
        ),
    )  # fmt: skip


def revoke_key(key: ApiKey, by: str, now_us: int) -> Change:
    """The key is refused from now on; the version is the compare-and-set."""
    return Change(statement=_REVOKE, row=(by, now_us, key.version + 1, key.key_id, key.version))


def find_key(connection: Connection, secret: str) -> ApiKey | None:
    """The key with this secret, revoked or not; by its unique index."""
    row = connection.execute(select(api_keys).where(api_keys.c.secret_hash == secret_hash(secret))).first()
    return None if row is None else _key(row)


def find_key_by_id(connection: Connection, key_id: str) -> ApiKey | None:
    """The key with this id."""
    row = connection.execute(select(api_keys).where(api_keys.c.key_id == key_id)).first()
    return None if row is None else _key(row)


def all_keys(connection: Connection, limit: int = 500) -> list[ApiKey]:
    """Every key, the newest first."""
    return [_key(row) for row in connection.execute(select(api_keys).order_by(api_keys.c.key_id.desc()).limit(limit))]


def _key(row: Any) -> ApiKey:
    values = dict(row._mapping)
    values |= {"mode": Mode(row.mode), "scopes": frozenset(Scope(each) for each in row.scopes.split())}
    return ApiKey(**values)
