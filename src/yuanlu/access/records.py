"""An account and a session, as the program holds them."""

from msgspec import Struct

from yuanlu.access.roles import LANDS_ON, Right, Role, rights_of
from yuanlu.kernel.errors import YuanluError


class AccessRefused(YuanluError):
    """Somebody may not do this; the text says what to do instead, and never which part of a sign-in was wrong."""


class Staff(Struct, frozen=True, kw_only=True):
    """One person's account."""

    staff_id: str
    name: str
    roles: tuple[Role, ...]
    checker: bool
    merchant_id: str
    """Sees this merchant alone; "" for all."""
    password_hash: str
    totp_sealed: bytes | None = None
    totp_step: int = 0
    failed: int = 0
    locked_until_us: int = 0
    disabled: bool = False
    created_at_us: int = 0
    version: int = 1

    @property
    def rights(self) -> frozenset[Right]:
        """All that he may do."""
        return rights_of(self.roles, checker=self.checker)

    @property
    def lands_on(self) -> str:
        """The page he sees first."""
        return LANDS_ON[self.roles[0]]

    def sees(self, merchant_id: str) -> bool:
        """Whether what belongs to this merchant is his to see."""
        return self.merchant_id in ("", merchant_id)


class Session(Struct, frozen=True, kw_only=True):
    """A person at a browser. `csrf` goes into every form."""

    token_hash: str
    staff: Staff
    csrf: str
    created_at_us: int
    seen_at_us: int
    proved_at_us: int
    origin: str
