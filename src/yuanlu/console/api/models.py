"""What the API takes and gives, as OpenAPI shows it. Amounts are whole minor units; times are RFC 3339 in UTC."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from yuanlu.kernel.money import MINOR_DIGITS_MAX

LIMIT_DEFAULT, LIMIT_MAX = 50, 200
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
Item = TypeVar("Item")


def _rfc3339(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("a time is written as in RFC 3339, such as 2026-11-23T09:00:00+08:00")
    return value


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 1280.0 is a whole one, 12.8 and "1280" are none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = BeforeValidator(_whole)
"""Beside `Field(strict=True, …)` of a whole number."""
Time = Annotated[AwareDatetime, BeforeValidator(_rfc3339), Field(examples=["2026-11-23T09:00:00+08:00"])]
MerchantId = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{15}$", examples=["898440153110001"])]
TerminalId = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{8}$", examples=["T0000001"])]
Ulid = Annotated[str, Field(pattern=r"^[0-9A-Z]{26}$", examples=["01JDBA3W8N0000000000000000"])]
CaseId = Annotated[str, Field(pattern=r"^C[0-9]{6}-[0-9]{8}$", examples=["C261123-48301926"])]
IncidentId = Annotated[str, Field(pattern=r"^I[0-9]{6}-[0-9]{2,6}$", examples=["I261123-01"])]
Limit = Annotated[int, Field(ge=1, le=LIMIT_MAX)]


def when(at_us: int) -> datetime:
    """An instant as the API gives it."""
    return datetime.fromtimestamp(at_us / 1_000_000, tz=UTC)


def maybe_when(at_us: int | None) -> datetime | None:
    """The same for what may not have happened."""
    return None if at_us is None else when(at_us)


class Given(BaseModel):
    """What callers send: nothing unknown, so that a misspelt name is noticed."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Amount(Given):
    """An amount of money."""

    minor: Annotated[int, Field(strict=True, ge=1, lt=10**MINOR_DIGITS_MAX, examples=[1280]), Whole]
    """Whole minor units: fen, cents."""
    currency: Literal["CNY", "HKD", "MOP", "USD", "EUR", "JPY"] = "CNY"
    """ISO 4217."""


class Money(BaseModel):
    """An amount of money, in whole minor units of an ISO 4217 currency."""

    minor: int = Field(examples=[1280])
    currency: str = Field(examples=["CNY"])


class Words(BaseModel):
    """The same in Chinese and English."""

    zh: str
    en: str


class Listed(BaseModel, Generic[Item]):
    """One page. Ask for the next with `cursor`."""

    data: list[Item]
    has_more: bool
    next_cursor: str | None


class Card(BaseModel):
    """As much of a card number as anybody is shown."""

    bin: str
    last4: str


class Cause(BaseModel):
    """Why it went wrong, and what to tell people now."""

    code: str
    title: Words
    cashier: Words | None
    cardholder: Words | None


class Event(BaseModel):
    """One line of a timeline."""

    at: datetime
    kind: str
    title: Words
    note: str


class Return(BaseModel):
    """An order to give money back: one proposes, a person approves."""

    object: Literal["return"] = "return"
    id: str
    transaction_id: str
    kind: str
    amount: Money
    state: str
    reason: str
    explanation: str
    maker: str
    checker: str | None
    reference: str | None
    proposed_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    closed_at: datetime | None


class Case(BaseModel):
    """Work for people about something that went wrong."""

    object: Literal["case"] = "case"
    id: str
    transaction_id: str | None
    incident: str | None
    merchant_id: str
    terminal_id: str
    amount: Money
    title: Words
    explanation: Words
    cause: str
    severity: str
    state: str
    level: str
    queue: str
    owner: str | None
    deadline_at: datetime
    opened_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    outcome: str | None
    version: int
    timeline: list[Event] | None = None
    """With expand=timeline."""


class Transaction(BaseModel):
    """One payment, void or refund as it stands."""

    object: Literal["transaction"] = "transaction"
    id: str
    merchant_id: str
    terminal_id: str
    acquirer: str
    kind: str
    state: str
    position: str
    """Where the money is: unknown, charged, not_charged, reversing, sent, returned, failed."""
    position_text: Words
    amount: Money
    approved: Money | None
    """What was charged, where it differs from what was asked for."""
    card: Card
    response_code: str | None
    rrn: str | None
    auth_code: str | None
    batch_no: str
    stan: str
    original_id: str | None
    cause: Cause | None
    received_at: datetime
    changed_at: datetime
    returns: list[Return] | None = None
    """With expand=returns."""
    case: Case | None = None
    """With expand=case."""
    timeline: list[Event] | None = None
    """With expand=timeline."""


