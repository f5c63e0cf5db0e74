"""API keys: made and revoked by people. Each is a fact of the key, so that the trail shows who did what."""

import secrets
from collections.abc import Collection

from msgspec import Struct

from yuanlu.access.api_keys import (
    HINT_CHARACTERS,
    ApiKey,
    Mode,
    Scope,
    find_key_by_id,
    insert_key,
    new_secret,
    revoke_key,
    secret_hash,
)
from yuanlu.access.records import AccessRefused
from yuanlu.cases.people import Actor, person, tidy_name
from yuanlu.cases.texts import text_of
from yuanlu.journal.unit import Conflict, Fact
from yuanlu.journal.visiting import visit
from yuanlu.kernel.clock import Clock, SystemClock
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.people.database import on_database
from yuanlu.settings import Settings
from yuanlu.terminals import read_terminals

NAME_CHARACTERS_MAX = 40


class NewKey(Struct, frozen=True, kw_only=True):
    """What a key is made of. `merchant_id` "" is for all merchants."""

    name: str
    mode: Mode
    scopes: Collection[Scope]
    merchant_id: str = ""


@on_database
def created(settings: Settings, wanted: NewKey, by: Actor) -> tuple[str, ApiKey]:
    """A new key and its secret, which is told this once. Raises AccessRefused, or CaseError for no person."""
    who, name = person(by.name), tidy_name(wanted.name)
    if not name or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise AccessRefused(
            f"a key's name has 1 to {NAME_CHARACTERS_MAX} printable characters; say which program it is"
        )
    if not wanted.scopes:
        raise AccessRefused(f"give at least one scope: {', '.join(Scope)}")
    _refuse_unknown_merchant(settings, wanted.merchant_id)
    if wanted.mode is Mode.TEST and settings.keys.mode != "sandbox":
        raise AccessRefused("test keys work in a sandbox only, and this is production; make a live key")
    clock, secret = SystemClock(), new_secret(wanted.mode)
    key = ApiKey(
        key_id=f"K{IdentifierSource(clock, secrets.randbits).new()}", name=name, mode=wanted.mode,
        secret_hash=secret_hash(secret), hint=secret[-HINT_CHARACTERS:], scopes=frozenset(wanted.scopes),
        merchant_id=wanted.merchant_id, made_by=who.name, created_at_us=clock.wall_us(),
    )  # fmt: skip
    said = f"{who.name}: {name}, {key.mode.value}, {' '.join(sorted(key.scopes))}, {key.merchant_id or 'all merchants'}"
    with visit(settings.store.url, settings.folder, clock) as visitor:
        done = visitor.commit([_fact(key, 1, "KEY_CREATED", said, clock)], [insert_key(key)])
    if isinstance(done, Conflict):
        raise AccessRefused(f"the key was not made: {done.reason}")
    return secret, key


@on_database
def revoked(settings: Settings, key_id: str, by: Actor, reason: str) -> ApiKey:
    """The key is refused from now on, for good. Raises AccessRefused when there is none, or it is already."""
    who, why, clock = person(by.name), text_of(reason, "the reason"), SystemClock()
    with visit(settings.store.url, settings.folder, clock) as visitor:
        with visitor.reading() as connection:
            key = find_key_by_id(connection, key_id)
        if key is None:
            raise AccessRefused(f'"{key_id}" is no key; see: yuanlu key list')
        fact = _fact(key, key.version + 1, "KEY_REVOKED", f"{who.name}: {why}", clock)
        gone = key.revoked_at_us is not None
        if gone or isinstance(visitor.commit([fact], [revoke_key(key, who.name, clock.wall_us())]), Conflict):
            raise AccessRefused(f"{key_id} is revoked already")
    return key


def _refuse_unknown_merchant(settings: Settings, merchant_id: str) -> None:
    terminals = read_terminals(settings.path(settings.gateway.terminals), settings.acquirers).values()
    if merchant_id and merchant_id not in {terminal.merchant_id for terminal in terminals}:
        raise AccessRefused(f'"{merchant_id}" is no merchant of {settings.gateway.terminals}')


def _fact(key: ApiKey, version: int, kind: str, said: str, clock: Clock) -> Fact:
    return Fact(
        merchant_id="", subject_id=key.key_id, version=version, kind=kind, at_us=clock.wall_us(), terminal_id="",
        note=said,
    )  # fmt: skip
