"""A host core, and a till's messages to it, for the tests of this package."""

import hashlib
import random
from dataclasses import replace

from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.framing import FrameReader
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.keys.transport import parts_of_field_62
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.sandbox.cards import make_card
from yuanlu.sandbox.fault_board import FaultBoard
from yuanlu.sandbox.host_actions import Action, SendBytes
from yuanlu.sandbox.host_core import HostCore
from yuanlu.sandbox.host_keys import HostKeys
from yuanlu.sandbox.host_terms import HostTerms
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.ledger import Net, PaymentRef
from yuanlu.sandbox.till_linked import Slip, linked_frame, linked_reversal_frame, preauth_frame, slip_of
from yuanlu.sandbox.till_messages import (
    EntryMode,
    Payment,
    ReversalDuty,
    TillIdentity,
    keys_content,
    reversal_frame,
    sale_frame,
    sign_in_frame,
)

NOW_US = 1_760_000_000_000_000


def counted_bytes():
    calls = iter(range(1_000_000))
    return lambda length: hashlib.shake_256(str(next(calls)).encode()).digest(length)


class World:
    """One host core and one till that speaks to it without sockets."""

    def __init__(self, profile: str = "P1", *, dialect: str = "", mac: str = "none", **terms: object) -> None:
        dialect = dialect or ("iso87-ascii" if profile == "P3" else "cup-pos")
        self.store = SoftwareKeyStore(b"k" * 32, counted_bytes())
        settings = HostTerms(
            name="h1",
            listen="127.0.0.1:0",
            dialect=dialect,
            profile=profile,
            mac=mac,
            sign_in="link" if mac != "none" else "none",
            **terms,
        )
        self.identity = TillIdentity(terminal_id="T0000001", merchant_id="M00000000000001", dialect=dialect, mac=mac)
        self.core = HostCore(
            terms=settings,
            codec=self.identity.codec,
            keys=HostKeys(settings, self.store),
            faults=FaultBoard(random.Random(1)),
            chance=random.Random(2),
        )
        self.keys: WorkingKeys | None = None
        self.stan = 0

    def payment(self, amount_minor: int = 1250, entry: EntryMode = EntryMode.CHIP) -> Payment:
        self.stan += 1
        ref = PaymentRef(
            terminal_id=self.identity.terminal_id,
            merchant_id=self.identity.merchant_id,
            batch_no="000000" if self.identity.codec.dialect.extended else "000001",
            stan=f"{self.stan:06}",
        )
        card = make_card(random.Random(self.stan))
        return Payment(ref=ref, amount_minor=amount_minor, entry=entry, card=card, at_us=NOW_US)

    def follow(self, payment: Payment, amount_minor: int | None = None) -> Payment:
        """A message of its own about `payment`: the next STAN, the same card."""
        next_one = self.payment(payment.amount_minor if amount_minor is None else amount_minor, payment.entry)
        return replace(next_one, card=payment.card)

    def give(self, frame: bytes, now_us: int = NOW_US) -> list[Action]:
        return self.core.handle(frame, now_us)

    def sold(self, payment: Payment) -> Slip:
        """The slip of a sale that was answered."""
        [answer] = self.messages(self.sell(payment))
        return slip_of(Kind.SALE, payment, answer)

    def authorised(self, payment: Payment) -> Slip:
        """The slip of a pre-authorisation that was answered."""
        [answer] = self.messages(self.give(preauth_frame(self.identity, payment, self.keys)))
        return slip_of(Kind.PREAUTH, payment, answer)

    def link(self, kind: Kind, payment: Payment, slip: Slip, now_us: int = NOW_US) -> list[Action]:
        """Send what follows an earlier transaction."""
        return self.give(linked_frame(self.identity, kind, payment, slip, self.keys), now_us)

    def unlink(self, kind: Kind, payment: Payment, slip: Slip) -> list[Action]:
        """Reverse what follows an earlier transaction."""
        duty = ReversalDuty(payment=payment)
        return self.give(linked_reversal_frame(self.identity, kind, duty, slip, self.keys))

    def sell(self, payment: Payment) -> list[Action]:
        return self.give(sale_frame(self.identity, payment, self.keys))

    def reverse(self, payment: Payment) -> list[Action]:
        return self.give(reversal_frame(self.identity, ReversalDuty(payment=payment), self.keys))

    def sign_in(self) -> Message:
        [message] = self.messages(self.give(sign_in_frame(self.identity, "000001", "900001")))
        self.keys = self.store.import_working_keys("acquirer/h1", parts_of_field_62(keys_content(message)))
        return message

    def messages(self, actions: list[Action]) -> list[Message]:
        data = b"".join(action.data for action in actions if isinstance(action, SendBytes))
        return [self.identity.codec.decode(frame) for frame in FrameReader().feed(data)]

    def code(self, actions: list[Action]) -> str:
        [message] = self.messages(actions)
        return message[39]

    def net(self, ref: PaymentRef) -> Net:
        return next(net for net in self.core.ledger.nets() if net.ref == ref)

    def net_minor(self) -> int:
        return sum(net.net_minor for net in self.core.ledger.nets())
