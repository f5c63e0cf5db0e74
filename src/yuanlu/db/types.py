"""Column types that mean the same on SQLite STRICT tables and on PostgreSQL.

STRICT tables know INTEGER, TEXT and BLOB only, and refuse most of SQLAlchemy's spellings. So the tables are
written with these. Instants are whole microseconds since 1970 UTC: exact, sortable, without a driver's zone rules.
"""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, LargeBinary, MetaData, Text, cast, func

Whole = BigInteger().with_variant(Integer(), "sqlite")
"""Whole numbers: amounts in minor units, versions, instants in microseconds."""

Words = Text()
"""Text of any length."""

Octets = LargeBinary()
"""Bytes: masked frames, sealed material."""


def total(column: ColumnElement[int]) -> ColumnElement[int]:
    """The sum of whole numbers, 0 for none, as a whole number: PostgreSQL alone would give a decimal."""
    return cast(func.coalesce(func.sum(column), 0), Whole)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables of all packages; each table is written by one package alone."""

STRICT: dict[str, Any] = {"sqlite_strict": True}
"""For rows above a twentieth of a page: facts and transactions, a fifth cheaper to write than stored by key."""

STRICT_BY_KEY: dict[str, Any] = {"sqlite_strict": True, "sqlite_with_rowid": False}
"""For small rows: the table is its own primary key's index."""
