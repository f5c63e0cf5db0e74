"""Every setting, its type, its default and its unit. Read once, at start.

One TOML file; environment variables go over it: `YUANLU_GATEWAY__LISTEN` is `[gateway] listen`, and
`YUANLU_ACQUIRERS__CUP__ADDRESS` is `[acquirers.cup] address` (names are compared without regard to case).
Unknown keys are refused, so that a misspelt safety setting cannot be silently ignored.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from yuanlu.contracts import Agreements, Compensation, Contract, Returns, ServiceLevel, Terms, agreements
from yuanlu.kernel.documents import check_table, in_words, over, overlay, tables
from yuanlu.kernel.errors import ConfigurationError
from yuanlu.kernel.limits import FRAME_BYTES_MAX, REPEAT_WINDOW_MS
from yuanlu.kernel.section import NotNegative, Positive, Section
from yuanlu.notices import ChannelSettings, Notification, Telling, for_contracts
from yuanlu.notices import check as check_notification

PORT_DIGITS_MAX = 5

Percent = Annotated[int, Meta(ge=1, le=100)]
Mac = Literal["none", "unionpay-ecb", "ansi-x9.9", "ansi-x9.19", "aes-cmac"]
DialectName = Literal["cup-pos", "iso87-ascii"]
ProfileName = Literal["P1", "P2", "P3", "P4", "P5"]
Code = Annotated[str, Meta(pattern="^[0-9A-Z]{2}$")]


class Store(Section, frozen=True, kw_only=True):
    """`[store]`: where the journal lives."""

    url: str
    """`sqlite:///var/yuanlu.db`, where a relative path starts at the configuration file's folder, or
    `postgresql://user@host/database` (15 or later), which any number of gateways can share."""
    reserve_mib: NotNegative = 4
    """SQLite only: disk kept aside so that reversals can still be journaled when the disk is full; new sales are
    declined as soon as less than this is free."""


class Gateway(Section, frozen=True, kw_only=True):
    """`[gateway]`: the side that terminals see."""

    listen: str
    """`host:port` to listen on; port 0 takes any free one."""
    terminals: str
    """CSV file of known terminals: terminal_id,merchant_id,acquirer and optional wait_ms, region."""
    mac: Mac
    """How messages between terminal and gateway are authenticated."""
    tls_certificate: str = ""
    """PEM file; with it (and tls_key) terminals speak TLS."""
    tls_key: str = ""
    """PEM file of the certificate's key."""
    tls_client_ca: str = ""
    """PEM file; with it every terminal must show a certificate signed by this authority (mTLS)."""
    frame_bytes_max: Annotated[int, Meta(ge=64, le=FRAME_BYTES_MAX)] = 4096
    """A longer frame closes its connection."""
    frame_timeout_ms: Positive = 5_000
    """A frame begun must be complete after this long; slow senders are cut off."""
    idle_timeout_ms: Positive = 300_000
    """A connection without a complete frame for this long is closed."""
    connections_max: Positive = 10_000
    """Connections open at once; one more is refused."""
    in_flight_per_terminal_max: Positive = 4
    """Requests of one terminal being worked on; one more is declined (96) before any intent."""
    in_flight_max: Positive = 4_096
    """Requests of all connections being worked on; one more is declined (96) before any intent."""
    repeat_window_ms: Positive = REPEAT_WINDOW_MS
    """How long a repeated request is answered from the journal."""
    guidance: Literal["none", "field63"] = "none"
    """`field63`: a payment that is not simply approved is answered with a line for the cashier, where the host has
    written none. Only for terminals that show or print the free text of field 63."""
    metrics: str = ""
    """`host:port` where Prometheus fetches the gateway's own numbers; none without it."""


class Keys(Section, frozen=True, kw_only=True):
    """`[keys]`: the key store. The software one is for sandboxes and refuses production."""

    mode: Literal["sandbox", "production"] = "sandbox"
    """`production` refuses the software key store."""
    file: str = "keys.toml"
    """The software store's secret; made (0600) at the first start."""


class DoubtfulCodes(Section, frozen=True, kw_only=True):
    """Explicit answers that do not settle where the money is (`docs/reference/response-codes.md`)."""

    reverse: tuple[Code, ...] = ("68", "96", "98", "09")
    """Outcome left open: the payment is UNKNOWN and reversed. (09 for cards; a QR sale's 09 is pending.)"""
    watch: tuple[Code, ...] = ("91", "A2", "A4", "A5", "A6")
    """Taken as said, and put on the watch list."""


