"""Everything that the three witnesses say about one transaction, and about what followed it.

Separate code on purpose: it knows states and kinds by their names and shares no rule with the gateway.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from yuanlu.sandbox.evidence import HostEntry, HostRecord, JournalEntry, OrderEntry, ReturnEntry
from yuanlu.sandbox.faults import APPROVALS
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.told import SETTLEMENT, Told

Given = TypeVar("Given", ReturnEntry, OrderEntry)

KEPT = frozenset({"APPROVED", "CAPTURED"})
OPEN = frozenset({"SEND_INTENT", "UNKNOWN", "RETURNING", "REOPENED"})
PERSON = "ESCALATED"
LIVE_LEG = frozenset({"RETURNING", PERSON})
OPEN_ORDER = frozenset({"PROPOSED", "RUNNING", PERSON})
VOIDS = frozenset({"void", "preauth_void", "completion_void"})
GIVES_BACK = VOIDS | {"refund"}
HOLDS = frozenset({"preauth"})
BEING_RETURNED = "98"
TAKEN_OVER = "00"
UNDONE = "REVERSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One transaction: `host` is the money booked under its name, `record` what its host holds it to be.

    `legs` and `orders` give it back, by the journal; `followers` are the messages about it. `carries` is the leg of
    another transaction that this one carries out, and `in_work` says whether a case of it is open.
    """

    ref: PaymentRef
    profile: str
    host: HostEntry | None
    journal: JournalEntry | None
    told: Sequence[Told]
    record: HostRecord | None = None
    legs: Sequence[ReturnEntry] = ()
    orders: Sequence[OrderEntry] = ()
    followers: Sequence["Story"] = ()
    carries: ReturnEntry | None = None
    in_work: bool = False

    @property
    def kind(self) -> str:
        """What it is, by the journal, else by the till, else by the host."""
        if self.journal is not None:
            return self.journal.kind
        if self.told:
            return self.told[0].kind
        return self.record.kind if self.record is not None else "sale"

    @property
    def state(self) -> str:
        """The journal's state, or NONE."""
        return self.journal.state if self.journal is not None else "NONE"

    @property
    def amount_minor(self) -> int:
        """What it is about: by the journal, else by the till."""
        if self.journal is not None:
            return self.journal.amount_minor
        return self.told[0].amount_minor if self.told else 0

    @property
    def net_minor(self) -> int:
        """Credits less debits at the host; below 0 the cardholder is charged."""
        return self.host.credits_minor - self.host.debits_minor if self.host is not None else 0

    @property
    def held_minor(self) -> int:
        """What a pre-authorisation still holds."""
        return self.host.held_minor if self.host is not None else 0

    @property
    def booked(self) -> bool:
        """Whether the host carried it out and it still stands."""
        return self.record is not None and self.record.state not in (UNDONE, "DECLINED", "BARRED", "HELD")

    @property
    def codes(self) -> list[str]:
        """What the till was told about the request, silence left out."""
        return [told.code for told in self.told if told.asked == "request" and told.code]

    @property
    def declined_codes(self) -> list[str]:
        """Definite declines among what the till was told."""
        return [code for code in self.codes if code not in APPROVALS and code != BEING_RETURNED]

    @property
    def till_reversed(self) -> bool:
        """Whether the till asked for it to be undone and was told that we have taken that over."""
        return any(told.asked == "reversal" and told.code == TAKEN_OVER for told in self.told)

    @property
    def till_asked_back(self) -> bool:
        """Whether the till asked for it to be undone at all: its customer has no slip then."""
        return any(told.asked == "reversal" for told in self.told)

    @property
    def told_approved(self) -> bool:
        """Whether the till believes to the end that it stands."""
        return any(code in APPROVALS for code in self.codes) and not self.till_asked_back

    @property
    def left_open(self) -> bool:
        """Whether the till was never told how it ended, or asked for it to be undone and that is not done."""
        if self.till_asked_back:
            return self.state in OPEN or self.state == PERSON
        return bool(self.told) and not self.told_approved and not self.declined_codes

    @property
    def given_back_on_purpose(self) -> bool:
        """Whether all that went back did so by voids or refunds: then they may have a cause, and it has none."""
        back = [leg for leg in self.legs if leg.state == "RETURNED"]
        return bool(back) and all(leg.message_id for leg in back)

    @property
    def unexplained_silence(self) -> bool:
        """Whether an ordinary sale, without fault or misbehaviour, was never answered."""
        asked = [told for told in self.told if told.asked == "request" and told.kind == "sale"]
        return bool(asked) and not self.codes and (asked[0].behaviour, asked[0].fault) == ("normal", "")

    @property
    def returned_minor(self) -> int:
        """What has gone back by the journal."""
        return sum(leg.amount_minor for leg in self.legs if leg.state == "RETURNED")

    @property
    def live_minor(self) -> int:
        """What may have gone back, by the journal: it is under way, or a person has it."""
        return sum(leg.amount_minor for leg in self.legs if leg.state in LIVE_LEG)

    @property
    def told_back_minor(self) -> int:
        """What the till was told to have gone back."""
        return sum(each.amount_minor for each in self.followers if each.kind in GIVES_BACK and each.told_approved)

    @property
    def may_be_back_minor(self) -> int:
        """What may have gone back without the till's having been told: in doubt at the time, or by an order."""
        doubtful = sum(
            each.amount_minor
            for each in self.followers
            if each.kind in GIVES_BACK and (each.left_open or (each.till_asked_back and not each.till_reversed))
        )
        ordered = sum(leg.amount_minor for leg in self.legs if leg.order_id and leg.state != "NO_EFFECT")
        return doubtful + ordered

    @property
    def undone_voids(self) -> list["Story"]:
        """Voids of it that the host booked and undid again: each of them charged it once more."""
        return [
            each
            for each in self.followers
            if each.kind in VOIDS and each.record is not None and each.record.state == UNDONE
        ]

    @property
    def undoing_minor(self) -> int:
        """What voids gave back and may have been charged again: they are being undone, or a person has them."""
        voids = (each for each in self.followers if each.kind in VOIDS)
        return sum(each.amount_minor for each in voids if each.state in OPEN or each.state == PERSON)

    @property
    def has_open_order(self) -> bool:
        """Whether somebody still works on giving it back."""
        return any(order.state in OPEN_ORDER for order in self.orders)

    @property
    def with_person(self) -> bool:
        """Whether a person has it: by its state, as a refund that nobody can ask about, or by an order by hand."""
        in_doubt = self.state == "UNKNOWN" and self.carries is not None and self.carries.state == PERSON
        return self.state == PERSON or in_doubt or any(order.state == PERSON for order in self.orders)

    @property
    def waits_for_person(self) -> bool:
        """Whether its order can go on only when a person has decided about the message that carries it out."""
        held = (each.carries for each in self.followers if each.state == PERSON)
        return any(leg is not None and leg.order_id and leg.state in LIVE_LEG for leg in held)

    @property
    def is_open(self) -> bool:
        """Whether the gateway itself still has something to do about it."""
        running = any(order.state == "RUNNING" for order in self.orders) and not self.waits_for_person
        return running or (self.state in OPEN and not self.with_person)


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnesses:
    """What was heard from all of them."""

    hosts: Sequence[HostEntry]
    records: Sequence[HostRecord]
    journal: Sequence[JournalEntry]
    returns: Sequence[ReturnEntry]
    orders: Sequence[OrderEntry]
    told: Sequence[Told]
    cases: frozenset[str] = frozenset()


