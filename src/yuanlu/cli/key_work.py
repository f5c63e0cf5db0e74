"""What `yuanlu key` does."""

from yuanlu.access.api_keys import ApiKey, Mode, Scope, all_keys
from yuanlu.access.records import AccessRefused
from yuanlu.cli.casework import actor
from yuanlu.kernel.clock import local_time
from yuanlu.people import api_keys
from yuanlu.people.database import on_database, reading
from yuanlu.settings import Settings


def made(settings: Settings, name: str, scopes: list[str], by: str, *, live: bool, merchant_id: str) -> str:
    """A new key, as text with its secret."""
    unknown = [scope for scope in scopes if scope not in set(Scope)]
    if unknown:
        raise AccessRefused(f"--scope {unknown[0]}: there are {', '.join(Scope)}")
    wanted = api_keys.NewKey(
        name=name, mode=Mode.LIVE if live else Mode.TEST, scopes=[Scope(each) for each in scopes],
        merchant_id=merchant_id,
    )  # fmt: skip
    secret, key = api_keys.created(settings, wanted, actor(by))
    return f"{_line(key)}\n\n{secret}\n\nKeep it now: it is not shown again."


@on_database
def listed(settings: Settings) -> str:
    """One line for each key."""
    with reading(settings) as connection:
        return "\n".join(_line(each) for each in all_keys(connection)) or "no key; make one: yuanlu key create"


def gone(settings: Settings, key_id: str, by: str, reason: str) -> str:
    """Refused from now on."""
    return f"{api_keys.revoked(settings, key_id, actor(by), reason).key_id} is revoked"


def _line(key: ApiKey) -> str:
    ended = f", revoked {local_time(key.revoked_at_us):%Y-%m-%d %H:%M} by {key.revoked_by}" if key.revoked_at_us else ""
    return (
        f"{key.key_id}  {key.name}  yl_{key.mode.value}_…{key.hint}  {' '.join(sorted(key.scopes))}  "
        f"{key.merchant_id or 'all merchants'}, of {key.made_by}{ended}"
    )
