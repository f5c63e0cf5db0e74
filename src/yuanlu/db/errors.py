"""What can be wrong with the database as it is; one family for both kinds."""

from yuanlu.kernel.errors import YuanluError


class StoreError(YuanluError):
    """The database cannot be used as it is; the text says what to do."""


class StoreLocked(StoreError):
    """Another gateway holds this database."""
