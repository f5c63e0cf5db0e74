"""What an incident is: one cause for many payments, at one place, for a while.

An incident covers a scope: one host, one region, one merchant, one issuer, one wallet, or everything. Detection
declares it, or a person does.
"""

from enum import StrEnum

from msgspec import Struct

from yuanlu.causes.evidence import IncidentKind
from yuanlu.kernel.clock import local_time

DETECTION = "detection"
"""Who declares, holds and ends what no person has. No person goes by this name."""


class ScopeKind(StrEnum):
    """Of what an incident is one, the widest first."""

    ALL = "all"
    REGION = "region"
    HOST = "host"
    WALLET = "wallet"
    ISSUER = "issuer"
    MERCHANT = "merchant"


class IncidentState(StrEnum):
    """Where an incident stands."""

    ACTIVE = "ACTIVE"
    ENDED = "ENDED"


STEPS = {IncidentState.ACTIVE: frozenset({IncidentState.ENDED}), IncidentState.ENDED: frozenset[IncidentState]()}
"""From each state, the states that may follow. The database holds the same table (trigger `incidents_transition`)."""


class Scope(Struct, frozen=True, kw_only=True):
    """Whom it concerns. `name` is "" for everything, of an issuer the first six digits of its cards."""

    kind: ScopeKind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value} {self.name}".rstrip()


EVERYTHING = Scope(kind=ScopeKind.ALL)

WALLETS = {
    "wechat": ("10", "11", "12", "13", "14", "15"),
    "alipay": ("25", "26", "27", "28", "29", "30"),
    "unionpay": ("62",),
}
"""How the payment codes of each wallet begin."""

BIN_DIGITS = 6

_WALLET_OF = {prefix: name for name, prefixes in WALLETS.items() for prefix in prefixes}


def issuer_or_wallet(card_bin: str) -> Scope | None:
    """Who decides about such a payment: its first six digits are a card's, its first two a QR code's. None when the
    payment names neither, or a wallet that we do not know.
    """
    if len(card_bin) == BIN_DIGITS:
        return Scope(kind=ScopeKind.ISSUER, name=card_bin)
    wallet = _WALLET_OF.get(card_bin)
    return None if wallet is None else Scope(kind=ScopeKind.WALLET, name=wallet)


def first_digits(scope: Scope) -> tuple[str, ...]:
    """How the cards of an issuer or the codes of a wallet begin; nothing for any other scope."""
    match scope.kind:
        case ScopeKind.ISSUER:
            return (scope.name,)
        case ScopeKind.WALLET:
            return WALLETS.get(scope.name, ())
        case ScopeKind.ALL | ScopeKind.REGION | ScopeKind.HOST | ScopeKind.MERCHANT:
            return ()


class Place(Struct, frozen=True, kw_only=True):
    """Where something happened. `host` is "" where the trouble lies between the terminal and us; `region` is "" where
    the list of terminals names none. `card_bin` is the payment's, "" where its issuer or wallet had no part in it.
    """

    terminal_id: str
    merchant_id: str
    host: str
    region: str = ""
    card_bin: str = ""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """All scopes that it lies in, the widest first."""
        decides = issuer_or_wallet(self.card_bin)
        found = (
            Scope(kind=ScopeKind.REGION, name=self.region),
            Scope(kind=ScopeKind.HOST, name=self.host),
            *(() if decides is None else (decides,)),
            Scope(kind=ScopeKind.MERCHANT, name=self.merchant_id),
        )
        return EVERYTHING, *(scope for scope in found if scope.name)


class Report(Struct, frozen=True, kw_only=True):
    """What an incident did, counted from the journal: the payments that it explains, and where their money is."""

    transactions: int = 0
    terminals: int = 0
    amounts: str = ""
    """What the payments were about, one sum for each currency: `CNY 1,280.00, HKD 5.00`."""
    returned: int = 0
    """Payments whose money went back; one that never took effect is not counted here."""
    open: int = 0
    """Payments of which nobody can say yet where the money is."""


class Incident(Struct, frozen=True, kw_only=True):
    """An incident as it stands. `held_by` and `ended_by` are "" as long as nobody has held its sales or ended it."""

    incident_id: str
    kind: IncidentKind
    scope: Scope
    declared_by: str
    reason: str
    began_at_us: int
    declared_at_us: int
    held_by: str = ""
    state: IncidentState = IncidentState.ACTIVE
    ended_by: str = ""
    ended_at_us: int | None = None
    report: Report = Report()
    version: int = 1

    @property
    def holds_sales(self) -> bool:
        """Whether new sales of its scope are declined."""
        return self.held_by != ""

    @property
    def by_person(self) -> bool:
        """Whether a person declared it."""
        return self.declared_by != DETECTION


def incident_number(now_us: int, today: int) -> str:
    """A number that people can read out: `I261123-01`, the day in Beijing and the how many-eth of it. `today` is how
    many there are already.
    """
    return f"{day_prefix(now_us)}{today + 1:02}"


def day_prefix(now_us: int) -> str:
    """What the numbers of this day begin with."""
    return f"I{local_time(now_us):%y%m%d}-"
