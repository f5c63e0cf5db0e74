"""The run's report: one JSON document, and a few lines for people in both languages."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from yuanlu.kernel.money import format_minor
from yuanlu.sandbox.balance import Balance
from yuanlu.sandbox.board import FAMILY_EN, FAMILY_ZH, KIND_EN, KIND_ZH
from yuanlu.sandbox.findings import Finding
from yuanlu.sandbox.told import Told
from yuanlu.sandbox.verdict import Verdict

CNY = "156"
GATEWAY_KILL = "gateway_kill"
FINDINGS_PRINTED = 10
BATCH_ZH = {"agreed": "批次相符", "differing": "批次不符", "not_settled": "未结算"}
BATCH_EN = {"agreed": "agreed", "differing": "differing", "not_settled": "not settled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What only the demo itself knows: its seed, how long sales lasted, how often it killed the gateway.

    `faults` and `errands` say how often each was exercised, by name; `outages` how often a region had no network,
    `incidents` what the gateway saw many payments fail together for, by kind, `messages` how often people were told.
    """

    seed: int
    sale_seconds: float
    gateway_kills: int
    faults: Mapping[str, int]
    errands: Mapping[str, int] = field(default_factory=dict)
    outages: int = 0
    incidents: Mapping[str, int] = field(default_factory=dict)
    messages: int = 0


def faults_exercised(
    counters: Mapping[str, Mapping[str, int]], told: Iterable[Told], gateway_kills: int
) -> dict[str, int]:
    """How often each fault befell something: hosts' faults, tills' misbehaviour, kills of the gateway."""
    counts: Counter[str] = Counter()
    for of_host in counters.values():
        for name, count in of_host.items():
            if name.startswith("fault."):
                counts[name.removeprefix("fault.")] += count
    seen = {(each.ref, each.behaviour) for each in told if each.asked == "request"}
    counts.update(behaviour for _, behaviour in seen if behaviour not in ("", "normal"))
    if gateway_kills:
        counts[GATEWAY_KILL] = gateway_kills
    return dict(sorted(counts.items()))


def errands_run(told: Iterable[Told]) -> dict[str, int]:
    """How many requests cashiers made on each errand."""
    counts = Counter(each.errand for each in told if each.errand and each.asked == "request")
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
        "escalated": verdict.escalated,
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
        "by_kind": dict(sorted(verdict.by_kind.items())),
        "by_family": dict(sorted(verdict.by_family.items())),
        "legs": {kind: dict(states) for kind, states in sorted(verdict.legs.items())},
        "refused": dict(sorted(verdict.refused.items())),
        "unexplained": verdict.unexplained,
        "batches": dict(verdict.batches),
        "balance": _balance_row(verdict.balance),
        "errands": dict(run.errands),
        "outages": run.outages,
        "incidents": dict(sorted(run.incidents.items())),
        "messages": run.messages,
        "faults": dict(run.faults),
        "gateway_kills": run.gateway_kills,
        "sale_seconds": round(run.sale_seconds, 1),
        "seed": run.seed,
        "findings": [_finding_row(finding) for finding in verdict.findings],
    }


def _balance_row(balance: Balance) -> dict[str, Any]:
    return {
        "agrees": balance.agrees,
        "hosts_minor": balance.hosts_minor,
        "journal_minor": balance.journal_minor,
        "tills_minor": balance.tills_minor,
        "unresolved_minor": balance.unresolved_minor,
        "untold_minor": balance.untold_minor,
    }


def _finding_row(finding: Finding) -> dict[str, Any]:
    where = {} if finding.ref is None else {"terminal_id": finding.ref.terminal_id, "stan": finding.ref.stan}
    return {"kind": finding.kind, "amount_minor": finding.amount_minor, "text": finding.text} | where


def in_words(verdict: Verdict, run: Run) -> str:
    """The verdict for people: what was tried, whether the money is safe, what a person has to do."""
    lost, doubled = format_minor(verdict.lost_minor, CNY), format_minor(verdict.doubled_minor, CNY)
    waiting = format_minor(verdict.awaiting_person_minor, CNY)
    abnormal, total = verdict.abnormal, verdict.transactions
    escalated = verdict.escalated
    lines = [
        f"{'通过' if verdict.passed else '未通过'}：共 {total} 笔交易，{abnormal} 笔异常，"
        f"演练 {len(run.faults)} 种故障 {sum(run.faults.values())} 次。",
        f"丢失 {lost}，重复退回 {doubled}，错误告知 {verdict.told_wrong} 次，"
        f"可自动退回的渠道未了结 {verdict.open} 笔。",
        f"{escalated} 笔转人工处理，涉及持卡人金额 {waiting}。通知 {run.messages} 条，见 inbox.jsonl。",
        *_words_zh(verdict),
        f"{'PASSED' if verdict.passed else 'FAILED'}: {total} transactions, {abnormal} abnormal, "
        f"{len(run.faults)} kinds of faults exercised {sum(run.faults.values())} times.",
        f"Lost {lost}, returned twice {doubled}, told wrong {verdict.told_wrong}, "
        f"still open where returns are automatic {verdict.open}.",
        f"{escalated} handed to a person, with {waiting} of cardholders' money waiting. "
        f"{run.messages} messages to people are in inbox.jsonl.",
        *_words_en(verdict),
        f"Return time p50 {verdict.return_ms_p50} ms, p99 {verdict.return_ms_p99} ms. Seed {run.seed}.",
    ]
    for finding in verdict.findings[:FINDINGS_PRINTED]:
        where = f"{finding.ref.terminal_id}+{finding.ref.stan}" if finding.ref is not None else ""
        lines.append(f"  {finding.kind} {where} {format_minor(finding.amount_minor, CNY)}: {finding.text}")
    return "\n".join(lines)


def _words_zh(verdict: Verdict) -> list[str]:
    """How money went back, where the causes lie, how the day was settled."""
    balance = verdict.balance
    charged = format_minor(balance.hosts_minor, CNY)
    return [
        f"退回方式：{_counts(verdict.by_kind, KIND_ZH, '、')}；拒绝 {sum(verdict.refused.values())} 笔。",
        f"原因归属：{_counts(verdict.by_family, FAMILY_ZH, '、')}。",
        f"日终：主机账 {charged}，与流水、终端、待处理{'相符' if balance.agrees else '不符'}；"
        f"{_counts(verdict.batches, BATCH_ZH, '、')}。",
    ]


def _words_en(verdict: Verdict) -> list[str]:
    balance = verdict.balance
    charged = format_minor(balance.hosts_minor, CNY)
    return [
        f"Given back by {_counts(verdict.by_kind, KIND_EN, ', ')}; {sum(verdict.refused.values())} refused.",
        f"Causes: {_counts(verdict.by_family, FAMILY_EN, ', ')}.",
        f"End of day: {charged} charged at the hosts, which journal, tills and open work "
        f"{'explain to the fen' if balance.agrees else 'DO NOT explain'}; batches: "
        f"{_counts(verdict.batches, BATCH_EN, ', ')}.",
    ]


def _counts(counts: Mapping[str, int], words: Mapping[str, str], between: str) -> str:
    return between.join(f"{words.get(name, name)} {count}" for name, count in sorted(counts.items())) or "–"
