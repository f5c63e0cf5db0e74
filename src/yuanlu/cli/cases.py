"""`yuanlu case …`: the work list at the command line. Each command checks its input, calls one thing, and prints.

They write beside a gateway that may be running, in one short transaction each. Who acts is said by `--as`.
"""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from yuanlu.cli.options import CONFIG, AsOption, ConfigOption, LanguageOption, ReasonOption, settings_of

case_app = typer.Typer(no_args_is_help=True, help="The work list: what waits for a person, and what two people decide.")

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="The case's number, as `case list` shows it.")]

_FOR = re.compile(r"([1-9][0-9]{0,3})([mhd])")
_UNIT_US = {"m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


def _perform(
    config: Path,
    name: str,
    case: str,
    tried: str,
    build: Callable[[Any], Any],
    lang: str,
    seen_version: int | None = None,
) -> None:
    """Do it and print how the case stands. `build` makes the unit from `casework.At`."""
    from yuanlu.cli.casework import perform  # noqa: PLC0415

    typer.echo(perform(settings_of(config), name, case, tried, build, lang, seen_version))


@case_app.command("list")
def list_cases(
    queue: Annotated[str, typer.Option("--queue", metavar="QUEUE", help="Only this queue.")] = "",
    incident: Annotated[str, typer.Option("--incident", metavar="NAME", help="Only those of this incident.")] = "",
    mine: Annotated[bool, typer.Option("--mine", help="Only those of --as NAME.")] = False,
    unassigned: Annotated[bool, typer.Option("--unassigned", help="Only those that nobody has taken.")] = False,
    snoozed: Annotated[bool, typer.Option("--snoozed", help="Those that sleep, the next to wake first.")] = False,
    closed: Annotated[bool, typer.Option("--closed", help="Those that are closed, the latest first.")] = False,
    to_approve: Annotated[
        bool, typer.Option("--to-approve", help="Proposals that wait for a second person, the next to expire first.")
    ] = False,
    after: Annotated[str, typer.Option("--after", metavar="CASE", help="The page behind this case.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="Cases on a page.")] = 50,
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """What waits for a person: by priority, then by deadline. One filter at a time."""
    from yuanlu.cases.pages import View  # noqa: PLC0415
    from yuanlu.cases.people import tidy_name  # noqa: PLC0415
    from yuanlu.cli.casework import actor, list_text, waiting_text  # noqa: PLC0415

    if sum(map(bool, (queue, incident, mine, unassigned, snoozed, closed, to_approve))) > 1:
        raise typer.BadParameter("give one filter only")
    settings = settings_of(config)
    if to_approve:
        typer.echo(waiting_text(settings, limit, lang))
        return
    view, key = View.BOARD, ""
    if queue:
        view, key = View.QUEUE, tidy_name(queue)
    elif incident:
        view, key = View.INCIDENT, incident
    elif mine or unassigned:
        view, key = View.OWNER, actor(name).name if mine else ""
    elif snoozed or closed:
        view = View.SNOOZED if snoozed else View.CLOSED
    typer.echo(list_text(settings, view, key, after, limit, lang))


@case_app.command()
def show(
    case: Annotated[str, typer.Argument(metavar="CASE|TRANSACTION", help="A case's number or its transaction's id.")],
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FOLDER", help="Also write the attachments there.")
    ] = None,
    config: ConfigOption = CONFIG,
    lang: LanguageOption = "",
) -> None:
    """All of one case: what happened, where the money is, what may be done, and the timeline."""
    from yuanlu.cli.casework import show as show_case  # noqa: PLC0415

    typer.echo(show_case(settings_of(config), case, save, lang))


@case_app.command()
def assign(
    case: CaseArgument,
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="The new owner; by default yourself.")] = "",
    nobody: Annotated[bool, typer.Option("--nobody", help="Give it back to the list.")] = False,
    queue: Annotated[str, typer.Option("--queue", metavar="QUEUE", help="Also move it to this queue.")] = "",
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """Take a case, give it to somebody, or give it back. A case with technical support comes back this way."""
    from yuanlu.cases import work  # noqa: PLC0415

    def build(at: Any) -> Any:
        owner = "" if nobody else to or at.who.name
        return work.assign(at.case, at.who, owner, at.now_us, queue)

    _perform(config, name, case, "assign", build, lang)


@case_app.command()
def note(
    case: CaseArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What others should know. Card numbers are shortened.")],
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """Write a remark into the timeline."""
    from yuanlu.cases import work  # noqa: PLC0415

    _perform(config, name, case, "note", lambda at: work.note(at.case, at.who, text, at.now_us), lang)


@case_app.command()
def attach(
    case: CaseArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A slip, a log, a bank's letter; at most 5 MiB.")],
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """Add a file as evidence. A text file that holds a full card number is refused."""
    from yuanlu.cases import work  # noqa: PLC0415
    from yuanlu.cases.errors import CaseError  # noqa: PLC0415
    from yuanlu.cases.tables import ATTACHMENT_BYTES_MAX  # noqa: PLC0415

    try:
        with file.open("rb") as stream:
            content = stream.read(ATTACHMENT_BYTES_MAX + 1)
    except OSError as error:
        raise CaseError(f"{file}: {error.strerror}") from None
    _perform(
        config, name, case, "attach",
        lambda at: work.attach(at.case, at.who, file.name, content, at.attached, at.now_us), lang,
    )  # fmt: skip


@case_app.command()
def snooze(
    case: CaseArgument,
    reason: ReasonOption = "",
    period: Annotated[str, typer.Option("--for", metavar="30m|2h|1d", help="How long.")] = "",
    until: Annotated[str, typer.Option("--until", metavar="YYYY-MM-DD HH:MM", help="Or until when, in Beijing.")] = "",
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """Take a case off the list for a while. The manager's deadline does not move."""
    from yuanlu.cases import work  # noqa: PLC0415

    if bool(period) == bool(until):
        raise typer.BadParameter("give one of --for and --until")
    length_us, end_us = _period_us(period), _instant_us(until)

    def build(at: Any) -> Any:
        return work.snooze(
            at.case, at.decision, at.who, end_us or at.now_us + length_us, reason, at.terms, at.now_us
        )  # fmt: skip

    _perform(config, name, case, "snooze", build, lang)


def _period_us(text: str) -> int:
    found = _FOR.fullmatch(text)
    if text and not found:
        raise typer.BadParameter(f'--for "{text}": give for example 30m, 2h or 1d')
    return int(found[1]) * _UNIT_US[found[2]] if found else 0


def _instant_us(text: str) -> int:
    from yuanlu.kernel.clock import CHINA  # noqa: PLC0415

    if not text:
        return 0
    try:
        at = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)
    except ValueError:
        raise typer.BadParameter(f'--until "{text}": give it as 2026-11-23 10:00, Beijing time') from None
    return round(at.timestamp()) * 1_000_000


@case_app.command()
def wake(case: CaseArgument, config: ConfigOption = CONFIG, name: AsOption = "", lang: LanguageOption = "") -> None:
    """Put a snoozed case back on the list now."""
    from yuanlu.cases import work  # noqa: PLC0415

    _perform(config, name, case, "wake", lambda at: work.wake(at.case, at.who, at.terms, at.now_us), lang)


@case_app.command()
def escalate(
    case: CaseArgument,
    reason: ReasonOption = "",
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """Raise a case to the next level before its time: first line, second line, merchant, manager."""
    from yuanlu.cases import work  # noqa: PLC0415

    _perform(
        config, name, case, "escalate",
        lambda at: work.escalate(at.case, at.decision, at.who, reason, at.terms, at.now_us), lang,
    )  # fmt: skip


@case_app.command()
def handover(
    case: CaseArgument,
    reason: ReasonOption = "",
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """Hand a case to technical support: a ticket, and the diagnostic bundle as an attachment."""
    from yuanlu.cases import work  # noqa: PLC0415
    from yuanlu.cases.bundle import bundle  # noqa: PLC0415

    def build(at: Any) -> Any:
        content = bundle(at.connection, at.case, at.legs, at.now_us)
        return work.hand_over(at.case, at.decision, at.who, reason, content, at.attached, at.now_us)

    _perform(config, name, case, "handover", build, lang)


@case_app.command()
def reopen(
    case: CaseArgument,
    reason: ReasonOption = "",
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """Open a closed case again. Its deadlines start anew."""
    from yuanlu.cases import work  # noqa: PLC0415

    _perform(config, name, case, "reopen", lambda at: work.reopen(at.case, at.who, reason, at.terms, at.now_us), lang)


@case_app.command()
def close(
    case: CaseArgument,
    outcome: Annotated[
        str,
        typer.Option(
            metavar="OUTCOME", help="returned, no_effect, credited, payment_stands, repaired or false_alarm. Needed."
        ),
    ] = "",
    person_needed: Annotated[
        bool | None,
        typer.Option("--person-needed/--no-person-needed", help="Was a person needed this time? Needed."),
    ] = None,
    remark: Annotated[str, typer.Option(metavar="TEXT", help="What others can learn from it.")] = "",
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """Close a case. Refused while its money is not settled or a decision waits."""
    from yuanlu.cases import work  # noqa: PLC0415
    from yuanlu.cases.records import Outcome  # noqa: PLC0415

    if outcome not in set(Outcome):
        raise typer.BadParameter(f"--outcome is one of {', '.join(Outcome)}")
    if person_needed is None:
        raise typer.BadParameter("say --person-needed or --no-person-needed")

    def build(at: Any) -> Any:
        return work.close(
            at.case, at.decision, at.money, at.who, Outcome(outcome), person_needed=person_needed, now_us=at.now_us,
            remark=remark,
        )  # fmt: skip

    _perform(config, name, case, "close", build, lang)


@case_app.command()
def propose(
    case: CaseArgument,
    kind: Annotated[
        str,
        typer.Argument(metavar="KIND", help="declare_returned, declare_no_effect, send_once_more or manual_credit."),
    ],
    reason: ReasonOption = "",
    reference: Annotated[
        str, typer.Option("--reference", metavar="TEXT", help="The bank's reference; needed to declare it returned.")
    ] = "",
    amount_minor: Annotated[
        int | None,
        typer.Option("--amount-minor", min=1, help="Part of the amount, in minor units; only for a manual credit."),
    ] = None,
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """Propose what to do about the money. A second person has to approve it in time."""
    from yuanlu.cases import decisions  # noqa: PLC0415
    from yuanlu.cases.records import DecisionKind  # noqa: PLC0415
    from yuanlu.kernel.money import Money  # noqa: PLC0415

    if kind not in set(DecisionKind):
        raise typer.BadParameter(f"KIND is one of {', '.join(DecisionKind)}")

    def build(at: Any) -> Any:
        amount = None if amount_minor is None else Money(minor=amount_minor, currency=at.case.amount.currency)
        return decisions.propose(
            at.case, at.decisions, at.money, at.who, DecisionKind(kind), reason, at.terms, at.now_us,
            amount=amount, bank_reference=reference,
        )  # fmt: skip

    _perform(config, name, case, "propose", build, lang)


@case_app.command()
def approve(
    case: CaseArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask after showing the proposal.")] = False,
    remark: Annotated[str, typer.Option(metavar="TEXT", help="What you checked.")] = "",
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """Approve what somebody else proposed: shows it, asks, and lets the gateway carry it out."""
    from yuanlu.cases import decisions  # noqa: PLC0415
    from yuanlu.cli.casework import actor, proposal  # noqa: PLC0415
    from yuanlu.people.words import CHINESE, language_of  # noqa: PLC0415

    actor(name)
    text, seen_version = proposal(settings_of(config), case, lang)
    if text:
        typer.echo(text)
    if text and not yes:
        typer.confirm("同意？" if language_of(lang) == CHINESE else "Approve?", abort=True)

    def build(at: Any) -> Any:
        return decisions.approve(at.case, at.decision, at.money, at.who, at.terms, at.now_us, remark)

    _perform(config, name, case, "approve", build, lang, seen_version)


@case_app.command()
def refuse(
    case: CaseArgument,
    reason: ReasonOption = "",
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """Refuse what was proposed, or withdraw your own proposal. No money moves."""
    from yuanlu.cases import decisions  # noqa: PLC0415

    _perform(
        config, name, case, "refuse",
        lambda at: decisions.refuse(at.case, at.decision, at.who, reason, at.now_us), lang,
    )  # fmt: skip