class ReversalAnswers(Section, frozen=True, kw_only=True):
    """What each code in an 0410 means. A code in none of the lists is taken as unknown."""

    returned: tuple[Code, ...] = ("00",)
    not_found: tuple[Code, ...] = ("12", "25")
    verify: tuple[Code, ...] = ("22",)
    duplicate: tuple[Code, ...] = ("94",)
    keys: tuple[Code, ...] = ("77", "99", "A0")
    refused: tuple[Code, ...] = ("03", "13", "30", "40", "57", "58", "97")


class Acquirer(Section, frozen=True, kw_only=True):
    """`[acquirers.NAME]`: one host upstream. `profile` has no default: it is a promise about the host."""

    kind: Literal["iso8583-host"]
    address: str
    """`host:port` of the host."""
    dialect: DialectName
    profile: ProfileName
    """P1 … P5 of `docs/returns.md`; `yuanlu probe` says which one a host earns."""
    mac: Mac
    answer_timeout_ms: Positive = 20_000
    """How long the host is given to answer a request."""
    packet_life_ms: Positive = 120_000
    """Longest time after which host and network can still act on a message. Too small breaks the promise."""
    connections: Annotated[int, Meta(ge=1, le=64)] = 2
    """Connections kept open to the host."""
    in_flight_max: Positive = 2_048
    """Requests waiting for this host; one more is declined (96) before any intent."""
    decline_mac: Literal["optional", "required"] = "optional"
    """Whether a decline may come without a MAC (many hosts send none); a wrong one is never accepted."""
    sign_in: Literal["none", "link", "terminal"] = "none"
    """Upstream sign-in (0800): one set of working keys for the link, one per terminal, or none."""
    batch: Literal["terminal", "host"] = "terminal"
    """Whose batch number goes upstream: the terminal's, or the one the host gave at sign-in. Then a void or refund
    names its original's batch (61.1) by the host's number, too."""
    tpdu: Annotated[str, Meta(pattern="^60[0-9]{8}$")] = "6000030000"
    """TPDU of messages that we make ourselves; a terminal's own goes through as it came."""
    header: Annotated[str, Meta(pattern="^[0-9]{12}$")] = "603100311108"
    """Header of messages that we make ourselves."""
    own_terminal_id: Annotated[str, Meta(min_length=8, max_length=8)] = "00000000"
    """Field 41 of messages that we send for ourselves: link sign-in, echo test."""
    own_merchant_id: Annotated[str, Meta(min_length=15, max_length=15)] = "000000000000000"
    """Field 42 of messages that we send for ourselves."""
    cut_over: Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "23:00"
    """When the host's business day ends, Beijing time."""
    clearing_after_days: NotNegative = 0
    """So many days after a settlement date has ended its clearing file must be loaded, or there is a case; 0 expects no
    files."""
    refund_days_max: Positive = 180
    """How old a payment may be for a refund through this host; later the money goes back by hand."""
    resend_across_cut_over: bool = False
    """Whether a reversal may be sent again after the host's day has changed."""
    echo_interval_ms: NotNegative = 0
    """Echo test (0820, 301) on an idle link; 0 sends none, since some hosts answer none."""
    breaker_timeouts: Positive = 32
    """So many requests in a row without any answer: the host is taken as down, and new sales are declined."""
    reversals_in_flight_max: Positive = 256
    """Reversals under way to this host at once; a returning host is not flooded."""
    reversals_per_second_max: Positive = 200
    """When a host is back, what waited for it goes on at this pace, oldest first."""
    silent_on_unknown: bool = False
    """True: an unknown outcome is answered with silence instead of 98."""
    doubtful_codes: DoubtfulCodes = DoubtfulCodes()
    reversal_answers: ReversalAnswers = ReversalAnswers()
    tls: bool = False
    tls_ca: str = ""
    tls_certificate: str = ""
    tls_key: str = ""


