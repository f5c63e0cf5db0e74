"""How one simulated host is set up: a record that is read from TOML and given to every part of the host."""

from typing import Literal

from msgspec import Struct

from yuanlu.settings import DialectName, Mac, ProfileName


class HostTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One host. `name` is the acquirer's name in the gateway's settings, since the master key hangs on it.

    `delay_ms` is how late a delayed answer comes and `late_commit_ms` how long a message is held up on its
    way: both more than the gateway's answer time-out, and less than the packet life it was told.
    """

    name: str
    listen: str
    dialect: DialectName
    profile: ProfileName
    mac: Mac = "none"
    sign_in: Literal["none", "link", "terminal"] = "none"
    seed: int = 1
    mac_on_declines: bool = True
    reversal_repeat_code: Literal["00", "94"] = "00"
    processing_ms_min: int = 1
    processing_ms_max: int = 10
    delay_ms: int = 2_000
    late_commit_ms: int = 2_200
    restart_ms: int = 300
    down_ms: int = 2_000


def scope_of(terms: HostTerms, terminal_id: str) -> str:
    """Whose master key protects the working keys of a request from this terminal."""
    if terms.sign_in == "terminal":
        return f"acquirer/{terms.name}/{terminal_id}"
    return f"acquirer/{terms.name}"
