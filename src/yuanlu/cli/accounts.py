"""`yuanlu init` and `yuanlu staff …`: the accounts that people sign in with at the console."""

from typing import Annotated

import typer

from yuanlu.cli.options import CONFIG, ConfigOption, settings_of

staff_app = typer.Typer(no_args_is_help=True, help="The accounts that people sign in with at the console.")

PasswordOption = Annotated[
    str,
    typer.Option(
        "--password", envvar="YUANLU_PASSWORD", prompt=True, hide_input=True, confirmation_prompt=True,
        help="Asked for when it is not given; better not on the command line, where others can read it.",
    ),
]  # fmt: skip


def init(
    name: Annotated[str, typer.Option("--admin", metavar="NAME", help="The first administrator.", prompt=True)],
    password: PasswordOption,
    config: ConfigOption = CONFIG,
) -> None:
    """Make the journal, if there is none, and the first administrator with his one-time codes."""
    from yuanlu.cli.account_work import first_administrator  # noqa: PLC0415

    typer.echo(first_administrator(settings_of(config), name, password))


@staff_app.command()
def add(
    name: Annotated[str, typer.Argument(help="As it will stand in every timeline.")],
    role: Annotated[
        list[str], typer.Option("--role", help="cashier, finance, support, risk, compliance or administrator.")
    ],
    password: PasswordOption,
    checker: Annotated[bool, typer.Option("--checker", help="May approve what others propose.")] = False,
    merchant: Annotated[str, typer.Option("--merchant", metavar="ID", help="Sees this merchant alone.")] = "",
    config: ConfigOption = CONFIG,
    by: Annotated[str, typer.Option("--as", metavar="NAME", envvar="YUANLU_USER", help="Who you are.")] = "",
) -> None:
    """Make an account."""
    from yuanlu.cli.account_work import added  # noqa: PLC0415

    typer.echo(added(settings_of(config), name, role, password, by, checker=checker, merchant_id=merchant))


@staff_app.command("list")
def list_(config: ConfigOption = CONFIG) -> None:
    """Every account, by name."""
    from yuanlu.cli.account_work import listed  # noqa: PLC0415

    typer.echo(listed(settings_of(config)))
