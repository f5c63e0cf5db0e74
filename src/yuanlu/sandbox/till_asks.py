"""What a till asks for: a request of any kind, and the reversal that it writes down before it sends the request."""

from dataclasses import dataclass

from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.sandbox.kinds import NEVER_REVERSED, SPELLINGS, Kind
from yuanlu.sandbox.till_linked import (
    Slip,
    linked_frame,
    linked_reversal_frame,
    preauth_frame,
    preauth_reversal_frame,
)
from yuanlu.sandbox.till_messages import Payment, ReversalDuty, TillIdentity, reversal_frame, sale_frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `slip` is of the transaction that it follows; `errand` says for what its cashier makes it."""

    kind: Kind
    payment: Payment
    slip: Slip | None = None
    errand: str = ""

    @property
    def mti(self) -> str:
        """Its message type."""
        return SPELLINGS[self.kind].mti

    @property
    def processing_code(self) -> str:
        """Its field 3."""
        return SPELLINGS[self.kind].processing_code

    @property
    def reverses(self) -> bool:
        """Whether the till reverses it when it is not answered."""
        return self.kind not in NEVER_REVERSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """The reversal that a till owes: of which request, and why (field 39: 98 no answer, A0 wrong MAC, 06 other)."""

    ask: Ask
    reason: str = "98"


def request_frame(identity: TillIdentity, ask: Ask, keys: WorkingKeys | None) -> bytes:
    """The request as it goes out."""
    if ask.slip is not None:
        return linked_frame(identity, ask.kind, ask.payment, ask.slip, keys)
    if ask.kind is Kind.PREAUTH:
        return preauth_frame(identity, ask.payment, keys)
    return sale_frame(identity, ask.payment, keys)


def undo_frame(identity: TillIdentity, duty: Duty, keys: WorkingKeys | None) -> bytes:
    """Its reversal."""
    ask = duty.ask
    owed = ReversalDuty(payment=ask.payment, reason=duty.reason)
    if ask.slip is not None:
        return linked_reversal_frame(identity, ask.kind, owed, ask.slip, keys)
    if ask.kind is Kind.PREAUTH:
        return preauth_reversal_frame(identity, owed, keys)
    return reversal_frame(identity, owed, keys)