def stories(heard: Witnesses, profile_of: Mapping[str, str], acquirer_of: Mapping[str, str]) -> list[Story]:
    """Join the witnesses by transaction; `acquirer_of` maps a terminal, for what the journal has not."""
    by_host = {entry.ref: entry for entry in heard.hosts}
    by_record = {record.ref: record for record in heard.records}
    by_journal = {entry.ref: entry for entry in heard.journal}
    by_told: dict[PaymentRef, list[Told]] = defaultdict(list)
    for told in heard.told:
        if told.kind != SETTLEMENT:
            by_told[told.ref].append(told)
    legs = _by_transaction(heard.returns)
    orders = _by_transaction(heard.orders)
    carried = {leg.message_id: leg for leg in heard.returns if leg.message_id}
    alone = {}
    for ref in sorted(by_host.keys() | by_record.keys() | by_journal.keys() | by_told.keys()):
        journal = by_journal.get(ref)
        name = journal.transaction_id if journal is not None else ""
        alone[ref] = Story(
            ref=ref,
            profile=profile_of.get(acquirer_of.get(ref.terminal_id, ""), ""),
            host=by_host.get(ref),
            journal=journal,
            told=by_told.get(ref, []),
            record=by_record.get(ref),
            legs=legs.get(name, ()),
            orders=orders.get(name, ()),
            carries=carried.get(name),
            in_work=name in heard.cases,
        )
    return _linked(alone)


def _by_transaction(rows: Iterable[Given]) -> dict[str, list[Given]]:
    found: dict[str, list[Given]] = defaultdict(list)
    for row in rows:
        found[row.transaction_id].append(row)
    return found


def _linked(alone: Mapping[PaymentRef, Story]) -> list[Story]:
    """Give each its followers: those of the journal, and those of which only the till knows."""
    ref_of = {story.journal.transaction_id: ref for ref, story in alone.items() if story.journal is not None}
    followers: dict[PaymentRef, list[Story]] = defaultdict(list)
    for story in alone.values():
        about = ref_of.get(story.journal.original_id) if story.journal is not None else None
        if about is None and story.told:
            about = story.told[0].about
        if about is not None:
            followers[about].append(story)
    return [replace(story, followers=tuple(followers[ref])) for ref, story in alone.items()]