class Incident(BaseModel):
    """One cause of many payments' trouble."""

    object: Literal["incident"] = "incident"
    id: str
    kind: str
    scope: str
    scope_name: str | None
    state: str
    reason: str
    holds_sales: bool
    transactions: int
    terminals: int
    returned: int
    open: int
    began_at: datetime
    declared_at: datetime
    ended_at: datetime | None


class Terminal(BaseModel):
    """A terminal that may speak to us."""

    object: Literal["terminal"] = "terminal"
    id: str
    merchant_id: str
    acquirer: str
    region: str | None


class Merchant(BaseModel):
    """A merchant, as its terminals name it."""

    object: Literal["merchant"] = "merchant"
    id: str
    terminals: int
    acquirers: list[str]
    terminal_list: list[Terminal] | None = None
    """With expand=terminals."""


class Group(BaseModel):
    """Payments that have something in common, in one currency."""

    key: str
    """"" in `by=cause`: nothing was odd. In `by=hour`: 0 to 23, Beijing time."""
    title: Words | None
    currency: str
    payments: int
    abnormal: int
    amount_minor: int


class Analysis(BaseModel):
    """How payments behave: counted by something that they have in common, most first."""

    object: Literal["report.analysis"] = "report.analysis"
    by: str
    begins_at: datetime
    ends_at: datetime
    as_of: datetime
    groups: list[Group]


class Sides(BaseModel):
    """What charges (debit) and what gives back by a message of its own (credit)."""

    debit_count: int
    debit_minor: int
    credit_count: int
    credit_minor: int


class Batch(BaseModel):
    """A terminal's batch as its latest settlement left it."""

    terminal_id: str
    merchant_id: str
    batch_no: str
    acquirer: str
    state: str
    """CLOSED, or UPLOADING while the terminal sends its details."""
    agreed: bool
    currency: str
    ours: Sides
    theirs: Sides
    findings: int
    """Differences about single transactions; each was returned or has a case."""
    opened_at: datetime
    closed_at: datetime | None


class SettledDay(BaseModel):
    """A merchant's batches of a day, in one currency."""

    merchant_id: str
    currency: str
    batches: int
    agreed: int
    findings: int
    ours: Sides
    theirs: Sides


class Settlement(BaseModel):
    """The terminals' batches of a day (by when they were settled, Beijing time), by merchant and currency."""

    object: Literal["report.settlement"] = "report.settlement"
    date: str
    as_of: datetime
    merchants: list[SettledDay]
    batches: list[Batch] | None = None
    """With expand=batches."""


class ClearingFile(BaseModel):
    """An acquirer's clearing file that is loaded."""

    id: str
    acquirer: str
    merchant_id: str | None
    """None: it is of all merchants."""
    name: str
    lines: int
    totals: Sides
    loaded_at: datetime
    loaded_by: str


class ClearedDay(BaseModel):
    """A merchant's lines in an acquirer's files of a settlement date, in one currency."""

    merchant_id: str
    acquirer: str
    currency: str
    totals: Sides
    unmatched: Sides
    """Of these, the lines for which there is no transaction of ours."""


class Clearing(BaseModel):
    """What the clearing files of a settlement date say, by merchant, acquirer and currency."""

    object: Literal["report.clearing"] = "report.clearing"
    date: str
    as_of: datetime
    merchants: list[ClearedDay]
    files: list[ClearingFile] | None = None
    """With expand=files. A merchant's key sees the files of this merchant alone."""


class Totals(BaseModel):
    """A merchant's day in one currency."""

    merchant_id: str
    currency: str
    payments: int
    charged_minor: int
    """Approved, less what has gone back of it."""
    returned_minor: int
    """Gone back, in whole or in part: accepted by the host, or confirmed."""
    open_minor: int
    """Nobody can say yet where it is, or it is on its way back."""
    open: int


class Day(BaseModel):
    """A day's totals, Beijing time, by merchant and currency."""

    object: Literal["report.daily"] = "report.daily"
    date: str
    as_of: datetime
    totals: list[Totals]
