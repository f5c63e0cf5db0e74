"""What a cause is: a value that says why, how bad it is, what helps, and what to tell people.

A cause explains evidence or it does not; it decides nothing about money. The guidance holds for the moment at which
the cause is found; what is said later depends on where the money is by then. Wording: `docs/causes.md`.
"""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from yuanlu.causes.evidence import Evidence


class Words(Struct, frozen=True, kw_only=True):
    """The same in both languages."""

    zh: str
    en: str


class Guidance(Struct, frozen=True, kw_only=True):
    """What to tell the cashier, and what to tell the cardholder."""

    cashier: Words
    cardholder: Words


class Family(StrEnum):
    """Where a cause lies."""

    CARD_DATA = "card_data"
    NETWORK = "network"
    SYSTEM = "system"
    OPERATOR = "operator"
    EXTERNAL = "external"
    FRAUD = "fraud"


FAMILY_WORDS = {
    Family.CARD_DATA: Words(zh="卡与账户", en="Card and account"),
    Family.NETWORK: Words(zh="网络", en="Network"),
    Family.SYSTEM: Words(zh="系统与设备", en="Systems and devices"),
    Family.OPERATOR: Words(zh="操作", en="At the till"),
    Family.EXTERNAL: Words(zh="外部", en="External"),
    Family.FRAUD: Words(zh="欺诈嫌疑", en="Suspicion of fraud"),
}


class Severity(StrEnum):
    """Who has to know."""

    LOW = "low"
    """The cashier and the customer settle it."""
    MEDIUM = "medium"
    """The machine settles it; somebody looks if it goes on."""
    HIGH = "high"
    """A person works on it."""
    CRITICAL = "critical"
    """Somebody is called now."""


class Remedy(StrEnum):
    """What puts it right, in the field's words. Which way money goes back is the return policy's to choose."""

    NONE = "none"
    REVERSE = "reverse"
    VOID = "void"
    REFUND = "refund"
    REPAY = "repay"
    VERIFY = "verify"
    SIGN_IN_AGAIN = "sign_in_again"
    REPRINT = "reprint"
    CONFIGURE = "configure"
    MANUAL = "manual"


REMEDY_WORDS = {
    Remedy.NONE: Words(zh="无需处理", en="nothing"),
    Remedy.REVERSE: Words(zh="冲正", en="reverse"),
    Remedy.VOID: Words(zh="撤销，隔日则退货", en="void; refund after the day has changed"),
    Remedy.REFUND: Words(zh="退货", en="refund"),
    Remedy.REPAY: Words(zh="补付", en="repay"),
    Remedy.VERIFY: Words(zh="查证", en="verify"),
    Remedy.SIGN_IN_AGAIN: Words(zh="重新签到", en="sign in again"),
    Remedy.REPRINT: Words(zh="重打印", en="print again"),
    Remedy.CONFIGURE: Words(zh="修正参数或登记", en="correct the registration"),
    Remedy.MANUAL: Words(zh="人工处理", en="a person decides"),
}


class Clue(StrEnum):
    """A kind of evidence that a cause looks at."""

    RESPONSE_CODE = "response code"
    TRANSPORT = "transport error"
    TIMING = "timing"
    TERMINAL = "terminal's restart or health"
    HISTORY = "operator's history"
    DECLARED = "declared by people"
    BATCH = "batch or clearing mismatch"
    OUTAGE = "who else fails"
    GATEWAY = "our own state"


Reason = Words
"""Which evidence decided."""


def by_code_alone(evidence: Evidence) -> Reason | None:
    """Explains nothing: such a cause is found by its response codes, in `response_codes`."""
    return None


def when(holds: Callable[[Evidence], bool], *, zh: str, en: str) -> Callable[[Evidence], Reason | None]:
    """A detector whose reason is always the same."""
    reason = Reason(zh=zh, en=en)
    return lambda evidence: reason if holds(evidence) else None


class Cause(Struct, frozen=True, kw_only=True):
    """One reason why a transaction goes wrong.

    `may_be_debited`: the cardholder's money may be gone, as far as this cause tells. `may_charge_again`: the cashier
    may take a new payment for the same goods now; with `may_be_debited` only for the reason in `why_charge_again`.
    `explains` gives its reason for the evidence, or None.
    """

    code: str
    family: Family
    title: Words
    looks_at: tuple[Clue, ...]
    severity: Severity
    remedy: Remedy
    may_charge_again: bool
    may_be_debited: bool
    needs_support: bool
    guidance: Guidance
    explains: Callable[[Evidence], Reason | None] = by_code_alone
    why_charge_again: str = ""
    of_returns: bool = False
    """It explains voids and refunds, and its guidance speaks of them."""
