"""What is known about one abnormal transaction: the record that the caller fills, and its vocabularies.

Everything has a default, so a caller gives what it knows. A default always means "not known" or "did not happen",
and never explains anything. No card number is in here: a card is its token. States are the journal's words,
kinds those of `acquirers.kinds`.
"""

from enum import StrEnum

from msgspec import Struct

from yuanlu.acquirers.kinds import BALANCE, KINDS, QR_SALE, REFUND, SALE
from yuanlu.acquirers.outcome import Doubt
from yuanlu.kernel.money import Money

OPEN_STATES = frozenset({"SEND_INTENT", "UNKNOWN", "RETURNING", "ESCALATED", "REOPENED"})
"""Nobody can say yet where the money is."""

CHARGED_STATES = frozenset({"APPROVED", "CAPTURED"})
"""The host took the money, and it stays."""

SALES = frozenset({SALE, QR_SALE})
GIVINGS_BACK = frozenset(kind.name for kind in KINDS.values() if kind.gives_back)
VOIDS = GIVINGS_BACK - {REFUND}

RECENT_MAX = 25
"""So many neighbouring payments are looked at, at most; the nearest ones."""


class Voice(StrEnum):
    """Whose word a response code is."""

    HOST = "host"
    OURS = "ours"


class Unsent(StrEnum):
    """Why we said no before one byte left; the value is the journal's reason."""

    HOST_UNREACHABLE = "the host cannot be reached"
    LINK_FAILED = "no connection to the host"
    TRACE_NUMBER_WAITS = "a request with the same trace number is still waiting"
    KEYS_STALE = "the host has just called our keys stale; the next request signs in"
    HOST_SILENT = "the host has stopped answering"
    SIGN_IN_REFUSED = "the host refuses our sign-in"
    HOST_QUEUE_FULL = "too many requests are waiting for the host"
    GATEWAY_BUSY = "too many requests in flight"
    HELD = "an incident holds new sales"
    DISK_NEARLY_FULL = "the disk is nearly full; new sales wait, reversals go on"


CANNOT_WORK = frozenset({"09", "68", "90", "91", "92", "96", "98"})
"""Codes of a host that cannot work, or cannot reach who decides."""


class IncidentKind(StrEnum):
    """What people or detection have declared for this time and place."""

    HOST_DOWN = "host_down"
    REGION_OFFLINE = "region_offline"
    SHOP_OFFLINE = "shop_offline"
    ISSUER_OUTAGE = "issuer_outage"
    WALLET_OUTAGE = "wallet_outage"
    POWER_CUT = "power_cut"
    DISASTER = "disaster"
    CARRIER_OUTAGE = "carrier_outage"
    MAINTENANCE = "maintenance"
    CYBER_ATTACK = "cyber_attack"
    PEAK = "peak"
    ORDER = "order"
    """An authority or a card organisation has stopped or restricted the business."""


class Break(StrEnum):
    """How our journal and the other side's list differ about this transaction."""

    ONLY_OURS = "only_ours"
    ONLY_THEIRS = "only_theirs"
    AMOUNT_DIFFERS = "amount_differs"
    TWICE = "twice"


class HandedOver(StrEnum):
    """What the cashier gave the customer although the payment did not stand."""

    GOODS = "goods"
    CASH = "cash"


class Recent(Struct, frozen=True, kw_only=True):
    """Another transaction of the same operator, or of the terminal where operators are not known.

    `ago_s` counts whole seconds from this transaction backwards, rounded down: below zero, it came afterwards.
    """

    card_token: str
    amount: Money
    ago_s: int
    kind: str = SALE
    state: str = ""
    response_code: str = ""
    keyed: bool = False


class TerminalReversal(Struct, frozen=True, kw_only=True):
    """The terminal's own reversal of this transaction. `reason` is its field 39."""

    reason: str
    after_ms: int | None = None
    """How long after the request it came."""
    original_unseen: bool = False
    """The request itself never reached us."""


class Terminal(Struct, frozen=True, kw_only=True):
    """The terminal's health and history, about the time of the transaction."""

    live: bool = True
    """Not a test terminal."""
    signed_in: bool | None = None
    restarted: bool = False
    """It started anew between its request and now."""
    read_failures: int = 0
    card_removed: bool = False
    chip_declined: bool = False
    """The host approved, and the chip's second cryptogram refused (domain trap T16)."""
    slip_failed: bool = False
    hardware_fault: str = ""
    signal_percent: int | None = None
    battery_percent: int | None = None
    software_outdated: bool = False
    repeats: int = 0
    """How often it sent this request again."""
    reconnects: int = 0
    mac_failures: int = 0
    """Requests in a row with a wrong MAC, since its last sign-in."""
    tampered: bool = False
    moved: bool = False
    """It works at another place than the one it is registered for."""


