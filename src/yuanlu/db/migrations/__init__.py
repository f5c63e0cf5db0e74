"""Schema changes, by Alembic, in order."""
