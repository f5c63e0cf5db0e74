"""An incident may be one of an issuer or a wallet. SQLite changes a check only by making the table anew."""

from alembic import op

revision = "0009"
down_revision = "0008"

SCOPES_BEFORE = "'all', 'region', 'host', 'merchant'"
SCOPES = "'all', 'region', 'host', 'wallet', 'issuer', 'merchant'"


def upgrade() -> None:
    """The same rows, indexes and triggers under the wider check."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        op.drop_constraint("ck_incidents_scope_kind", "incidents")
        op.create_check_constraint("ck_incidents_scope_kind", "incidents", f"scope_kind IN ({SCOPES})")
        return
    named = "SELECT sql FROM sqlite_master WHERE name = 'incidents'"
    table = str(connection.exec_driver_sql(named).scalar_one())
    assert SCOPES_BEFORE in table, "0008 has made it"
    others = "SELECT sql FROM sqlite_master WHERE tbl_name = 'incidents' AND type <> 'table' AND sql IS NOT NULL"
    beside = [str(row[0]) for row in connection.exec_driver_sql(others)]
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")  # the members lose their incident for a moment
    connection.exec_driver_sql("CREATE TEMPORARY TABLE kept AS SELECT * FROM incidents")
    connection.exec_driver_sql("DROP TABLE incidents")
    connection.exec_driver_sql(table.replace(SCOPES_BEFORE, SCOPES))
    connection.exec_driver_sql("INSERT INTO incidents SELECT * FROM kept")
    connection.exec_driver_sql("DROP TABLE kept")
    for statement in beside:
        connection.exec_driver_sql(statement)
