"""The commands. Each checks its input, calls one thing, and prints; heavy imports wait inside the commands.

A user's mistake is one clear line on standard error and exit code 1 (2 for a wrong command line), never a stack
trace.
"""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from yuanlu.cli.accounts import init, staff_app
from yuanlu.cli.cases import case_app
from yuanlu.cli.clearing import clearing_app
from yuanlu.cli.evidence import evidence
from yuanlu.cli.incidents import incident_app
from yuanlu.cli.keys import key_app
from yuanlu.cli.notifications import notification_app
from yuanlu.cli.observations import terminal_app
from yuanlu.cli.options import CONFIG, ConfigOption, LanguageOption, settings_of
from yuanlu.cli.returns import return_app
from yuanlu.kernel.errors import YuanluError

app = typer.Typer(
    name="yuanlu",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Yuanlu (原路): finds every abnormal POS payment and returns its money by the road it came, exactly once.",
)
config_app = typer.Typer(no_args_is_help=True, help="Look at the configuration.")
db_app = typer.Typer(no_args_is_help=True, help="Look after the journal's database.")
app.add_typer(config_app, name="config")
app.add_typer(db_app, name="db")
app.add_typer(case_app, name="case")
app.add_typer(return_app, name="return")
app.add_typer(incident_app, name="incident")
app.add_typer(terminal_app, name="terminal")
app.add_typer(clearing_app, name="clearing")
app.add_typer(notification_app, name="notification")
app.add_typer(staff_app, name="staff")
app.add_typer(key_app, name="key")
app.command()(init)
case_app.command()(evidence)


def main() -> None:
    """Run the command line; errors that a person can act on become one line."""
    try:
        app()
    except YuanluError as error:
        print(f"yuanlu: {error}", file=sys.stderr)  # noqa: T201 - this is the user's line
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command()
def serve(config: ConfigOption = CONFIG) -> None:
    """Run the gateway between terminals and hosts, until Ctrl-C or SIGTERM."""
    from yuanlu.cli.console_keeper import ConsoleKeeper  # noqa: PLC0415
    from yuanlu.cli.logs import configure_logs  # noqa: PLC0415
    from yuanlu.wiring import serve as serve_gateway  # noqa: PLC0415

    settings = settings_of(config)
    configure_logs(settings.log)

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        console = ConsoleKeeper(config) if settings.console.listen else None

        def announce(host: str, port: int) -> None:
            typer.echo(f"listening on {host}:{port}", err=True)
            if console is not None:
                console.start()

        try:
            await serve_gateway(settings, stop, announce)
        finally:
            if console is not None:
                await console.stop()

    run_loop(run())


@app.command()
def console(
    config: ConfigOption = CONFIG,
    watched: Annotated[
        int, typer.Option("--watched", hidden=True, help="End with this process, which started it.")
    ] = 0,
) -> None:
    """Run the console alone: pages and API. `yuanlu serve` starts one by itself when [console] listen is set."""
    from yuanlu.cli.logs import configure_logs  # noqa: PLC0415
    from yuanlu.console.process import run  # noqa: PLC0415

    settings = settings_of(config)
    configure_logs(settings.log)
    run_loop(run(settings, lambda address: typer.echo(f"console on {address}", err=True), parent=watched))


