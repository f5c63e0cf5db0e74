"""`yuanlu terminal report`, `yuanlu case handed-over`, `yuanlu case clearing`: what people have seen.

They write beside a gateway that may be running. Nothing of it moves money by itself.
"""

from typing import Annotated

import typer

from yuanlu.cli.cases import case_app
from yuanlu.cli.options import CONFIG, AsOption, ConfigOption, LanguageOption, settings_of

terminal_app = typer.Typer(no_args_is_help=True, help="Terminals: report what is wrong with one.")


@terminal_app.callback()
def _terminal() -> None:
    """Keeps `report` a command of its own while it is the only one."""


PaymentArgument = Annotated[
    str, typer.Argument(metavar="PAYMENT", help="Its id, reference number (RRN) or TERMINAL+STAN.")
]


@terminal_app.command()
def report(
    terminal: Annotated[str, typer.Argument(metavar="TERMINAL", help="Its number, field 41.")],
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="restarted, read_failed, card_removed, chip_refused, slip_failed, hardware_fault, signal, battery, "
            "software_outdated, tampered, moved or test_terminal.",
        ),
    ],
    value: Annotated[
        str,
        typer.Argument(
            metavar="VALUE",
            help="A number for read_failed, signal and battery (percent), a few words for hardware_fault; 0 takes back "
            "software_outdated, tampered, moved and test_terminal.",
        ),
    ] = "",
    stan: Annotated[str, typer.Option("--stan", metavar="STAN", help="The payment it is about, by trace number.")] = "",
    batch: Annotated[
        str, typer.Option("--batch", metavar="BATCH", help="Its batch, if the number was used twice.")
    ] = "",
    name: AsOption = "",
    config: ConfigOption = CONFIG,
    lang: LanguageOption = "",
) -> None:
    """Report what you have seen at a terminal. The payments that it concerns are looked into again."""
    from yuanlu.cli.observing import reported  # noqa: PLC0415

    settings = settings_of(config)
    typer.echo(reported(settings, terminal, kind, value, name, lang, stan=stan, batch=batch))


@case_app.command("handed-over")
def handed_over(
    payment: PaymentArgument,
    what: Annotated[str, typer.Argument(metavar="goods|cash", help="What the customer was given.")],
    name: AsOption = "",
    config: ConfigOption = CONFIG,
    lang: LanguageOption = "",
) -> None:
    """Goods or cash went out although the payment does not stand: opens a case and proposes the re-payment.

    A debit SMS does not mean that the shop was paid. The return goes on; a second person approves the re-payment.
    """
    from yuanlu.cli import observing  # noqa: PLC0415

    typer.echo(observing.handed_over(settings_of(config), payment, what, name, lang))


@case_app.command("clearing")
def clearing(
    payment: PaymentArgument,
    how: Annotated[
        str, typer.Argument(metavar="HOW", help="only_ours, only_theirs, amount_differs or twice: against the file.")
    ],
    reference: Annotated[
        str, typer.Option("--reference", metavar="FILE/LINE", help="Where the clearing file says so. Needed.")
    ] = "",
    name: AsOption = "",
    config: ConfigOption = CONFIG,
    lang: LanguageOption = "",
) -> None:
    """Say how the acquirer's clearing file differs about a payment. It becomes a person's case."""
    from yuanlu.cli import observing  # noqa: PLC0415

    typer.echo(observing.clearing(settings_of(config), payment, how, reference, name, lang))
