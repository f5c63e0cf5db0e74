"""Acquirers' clearing files: what each file is, and its lines."""

import sqlalchemy as sa
from alembic import op

from yuanlu.db.migrations.rules import add_rule

revision = "0011"
down_revision = "0010"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BY_KEY = {"sqlite_strict": True, "sqlite_with_rowid": False}
MATCHED = "transaction_id <> ''"

TRIGGERS = (
    # One file a merchant and settlement date; a file of all merchants stands for each of them.
    """CREATE TRIGGER clearing_files_once BEFORE INSERT ON clearing_files
    WHEN EXISTS (SELECT 1 FROM clearing_files
                 WHERE acquirer = new.acquirer AND settlement_date = new.settlement_date
                   AND (merchant_id = new.merchant_id OR merchant_id = '' OR new.merchant_id = ''))
    BEGIN SELECT RAISE(ABORT, 'there is a clearing file of this settlement date'); END""",
    # A file counts from its own row on, and that comes last: all lines are there, and none comes later.
    """CREATE TRIGGER clearing_files_whole BEFORE INSERT ON clearing_files
    WHEN new.lines <> (SELECT count(*) FROM clearing_entries WHERE file_id = new.file_id)
    BEGIN SELECT RAISE(ABORT, 'the clearing file is not whole'); END""",
    """CREATE TRIGGER clearing_entries_closed BEFORE INSERT ON clearing_entries
    WHEN EXISTS (SELECT 1 FROM clearing_files WHERE file_id = new.file_id)
    BEGIN SELECT RAISE(ABORT, 'the clearing file is loaded'); END""",
    *(
        f"""CREATE TRIGGER {table}_{name} BEFORE {what} ON {table}
    BEGIN SELECT RAISE(ABORT, 'clearing files are append-only'); END"""
        for table in ("clearing_files", "clearing_entries")
        for name, what in (("unchanged", "UPDATE"), ("kept", "DELETE"))
    ),
)


def upgrade() -> None:
    """No file was loaded before."""
    op.create_table(
        "clearing_files",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("acquirer", sa.Text(), nullable=False),
        sa.Column("settlement_date", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("lines", whole, nullable=False),
        *(
            sa.Column(name, whole, nullable=False)
            for name in ("debit_minor", "debit_count", "credit_minor", "credit_count")
        ),
        sa.Column("loaded_at_us", whole, nullable=False),
        sa.Column("loaded_by", sa.Text(), nullable=False),
        sa.CheckConstraint("loaded_by <> ''", name="ck_clearing_files_loaded_by"),
        sa.PrimaryKeyConstraint("file_id", name="pk_clearing_files"),
        **BY_KEY,
    )
    op.create_index("ix_clearing_files_date", "clearing_files", ["acquirer", "settlement_date"])
    op.create_table(
        "clearing_entries",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("line", whole, nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("terminal_id", "merchant_id", "stan", "rrn")),
        sa.Column("amount_minor", whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("at_us", whole, nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("card_last4", "original_stan", "original_rrn")),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.CheckConstraint("side in ('debit', 'credit')", name="ck_clearing_entries_side"),
        sa.CheckConstraint("amount_minor > 0", name="ck_clearing_entries_amount"),
        sa.CheckConstraint("length(card_last4) <= 4", name="ck_clearing_entries_card_last4"),
        sa.PrimaryKeyConstraint("file_id", "line", name="pk_clearing_entries"),
        **BY_KEY,
    )
    op.create_index(
        "ix_clearing_entries_transaction", "clearing_entries", ["transaction_id"], unique=False,
        sqlite_where=sa.text(MATCHED), postgresql_where=sa.text(MATCHED),
    )  # fmt: skip
    for trigger in TRIGGERS:
        add_rule(trigger)
