"""What many commands take, said once: the configuration, who acts, why, and in which language."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config", "-c", metavar="FILE", envvar="YUANLU_CONFIG", help="The TOML file; YUANLU_… variables go over it."
    ),
]
CONFIG = Path("yuanlu.toml")
LanguageOption = Annotated[
    str, typer.Option("--lang", metavar="zh|en", help="Language of the words; by default that of the environment.")
]
AsOption = Annotated[
    str, typer.Option("--as", metavar="NAME", envvar="YUANLU_USER", help="Who you are. No action is anonymous.")
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why. Needed; it is kept.")]


def settings_of(config: Path) -> Any:
    """The `Settings` of this file, with what the environment says over it. Raises SettingsError.

    Read at the call: a command that needs no settings starts without what they import.
    """
    from yuanlu.settings import read_settings  # noqa: PLC0415

    return read_settings(config, os.environ)
