"""Passkeys (W3C Web Authentication, level 3): what the browser is asked, and what its answer proves.

User verification is required, so that a passkey is two factors in one. A challenge is random, sealed for its purpose,
lives five minutes, and is taken once. Synced passkeys keep their counter at 0; one that falls is refused.
"""

import json
from typing import Any

import webauthn
from msgspec import Struct
from sqlalchemy import Connection, delete, select
from webauthn.helpers.base64url_to_bytes import base64url_to_bytes
from webauthn.helpers.bytes_to_base64url import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from yuanlu.access.records import AccessRefused, Staff
from yuanlu.access.tables import staff_passkeys
from yuanlu.journal.statements import Insert, Update
from yuanlu.journal.unit import Change
from yuanlu.keys.contract import KeyStore
from yuanlu.keys.errors import SealBroken

CHALLENGE_BYTES, LIFE_US = 32, 5 * 60 * 1_000_000
CONTEXT = "passkey challenge"
USED_MAX = 10_000
PASSKEYS_MAX = 10
CREDENTIAL_CHARACTERS_MAX = 16_000

_INSERT = Insert(table=staff_passkeys)
_COUNTED = Update(table=staff_passkeys, sets=("sign_count",), match=("credential_id", "sign_count"))
_used: set[bytes] = set()


class Passkey(Struct, frozen=True, kw_only=True):
    """One passkey of an account."""

    credential_id: str
    staff_id: str
    public_key: bytes
    sign_count: int
    name: str
    created_at_us: int


class Site(Struct, frozen=True, kw_only=True):
    """Whose passkeys these are: the host that people see, and its origin."""

    host: str
    origin: str
    name: str


def asked_to_register(site: Site, account: Staff, known: list[Passkey], challenge: bytes) -> str:
    """The options of navigator.credentials.create, as JSON."""
    options = webauthn.generate_registration_options(
        rp_id=site.host, rp_name=site.name, user_name=account.name, user_id=account.staff_id.encode(),
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(k.credential_id)) for k in known],
    )  # fmt: skip
    return webauthn.options_to_json(options)


def asked_to_sign_in(site: Site, challenge: bytes) -> str:
    """The options of navigator.credentials.get, as JSON: any passkey of this site."""
    options = webauthn.generate_authentication_options(
        rp_id=site.host, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
    )
    return webauthn.options_to_json(options)


def registered(site: Site, answer: str, challenge: bytes) -> tuple[str, bytes, int]:
    """Name, public key and counter of a new passkey. Raises AccessRefused."""
    try:
        found = webauthn.verify_registration_response(
            credential=_credential(answer), expected_challenge=challenge, expected_rp_id=site.host,
            expected_origin=site.origin, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise AccessRefused("the browser's answer is no passkey of this page") from None
    return bytes_to_base64url(found.credential_id), found.credential_public_key, found.sign_count


def name_in(answer: str) -> str:
    """Which passkey an answer is about. Raises AccessRefused."""
    found = _credential(answer).get("id")
    if not isinstance(found, str):
        raise AccessRefused("the browser's answer names no passkey")
    return found


def proved(site: Site, answer: str, challenge: bytes, key: Passkey) -> int:
    """The passkey's counter, once it has signed the challenge. Raises AccessRefused."""
    try:
        found = webauthn.verify_authentication_response(
            credential=_credential(answer), expected_challenge=challenge, expected_rp_id=site.host,
            expected_origin=site.origin, credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise AccessRefused("the passkey did not prove itself") from None
    return found.new_sign_count


def _credential(answer: str) -> dict[str, Any]:
    if len(answer) > CREDENTIAL_CHARACTERS_MAX:
        raise AccessRefused("the browser's answer is too long")
    try:
        found = json.loads(answer)
    except ValueError:
        raise AccessRefused("the browser's answer cannot be read") from None
    if not isinstance(found, dict):
        raise AccessRefused("the browser's answer cannot be read")
    return found


def sealed_challenge(keys: KeyStore, challenge: bytes, purpose: str, now_us: int) -> str:
    """A challenge on its way to the browser and back: only we can have made it."""
    return keys.seal(challenge + now_us.to_bytes(8) + purpose.encode(), CONTEXT).hex()


def taken_challenge(keys: KeyStore, sealed: str, purpose: str, now_us: int) -> bytes:
    """The challenge, once. AccessRefused when it is not ours, for something else, too old or used already."""
    try:
        plain = keys.unseal(bytes.fromhex(sealed), CONTEXT)
    except (ValueError, SealBroken):
        raise AccessRefused("this is no challenge of ours; open the page again") from None
    challenge, at_us = plain[:CHALLENGE_BYTES], int.from_bytes(plain[CHALLENGE_BYTES : CHALLENGE_BYTES + 8])
    if plain[CHALLENGE_BYTES + 8 :] != purpose.encode() or now_us - at_us > LIFE_US or challenge in _used:
        raise AccessRefused("this challenge is used or too old; open the page again")
    if len(_used) >= USED_MAX:
        _used.clear()
    _used.add(challenge)
    return challenge


def insert_passkey(key: Passkey) -> Change:
    """A new one."""
    return Change(
        statement=_INSERT,
        row=(key.credential_id, key.staff_id, key.public_key, key.sign_count, key.name, key.created_at_us),
    )


def counted(key: Passkey, sign_count: int) -> Change:
    """It was used."""
    return Change(statement=_COUNTED, row=(sign_count, key.credential_id, key.sign_count))


def delete_passkey(connection: Connection, staff_id: str, credential_id: str) -> None:
    """It opens nothing any more."""
    own = (staff_passkeys.c.credential_id == credential_id) & (staff_passkeys.c.staff_id == staff_id)
    connection.execute(delete(staff_passkeys).where(own))


def passkeys_of(connection: Connection, staff_id: str) -> list[Passkey]:
    """An account's, oldest first."""
    query = select(staff_passkeys).where(staff_passkeys.c.staff_id == staff_id)
    return [_passkey(row) for row in connection.execute(query.order_by(staff_passkeys.c.created_at_us))]


def find_passkey(connection: Connection, credential_id: str) -> Passkey | None:
    """The one of this name."""
    row = connection.execute(select(staff_passkeys).where(staff_passkeys.c.credential_id == credential_id)).first()
    return None if row is None else _passkey(row)


def _passkey(row: Any) -> Passkey:
    return Passkey(**row._mapping)
