"""What a person does with a case: one form each. A refusal comes back above the page with what was typed."""

from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy import Connection
from starlette.datastructures import UploadFile
from starlette.responses import Response

from yuanlu.access.roles import Right
from yuanlu.cases import decisions, work
from yuanlu.cases.bundle import bundle
from yuanlu.cases.errors import CaseChanged, CaseError
from yuanlu.cases.people import same_person
from yuanlu.cases.records import Case, DecisionKind, Outcome
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.tables import ATTACHMENT_BYTES_MAX
from yuanlu.cases.writing import Written
from yuanlu.console.asked import Asked
from yuanlu.console.pages.case import AFTER, case_page
from yuanlu.console.pages.cases import TABS
from yuanlu.console.routing import Page
from yuanlu.console.seeing import own_case
from yuanlu.console.typed import Wrong, amount, himself, instant_us, number, words
from yuanlu.db.errors import StoreError
from yuanlu.journal.transactions import Transaction, get
from yuanlu.kernel.money import Money
from yuanlu.people.casework import At, perform
from yuanlu.people.refusals import refusal

VERSION_MAX = 10**9
SNOOZE_MINUTES = (30, 120, 480, 1440)
MINUTE_US = 60_000_000

Build = Callable[[At], Written]
Prepare = Callable[[Asked], Awaitable[Build]]


def handler(name: str, prepare: Prepare, *, by_what_was_seen: bool = True) -> Callable[[Asked], Awaitable[Response]]:
    """The handler of one action: read the form, do it, and go back to the case; or say there why not.

    `by_what_was_seen`: a case that changed since the page was made is refused.
    """

    async def handle(asked: Asked) -> Response:
        case_id = asked.request.path_params["case_id"]
        await asked.read(lambda c: own_case(asked, c, case_id))
        seen = None
        try:
            seen = number(asked, "seen", 1, VERSION_MAX)
            build = await prepare(asked)
            await asked.act(perform, asked.actor, case_id, name, build, seen if by_what_was_seen else None)
        except Wrong as error:
            return await refused(asked, name, str(error), 422)
        except CaseChanged as error:
            return await refused(asked, name, refusal(str(error), asked.language), 409, seen)
        except (CaseError, StoreError) as error:
            return await refused(asked, name, refusal(str(error), asked.language), 422)
        tab = asked.given("tab")
        return asked.go(f"/cases/{case_id}?{f'tab={tab}&' if tab in TABS else ''}done={name}")

    return handle


async def refused(asked: Asked, name: str, why: str, status: int, seen: int | None = None) -> Response:
    """The case again, with the reason, what changed since it was seen, and what was typed."""
    return await case_page(asked, status=status, tried=name, wrong=why, seen=seen, kept=_typed(asked.form))


def _typed(form: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in form.items() if name not in ("csrf", "seen", "password")}


def _reason(asked: Asked) -> str:
    return words(asked, "reason", asked.say("Say why in a few words; it is kept with the case."))


async def claim(asked: Asked) -> Build:
    """Take it."""
    return lambda at: work.assign(at.case, at.who, at.who.name, at.now_us)


async def assign(asked: Asked) -> Build:
    """Give it to somebody, or back to the list; also to another queue."""
    owner, queue = asked.given("owner"), asked.given("queue")
    return lambda at: work.assign(at.case, at.who, owner, at.now_us, queue)


async def note(asked: Asked) -> Build:
    """A remark."""
    text = words(asked, "text", asked.say("The note is empty."))
    return lambda at: work.note(at.case, at.who, text, at.now_us)


async def attach(asked: Asked) -> Build:
    """A file."""
    file = (await asked.request.form()).get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise Wrong(asked.say("Choose a file first."))
    name, content = file.filename.replace("\\", "/").rpartition("/")[2], await file.read(ATTACHMENT_BYTES_MAX + 1)
    return lambda at: work.attach(at.case, at.who, name, content, at.attached, at.now_us)


async def snooze(asked: Asked) -> Build:
    """Off the list for a while."""
    reason = _reason(asked)
    until_us = instant_us(asked, "until") if asked.given("until") else 0
    length_us = 0 if until_us else number(asked, "minutes", 1, max(SNOOZE_MINUTES)) * MINUTE_US

    def build(at: At) -> Written:
        wake_us = until_us or at.now_us + length_us
        return work.snooze(at.case, at.decision, at.who, wake_us, reason, at.terms, at.now_us)

    return build


async def wake(asked: Asked) -> Build:
    """Back on the list."""
    return lambda at: work.wake(at.case, at.who, at.terms, at.now_us)


async def escalate(asked: Asked) -> Build:
    """To the next level."""
    reason = _reason(asked)
    return lambda at: work.escalate(at.case, at.decision, at.who, reason, at.terms, at.now_us)


async def hand_over(asked: Asked) -> Build:
    """To technical support, with the diagnostic bundle."""
    reason = _reason(asked)

    def build(at: At) -> Written:
        content = bundle(at.connection, at.case, at.legs, at.now_us)
        return work.hand_over(at.case, at.decision, at.who, reason, content, at.attached, at.now_us)

    return build


