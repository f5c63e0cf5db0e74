"""A process of simulated hosts: `python -m yuanlu.sandbox.host_process CONFIG`.

CONFIG is a TOML file: `control` is the address of the fault API, `keys` the sandbox's key file, and each
`[[hosts]]` table is one `HostTerms`. It runs until SIGTERM or Ctrl-C.
"""

import os
import random
import sys
from pathlib import Path

import msgspec
import uvicorn
import uvloop
from msgspec import Struct

from yuanlu.iso8583.codec import codec_for
from yuanlu.kernel.clock import SystemClock
from yuanlu.kernel.errors import ConfigurationError, YuanluError
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.sandbox.control import control_app
from yuanlu.sandbox.fault_board import FaultBoard
from yuanlu.sandbox.host import HostServer
from yuanlu.sandbox.host_core import HostCore
from yuanlu.sandbox.host_keys import HostKeys
from yuanlu.sandbox.host_terms import HostTerms
from yuanlu.settings import parse_address


class HostsFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole CONFIG file; paths start at its own folder."""

    control: str
    keys: str
    hosts: tuple[HostTerms, ...]


def read_hosts(path: Path) -> HostsFile:
    """Read CONFIG. Raises ConfigurationError naming the key that is wrong."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=HostsFile)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def build_core(terms: HostTerms, store: SoftwareKeyStore) -> HostCore:
    """One host with a random source of its own, so that its faults repeat with its seed."""
    return HostCore(
        terms=terms,
        codec=codec_for(terms.dialect),
        keys=HostKeys(terms, store),
        faults=FaultBoard(random.Random(f"{terms.seed}/faults")),  # noqa: S311 - must be repeatable
        chance=random.Random(f"{terms.seed}/host"),  # noqa: S311 - must be repeatable
    )


async def run_hosts(path: Path) -> None:
    """Serve every host of CONFIG and the fault API until a signal ends it."""
    file = read_hosts(path)
    store = SoftwareKeyStore.open(path.parent / file.keys, mode="sandbox", random_bytes=os.urandom, create=True)
    cores = {terms.name: build_core(terms, store) for terms in file.hosts}
    servers = [HostServer(core, SystemClock()) for core in cores.values()]
    for server in servers:
        await server.start()
    host, port = parse_address(file.control, f"{path}: control")
    api = uvicorn.Server(uvicorn.Config(control_app(cores), host=host, port=port, log_level="warning", lifespan="off"))
    try:
        await api.serve()
    finally:
        for server in servers:
            await server.stop()


def main() -> int:
    """Run with the file named on the command line; 2 when that is wrong."""
    try:
        uvloop.run(run_hosts(Path(sys.argv[1])))
    except (YuanluError, IndexError) as error:
        sys.stderr.write(f"host_process: {error or 'give a CONFIG file'}\n")
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
