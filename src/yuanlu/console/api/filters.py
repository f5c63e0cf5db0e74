"""The filters that lists and reports of payments share: those of the console's list of payments."""

from typing import Annotated, Literal

from pydantic import Field

from yuanlu.causes.cause import Family
from yuanlu.causes.taxonomy import CAUSES
from yuanlu.console.api.models import Given, MerchantId, TerminalId, Time
from yuanlu.console.payment_filters import NOTHING, POSITIONS
from yuanlu.kernel.money import MINOR_DIGITS_MAX
from yuanlu.returns.states import State

Minor = Annotated[int, Field(ge=0, lt=10**MINOR_DIGITS_MAX)]


class PaymentFilters(Given):
    """Which payments."""

    merchant_id: MerchantId | None = None
    terminal_id: TerminalId | None = None
    acquirer: Annotated[str | None, Field(pattern=r"^[0-9A-Za-z_.-]{1,60}$", examples=["bank-a"])] = None
    state: State | None = None
    position: Literal["unknown", "charged", "not_charged", "reversing", "sent", "failed", "open"] | None = None
    """Where the money is; `open` is all that nobody can say or that is on its way back."""
    kind: Annotated[str | None, Field(pattern=r"^[a-z_]{1,40}$", examples=["sale"])] = None
    cause: Annotated[str | None, Field(pattern=r"^[A-Z0-9_]{1,60}$", examples=["NO_ANSWER"])] = None
    family: Family | None = None
    """Where the cause lies."""
    abnormal: bool = False
    """Only payments that have a cause."""
    response_code: Annotated[str | None, Field(pattern=r"^[0-9A-Z]{2}$", examples=["51"])] = None
    amount_from: Minor | None = None
    amount_to: Minor | None = None
    from_: Annotated[Time | None, Field(alias="from")] = None
    to: Time | None = None

    @property
    def states(self) -> tuple[str, ...]:
        """The states that fit both `state` and `position`; () for any."""
        placed = POSITIONS[self.position] if self.position else ()
        if self.state is None:
            return placed
        return (self.state,) if not placed or self.state in placed else (NOTHING,)

    @property
    def causes(self) -> tuple[str, ...]:
        """The causes that fit both `cause` and `family`; () for any."""
        if self.family is None:
            return (self.cause,) if self.cause else ()
        codes = tuple(each.code for each in CAUSES if each.family is self.family)
        return tuple(code for code in codes if self.cause in (None, code)) or (NOTHING,)


def micros(at: Time | None, without: int = 0) -> int:
    """A time as the journal has it, `without` one for none; what lies before 1970 is 1970."""
    return without if at is None else max(0, int(at.timestamp() * 1_000_000))