def run_loop(work: "asyncio._CoroutineLike[None]") -> None:
    """On uvloop where there is one."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        asyncio.run(work)  # type: ignore[arg-type]
    else:
        uvloop.run(work)  # type: ignore[arg-type]


@app.command()
def demo(
    folder: Annotated[
        Path, typer.Option(help="Where the demo keeps its files; those of the last run are replaced.")
    ] = Path("var/demo"),
    seconds: Annotated[
        float | None, typer.Option(envvar="DEMO_SECONDS", help="Stop by itself after so long; else Ctrl-C.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same terminals, cards and faults.")] = 1,
) -> None:
    """Gateway, hosts and 50 terminals on this machine; every fault in turn; a live board; a verdict."""
    from yuanlu.sandbox.demo import run_demo  # noqa: PLC0415

    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # its processes end with it
    sys.exit(run_demo(folder, seconds=seconds, seed=seed))


@app.command()
def decode(
    frame: Annotated[
        str,
        typer.Argument(metavar="HEX|FILE", help="A frame in hex, or a file with one a line; - reads standard input."),
    ],
    dialect: Annotated[str, typer.Option("--dialect", "-d", metavar="D", help="cup-pos or iso87-ascii.")] = "cup-pos",
    reveal: Annotated[bool, typer.Option("--reveal", help="Show card data in full. Only for test cards.")] = False,
) -> None:
    """Show what a frame says, as JSON. Card data is masked unless --reveal is given."""
    from yuanlu.cli.frames import decoded, frames_of  # noqa: PLC0415

    for raw in frames_of(frame):
        typer.echo(json.dumps(decoded(raw, dialect, reveal=reveal), ensure_ascii=False, indent=2))


@app.command()
def replay(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Recorded frames, one hex frame a line; # starts a comment.")
    ],
    to: Annotated[
        str, typer.Option("--to", metavar="HOST:PORT", help="The gateway; by default the one the configuration names.")
    ] = "",
    config: ConfigOption = CONFIG,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Seconds to wait for each answer.")] = 60.0,
) -> None:
    """Send recorded frames to a gateway, one after the other, and show the answers. Exit code 1 if one has none."""
    from yuanlu.cli.frames import frames_of, replay_frames  # noqa: PLC0415
    from yuanlu.settings import parse_address  # noqa: PLC0415

    frames = list(frames_of(str(file)))
    listen = to or settings_of(config).gateway.listen
    address = parse_address(listen, "--to" if to else "[gateway] listen")
    if not asyncio.run(replay_frames(frames, address, timeout_s, typer.echo)):
        sys.exit(1)


@app.command()
def probe(
    acquirer: Annotated[str, typer.Argument(help="The [acquirers.NAME] to probe.")],
    terminal: Annotated[str, typer.Option(help="A terminal of terminals.csv that may be used for tests.")],
    config: ConfigOption = CONFIG,
    amount_minor: Annotated[int, typer.Option(help="Amount of the test sale, in minor units.")] = 1,
    pan: Annotated[str, typer.Option(envvar="YUANLU_PROBE_PAN", help="A test card's number.")] = "",
    credited: Annotated[
        int | None, typer.Option("--credits", help="Credits that the test account shows for the second sale.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="This moves money: one sale and its reversal. Needed.")] = False,
) -> None:
    """Find out what a host does with repeats and unseen originals, and which profile it earns."""
    from yuanlu.cli.logs import configure_logs  # noqa: PLC0415
    from yuanlu.cli.probing import run_probe  # noqa: PLC0415

    if not yes:
        raise YuanluError("a probe sends a real sale and reverses it; use a test card and terminal, and say --yes")
    settings = settings_of(config)
    configure_logs(settings.log)
    typer.echo(asyncio.run(run_probe(settings, acquirer, terminal, amount_minor, pan, credited)))


@app.command()
def status(config: ConfigOption = CONFIG, lang: LanguageOption = "") -> None:
    """What is open now: counts by state, returns under way, what waits for a person."""
    from yuanlu.cli.reading import status_text  # noqa: PLC0415

    typer.echo(status_text(settings_of(config), lang))


@app.command()
def show(
    what: Annotated[str, typer.Argument(metavar="ID|RRN|TERMINAL+STAN", help="Which transaction.")],
    config: ConfigOption = CONFIG,
    lang: LanguageOption = "",
    frames: Annotated[bool, typer.Option("--frames", help="Also the masked fields of each message.")] = False,
) -> None:
    """A transaction's timeline in words."""
    from yuanlu.cli.reading import show_text  # noqa: PLC0415

    typer.echo(show_text(settings_of(config), what, lang, frames=frames))


@config_app.command("check")
def config_check(config: ConfigOption = CONFIG) -> None:
    """Read the configuration and the list of terminals, and say what they mean."""
    from yuanlu.cli.reading import config_text  # noqa: PLC0415

    typer.echo(config_text(settings_of(config)))


@db_app.command("upgrade")
def db_upgrade(config: ConfigOption = CONFIG) -> None:
    """Bring the database to this program's version. Stop the gateway and make a backup first."""
    from yuanlu.db.choosing import beside, upgrade_stopped  # noqa: PLC0415
    from yuanlu.db.schema import head  # noqa: PLC0415

    settings = settings_of(config)
    name = beside(settings.store.url, lambda: upgrade_stopped(settings.store.url, settings.folder))
    typer.echo(f"{name} is at version {head()}")


@db_app.command("accept-restored")
def db_accept_restored(
    config: ConfigOption = CONFIG,
    name: Annotated[
        str, typer.Option("--as", metavar="NAME", envvar="YUANLU_USER", help="Who you are. No action is anonymous.")
    ] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why. Needed; it is kept.")] = "",
    lang: LanguageOption = "",
) -> None:
    """Go on with a journal that is older than what hosts were told, since the newest is lost for good.

    Stop every gateway first. What was open in it goes to people, a case is opened, and the gateway starts again.
    """
    from yuanlu.cli.restored import accept_restored  # noqa: PLC0415

    typer.echo(accept_restored(settings_of(config), name, reason, lang))