class Failing(Struct, frozen=True, kw_only=True):
    """Who else fails at the same time; this terminal itself is not counted."""

    merchant_terminals: int = 0
    merchant_restarts: int = 0
    """Terminals of this merchant that started anew in these minutes."""
    host_merchants: int = 0
    """Other merchants with trouble at the same host."""
    host_reconnects: int = 0
    """How often our own link to the host was lost in these minutes."""
    region_merchants: int = 0
    region_hosts: int = 0
    """Hosts with trouble in this region, this one included."""
    issuer_terminals: int = 0
    """Other terminals with trouble on cards of the same issuer."""
    wallet_merchants: int = 0
    """Other merchants whose QR sales fail while their cards go through."""


class Evidence(Struct, frozen=True, kw_only=True):
    """One abnormal transaction, as far as it is known.

    `amount` and `card_token` are the transaction's own; of a void or refund they are the original's card.
    """

    kind: str = SALE
    state: str = ""
    amount: Money | None = None
    card_token: str = ""
    entry_mode: str = ""
    """Field 22; its first two digits say how the card came in."""

    response_code: str = ""
    voice: Voice = Voice.HOST
    unauthenticated: bool = False
    """A decline without a MAC where MACs are used (domain trap T9)."""
    doubt: Doubt | None = None
    unsent: Unsent | None = None
    foreign_answers: int = 0
    """Answers that matched no request of this terminal while this one waited (domain trap T8)."""
    mac_failures: int = 0
    """Payments at this host in a row whose answer had a wrong MAC, although we had signed in anew each time."""

    after_deadline: bool = False
    """The host approved, and the terminal's time was over."""
    terminal_gone: bool = False
    """The host approved, and the connection to the terminal was closed."""
    customer_confirming: bool = False
    """A QR sale was answered 09: the customer was typing the password."""
    gateway_crashed: bool = False
    late_code: str = ""
    """Field 39 of an answer that came after we had given up waiting."""
    reopened: bool = False
    """It was closed, and then the host approved it."""
    inquiry_state: str = ""
    """What the host said when asked: APPROVED, REVERSED or DECLINED."""

    terminal: Terminal = Terminal()
    terminal_reversal: TerminalReversal | None = None
    recent: tuple[Recent, ...] = ()
    """The nearest first; at most RECENT_MAX are looked at."""
    voided: bool = False
    """This payment has been voided or refunded since."""
    handed_over: HandedOver | None = None
    original_state: str = ""
    """Of a void or refund: where its original stood when it was asked for."""
    day_changed: bool = False
    """Of a void: the host's day has changed since its original."""

    batch: Break | None = None
    """Against the terminal's batch."""
    clearing: Break | None = None
    """Against the acquirer's clearing file."""
    failing: Failing = Failing()
    incident: IncidentKind | None = None

    @property
    def host_code(self) -> str:
        """The response code if it is the host's word, else nothing."""
        return self.response_code if self.voice is Voice.HOST else ""

    @property
    def keyed(self) -> bool:
        """Whether the card number was typed in."""
        return self.entry_mode[:2] == "01"

    @property
    def moves_money(self) -> bool:
        """Whether there can be anything to return."""
        return self.kind != BALANCE

    @property
    def open(self) -> bool:
        """Whether nobody can say yet where the money is."""
        return self.state in OPEN_STATES

    @property
    def undelivered(self) -> bool:
        """Whether something was lost on its way: towards the host, from it, or to the terminal."""
        return (
            self.doubt is not None
            or self.unsent is not None
            or self.terminal_gone
            or self.after_deadline
            or self.terminal_reversal is not None
        )

    @property
    def affected(self) -> bool:
        """Whether an incident can have caused this: it got lost, or the host cannot work."""
        return self.undelivered or self.host_code in CANNOT_WORK

    def near(self, within_s: int) -> tuple[Recent, ...]:
        """The neighbours that are not further away than that, before or after."""
        return tuple([r for r in self.recent[:RECENT_MAX] if -within_s <= r.ago_s <= within_s])

    def same_card(self, within_s: int) -> tuple[Recent, ...]:
        """The neighbours of the same card; none when the card is not known."""
        if not self.card_token or not self.recent:
            return ()
        return tuple([r for r in self.near(within_s) if r.card_token == self.card_token])
