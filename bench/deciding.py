"""What deciding costs: the cause of an abnormal transaction and the way back, without any database."""

import time
from collections.abc import Callable

from yuanlu.acquirers.outcome import Doubt
from yuanlu.acquirers.terms import HostTerms
from yuanlu.causes.evidence import Evidence, Recent, Voice
from yuanlu.causes.taxonomy import explain
from yuanlu.contracts import Terms
from yuanlu.journal.transactions import Transaction
from yuanlu.kernel.identifiers import TransactionKey
from yuanlu.kernel.money import Money
from yuanlu.returns.decision import Facts, Wish, decide
from yuanlu.returns.ways import Link
from yuanlu.settings import Acquirer

ROUNDS, CALLS = 7, 2_000
NOW_US = 1_790_000_000_000_000
AMOUNT = Money(minor=12_34, currency="156")


def run() -> dict[str, float]:
    """Microseconds for cause and decision together, best of seven rounds: an ordinary case, and the dearest."""
    plain = Evidence(state="RETURNING", amount=AMOUNT, card_token="c", doubt=Doubt.TIMEOUT, recent=_neighbours(3))
    voided = Evidence(
        kind="sale", state="RETURNED", amount=AMOUNT, card_token="c", response_code="00", voice=Voice.HOST,
        voided=True, recent=_neighbours(50),
    )  # fmt: skip
    facts = _facts()
    wish = Wish(amount=AMOUNT, person=False, reason="bench")
    return {
        "decide_us": _best_us(lambda: (explain(plain), decide(facts, wish))),
        "decide_us_50_neighbours": _best_us(lambda: (explain(voided), decide(facts, wish))),
    }


def _neighbours(count: int) -> tuple[Recent, ...]:
    """As many earlier sales of the same card, which is the dearest to look at."""
    return tuple(
        Recent(card_token="c", amount=Money(minor=1_000 + n, currency="156"), ago_s=10 * n + 5, state="APPROVED")
        for n in range(count)
    )


def _facts() -> Facts:
    key = TransactionKey(terminal_id="T", merchant_id="M", batch_no="000001", stan="000001", mti_class="0200")
    sale = Transaction(
        transaction_id="t", key=key, acquirer="h", kind="sale", state="APPROVED", version=2, amount=AMOUNT,
        card_token="c", card_bin="", card_last4="", sealed=b"", received_at_us=NOW_US, changed_at_us=NOW_US,
    )  # fmt: skip
    acquirer = Acquirer(kind="iso8583-host", address="h:1", dialect="cup-pos", profile="P1", mac="none")
    return Facts(
        link=Link(original=sale, legs=()), terms=HostTerms(name="h", settings=acquirer), agreed=Terms(),
        automatic_today_minor=0, now_us=NOW_US,
    )  # fmt: skip


def _best_us(work: Callable[[], object]) -> float:
    best_s = float("inf")
    for _ in range(ROUNDS):
        began_s = time.perf_counter()
        for _ in range(CALLS):
            work()
        best_s = min(best_s, time.perf_counter() - began_s)
    return best_s / CALLS * 1e6
