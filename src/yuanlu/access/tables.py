"""The tables of staff accounts. This package alone writes them.

What the database itself holds: one account per name; an account is disabled, never deleted, so that a name in a
timeline always means one person.
"""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table

from yuanlu.db.types import STRICT, STRICT_BY_KEY, Octets, Whole, Words, metadata

staff = Table(
    "staff",
    metadata,
    Column("staff_id", Words, primary_key=True),
    Column("name", Words, nullable=False),  # as in every timeline
    Column("login", Words, nullable=False, unique=True),  # the name, folded: how it is compared
    Column("roles", Words, nullable=False),  # names with blanks between
    Column("checker", Whole, nullable=False),
    Column("merchant_id", Words, nullable=False),  # "" for all
    Column("password_hash", Words, nullable=False),  # argon2id, PHC string
    Column("totp_sealed", Octets),  # null: no second factor yet
    Column("totp_step", Whole, nullable=False),  # the last one used: none is taken twice
    Column("failed", Whole, nullable=False),  # wrong sign-ins in a row
    Column("locked_until_us", Whole, nullable=False),
    Column("disabled", Whole, nullable=False),
    Column("created_at_us", Whole, nullable=False),
    Column("version", Whole, nullable=False),  # counts the account's facts
    CheckConstraint("name <> '' AND login <> ''", name="name"),
    CheckConstraint("checker IN (0, 1) AND disabled IN (0, 1)", name="flags"),
    **STRICT,
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("token_hash", Words, primary_key=True),  # SHA-256: the cookie alone is the token
    Column("staff_id", Words, ForeignKey("staff.staff_id"), nullable=False),
    Column("csrf", Words, nullable=False),
    Column("created_at_us", Whole, nullable=False),
    Column("seen_at_us", Whole, nullable=False),
    Column("proved_at_us", Whole, nullable=False),  # when the password was last given
    Column("origin", Words, nullable=False),  # where from
    Index("ix_staff_sessions_staff", "staff_id"),
    **STRICT_BY_KEY,
)

staff_passkeys = Table(
    "staff_passkeys",
    metadata,
    Column("credential_id", Words, primary_key=True),  # base64url, as the browser gives it
    Column("staff_id", Words, ForeignKey("staff.staff_id"), nullable=False),
    Column("public_key", Octets, nullable=False),  # COSE
    Column("sign_count", Whole, nullable=False),
    Column("name", Words, nullable=False),
    Column("created_at_us", Whole, nullable=False),
    Index("ix_staff_passkeys_staff", "staff_id"),
    **STRICT_BY_KEY,
)
