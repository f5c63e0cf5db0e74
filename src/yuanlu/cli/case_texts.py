"""Cases in words, for the command line: a line in a list, the whole case, what the second person has to see."""

from sqlalchemy import Connection

from yuanlu.cases.decisions import kinds_allowed
from yuanlu.cases.records import BATCH, OUTSIDE, TERMINAL, Case, Decision, DecisionKind, Event, Words
from yuanlu.cases.states import CaseState
from yuanlu.cases.store import attachments_of, decisions_of, events_of, state_of_money
from yuanlu.kernel.clock import local_time
from yuanlu.people.notes.reading import EVIDENCE, in_words
from yuanlu.people.words import CHINESE, case_word, word

_NAMES = {
    "deadline": ("时限", "deadline"),
    "left": ("剩余", "left"),
    "late": ("超时", "late"),
    "nobody": ("未分派", "nobody"),
    "transaction": ("交易", "transaction"),
    "incident": ("事件", "incident"),
    "batch": ("批次", "batch"),
    "terminal": ("终端", "terminal"),
    "reported": ("商户报告", "reported"),
    "money": ("资金状态", "money"),
    "owner": ("负责人", "owner"),
    "queue": ("队列", "queue"),
    "ticket": ("技术支持单", "ticket"),
    "evidence": ("证据", "evidence"),
    "allowed": ("可提出的处理", "may be proposed"),
    "nothing": ("无", "nothing"),
    "decisions": ("处理申请", "decisions"),
    "attachments": ("附件", "attachments"),
    "timeline": ("经过", "timeline"),
    "outcome": ("结果", "outcome"),
    "person": ("需要人工", "a person was needed"),
    "no person": ("无需人工", "no person was needed"),
    "until": ("至", "until"),
    "expires": ("失效时间", "expires"),
    "maker": ("申请人", "maker"),
    "checker": ("复核人", "checker"),
    "reference": ("银行参考号", "bank reference"),
    "reason": ("理由", "reason"),
    "now": ("现在", "now"),
    "then": ("同意后", "once approved"),
}


def _name(key: str, language: str) -> str:
    return _NAMES[key][0 if language == CHINESE else 1]


def said(words: Words, language: str) -> str:
    """The words of one language."""
    return words.zh if language == CHINESE else words.en


def when(at_us: int) -> str:
    """An instant in Beijing time."""
    return f"{local_time(at_us):%Y-%m-%d %H:%M:%S}"


def left(until_us: int, now_us: int, language: str) -> str:
    """How long until then, or how long it is late: `00:12:40 left`, `2d 03h late`."""
    seconds = abs(until_us - now_us) // 1_000_000
    hours, rest = divmod(seconds, 3600)
    clock = f"{hours:02}:{rest // 60:02}:{rest % 60:02}" if hours < 24 else f"{hours // 24}d {hours % 24:02}h"
    return f"{clock} {_name('left' if until_us > now_us else 'late', language)}"


def line(case: Case, now_us: int, language: str) -> str:
    """One case in a list: what to do first, by when, whose it is, what it is about."""
    if case.state is CaseState.CLOSED:
        time = f"{when(case.closed_at_us or 0)}  {case_word(case.outcome, language)}"
    elif case.state is CaseState.SNOOZED:
        time = f"{_name('until', language)} {when(case.snoozed_until_us)}"
    else:
        time = left(case.deadline_at_us, now_us, language)
    return (
        f"{case.case_id}  P{case.priority}  {time}  {case_word(case.level.name, language)}"
        f"  {case_word(case.state, language)}  {case.amount}  {case.queue}"
        f"  {case.owner or _name('nobody', language)}  {case.cause}  {said(case.title, language)}"
    )


def waiting_line(case: Case, decision: Decision, now_us: int, language: str) -> str:
    """One proposal that waits for a second person."""
    return (
        f"{case.case_id}  {case_word(decision.kind, language)}  {decision.amount}"
        f"  {_name('maker', language)} {decision.maker}  {left(decision.expires_at_us, now_us, language)}"
        f"  {said(case.title, language)}"
    )


