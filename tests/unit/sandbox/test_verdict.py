import pytest

from yuanlu.sandbox.evidence import HostEntry, JournalEntry, ReturnEntry
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.report import Run, document, faults_exercised, in_words
from yuanlu.sandbox.story import Witnesses, stories
from yuanlu.sandbox.told import Told
from yuanlu.sandbox.verdict import Verdict, judge, percentile

REF = PaymentRef(terminal_id="20000001", merchant_id="898440153110001", batch_no="000001", stan="000001")
PROFILE_OF = {"p1": "P1", "p5": "P5"}
REQUIRED = {
    "transactions",
    "abnormal",
    "returned",
    "no_effect",
    "escalated",
    "open",
    "lost_minor",
    "doubled_minor",
    "told_wrong",
    "return_ms_p50",
    "return_ms_p99",
    "tps",
    "faults",
    "seed",
    "awaiting_person_minor",
    "by_kind",
    "by_family",
    "batches",
    "balance",
}


def booked(debits: int, credits_minor: int = 0, count: int = 1) -> HostEntry:
    return HostEntry(ref=REF, debits_minor=debits, credits_minor=credits_minor, debit_count=count)


def written(state: str, *, approved_at_us: int | None = None, acquirer: str = "p1") -> JournalEntry:
    return JournalEntry(
        ref=REF,
        transaction_id="X1",
        acquirer=acquirer,
        state=state,
        reason="",
        amount_minor=100,
        approved_at_us=approved_at_us,
    )


def said(code: str, asked: str = "request", at_us: int = 50) -> Told:
    return Told(
        terminal_id=REF.terminal_id,
        merchant_id=REF.merchant_id,
        batch_no=REF.batch_no,
        stan=REF.stan,
        amount_minor=100,
        asked=asked,
        code=code,
        at_us=at_us,
    )


def verdict(
    host: HostEntry | None, journal: JournalEntry | None, *told: Told, acquirer: str = "p1", total: int = 0
) -> Verdict:
    heard = Witnesses(
        hosts=[host] if host else [],
        records=[],
        journal=[journal] if journal else [],
        returns=[],
        orders=[],
        told=told,
        cases=frozenset({"X1"}),
    )
    return judge(stories(heard, PROFILE_OF, {REF.terminal_id: acquirer}), [], {"p1": total}, PROFILE_OF)


APPROVED = written("APPROVED", approved_at_us=40)

GOOD = [
    ("an ordinary sale", booked(100), APPROVED, [said("00")]),
    ("a decline", None, written("DECLINED"), [said("51")]),
    ("unknown, told 98, given back", booked(100, 100), written("RETURNED"), [said("98")]),
    ("lost before the host", None, written("NO_EFFECT"), [said("98")]),
    (
        "reversed by its till",
        booked(100, 100),
        written("RETURNED", approved_at_us=40),
        [said("00"), said("00", "reversal")],
    ),
    ("refused before any intent", None, None, [said("96")]),
    ("silence, then reversed by its till", booked(100, 100), written("RETURNED"), [said(""), said("00", "reversal")]),
    ("handed to a person", booked(100), written("ESCALATED"), [said("98")]),
]


@pytest.mark.parametrize(("story", "host", "journal", "told"), GOOD, ids=[row[0] for row in GOOD])
def test_what_is_as_it_should_be_passes(story, host, journal, told):
    result = verdict(host, journal, *told)
    assert result.findings == [], story
    assert result.passed


BAD = [
    ("the reversal missed it", "lost", booked(100), written("NO_EFFECT"), [said("98")]),
    ("returned, says the journal only", "lost", booked(100), written("RETURNED"), [said("98")]),
    ("the journal knows nothing", "lost", booked(100), None, []),
    ("kept, but its till never heard", "lost", booked(100), APPROVED, [said("")]),
    ("given back twice", "doubled", booked(100, 200), written("RETURNED"), [said("98")]),
    ("declined and charged", "told_wrong", booked(100), written("RETURNING"), [said("51")]),
    ("approved, then given back", "told_wrong", booked(100, 100), written("RETURNED"), [said("00")]),
    ("approved, but not charged", "told_wrong", None, APPROVED, [said("00")]),
    ("told before it was durable", "told_wrong", booked(100), written("APPROVED", approved_at_us=60), [said("00")]),
    ("told, and never durable", "told_wrong", booked(100), written("CAPTURED"), [said("00")]),
    ("told yes and no", "told_wrong", booked(100), APPROVED, [said("00"), said("05")]),
    ("taken over and forgotten", "lost", booked(100), APPROVED, [said("00"), said("00", "reversal")]),
    ("another amount", "told_wrong", booked(90), APPROVED, [said("00")]),
    ("charged twice", "sent_twice", booked(200, 100, count=2), written("RETURNED"), [said("98")]),
]


@pytest.mark.parametrize(("story", "kind", "host", "journal", "told"), BAD, ids=[row[0] for row in BAD])
def test_what_must_not_be_is_found(story, kind, host, journal, told):
    result = verdict(host, journal, *told)
    assert kind in [finding.kind for finding in result.findings], story
    assert not result.passed


def test_an_open_return_fails_where_returns_are_automatic_and_only_there():
    assert not verdict(booked(100), written("RETURNING"), said("98")).passed
    waiting = verdict(booked(100), written("RETURNING", acquirer="p5"), said("98"), acquirer="p5")
    assert waiting.passed
    assert waiting.open_by_profile == {"P5": 1}


def test_money_that_waits_for_a_person_is_counted_but_not_lost():
    result = verdict(booked(100), written("ESCALATED", acquirer="p5"), said("98"), acquirer="p5")
    assert (result.awaiting_person_minor, result.lost_minor, result.passed) == (100, 0, True)


def test_books_that_do_not_balance_fail():
    assert [finding.kind for finding in verdict(None, None, total=5).findings] == ["books"]


def test_return_times_are_taken_from_closed_returns_only():
    returns = [
        ReturnEntry(transaction_id="X", acquirer="p1", state="RETURNED", opened_at_us=0, closed_at_us=us)
        for us in range(1_000, 101_000, 1_000)
    ]
    returns.append(ReturnEntry(transaction_id="Y", acquirer="p1", state="RETURNING", opened_at_us=0, closed_at_us=None))
    result = judge([], returns, {}, PROFILE_OF)
    assert (result.return_ms_p50, result.return_ms_p99) == (50, 99)
    assert percentile([], 50) == 0
    assert percentile([7], 99) == 7


def test_the_report_has_its_promised_keys_and_the_words_say_what_a_person_must_do():
    result = verdict(booked(100), written("NO_EFFECT"), said("98"))
    counters = {"p1": {"fault.delay": 2, "sales": 9}, "p5": {"fault.delay": 1}}
    faults = faults_exercised(counters, [said("00")], gateway_kills=1)
    run = Run(seed=7, sale_seconds=10, gateway_kills=1, faults=faults)
    report = document(result, run)
    assert report.keys() >= REQUIRED
    assert report["faults"] == {"delay": 3, "gateway_kill": 1}
    assert report["lost_minor"] == 100
    assert "FAILED" in in_words(result, run)
    assert "20000001+000001" in in_words(result, run)
    assert "未通过" in in_words(result, run)