class Incidents(Section, frozen=True, kw_only=True):
    """`[incidents]`: when many terminals fail together, and when they are well again."""

    look_every_ms: Positive = 1_000
    """How often is looked for what fails, and for what people have declared."""
    window_ms: Positive = 60_000
    """Failures within so much time count together."""
    failing_percent: Percent = 50
    """A place fails only if at least so many of its latest requests do; a busy one always has a few that fail."""
    merchant_terminals: Positive = 5
    """A shop is offline when so many of its terminals fail …"""
    merchant_share_percent: Percent = 80
    """… and of the terminals that fail at its hosts at least so many are its own."""
    host_terminals: Positive = 10
    """A host is down when so many terminals fail there …"""
    host_merchants: Positive = 3
    """… of so many merchants;"""
    link_down_ms: Positive = 10_000
    """or when its link has been down for so long and a payment was affected."""
    issuer_terminals: Positive = 5
    """An issuer is out of order when its cards fail at so many terminals, and other payments there go through."""
    wallet_merchants: Positive = 3
    """A wallet is out of order when its codes fail at so many merchants, and other payments there go through."""
    region_terminals: Positive = 10
    """A region is offline when so many of its terminals fail …"""
    region_merchants: Positive = 3
    """… of so many merchants …"""
    region_hosts: Positive = 2
    """… at so many hosts, or on their way to us."""
    healthy_ms: Positive = 60_000
    """An incident ends by itself when its place has been well for so long."""
    healthy_failing_percent: Annotated[int, Meta(ge=0, le=100)] = 5
    """Well means that at most so many requests fail, and that some succeed or the host shows that it lives."""
    quiet_ms: Positive = 1_800_000
    """When nothing has come from an incident's place for so long, its case gets a note: it cannot end by itself."""
    hold_when_host_down: bool = False
    """True: an incident of a host that detection declares holds new sales at once."""


class Console(Section, frozen=True, kw_only=True):
    """`[console]`: pages and API for people, in a process of their own that `yuanlu serve` starts and watches."""

    listen: str = ""
    """`host:port` to listen on; there is no console without it."""
    public_url: str = ""
    """How people reach it, such as `https://pay.example.com`; by default `http://` and `listen`, which is for this
    machine alone: anywhere else passwords need https (a proxy in front makes it)."""
    brand: str = "原路"
    """Whose name pages, slips and messages carry."""
    second_factor: Literal["required", "optional"] = "required"
    """`optional` lets accounts in without a one-time code: for a trial, never for cardholders' money."""
    idle_minutes: Positive = 15
    """A session that nobody uses for so long ends."""
    metrics_token: str = ""
    """Whoever fetches `/metrics` shows it as a bearer; without one only this machine may."""
    traces: Annotated[str, Meta(pattern="^(https?://.+)?$")] = ""
    """Where traces of payments go, as OTLP by HTTP, such as `http://127.0.0.1:4318/v1/traces`; nowhere by default."""
    traces_authorization: str = ""
    """The header `Authorization` that the receiver of traces wants, such as `Bearer …`."""
    traces_one_in: Positive = 1
    """Of payments to which nothing odd happened, one in so many is traced; every other payment is, always."""
    sandbox_control: str = ""
    """`host:port` of simulated hosts' fault API, for the virtual POS; none in production."""
    till_certificate: str = ""
    """PEM file of the certificate that the console's own till, for the virtual POS and payments as JSON, shows to a
    gateway with `tls_client_ca`; without one such a gateway takes nothing from it."""
    till_key: str = ""
    """PEM file of its key; empty: the key is in `till_certificate`."""
    api_requests_per_second: Positive = 50
    """What one API key may ask, ten times as much in a burst; more is answered 429 with `Retry-After`."""
    api_address_requests_per_second: Positive = 200
    """The same for one network address, with whatever keys: behind a proxy that is all callers together."""


class Log(Section, frozen=True, kw_only=True):
    """`[log]`: diagnostics on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Settings(Section, frozen=True, kw_only=True):
    """The whole file."""

    store: Store
    gateway: Gateway
    acquirers: dict[str, Acquirer]
    keys: Keys = Keys()
    returns: Returns = Returns()
    incidents: Incidents = Incidents()
    compensation: Compensation = Compensation()
    service_levels: ServiceLevel = ServiceLevel()
    notification: Notification = Notification()
    contracts: Mapping[str, Contract] = {}
    console: Console = Console()
    log: Log = Log()
    folder: str = "."
    """Set by `read_settings`: where relative paths start."""

    def agreements(self) -> Agreements:
        """The terms of every merchant. Raises ConfigurationError for a merchant with two contracts."""
        everybody = Terms(
            returns=self.returns, compensation=self.compensation, service_levels=self.service_levels,
            telling=self.notification.everybody(),
        )  # fmt: skip
        return agreements(everybody, self.contracts)

    def path(self, name: str) -> Path:
        """A path as the file means it: relative to the file's own folder, else to the working directory."""
        given = Path(name).expanduser()
        if given.is_absolute():
            return given
        beside = Path(self.folder) / given
        return given if not beside.exists() and given.exists() else beside


