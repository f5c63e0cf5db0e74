"""The table of API keys. This package alone writes it.

What the database itself holds: a secret is one key's; a key is revoked, never deleted, and what it may do never
changes, so that a key's name in a timeline always means the same.
"""

from sqlalchemy import CheckConstraint, Column, Table

from yuanlu.db.types import STRICT, Whole, Words, metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("mode", Words, nullable=False),  # test or live
    Column("secret_hash", Words, nullable=False, unique=True),  # SHA-256 of 256 random bits: no salt is needed
    Column("hint", Words, nullable=False),  # the secret's last four characters, to tell keys apart
    Column("scopes", Words, nullable=False),  # names with blanks between
    Column("merchant_id", Words, nullable=False),  # "" for all
    Column("made_by", Words, nullable=False),  # the person in whose name it acts
    Column("created_at_us", Whole, nullable=False),
    Column("revoked_by", Words, nullable=False),
    Column("revoked_at_us", Whole),
    Column("version", Whole, nullable=False),  # counts the key's facts
    CheckConstraint("mode IN ('test', 'live')", name="mode"),
    CheckConstraint("name <> '' AND made_by <> '' AND scopes <> ''", name="said"),
    CheckConstraint("(revoked_at_us IS NULL) = (revoked_by = '')", name="revoked"),
    **STRICT,
)
