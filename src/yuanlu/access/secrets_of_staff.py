"""Passwords and one-time codes.

Passwords by argon2id (RFC 9106, the second recommended set of parameters but for its lanes); one-time codes by RFC
6238, six digits, 30 s, each code once (PCI DSS 8.3.6, 8.4.2, 8.5.1).
"""

import base64
import hashlib
import hmac
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from yuanlu.access.records import AccessRefused

PASSWORD_CHARACTERS_MIN, PASSWORD_CHARACTERS_MAX = 12, 128
STEP_S = 30
TOTP_CONTEXT = "staff one-time code"


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)


def refuse_weak_password(password: str, name: str) -> None:
    """AccessRefused for a password below the rules: 12 characters, letters and others, not the name."""
    if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX:
        raise AccessRefused(f"a password has {PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX} characters")
    if not any(c.isalpha() for c in password) or all(c.isalpha() for c in password):
        raise AccessRefused("a password has letters and at least one digit or sign")
    if name.casefold() in password.casefold():
        raise AccessRefused("a password does not hold your name")


def hashed(password: str) -> str:
    """The password as it is stored."""
    return _hasher().hash(password)


@cache
def nobodys_hash() -> str:
    """Checked for names that do not exist, so that they take as long as those that do."""
    return hashed("nobody has this password, whoever asks 0")


def matches(password_hash: str, password: str) -> bool:
    """Whether it is the password. Takes about 0.1 s and 64 MiB by design."""
    try:
        return _hasher().verify(password_hash, password[:PASSWORD_CHARACTERS_MAX])
    except (Argon2Error, InvalidHashError):
        return False


def new_totp_secret(random_bytes: bytes) -> str:
    """A secret for an authenticator app, in base 32; give it 20 random bytes."""
    return base64.b32encode(random_bytes).decode()


def totp_address(secret: str, name: str, issuer: str) -> str:
    """What the app scans: otpauth://totp/…"""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)


def totp_step(secret: str, code: str, now_us: int, after: int) -> int | None:
    """The time step that this code proves, one step to either side allowed; None for a wrong or used code."""
    step = now_us // 1_000_000 // STEP_S
    codes = pyotp.TOTP(secret)
    for each in (step - 1, step, step + 1):
        if each > after and hmac.compare_digest(codes.at(each * STEP_S), code.strip()):
            return each
    return None


def token_hash(token: str) -> str:
    """How a session's token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()
