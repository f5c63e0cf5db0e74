"""`yuanlu incident …`: one cause for many payments. Each command checks its input, calls one thing, and prints.

They write beside a gateway that may be running, in one short transaction each; it takes notice within a second.
"""

from typing import Annotated

import typer

from yuanlu.cli.options import CONFIG, AsOption, ConfigOption, LanguageOption, ReasonOption, settings_of

incident_app = typer.Typer(
    no_args_is_help=True, help="Incidents: many payments, one cause. List, declare, hold new sales, end."
)

IncidentArgument = Annotated[str, typer.Argument(metavar="INCIDENT", help="Its number, as `incident list` shows it.")]


@incident_app.command("list")
def list_incidents(
    ended: Annotated[bool, typer.Option("--ended", help="Those that are over, the latest first.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="At most so many.")] = 50,
    config: ConfigOption = CONFIG,
    lang: LanguageOption = "",
) -> None:
    """What is going on now, or what is over."""
    from yuanlu.cli.incident_work import list_text  # noqa: PLC0415

    typer.echo(list_text(settings_of(config), lang, ended=ended, limit=limit))


@incident_app.command()
def show(incident: IncidentArgument, config: ConfigOption = CONFIG, lang: LanguageOption = "") -> None:
    """All of one incident: what it is, its payments counted now, its case and its timeline."""
    from yuanlu.cli.incident_work import show_text  # noqa: PLC0415

    typer.echo(show_text(settings_of(config), incident, lang))


@incident_app.command()
def declare(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Such as disaster, power_cut, maintenance, host_down.")],
    reason: ReasonOption,
    host: Annotated[str, typer.Option("--host", metavar="NAME", help="Of the [acquirers.NAME] alone.")] = "",
    region: Annotated[str, typer.Option("--region", metavar="NAME", help="Of a region of terminals.csv.")] = "",
    merchant: Annotated[str, typer.Option("--merchant", metavar="ID", help="Of one merchant's terminals.")] = "",
    issuer: Annotated[
        str, typer.Option("--issuer", metavar="BIN", help="Of cards that begin with these six digits.")
    ] = "",
    wallet: Annotated[
        str, typer.Option("--wallet", metavar="NAME", help="Of QR codes of wechat, alipay or unionpay.")
    ] = "",
    everywhere: Annotated[bool, typer.Option("--all", help="Of all terminals and hosts.")] = False,
    hold: Annotated[bool, typer.Option("--hold", help="Decline new sales there at once.")] = False,
    since: Annotated[
        int, typer.Option("--since", metavar="MINUTES", min=0, max=120, help="It began so many minutes ago.")
    ] = 0,
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """Declare an incident: payments that go wrong there have this cause, and one case stands for all of them."""
    from yuanlu.cli.incident_work import declared  # noqa: PLC0415

    places = {"host": host, "region": region, "merchant": merchant, "issuer": issuer, "wallet": wallet}
    given = [(key, value) for key, value in places.items() if value]
    if len(given) + everywhere != 1:
        raise typer.BadParameter("give one of --host, --region, --merchant, --issuer, --wallet and --all")
    scope = given[0] if given else ("all", "")
    typer.echo(declared(settings_of(config), kind, scope, name, reason, lang, hold=hold, since_minutes=since))


@incident_app.command()
def hold(
    incident: IncidentArgument,
    reason: ReasonOption,
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """Decline new sales of its scope (91) until you release them. Reversals, voids and refunds go on."""
    from yuanlu.cli.incident_work import acted  # noqa: PLC0415
    from yuanlu.incidents.writing import held  # noqa: PLC0415

    typer.echo(acted(settings_of(config), incident, name, reason, lang, held))


@incident_app.command()
def release(
    incident: IncidentArgument,
    reason: ReasonOption,
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """Take new sales again. The incident goes on."""
    from yuanlu.cli.incident_work import acted  # noqa: PLC0415
    from yuanlu.incidents.writing import released  # noqa: PLC0415

    typer.echo(acted(settings_of(config), incident, name, reason, lang, released))


@incident_app.command()
def end(
    incident: IncidentArgument,
    reason: ReasonOption,
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: LanguageOption = "",
) -> None:
    """End it now, with its report. Detection declares it anew if the place still fails."""
    from yuanlu.cli.incident_work import over  # noqa: PLC0415

    typer.echo(over(settings_of(config), incident, name, reason, lang))
