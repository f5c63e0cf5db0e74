"""Accounts: made, changed, and signed in to. Each is a fact of the account, so that the trail shows who did what.

A sign-in that fails says only that it failed. Ten wrong ones in a row lock the account for half an hour (PCI DSS
8.3.4).
"""

import secrets
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from yuanlu.access import passkeys
from yuanlu.access.passkeys import PASSKEYS_MAX, Passkey, Site, find_passkey, name_in, taken_challenge
from yuanlu.access.records import AccessRefused, Session, Staff
from yuanlu.access.roles import Role
from yuanlu.access.secrets_of_staff import (
    TOTP_CONTEXT,
    hashed,
    matches,
    new_totp_secret,
    nobodys_hash,
    refuse_weak_password,
    token_hash,
    totp_step,
)
from yuanlu.access.store import (
    end_sessions_of,
    find_staff,
    find_staff_by_id,
    insert_session,
    insert_staff,
    update_staff,
)
from yuanlu.cases.people import NAME_CHARACTERS_MAX, Actor, person, tidy_name
from yuanlu.journal.unit import Change, Conflict, Fact
from yuanlu.journal.visiting import Visitor, visit
from yuanlu.kernel.clock import Clock, SystemClock
from yuanlu.kernel.errors import YuanluError
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.keys.contract import KeyStore
from yuanlu.keys.errors import SealBroken
from yuanlu.people.database import on_database
from yuanlu.settings import Settings

FAILURES_MAX = 10
LOCKED_US = 30 * 60 * 1_000_000
TOKEN_BYTES = 32
TRIES = 5
TOTP_BYTES = 20
OFFER_CONTEXT, OFFER_US = "offer of one-time codes", 10 * 60 * 1_000_000
NOT_SET_UP = -1
SIGN_IN = "sign in"
"""What a passkey's challenge is for; for another passkey it is the account."""
WRONG = "name, password or code is wrong, or the account is locked or disabled"


class CodeNeeded(YuanluError):
    """Name and password are right, and the account has no one-time code yet, which is needed here."""

    def __init__(self, account: Staff) -> None:
        super().__init__("set up one-time codes first")
        self.account = account


class NewStaff(Struct, frozen=True, kw_only=True):
    """What an account is made of."""

    name: str
    roles: tuple[Role, ...]
    password: str
    checker: bool = False
    merchant_id: str = ""


class SignIn(Struct, frozen=True, kw_only=True):
    """What somebody gives to be let in."""

    name: str
    password: str
    code: str
    origin: str


@on_database
def created(settings: Settings, wanted: NewStaff, by: Actor) -> Staff:
    """A new account. Raises AccessRefused for a name that exists, no role or a weak password; CaseError for no name."""
    name = person(wanted.name).name
    if not wanted.roles:
        raise AccessRefused("give at least one role")
    refuse_weak_password(wanted.password, name)
    clock = SystemClock()
    account = Staff(
        staff_id=f"U{IdentifierSource(clock, secrets.randbits).new()}",
        name=name,
        roles=wanted.roles,
        checker=wanted.checker,
        merchant_id=wanted.merchant_id,
        password_hash=hashed(wanted.password),
        created_at_us=clock.wall_us(),
    )
    said = f"{by.name}: {name}, {' '.join(wanted.roles)}{', checker' if wanted.checker else ''}"
    with visit(settings.store.url, settings.folder, clock) as visitor:
        done = visitor.commit([_fact(account, "STAFF_CREATED", said, clock)], [insert_staff(account)])
    if isinstance(done, Conflict):
        raise AccessRefused(f'there is an account "{name}" already; give another name')
    return account


@on_database
def changed(settings: Settings, staff_id: str, kind: str, said: str, change: Callable[[Staff], Staff]) -> Staff:
    """The account with this change, which is a fact of `kind` saying `said`; its sessions end. Raises AccessRefused."""
    clock = SystemClock()
    with visit(settings.store.url, settings.folder, clock) as visitor:
        for _ in range(TRIES):
            with visitor.reading() as connection:
                before = find_staff_by_id(connection, staff_id)
            if before is None:
                raise AccessRefused(f'"{staff_id}" is no account')
            after = _step(visitor, before, change(before), kind, said, clock)
            if after is not None:
                visitor.plainly(lambda c: end_sessions_of(c, staff_id))
                return after
    raise AccessRefused("the account keeps changing; try again")


