"""`yuanlu case evidence`: a case's evidence pack as a PDF."""

from pathlib import Path
from typing import Annotated

import typer

from yuanlu.cli.cases import CaseArgument
from yuanlu.cli.options import CONFIG, AsOption, ConfigOption, settings_of


def evidence(
    case: CaseArgument,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to; by default a file named after case and time."),
    ] = None,
    config: ConfigOption = CONFIG,
    name: AsOption = "",
    lang: Annotated[
        str, typer.Option("--lang", metavar="zh|en", help="Language of the pack: Chinese, unless you say en.")
    ] = "zh",
) -> None:
    """Write a case's evidence pack for a bank, an acquirer or a court: a PDF. That you made it is recorded."""
    from yuanlu.cli.casework import write_evidence  # noqa: PLC0415
    from yuanlu.people.words import CHINESE, ENGLISH  # noqa: PLC0415

    if lang not in (CHINESE, ENGLISH):
        raise typer.BadParameter(f'--lang "{lang}": give zh or en')
    typer.echo(write_evidence(settings_of(config), name, case, output, lang))
