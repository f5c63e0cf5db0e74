"""The engine under the journal: connections for SQLite, column types, migrations."""
