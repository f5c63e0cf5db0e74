"""`yuanlu notification …`: who was told what, and when. Each command checks its input, calls one thing, and prints."""

from typing import Annotated

import typer

from yuanlu.cli.options import CONFIG, ConfigOption, LanguageOption, settings_of

notification_app = typer.Typer(
    no_args_is_help=True, help="Messages to people: who was told what, send one again, look at the templates."
)

MessageArgument = Annotated[str, typer.Argument(metavar="MESSAGE", help="Its id, as `notification list` shows it.")]


@notification_app.command("list")
def list_messages(
    waiting: Annotated[bool, typer.Option("--waiting", help="Only what has not been sent yet.")] = False,
    about: Annotated[
        str, typer.Option("--about", metavar="ID", help="Only about this transaction, case or incident.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="At most so many.")] = 50,
    config: ConfigOption = CONFIG,
    lang: LanguageOption = "",
) -> None:
    """Who was told what, the latest first."""
    from yuanlu.cli.notification_work import list_text  # noqa: PLC0415

    typer.echo(list_text(settings_of(config), lang, waiting=waiting, about=about, limit=limit))


@notification_app.command()
def show(message: MessageArgument, config: ConfigOption = CONFIG, lang: LanguageOption = "") -> None:
    """All of one message: its words, what was tried, and its timeline. Addresses are masked."""
    from yuanlu.cli.notification_work import show_text  # noqa: PLC0415

    typer.echo(show_text(settings_of(config), message, lang))


@notification_app.command()
def resend(
    message: MessageArgument,
    config: ConfigOption = CONFIG,
    name: Annotated[
        str, typer.Option("--as", metavar="NAME", envvar="YUANLU_USER", help="Who you are. No action is anonymous.")
    ] = "",
    lang: LanguageOption = "",
) -> None:
    """Send a message once more, to the same person by the same channels."""
    from yuanlu.cli.notification_work import sent_again  # noqa: PLC0415

    typer.echo(sent_again(settings_of(config), message, name, lang))


@notification_app.command()
def preview(
    template: Annotated[
        str, typer.Argument(metavar="TEMPLATE", help="Such as outcome_unknown; all of them when none is named.")
    ] = "",
    register: Annotated[
        bool, typer.Option("--register", help="As a provider of SMS wants it registered: ${names} and {1}, {2} …")
    ] = False,
) -> None:
    """The templates, with the longest values and how many SMS they are."""
    from yuanlu.cli.notification_work import preview_text  # noqa: PLC0415

    typer.echo(preview_text(template, register=register))
