"""A case about a batch: what the terminal lists and we do not have, an upload that never ended, totals that differ.

No transaction of ours stands for these, so the case is named by its batch, as an incident's is by the incident. A
batch has one open case, which more of it joins. A person closes it, with an outcome.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from yuanlu.cases.opening import case_number, open_case
from yuanlu.cases.records import BATCH, Case, Opening, Severity, Words
from yuanlu.cases.store import find_case_of_incident
from yuanlu.cases.writing import Written
from yuanlu.causes.system import batch_differs
from yuanlu.contracts import ServiceLevel
from yuanlu.kernel.money import Money, format_minor
from yuanlu.reconciliation.batch import BatchTotals, Finding, FindingKind
from yuanlu.reconciliation.store import Batch, BatchKey

QUEUE = "settlement"
LISTED_MAX = 50
"""Findings that a case lists; the others are in the table `batch_findings`."""
NAMED_MAX = 5
"""Findings that its explanation names."""

WORDS = {
    FindingKind.ONLY_OURS: Words(zh="我方已批准，终端批次中没有", en="approved by us, unknown to the terminal"),
    FindingKind.ONLY_THEIRS: Words(zh="终端批次中有，我方未批准", en="in the terminal's batch, and not approved by us"),
    FindingKind.OTHER_AMOUNT: Words(zh="终端记录的金额不同", en="the terminal has another amount"),
    FindingKind.REVERSED_BUT_UPLOADED: Words(
        zh="终端记为已付，我方已冲正或正在冲正", en="the terminal counts it as paid, and it was reversed or is being"
    ),
    FindingKind.DUPLICATE: Words(zh="终端重复列出", en="the terminal lists it twice"),
    FindingKind.UNFINISHED: Words(
        zh="终端开始批上送后一直没有结束", en="the terminal began to upload its batch and never ended"
    ),
    FindingKind.TOTALS_DIFFER: Words(
        zh="明细逐笔相符，总计却不平", en="every detail agrees, and the totals differ all the same"
    ),
}
"""Each finding, for people."""


def batch_name(key: BatchKey) -> str:
    """How its case names a batch."""
    return f"{BATCH}{key.terminal_id} {key.merchant_id} {key.batch_no}"


def find_batch_case(connection: Connection, key: BatchKey) -> Case | None:
    """The open case about this batch."""
    return find_case_of_incident(connection, batch_name(key))


def told(finding: Finding, batch: Batch) -> Words:
    """A finding in words, with its trace number and amounts."""
    sides = (("我方", "ours", finding.ours_minor), ("终端", "theirs", finding.theirs_minor))
    known = [(zh, en, format_minor(minor, batch.currency)) for zh, en, minor in sides if minor is not None]
    said, trace = WORDS[finding.kind], finding.trace_no
    zh, en = "，".join(f"{zh} {text}" for zh, _, text in known), ", ".join(f"{en} {text}" for _, en, text in known)
    return Words(
        zh=(f"流水号 {trace}：" if trace else "") + said.zh + (f"（{zh}）" if zh else ""),
        en=(f"trace {trace}: " if trace else "") + said.en + (f" ({en})" if en else ""),
    )


def case_about(
    batch: Batch,
    findings: Sequence[Finding],
    before: Case | None,
    *,
    terms: ServiceLevel,
    random_bits: Callable[[int], int],
    now_us: int,
) -> Written:
    """The rows by which these findings have their case. `before` is the batch's open one."""
    key, cause = batch.key, batch_differs
    listed = sum(finding.theirs_minor or 0 for finding in findings if finding.kind is FindingKind.ONLY_THEIRS)
    opening = Opening(
        incident=batch_name(key),
        merchant_id=key.merchant_id,
        terminal_id=key.terminal_id,
        acquirer=batch.acquirer,
        amount=Money(minor=listed, currency=batch.currency),
        title=Words(zh=cause.title.zh, en=cause.title.en),
        cause=cause.code,
        severity=Severity(cause.severity.value),
        explanation=_explanation(batch, findings),
        queue=QUEUE,
        since_us=now_us,
        evidence=_evidence(batch, findings),
    )
    return open_case(opening, before, number=case_number(now_us, random_bits), terms=terms, now_us=now_us)


def _explanation(batch: Batch, findings: Sequence[Finding]) -> Words:
    """Which batch, and what of it; a long list is cut."""
    said = [told(finding, batch) for finding in findings[:NAMED_MAX]]
    more = len(findings) - len(said)
    zh, en = "；".join(each.zh for each in said), "; ".join(each.en for each in said)
    return Words(
        zh=f"批次 {batch.key.batch_no}：{zh}" + (f"；另有 {more} 笔" if more else ""),
        en=f"batch {batch.key.batch_no}: {en}" + (f"; and {more} more" if more else ""),
    )


def _evidence(batch: Batch, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Both totals, and the findings one by one, in both languages."""
    sides = (("终端总计", "the terminal's totals", batch.theirs), ("我方总计", "our totals", batch.ours))
    lines = [_totals(zh, en, totals, batch.currency) for zh, en, totals in sides]
    said = [told(finding, batch) for finding in findings[:LISTED_MAX]]
    return (*lines, *(f"{words.zh} / {words.en}" for words in said))


def _totals(zh: str, en: str, totals: BatchTotals, currency: str) -> str:
    debits, credited = format_minor(totals.debit_minor, currency), format_minor(totals.credit_minor, currency)
    return (
        f"{zh}：借记 {totals.debit_count} 笔 {debits}，贷记 {totals.credit_count} 笔 {credited} / "
        f"{en}: {totals.debit_count} debits of {debits}, {totals.credit_count} credits of {credited}"
    )
