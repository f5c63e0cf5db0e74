"""Commands may write beside the gateway: a writer says which of the two it is."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """All writers so far were gateways."""
    op.add_column("writers", sa.Column("role", sa.Text(), nullable=False, server_default="gateway"))
