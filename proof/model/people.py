"""People at the command line: they propose, approve, refuse and pay, sometimes twice, sometimes what is not theirs.

They go the way of `yuanlu return`: read, decide by the product's policy, commit beside the gateway, and again when
somebody was faster.
"""

from collections.abc import Callable

from proof.model import queries
from proof.model.dice import Fates
from proof.model.gateway import AGREED, ModelClock
from proof.model.loop import VirtualLoop
from proof.model.memory import Memory
from proof.model.plan import Plan
from proof.model.story import Story
from proof.model.wire import MERCHANT
from proof.records import Ref
from yuanlu.acquirers.terms import HostTerms
from yuanlu.journal.unit import Change, Fact
from yuanlu.kernel.clock import Moment
from yuanlu.kernel.identifiers import IdentifierSource, TransactionKey
from yuanlu.kernel.money import Money
from yuanlu.returns import proposing
from yuanlu.returns.decision import Decision, Facts, Wish, decide
from yuanlu.returns.orders import Order
from yuanlu.returns.proposing import OrderError
from yuanlu.returns.ways import ADJUSTMENT, Link, find_link

TRIES = 5
Rows = tuple[list[Fact], list[Change]]


class People:
    """Maker and checker. `writer_id` draws a new writer's number: each command is a process of its own."""

    def __init__(
        self, *, plan: Plan, loop: VirtualLoop, memory: Memory, clock: ModelClock, fates: Fates, terms: HostTerms,
        story: Story, writer_id: Callable[[], int],
    ) -> None:  # fmt: skip
        self.busy = 0
        self._plan, self._loop, self._memory, self._clock = plan, loop, memory, clock
        self._fates, self._dice = fates, fates.dice("people")
        self._terms, self._story, self._writer_id = terms, story, writer_id
        self._identifiers = IdentifierSource(clock, fates.dice("names of people").getrandbits)

    def asked(self, sale: Ref, paid_minor: int) -> None:
        """A customer wants money back for this sale."""
        self.busy += 1
        self._loop.call_later(self._dice.uniform(0.5, 40.0), self._propose, sale, paid_minor)

    def _twice(self) -> bool:
        """Whether they do it twice; people do not calm down."""
        twice = self._dice.random() < self._plan.chance("people click twice")
        if twice:
            self._fates.hits.add("people click twice")
        return twice

    def _propose(self, sale: Ref, paid_minor: int) -> None:
        self.busy -= 1
        self._fates.hits.add("people give back")
        minor = max(1, int(paid_minor * self._dice.choice((0.6, 0.6, 1.0))))
        kind = self._dice.choice(("", "", ADJUSTMENT))
        for _ in range(2 if self._twice() else 1):
            order_id = self._proposed(sale, minor, kind)
            if order_id:
                self.busy += 1
                self._loop.call_later(self._dice.uniform(0.0, 30.0), self._decide, order_id)

    def _proposed(self, sale: Ref, minor: int, kind: str) -> str:
        key = TransactionKey(terminal_id=sale[0], merchant_id=MERCHANT, batch_no=sale[1] or "000000", stan=sale[2],
                             mti_class=sale[3])  # fmt: skip
        for _ in range(TRIES):
            found = queries.find_by_key(self._memory, key)
            if found is None:
                return ""
            now, link = self._clock.now(), find_link(self._memory, found.transaction_id)  # type: ignore[arg-type]
            facts = Facts(
                link=link, terms=self._terms, agreed=AGREED.of(MERCHANT), automatic_today_minor=0, now_us=now.wall_us
            )
            amount = Money(minor=minor, currency=found.paid.currency)
            wish = Wish(amount=amount, kind=kind, person=True, reason="the customer")
            decision = decide(facts, wish)
            if not isinstance(decision, Decision):
                self._story.tell("a return of {} for {} is not possible: {}", minor, sale[2], decision.why)
                return ""
            order = proposing.proposed(decision, wish, link, "anna", self._identifiers.new(), "person", now)
            if not self._commit(proposing.proposal_rows(order, link, now)):
                self._story.tell("anna proposes to give {} back for {}: {}", minor, sale[2], order.kind)
                return order.order_id
        return ""

    def _decide(self, order_id: str, again: bool = True) -> None:
        """Approved, by the one who proposed it first if the rules let her; sometimes it is refused. What cannot be
        approved now is tried once more later.
        """
        self.busy -= 1
        if self._dice.random() < 0.1:
            self._act(order_id, "bert", lambda o, link, who, now: proposing.refused(o, link, who, "no", now))
            return
        for who in ("anna", "bert", "bert") if self._twice() else ("bert",):
            if not self._act(order_id, who, proposing.approved) and who == "bert" and again:
                self.busy += 1
                self._loop.call_later(self._dice.uniform(100.0, 300.0), self._decide, order_id, False)
        self.busy += 1
        self._loop.call_later(self._dice.uniform(60.0, 200.0), self._pay, order_id)

    def _pay(self, order_id: str) -> None:
        """What became a person's work is paid at the bank, and said so; or it is not."""
        self.busy -= 1
        by_hand = self._dice.random() < 0.8
        for _ in range(2 if self._twice() else 1):
            if by_hand:
                self._act(
                    order_id, "cleo", lambda o, link, who, now: proposing.settled_by_hand(o, link, "B1", who, now)
                )
            else:
                self._act(order_id, "cleo", lambda o, link, who, now: proposing.failed(o, link, "refused", who, now))

    def _act(self, order_id: str, who: str, what: "Callable[[Order, Link, str, Moment], Rows]") -> bool:
        for _ in range(TRIES):
            order = queries.find_order(self._memory, order_id)
            if order is None:
                return False
            link = find_link(self._memory, order.transaction_id)  # type: ignore[arg-type]
            try:
                rows = what(order, link, who, self._clock.now())
            except OrderError as error:
                self._story.tell("{} may not: {}", who, error)
                return False
            if not self._commit(rows):
                self._story.tell("{} decides about {} of {}", who, order.kind, order.amount)
                return True
        return False

    def _commit(self, rows: Rows) -> str:
        return self._memory.apply(*rows, self._writer_id(), self._loop.now_s)