async def reopen(asked: Asked) -> Build:
    """A closed case again."""
    reason = _reason(asked)
    return lambda at: work.reopen(at.case, at.who, reason, at.terms, at.now_us)


async def close(asked: Asked) -> Build:
    """The end, with its outcome and the answer whether a person was needed."""
    outcome, needed, remark = asked.given("outcome"), asked.given("needed"), asked.given("remark")
    if outcome not in set(Outcome):
        raise Wrong(asked.say("Choose the outcome."))
    if needed not in ("yes", "no"):
        raise Wrong(asked.say("Say whether a person was needed this time."))
    return lambda at: work.close(
        at.case, at.decision, at.money, at.who, Outcome(outcome), person_needed=needed == "yes", now_us=at.now_us,
        remark=remark,
    )  # fmt: skip


async def approve(asked: Asked) -> Build:
    """The second person's yes."""
    remark = asked.given("remark")
    await himself(asked)
    return lambda at: decisions.approve(at.case, at.decision, at.money, at.who, at.terms, at.now_us, remark)


async def refuse(asked: Asked) -> Build:
    """The second person's no."""
    reason = _reason(asked)
    return lambda at: decisions.refuse(at.case, at.decision, at.who, reason, at.now_us)


async def withdraw(asked: Asked) -> Build:
    """The maker does not want it any more; nobody else's proposal can be withdrawn."""
    reason, who, mine = _reason(asked), asked.who.name, asked.say("Only who proposed it can withdraw it.")

    def build(at: At) -> Written:
        if at.decision is not None and not same_person(at.decision.maker, who):
            raise Wrong(mine)
        return decisions.refuse(at.case, at.decision, at.who, reason, at.now_us)

    return build


async def _proposal(asked: Asked) -> tuple[Build, DecisionKind, Money]:
    """What the maker wants, from the form. Raises Wrong."""
    case_id = asked.request.path_params["case_id"]
    case = await asked.read(lambda c: own_case(asked, c, case_id))
    kind, reference, reason = asked.given("kind"), asked.given("reference"), _reason(asked)
    if kind not in set(DecisionKind):
        raise Wrong(asked.say("Choose what is to be done."))
    if kind == DecisionKind.DECLARE_RETURNED and not reference:
        raise Wrong(asked.say("To declare it returned, give the bank's reference."))
    part = kind == DecisionKind.MANUAL_CREDIT and asked.given("amount")
    wanted = amount(asked, "amount", case.amount.currency) if part else case.amount

    def build(at: At) -> Written:
        return decisions.propose(
            at.case, at.decisions, at.money, at.who, DecisionKind(kind), reason, at.terms, at.now_us, amount=wanted,
            bank_reference=reference,
        )  # fmt: skip

    return build, DecisionKind(kind), wanted


async def propose(asked: Asked) -> Build:
    """The maker's part, once he has seen what it means."""
    build, _, _ = await _proposal(asked)
    return build


async def preview(asked: Asked) -> Response:
    """What the proposal means, before and after; nothing is written. The same rules refuse it."""
    case_id, now_us = asked.request.path_params["case_id"], asked.now_us
    levels = ServiceLevels(agreements=asked.console.settings.agreements())

    def look(build: Build, connection: Connection) -> tuple[Case, Transaction, int]:
        case = own_case(asked, connection, case_id)
        at = At(connection=connection, case=case, who=asked.actor, now_us=now_us, levels=levels)
        build(at)
        return case, get(connection, case.transaction_id or ""), now_us + at.terms.decision_ms * 1000

    try:
        build, kind, wanted = await _proposal(asked)
        case, payment, expires_us = await asked.read(lambda c: look(build, c))
    except Wrong as error:
        return await refused(asked, "propose", str(error), 422)
    except CaseError as error:
        return await refused(asked, "propose", refusal(str(error), asked.language), 422)
    return asked.page(
        "case_preview.html", case=case, payment=payment, kind=kind, wanted=wanted, after=AFTER[kind], kept=asked.form,
        expires_us=expires_us,
    )  # fmt: skip


def _page(name: str, right: Right, prepare: Prepare, *, by_what_was_seen: bool = True) -> Page:
    show = handler(name, prepare, by_what_was_seen=by_what_was_seen)
    return Page(path=f"/cases/{{case_id}}/{name}", right=right, show=show, method="POST")


PAGES = (
    _page("claim", Right.WORK_CASES, claim),
    _page("assign", Right.WORK_CASES, assign),
    _page("note", Right.WORK_CASES, note, by_what_was_seen=False),
    _page("attach", Right.WORK_CASES, attach, by_what_was_seen=False),
    _page("snooze", Right.WORK_CASES, snooze),
    _page("wake", Right.WORK_CASES, wake),
    _page("escalate", Right.WORK_CASES, escalate),
    _page("handover", Right.WORK_CASES, hand_over),
    _page("reopen", Right.WORK_CASES, reopen),
    _page("close", Right.WORK_CASES, close),
    Page(path="/cases/{case_id}/preview", right=Right.PROPOSE, show=preview, method="POST"),
    _page("propose", Right.PROPOSE, propose),
    _page("withdraw", Right.PROPOSE, withdraw),
    _page("approve", Right.APPROVE, approve),
    _page("refuse", Right.APPROVE, refuse),
)