def case_text(connection: Connection, case: Case, now_us: int, language: str) -> str:
    """The whole case: what happened, where the money is, what may be done, and the timeline."""
    parts = [line(case, now_us, language), said(case.explanation, language), *_head(connection, case, language)]
    parts += [f"    {in_words(each, language, EVIDENCE)}" for each in case.evidence]
    decisions = decisions_of(connection, case.case_id)
    if decisions:
        parts += ["", _name("decisions", language), *(_decision(each, language) for each in decisions)]
    files = attachments_of(connection, case.case_id)
    if files:
        parts += ["", _name("attachments", language)]
        parts += [
            f"  {f.number}  {f.name}  {f.size_bytes:,} B  {f.who}  {when(f.at_us)}  sha256 {f.sha256}" for f in files
        ]
    parts += ["", _name("timeline", language)]
    parts += [_event(each, language) for each in events_of(connection, case.case_id)]
    return "\n".join(parts)


def _head(connection: Connection, case: Case, language: str) -> list[str]:
    def row(key: str, value: str) -> str:
        return f"{_name(key, language)}: {value}"

    money = state_of_money(connection, case)
    lines = [row("deadline", when(case.deadline_at_us)), row("queue", case.queue)]
    lines.append(row("owner", case.owner or _name("nobody", language)))
    if case.transaction_id:
        lines.append(
            row("transaction", f"{case.transaction_id}  {case.merchant_id}  {case.terminal_id}  {case.acquirer}")
        )
        kinds = ", ".join(case_word(kind, language) for kind in kinds_allowed(case, money))
        lines += [row("money", f"{word(money, language)} ({money})")]
        lines += [row("allowed", kinds or _name("nothing", language))]
    if case.incident.startswith(BATCH):
        lines += [row("batch", case.incident.removeprefix(BATCH))]
    elif case.incident.startswith(TERMINAL):
        lines += [row("terminal", case.incident.removeprefix(TERMINAL))]
    elif case.incident.startswith(OUTSIDE):
        lines += [row("reported", case.incident.removeprefix(OUTSIDE))]
    elif case.incident:
        lines += [row("incident", case.incident)]
    lines += [row("ticket", case.ticket)] if case.ticket else []
    if case.state is CaseState.CLOSED:
        needed = _name("person" if case.person_needed else "no person", language)
        lines.append(row("outcome", f"{case_word(case.outcome, language)}; {needed}"))
    return [*lines, *([_name("evidence", language)] if case.evidence else [])]


def _decision(decision: Decision, language: str) -> str:
    checker = f"  {_name('checker', language)} {decision.checker}" if decision.checker else ""
    reference = f"  {_name('reference', language)} {decision.bank_reference}" if decision.bank_reference else ""
    return (
        f"  {decision.decision_id}  {case_word(decision.kind, language)}  {decision.amount}"
        f"  {case_word(decision.state, language)}  {_name('maker', language)} {decision.maker}{checker}{reference}"
        f"  {decision.reason}"
    )


def _event(event: Event, language: str) -> str:
    text = f": {in_words(event.text, language, event.kind.fact)}" if event.text else ""
    return f"  {when(event.at_us)}  {event.who}  {case_word(event.kind.fact, language)}{text}"


def preview(case: Case, decision: Decision, money: str, now_us: int, language: str) -> str:
    """What the second person has to see: the decision, its maker and reason, and the money before and after."""
    rows = [
        line(case, now_us, language),
        f"{case_word(decision.kind, language)}  {decision.amount}",
        f"{_name('maker', language)}: {decision.maker}, {when(decision.proposed_at_us)}",
        f"{_name('reason', language)}: {decision.reason}",
    ]
    if decision.bank_reference:
        rows.append(f"{_name('reference', language)}: {decision.bank_reference}")
    rows.append(f"{_name('now', language)}: {word(money, language)} ({money})")
    rows.append(f"{_name('then', language)}: {_after(decision, language)}")
    rows.append(f"{_name('expires', language)}: {when(decision.expires_at_us)}")
    return "\n".join(rows)


def _after(decision: Decision, language: str) -> str:
    """Where the money stands once the decision is carried out."""
    match decision.kind:
        case DecisionKind.DECLARE_RETURNED:
            return f"{word('RETURNED', language)} (RETURNED)"
        case DecisionKind.DECLARE_NO_EFFECT:
            return f"{word('NO_EFFECT', language)} (NO_EFFECT)"
        case DecisionKind.SEND_ONCE_MORE:
            return f"{word('RETURN_REVERSAL', language)}: {decision.amount}"
        case DecisionKind.MANUAL_CREDIT:
            return f"{case_word('credited', language)}: {decision.amount}"
