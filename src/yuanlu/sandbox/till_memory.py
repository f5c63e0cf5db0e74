"""What a till remembers of its batch: one paper for each approved transaction, and the totals that follow.

A card number is in here as it is in a till, and nowhere else: nothing of this is written to a file.
"""

import random
from dataclasses import dataclass

from yuanlu.iso8583.subfields import UPLOAD_ITEMS_MAX, SettlementTotals, Totals, UploadItem
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.till_asks import Ask
from yuanlu.sandbox.till_linked import Slip
from yuanlu.sandbox.till_messages import EntryMode

DEBIT_KINDS = frozenset({Kind.SALE, Kind.COMPLETION})
CREDIT_KINDS = frozenset({Kind.VOID, Kind.COMPLETION_VOID, Kind.REFUND})
DOMESTIC_CARD = "00"


@dataclass(slots=True, kw_only=True)
class Paper:
    """One approved transaction, and how much of it was, in minor units. `touched` when something has followed it,
    whatever came of that.
    """

    ask: Ask
    slip: Slip
    amount_minor: int
    touched: bool = False


class TillMemory:
    """The papers of the batch that is open."""

    def __init__(self, chance: random.Random) -> None:
        self._papers: list[Paper] = []
        self._chance = chance

    def keep(self, ask: Ask, slip: Slip, amount_minor: int) -> Paper:
        """An approved transaction."""
        paper = Paper(ask=ask, slip=slip, amount_minor=amount_minor)
        self._papers.append(paper)
        return paper

    def draw(self, kind: Kind) -> Paper | None:
        """Any paper of this kind that nothing has followed yet; it counts as touched from now on."""
        fresh = [paper for paper in self._papers if paper.ask.kind is kind and not paper.touched]
        if not fresh:
            return None
        drawn = self._chance.choice(fresh)
        drawn.touched = True
        return drawn

    def lose_one(self) -> None:
        """One sale is gone, as after a defect: the totals will differ, and the goods are out of the door."""
        sale = next((paper for paper in self._papers if paper.ask.kind is Kind.SALE and not paper.touched), None)
        if sale is not None:
            self._papers.remove(sale)

    def clear(self) -> None:
        """The batch is closed."""
        self._papers.clear()

    def totals(self) -> SettlementTotals:
        """Field 48 of the settlement: a voided sale is a debit and its void a credit; a hold is no money yet."""
        debits, credited = self._amounts(DEBIT_KINDS), self._amounts(CREDIT_KINDS)
        return SettlementTotals(
            domestic=Totals(
                debit_minor=sum(debits),
                debit_count=len(debits),
                credit_minor=sum(credited),
                credit_count=len(credited),
            )
        )

    def _amounts(self, kinds: frozenset[Kind]) -> list[int]:
        return [paper.amount_minor for paper in self._papers if paper.ask.kind in kinds]

    def uploads(self) -> list[list[UploadItem]]:
        """The batch's details, as many to a message as fit."""
        items = [_item(paper) for paper in self._papers if paper.ask.kind in DEBIT_KINDS | CREDIT_KINDS]
        return [items[at : at + UPLOAD_ITEMS_MAX] for at in range(0, len(items), UPLOAD_ITEMS_MAX)]


def _item(paper: Paper) -> UploadItem:
    payment = paper.ask.payment
    pan = payment.card.pan if payment.entry is not EntryMode.QR else ""
    return UploadItem(card_kind=DOMESTIC_CARD, stan=payment.ref.stan, pan=pan, amount_minor=paper.amount_minor)
