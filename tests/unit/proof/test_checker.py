"""The checker sees what it is there to see: for each invariant, evidence that breaks it and nothing else."""

import ast
from pathlib import Path

import pytest
from msgspec.structs import replace

import proof.checker
from proof.checker import CHECKS, ELSEWHERE, check
from proof.records import Evidence, FactRow, LegRow, OrderRow, Posting, Sent, Shown, Told, TransactionRow

SALE = ("10010000", "000001", "000001", "0200")
SHOWN = Shown(direction="t", mti="0210", stan="000001", code="00")


def posting(minor: int, at_s: float = 2.0, account: str = "card", off: int = 0) -> Posting:
    entries = ((account, -minor), ("clearing", minor + off))
    return Posting(at_s=at_s, payment=SALE, by=SALE, account=account, entries=entries)


def fact(version: int, kind: str, durable_s: float, shown: tuple[Shown, ...] = ()) -> FactRow:
    return FactRow(subject="T", version=version, writer=1, seq=version, kind=kind, durable_s=durable_s, shown=shown)


def sent(kind: str, at_s: float = 1.5, same: str = "x") -> Sent:
    return Sent(at_s=at_s, ref=SALE, kind=kind, same=(same,))


LEG = LegRow(
    id="L", transaction="T", kind="refund", state="RETURNED", minor=1_000, currency="156", message="M",
    case_opened=False, explanation="",
)  # fmt: skip
ORDER = OrderRow(id="O", transaction="T", state="DONE", automatic=False, maker="anna", checker="bert")
ROW = TransactionRow(
    id="T", ref=SALE, kind="sale", state="APPROVED", version=2, paid_minor=1_000, currency="156", about=""
)
GOOD = Evidence(
    profile="P1", at_rest=True, postings=[posting(1_000)], sent=[sent("original")],
    told=[Told(at_s=4.0, ref=SALE, mti="0210", code="00")],
    facts=[fact(1, "SEND_INTENT", 1.0), fact(2, "APPROVED", 3.0, (SHOWN,))], transactions=[ROW],
    moves=[("T", "SEND_INTENT", "APPROVED")], legs=[], orders=[ORDER], watched=frozenset(),
)  # fmt: skip


def test_a_sale_that_went_well_breaks_nothing():
    assert check(GOOD) == []


BROKEN = {
    "I1": replace(GOOD, postings=[posting(1_000, off=1)]),
    "I2": replace(GOOD, postings=[posting(1_000), posting(-1_000), posting(-1_000)]),
    "I3": replace(GOOD, transactions=[replace(ROW, state="CAPTURED")], legs=[LEG]),
    "I4": replace(GOOD, transactions=[replace(ROW, state="NO_EFFECT")]),
    "I5": replace(GOOD, facts=[fact(1, "SEND_INTENT", 1.0), fact(2, "APPROVED", 5.0, (SHOWN,))]),
    "I6": replace(GOOD, facts=[fact(1, "SEND_INTENT", 1.6), fact(2, "APPROVED", 3.0, (SHOWN,))]),
    "I7": replace(GOOD, facts=[fact(1, "SEND_INTENT", 1.0), fact(2, "APPROVED", 3.0)]),
    "I8": replace(GOOD, sent=[sent("original"), sent("original")]),
    "I9": replace(GOOD, sent=[sent("original"), sent("reversal"), sent("reversal", same="y")]),
    "I10": replace(GOOD, transactions=[replace(ROW, state="RETURNING")]),
    "I11": replace(GOOD, legs=[LEG, replace(LEG, id="L2", minor=1)]),
    "I12": replace(GOOD, postings=[posting(1_000), posting(-1_000, account="another")]),
    "I13": replace(GOOD, moves=[("T", "DECLINED", "APPROVED")]),
    "I14": replace(GOOD, orders=[replace(ORDER, checker="anna")]),
    "I17": replace(GOOD, recovered_alike=False),
    "I18": replace(GOOD, calm_outcome={SALE: ("RETURNED", 0)}),
}


@pytest.mark.parametrize("invariant", CHECKS)
def test_each_invariant_has_evidence_that_breaks_it(invariant):
    assert invariant in {found.invariant for found in check(BROKEN[invariant])}


def test_what_is_not_seen_here_is_said():
    assert CHECKS.keys() | ELSEWHERE.keys() == {f"I{number}" for number in range(1, 19)}


@pytest.mark.parametrize("profile", ["P1", "P4"])
def test_money_that_is_not_where_the_journal_says_is_excused_on_the_watch_list_of_p4_alone(profile):
    lost = replace(BROKEN["I4"], profile=profile, watched=frozenset({"T"}), told=[])
    assert ("I4" in {found.invariant for found in check(lost)}) == (profile == "P1")


def test_the_checker_knows_nothing_of_the_product():
    tree = ast.parse(Path(proof.checker.__file__).read_text("utf-8"))
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert [name for name in modules if name.startswith(("yuanlu", "proof.model"))] == []