GENERAL: dict[str, type[Section]] = {
    "returns": Returns, "compensation": Compensation, "service_levels": ServiceLevel,
}  # fmt: skip
"""What a contract may say otherwise."""


def read_settings(path: Path, environment: Mapping[str, str]) -> Settings:
    """Read and check the file at `path` with `environment` over it.

    Raises ConfigurationError saying which key is wrong and what is expected.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such file; give one with --config FILE") from None
    except RecursionError:
        raise ConfigurationError(f"{path}: nested too deeply to be read") from None
    except (OSError, ValueError) as error:  # no text, no TOML, or a number beyond what Python reads
        raise ConfigurationError(f"{path}: {error}") from None
    if "folder" in document:
        raise ConfigurationError(f"{path}: unknown key `folder`")
    overlay(document, environment)
    document["folder"] = str(path.resolve().parent)
    try:
        for name, table in tables(document, "acquirers"):
            check_table(table, Acquirer, f"acquirers.{name}")
        _check_notification(document)
        _complete_contracts(document)
        settings = msgspec.convert(document, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{path}: {in_words(error)}") from None
    _check(settings, path)
    return settings


def _complete_contracts(document: dict[str, Any]) -> None:
    """What a contract leaves out is as for everybody; what is said for everybody is checked under its own name."""
    general = {name: document.get(name, {}) for name in GENERAL}
    for name, table in general.items():
        check_table(table, GENERAL[name], name)
    general["notification"] = for_contracts(document.get("notification", {}))
    for name, contract in tables(document, "contracts"):
        document["contracts"][name] = complete = over(general["returns"], contract)
        for key in ("compensation", "service_levels", "notification") if isinstance(complete, dict) else ():
            complete[key] = over(general[key], complete.get(key, {}))
        check_table(complete, Contract, f"contracts.{name}")


def _check_notification(document: dict[str, Any]) -> None:
    """Each channel under its own name first, so that the message can say it."""
    table = document.get("notification", {})
    for name, channel in tables(table, "channels") if isinstance(table, dict) else ():
        check_table(channel, ChannelSettings, f"notification.channels.{name}")
    check_table(table, Notification, "notification")


def _check(settings: Settings, path: Path) -> None:
    """What one key alone cannot show."""
    if not settings.acquirers:
        raise ConfigurationError(f"{path}: no acquirer; add a table [acquirers.NAME]")
    if bool(settings.gateway.tls_certificate) != bool(settings.gateway.tls_key):
        raise ConfigurationError(f"{path}: [gateway] tls_certificate and tls_key go together")
    if settings.gateway.tls_client_ca and not settings.gateway.tls_certificate:
        raise ConfigurationError(f"{path}: [gateway] tls_client_ca needs tls_certificate: without it nobody speaks TLS")
    if settings.console.till_key and not settings.console.till_certificate:
        raise ConfigurationError(f"{path}: [console] till_key needs till_certificate")
    parse_address(settings.gateway.listen, f"{path}: [gateway] listen")
    if settings.gateway.metrics:
        parse_address(settings.gateway.metrics, f"{path}: [gateway] metrics")
    try:
        settings.agreements()
        check_notification(settings.notification, _tellings(settings))
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    for name, acquirer in settings.acquirers.items():
        parse_address(acquirer.address, f"{path}: [acquirers.{name}] address")
        if acquirer.profile == "P3" and acquirer.dialect != "iso87-ascii":
            raise ConfigurationError(
                f"{path}: [acquirers.{name}] profile P3 needs a dialect with a status inquiry; "
                f'{acquirer.dialect} has none. Use dialect = "iso87-ascii" or profile P2, P4 or P5'
            )
        if acquirer.mac != "none" and acquirer.sign_in == "none":
            raise ConfigurationError(
                f'{path}: [acquirers.{name}] mac = "{acquirer.mac}" needs working keys: '
                'set sign_in = "link" or "terminal"'
            )


def _tellings(settings: Settings) -> list[tuple[str, Telling]]:
    contracts = ((f"[contracts.{name}.notification]", each.notification) for name, each in settings.contracts.items())
    return [("[notification]", settings.notification), *contracts]


def parse_address(text: str, where: str) -> tuple[str, int]:
    """`host:port` or `[v6]:port` as a pair; ConfigurationError naming `where` otherwise."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or len(port) > PORT_DIGITS_MAX or int(port) > 65535:
        raise ConfigurationError(f'{where}: "{text}" is not host:port')
    return host.strip("[]"), int(port)
