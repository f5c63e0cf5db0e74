"""What packs are made from, for tests: a payment whose reversal was refused, and what two people did about it."""

from datetime import date
from typing import Any

from msgspec.structs import replace

from tests.unit.cases.cases import HOUR_US, MINUTE_US, NOW_US, a_case, a_decision
from yuanlu.cases.records import Attachment, Case, DecisionKind, Event, EventKind
from yuanlu.cases.states import DecisionState
from yuanlu.contracts import Terms
from yuanlu.evidence.document import Message, Pack, Pairs, Section, Table, Text
from yuanlu.evidence.material import Made, Material
from yuanlu.evidence.packing import packed
from yuanlu.journal.frames import Direction
from yuanlu.journal.transactions import Transaction
from yuanlu.kernel.identifiers import TransactionKey
from yuanlu.kernel.money import Money
from yuanlu.notices import Event as Heard
from yuanlu.notification.records import Message as Notice
from yuanlu.notification.records import Subject
from yuanlu.notification.states import Sending
from yuanlu.notification.templates import Audience
from yuanlu.people.case_reading import ARROWS, Line, Shown, Whole, money_of
from yuanlu.reconciliation.batch import BatchTotals
from yuanlu.reconciliation.clearing import Side
from yuanlu.reconciliation.clearing_store import ClearingFile, Listed
from yuanlu.returns.policy import Leg
from yuanlu.returns.states import State
from yuanlu.returns.ways import Link

DAY = date(2025, 10, 10)
PAID = Money(minor=128_000, currency="156")
MADE = Made(by="Zhao Lei", at_us=NOW_US + 3 * HOUR_US, language="zh", brand="原路")
ASKED = Shown(
    arrow=ARROWS[Direction.TO_HOST], mti="0200", code="",
    fields=((2, "主账号", "Primary account number", "620000******0005"), (4, "交易金额", "Amount", "000000128000")),
)  # fmt: skip
SAID = Shown(
    arrow=ARROWS[Direction.FROM_HOST], mti="0410", code="40", fields=((39, "应答码", "Response code", "40"),)
)  # fmt: skip


def payment(**changed: Any) -> Transaction:
    """The payment of the case."""
    key = TransactionKey(
        terminal_id="T0000001", merchant_id="898440153110001", batch_no="000007", stan="000123", mti_class="02"
    )
    values: dict[str, Any] = {
        "transaction_id": "01J9QWERTY0000000000000001", "key": key, "acquirer": "h1", "kind": "sale",
        "state": "ESCALATED", "version": 5, "amount": PAID, "card_token": "token", "card_bin": "620000",
        "card_last4": "0005", "sealed": None, "rrn": "282165320001", "auth_code": "A1B2C3",
        "received_at_us": NOW_US - MINUTE_US, "changed_at_us": NOW_US,
    }  # fmt: skip
    return Transaction(**values | changed)


def leg(**changed: Any) -> Leg:
    """Its reversal."""
    values: dict[str, Any] = {
        "return_id": "r1", "transaction_id": "01J9QWERTY0000000000000001", "acquirer": "h1", "kind": "reversal",
        "leg_no": 1, "state": State.ESCALATED, "amount_minor": PAID.minor, "currency": "156", "reason": "98",
        "original_answer": "none", "original_sent_at_us": NOW_US, "original_boot_us": 0, "original_boot_id": "b",
        "attempts": 3, "opened_at_us": NOW_US,
    }  # fmt: skip
    return Leg(**values | changed)


def fact(kind: str, at_us: int = NOW_US, text: str = "", messages: tuple[Shown, ...] = ()) -> Line:
    """One line that the machine wrote."""
    return Line(at_us=at_us, kind=kind, who="", text=text, tone="", messages=messages)


def note(text: str, who: str = "Li", at_us: int = NOW_US + MINUTE_US) -> Line:
    """One line that a person wrote."""
    return Line(at_us=at_us, kind="CASE_NOTE", who=who, text=text, tone="")


STORY = (
    fact("SEND_INTENT", messages=(ASKED,)),
    fact("UNKNOWN", text="no answer in time"),
    fact("RETURN_REVERSAL", text="attempt 1"),
    fact("REVERSAL_ANSWER", text="answered 40: refused for good", messages=(SAID,)),
)
DECIDED = a_decision(
    kind=DecisionKind.MANUAL_CREDIT, reason="银行确认已扣款", bank_reference="BJ-77", checker="Wang",
    state=DecisionState.CARRIED_OUT, decided_at_us=NOW_US + MINUTE_US, carried_out_at_us=NOW_US + 2 * MINUTE_US,
)  # fmt: skip


