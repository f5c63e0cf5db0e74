"""Batches: stub, to be filled by settlement's migration."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Nothing yet."""