@on_database
def signed_in(settings: Settings, keys: KeyStore, given: SignIn, *, second_factor: bool) -> tuple[str, Session]:
    """The token for the cookie, and the session. Raises AccessRefused, the same for every reason.

    With `second_factor` an account without a one-time code is not let in: CodeNeeded.
    """
    clock = SystemClock()
    with visit(settings.store.url, settings.folder, clock) as visitor:
        for _ in range(TRIES):
            with visitor.reading() as connection:
                account = find_staff(connection, given.name)
            if account is None:
                matches(nobodys_hash(), given.password)
                raise AccessRefused(WRONG)
            step = _proof(account, keys, given, clock.wall_us(), second_factor=second_factor)
            if step == NOT_SET_UP:
                raise CodeNeeded(account)
            if step is None:
                if _failed(visitor, account, given, clock):
                    raise AccessRefused(WRONG)
            else:
                done = _let_in(visitor, account, step, given, clock)
                if done is not None:
                    return done
    raise AccessRefused(WRONG)


def _proof(account: Staff, keys: KeyStore, given: SignIn, now_us: int, *, second_factor: bool) -> int | None:
    """The one-time code's step, 0 or NOT_SET_UP where the account has none; None when anything is wrong."""
    right = matches(account.password_hash, given.password)
    if account.disabled or account.locked_until_us > now_us or not right:
        return None
    if account.totp_sealed is None:
        return NOT_SET_UP if second_factor else 0
    secret = keys.unseal(account.totp_sealed, TOTP_CONTEXT).decode()
    return totp_step(secret, given.code, now_us, account.totp_step)


def _failed(visitor: Visitor, account: Staff, given: SignIn, clock: Clock) -> bool:
    """One more wrong sign-in is on record; False when somebody else changed the account meanwhile."""
    now_us, failed = clock.wall_us(), account.failed + 1
    locked = now_us + LOCKED_US if failed >= FAILURES_MAX else account.locked_until_us
    after = replace(account, failed=0 if failed >= FAILURES_MAX else failed, locked_until_us=locked)
    said = f"from {given.origin}" + ("; locked for 30 minutes" if failed >= FAILURES_MAX else "")
    return _step(visitor, account, after, "STAFF_REFUSED", said, clock) is not None


def _let_in(
    visitor: Visitor, account: Staff, step: int, given: SignIn, clock: Clock, more: Sequence[Change] = ()
) -> tuple[str, Session] | None:
    token, now_us = secrets.token_urlsafe(TOKEN_BYTES), clock.wall_us()
    after = replace(
        account, failed=0, locked_until_us=0, totp_step=max(step, account.totp_step), version=account.version + 1
    )
    session = Session(
        token_hash=token_hash(token), staff=after, csrf=secrets.token_urlsafe(TOKEN_BYTES), created_at_us=now_us,
        seen_at_us=now_us, proved_at_us=now_us, origin=given.origin,
    )  # fmt: skip
    fact = _fact(after, "STAFF_SIGNED_IN", f"from {given.origin}", clock)
    done = visitor.commit([fact], [update_staff(after, account.version), insert_session(session), *more])
    return None if isinstance(done, Conflict) else (token, session)


def _step(visitor: Visitor, before: Staff, after: Staff, kind: str, said: str, clock: Clock) -> Staff | None:
    after = replace(after, version=before.version + 1)
    done = visitor.commit([_fact(after, kind, said, clock)], [update_staff(after, before.version)])
    return None if isinstance(done, Conflict) else after


def _fact(account: Staff, kind: str, said: str, clock: Clock) -> Fact:
    return Fact(
        merchant_id="", subject_id=account.staff_id, version=account.version, kind=kind, at_us=clock.wall_us(),
        terminal_id="", note=said,
    )  # fmt: skip


@on_database
def signed_in_by_passkey(
    settings: Settings, keys: KeyStore, site: Site, sealed: str, answer: str, origin: str
) -> tuple[str, Session]:
    """The token and the session of whoever's passkey signed the challenge. Raises AccessRefused."""
    clock = SystemClock()
    challenge = taken_challenge(keys, sealed, SIGN_IN, clock.wall_us())
    with visit(settings.store.url, settings.folder, clock) as visitor:
        for _ in range(TRIES):
            with visitor.reading() as connection:
                key = find_passkey(connection, name_in(answer))
                account = None if key is None else find_staff_by_id(connection, key.staff_id)
            if key is None or account is None or account.disabled or account.locked_until_us > clock.wall_us():
                raise AccessRefused(WRONG)
            count = passkeys.proved(site, answer, challenge, key)
            given = SignIn(name=account.name, password="", code="", origin=f"{origin}, passkey {key.name}")
            more = [passkeys.counted(key, count)] if count != key.sign_count else []
            done = _let_in(visitor, account, account.totp_step, given, clock, more)
            if done is not None:
                return done
    raise AccessRefused(WRONG)