def attachment(name: str = "银行来函.pdf", sha256: str = "ab" * 32) -> Attachment:
    """A file of the case."""
    return Attachment(
        case_id="C251009-00000001", number=1, name=name, sha256=sha256, size_bytes=20_480, who="Li", at_us=NOW_US
    )


def escalation(level: str, at_us: int) -> Event:
    """The case's rise to a level."""
    return Event(
        case_id="C251009-00000001", version=2, subject_id="C251009-00000001", at_us=at_us, kind=EventKind.ESCALATED,
        who="gateway", via="gateway", text=f"L1 → {level}: time is over",
    )  # fmt: skip


def clearing_file(name: str = "h1-20251010.csv") -> ClearingFile:
    """A file that is loaded."""
    totals = BatchTotals(debit_minor=1, debit_count=1, credit_minor=0, credit_count=0)
    return ClearingFile(
        file_id="f1", acquirer="h1", day=DAY, merchant_id="", name=name, sha256="cd" * 32, lines=9, totals=totals,
        loaded_at_us=NOW_US, loaded_by="li",
    )  # fmt: skip


def listed(side: Side = Side.DEBIT, minor: int = PAID.minor, line: int = 3) -> Listed:
    """A line of it that is about the payment."""
    return Listed(
        transaction_id="01J9QWERTY0000000000000001", reference=f"h1-20251010.csv:{line}", day=DAY, side=side,
        amount_minor=minor,
    )  # fmt: skip


def notice(**changed: Any) -> Notice:
    """What the cardholder was told."""
    values: dict[str, Any] = {
        "message_id": "m1", "subject": Subject(merchant_id="898440153110001", case_id="C251009-00000001"),
        "event": Heard.OUTCOME_UNKNOWN, "audience": Audience.CARDHOLDER, "template": "unknown@1", "language": "zh",
        "person": "token", "contact_id": "c1", "masked": "138****0001", "round": "", "title": "交易结果待确认",
        "text": "您尾号0005的卡交易结果待确认，如已扣款将退回原卡。", "values": {}, "urgent": False, "ways": ("sms",),
        "state": Sending.DELIVERED, "attempts": 1, "channel": "sms", "provider_id": "p1", "note": "",
        "created_at_us": NOW_US, "not_before_us": NOW_US, "expires_at_us": NOW_US, "changed_at_us": NOW_US,
        "version": 3,
    }  # fmt: skip
    return Notice(**values | changed)


def whole(**changed: Any) -> Whole:
    """The case with all about it."""
    link = Link(original=payment(), legs=(leg(),))
    values: dict[str, Any] = {
        "case": a_case(merchant_id="898440153110001"), "events": [], "decisions": [DECIDED],
        "attachments": [attachment()], "link": link, "lines": (*STORY, note("顾客来电")), "left_out": 0, "told": [],
        "money": money_of(link),
    }  # fmt: skip
    return Whole(**values | changed)


def of_incident() -> Whole:
    """The case of an incident, which is about no payment."""
    case: Case = replace(a_case(), transaction_id=None, incident="I251009-01")
    return whole(case=case, link=None, money=None, lines=(), decisions=[], attachments=[])


def material(found: Whole | None = None, **changed: Any) -> Material:
    """All that was read."""
    values: dict[str, Any] = {
        "whole": whole() if found is None else found, "listed": (), "files": (),
        "terms": Terms(),
        "versions": {"yuanlu": "0.1.0", "schema": "0016"},
    }  # fmt: skip
    return Material(**values | changed)


def pack(found: Material | None = None, language: str = "zh") -> Pack:
    """The pack of it."""
    return packed(material() if found is None else found, replace(MADE, language=language))


def part(of: Pack, title: str) -> Section:
    """The section with these words in its title."""
    return next(each for each in of.sections if title in each.title)


def words(section: Section) -> str:
    """A section as a reader sees it: `label: value`, and a table's rows with bars."""
    said: list[str] = []
    for block in section.blocks:
        match block:
            case Text():
                said.append(block.text)
            case Pairs():
                said += [block.title, *(f"{pair.label}: {pair.value}" for pair in block.pairs)]
            case Table():
                said += [" | ".join(row) for row in (tuple(c.title for c in block.columns), *block.rows)]
            case Message():
                said += [block.title, *(" ".join(field) for field in block.fields)]
    return "\n".join(said)
