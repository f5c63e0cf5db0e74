"""`yuanlu clearing …`: load an acquirer's clearing file beside the gateway, and see what it says."""

from pathlib import Path
from typing import Annotated

import typer

from yuanlu.cli.options import CONFIG, AsOption, ConfigOption, LanguageOption, settings_of

clearing_app = typer.Typer(no_args_is_help=True, help="Clearing files: load one, and see what it says.")

AcquirerOption = Annotated[str, typer.Option("--acquirer", metavar="NAME", help="The [acquirers.NAME] it is of.")]


@clearing_app.command()
def load(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file, under the name that the acquirer gave it.")],
    acquirer: AcquirerOption,
    day: Annotated[str, typer.Option("--date", metavar="DATE", help="Its settlement date, like 2026-11-23.")] = "",
    form: Annotated[
        str, typer.Option("--format", metavar="zm|csv", help="UnionPay's merchant file, or our own CSV.")
    ] = "csv",
    merchant: Annotated[
        str, typer.Option("--merchant", metavar="MERCHANT", help="Whose it is, where it is one merchant's.")
    ] = "",
    lines: Annotated[
        int | None, typer.Option("--lines", help="How many entries the acquirer's summary names; zm needs it.")
    ] = None,
    encoding: Annotated[str, typer.Option("--encoding", help="utf-8 for csv and gbk for zm, unless you say.")] = "",
    name: AsOption = "",
    config: ConfigOption = CONFIG,
    lang: LanguageOption = "",
) -> None:
    """Load a file: whole, or not at all. What it settles is closed, what it contradicts becomes a case.

    The same file again loads nothing twice; it only goes on with what an interruption left.
    """
    from yuanlu.cli.clearing_work import Wanted, load_file  # noqa: PLC0415

    wanted = Wanted(
        path=file, acquirer=acquirer, day=day, form=form, merchant_id=merchant, lines=lines, encoding=encoding
    )
    typer.echo(load_file(settings_of(config), wanted, name, lang))


@clearing_app.command("list")
def list_(config: ConfigOption = CONFIG, lang: LanguageOption = "") -> None:
    """Show the files that are loaded, newest first."""
    from yuanlu.cli.clearing_pages import files_text  # noqa: PLC0415

    typer.echo(files_text(settings_of(config), lang))


@clearing_app.command()
def show(
    day: Annotated[str, typer.Argument(metavar="DATE", help="A settlement date, like 2026-11-23.")],
    acquirer: AcquirerOption,
    config: ConfigOption = CONFIG,
    lang: LanguageOption = "",
) -> None:
    """Show how a settlement date stands: the files, the payments by what the files say, and what differs."""
    from yuanlu.cli.clearing_pages import day_text  # noqa: PLC0415

    typer.echo(day_text(settings_of(config), acquirer, day, lang))