@on_database
def passkey_added(
    settings: Settings, keys: KeyStore, site: Site, account: Staff, sealed: str, answer: str, name: str
) -> Staff:
    """The account with one more passkey. Raises AccessRefused."""
    clock = SystemClock()
    challenge = taken_challenge(keys, sealed, account.staff_id, clock.wall_us())
    credential_id, public_key, count = passkeys.registered(site, answer, challenge)
    new = Passkey(
        credential_id=credential_id, staff_id=account.staff_id, public_key=public_key, sign_count=count,
        name=tidy_name(name)[:NAME_CHARACTERS_MAX] or "passkey", created_at_us=clock.wall_us(),
    )  # fmt: skip
    with visit(settings.store.url, settings.folder, clock) as visitor:
        for _ in range(TRIES):
            with visitor.reading() as connection:
                before = find_staff_by_id(connection, account.staff_id)
                if before is None or len(passkeys.passkeys_of(connection, account.staff_id)) >= PASSKEYS_MAX:
                    raise AccessRefused(f"an account has at most {PASSKEYS_MAX} passkeys")
            after = replace(before, version=before.version + 1)
            done = visitor.commit(
                [_fact(after, "STAFF_PASSKEY", f"added {new.name}", clock)],
                [update_staff(after, before.version), passkeys.insert_passkey(new)],
            )
            if not isinstance(done, Conflict):
                return after
            if "staff_passkeys" in done.reason:
                raise AccessRefused("this passkey is known already")
    raise AccessRefused("the account keeps changing; try again")


@on_database
def passkey_removed(settings: Settings, account: Staff, credential_id: str) -> None:
    """It opens nothing any more."""
    clock = SystemClock()
    with visit(settings.store.url, settings.folder, clock) as visitor:
        for _ in range(TRIES):
            with visitor.reading() as connection:
                before = find_staff_by_id(connection, account.staff_id)
            if before is None or _step(visitor, before, before, "STAFF_PASSKEY", "removed", clock) is not None:
                visitor.plainly(lambda c: passkeys.delete_passkey(c, account.staff_id, credential_id))
                return
    raise AccessRefused("the account keeps changing; try again")


@on_database
def password_changed(settings: Settings, account: Staff, old: str, new: str) -> None:
    """Another password, by who knows the old one. Raises AccessRefused."""
    if not matches(account.password_hash, old):
        raise AccessRefused("the old password is wrong")
    refuse_weak_password(new, account.name)
    changed(
        settings, account.staff_id, "STAFF_PASSWORD", account.name, lambda one: replace(one, password_hash=hashed(new))
    )


@on_database
def code_set_up(settings: Settings, keys: KeyStore, offer: str, code: str, origin: str) -> tuple[str, Session]:
    """The account gets the one-time codes of `offer`, which `code` proves to be in the person's app, and is let in: the
    password was given for the offer. The token for the cookie, and the session.

    Raises AccessRefused for an offer that is too old or not ours, a wrong code, or an account that has codes already.
    """
    clock = SystemClock()
    staff_id, secret = _taken(keys, offer, clock.wall_us())
    with visit(settings.store.url, settings.folder, clock) as visitor:
        with visitor.reading() as connection:
            before = find_staff_by_id(connection, staff_id)
        if before is None or before.totp_sealed is not None:
            raise AccessRefused("the account has one-time codes already; an administrator can take them away")
        step = totp_step(secret, code, clock.wall_us(), 0)
        if step is None:
            raise AccessRefused("the code is wrong; is the clock of your phone right?")
        after = replace(before, totp_sealed=keys.seal(secret.encode(), TOTP_CONTEXT), totp_step=step)
        done = _step(visitor, before, after, "STAFF_CODE", f"{before.name}: set up", clock)
        given = SignIn(name=before.name, password="", code=code, origin=origin)
        let_in = None if done is None or done.disabled else _let_in(visitor, done, step, given, clock)
    if let_in is None:
        raise AccessRefused("the account has just been changed; sign in again")
    return let_in


def offered(keys: KeyStore, account: Staff, now_us: int) -> tuple[str, str]:
    """A new secret for an account's app, and the sealed offer by which it comes back with the first code."""
    secret = new_totp_secret(secrets.token_bytes(TOTP_BYTES))
    sealed = keys.seal(f"{account.staff_id} {now_us} {secret}".encode(), OFFER_CONTEXT)
    return secret, sealed.hex()


def _taken(keys: KeyStore, offer: str, now_us: int) -> tuple[str, str]:
    """Account and secret of an offer. AccessRefused when it is not ours or too old."""
    try:
        staff_id, at_us, secret = keys.unseal(bytes.fromhex(offer), OFFER_CONTEXT).decode().split()
    except (ValueError, SealBroken):
        raise AccessRefused("this is no set-up of ours; sign in again") from None
    if now_us - int(at_us) > OFFER_US:
        raise AccessRefused("the set-up took too long; sign in again")
    return staff_id, secret
