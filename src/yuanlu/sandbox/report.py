"""The run's report: one JSON document, and a few lines for people in both languages."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from yuanlu.kernel.money import format_minor
from yuanlu.sandbox.told import Told
from yuanlu.sandbox.verdict import Finding, Verdict

CNY = "156"
GATEWAY_KILL = "gateway_kill"
FINDINGS_PRINTED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What only the demo itself knows: its seed, how long sales lasted, how often it killed the gateway."""

    seed: int
    sale_seconds: float
    gateway_kills: int
    faults: Mapping[str, int]


def faults_exercised(
    counters: Mapping[str, Mapping[str, int]], told: Iterable[Told], gateway_kills: int
) -> dict[str, int]:
    """How often each fault befell something: hosts' faults, tills' misbehaviour, kills of the gateway."""
    counts: Counter[str] = Counter()
    for of_host in counters.values():
        for name, count in of_host.items():
            if name.startswith("fault."):
                counts[name.removeprefix("fault.")] += count
    seen = {(each.ref, each.behaviour) for each in told if each.asked == "sale"}
    counts.update(behaviour for _, behaviour in seen if behaviour not in ("", "normal"))
    if gateway_kills:
        counts[GATEWAY_KILL] = gateway_kills
    return dict(sorted(counts.items()))


def document(verdict: Verdict, run: Run) -> dict[str, Any]:
    """The report as it is written to report.json. Amounts in minor units, times in milliseconds."""
    tps = round(verdict.transactions / run.sale_seconds, 1) if run.sale_seconds else 0.0
    return {
        "passed": verdict.passed,
        "transactions": verdict.transactions,
        "abnormal": verdict.abnormal,
        "returned": verdict.by_state.get("RETURNED", 0),
        "no_effect": verdict.by_state.get("NO_EFFECT", 0),
        "escalated": verdict.by_state.get("ESCALATED", 0),
        "open": verdict.open,
        "open_by_profile": dict(verdict.open_by_profile),
        "lost_minor": verdict.lost_minor,
        "doubled_minor": verdict.doubled_minor,
        "told_wrong": verdict.told_wrong,
        "sent_twice": verdict.sent_twice,
        "silent": verdict.silent,
        "awaiting_person_minor": verdict.awaiting_person_minor,
        "return_ms_p50": verdict.return_ms_p50,
        "return_ms_p99": verdict.return_ms_p99,
        "return_ms_p99_by_profile": dict(verdict.return_ms_p99_by_profile),
        "tps": tps,
        "by_state": dict(verdict.by_state),
        "faults": dict(run.faults),
        "gateway_kills": run.gateway_kills,
        "sale_seconds": round(run.sale_seconds, 1),
        "seed": run.seed,
        "findings": [_finding_row(finding) for finding in verdict.findings],
    }


def _finding_row(finding: Finding) -> dict[str, Any]:
    where = {} if finding.ref is None else {"terminal_id": finding.ref.terminal_id, "stan": finding.ref.stan}
    return {"kind": finding.kind, "amount_minor": finding.amount_minor, "text": finding.text} | where


def in_words(verdict: Verdict, run: Run) -> str:
    """The verdict for people: what was tried, whether the money is safe, what a person has to do."""
    lost, doubled = format_minor(verdict.lost_minor, CNY), format_minor(verdict.doubled_minor, CNY)
    waiting = format_minor(verdict.awaiting_person_minor, CNY)
    abnormal, total = verdict.abnormal, verdict.transactions
    escalated = verdict.by_state.get("ESCALATED", 0)
    lines = [
        f"{'通过' if verdict.passed else '未通过'}：共 {total} 笔交易，{abnormal} 笔异常，"
        f"演练 {len(run.faults)} 种故障 {sum(run.faults.values())} 次。",
        f"丢失 {lost}，重复退回 {doubled}，错误告知 {verdict.told_wrong} 次，"
        f"可自动退回的渠道未了结 {verdict.open} 笔。",
        f"{escalated} 笔转人工处理，涉及持卡人金额 {waiting}。",
        f"{'PASSED' if verdict.passed else 'FAILED'}: {total} transactions, {abnormal} abnormal, "
        f"{len(run.faults)} kinds of faults exercised {sum(run.faults.values())} times.",
        f"Lost {lost}, returned twice {doubled}, told wrong {verdict.told_wrong}, "
        f"still open where returns are automatic {verdict.open}.",
        f"{escalated} handed to a person, with {waiting} of cardholders' money waiting.",
        f"Return time p50 {verdict.return_ms_p50} ms, p99 {verdict.return_ms_p99} ms. Seed {run.seed}.",
    ]
    for finding in verdict.findings[:FINDINGS_PRINTED]:
        where = f"{finding.ref.terminal_id}+{finding.ref.stan}" if finding.ref is not None else ""
        lines.append(f"  {finding.kind} {where} {format_minor(finding.amount_minor, CNY)}: {finding.text}")
    return "\n".join(lines)
