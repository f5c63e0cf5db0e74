"""`yuanlu key …`: the keys that programs show at the API."""

from typing import Annotated

import typer

from yuanlu.cli.options import CONFIG, ConfigOption, settings_of

key_app = typer.Typer(no_args_is_help=True, help="The keys that programs show at the API.")

ByOption = Annotated[
    str,
    typer.Option("--as", metavar="NAME", envvar="YUANLU_USER", help="Who you are: the key acts in your name."),
]


@key_app.command()
def create(
    name: Annotated[str, typer.Argument(help="Which program it is for.")],
    scope: Annotated[list[str], typer.Option("--scope", help="payments:write and so on; may be given several times.")],
    live: Annotated[
        bool, typer.Option("--live", help="For cardholders' money; without it a key is for tests.")
    ] = False,
    merchant: Annotated[
        str, typer.Option("--merchant", metavar="ID", help="Sees and serves this merchant alone.")
    ] = "",
    config: ConfigOption = CONFIG,
    by: ByOption = "",
) -> None:
    """Make a key. Its secret is shown this once."""
    from yuanlu.cli.key_work import made  # noqa: PLC0415

    typer.echo(made(settings_of(config), name, scope, by, live=live, merchant_id=merchant))


@key_app.command("list")
def list_(config: ConfigOption = CONFIG) -> None:
    """Every key, the newest first, without its secret."""
    from yuanlu.cli.key_work import listed  # noqa: PLC0415

    typer.echo(listed(settings_of(config)))


@key_app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its id, as list shows it.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the key.")],
    config: ConfigOption = CONFIG,
    by: ByOption = "",
) -> None:
    """Refuse a key from now on, for good."""
    from yuanlu.cli.key_work import gone  # noqa: PLC0415

    typer.echo(gone(settings_of(config), key, by, reason))
