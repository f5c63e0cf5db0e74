"""Commands that speak to the journal's database, of either kind, in plain calls."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from yuanlu.db.choosing import beside
from yuanlu.settings import Settings

Rest = ParamSpec("Rest")
Result = TypeVar("Result")


def on_database(
    command: Callable[Concatenate[Settings, Rest], Result],
) -> Callable[Concatenate[Settings, Rest], Result]:
    """The command, with what plain calls to its database need around it."""

    @wraps(command)
    def run(settings: Settings, /, *args: Rest.args, **named: Rest.kwargs) -> Result:
        return beside(settings.store.url, lambda: command(settings, *args, **named))

    return run
