"""Up to where the facts have been read for traces: one row for each writer that may still write."""

from sqlalchemy import Column, Table

from yuanlu.db.types import STRICT_BY_KEY, Whole, metadata

trace_cursors = Table(
    "trace_cursors",
    metadata,
    Column("writer_id", Whole, primary_key=True),  # 0: the row that says up to which writer all are known
    Column("writer_seq", Whole, nullable=False),  # the last fact of this writer whose spans were taken
    **STRICT_BY_KEY,
)
