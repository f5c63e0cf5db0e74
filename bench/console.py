"""The console over a large journal: how long each page takes and what it weighs, what listeners cost, and what an open
console costs the gateway. The console is the product's own process; everything is asked over HTTP, as a browser does.
"""

import gzip
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta

import httpx2

from bench.console_town import NAME, PASSWORD, TERMINALS, WHO, Town, explained, fill
from bench.load import at_share
from bench.painting import painted
from bench.recovery import pay_once, until
from bench.trial import Plan, Trial, TrialFailed, cpu_s_of, measured, trial
from yuanlu.access.roles import Role
from yuanlu.kernel.clock import CHINA
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.people.cardholder import answered, link_of
from yuanlu.people.staff import NewStaff, created
from yuanlu.settings import read_settings

PAYMENTS, CASES = 1_000_000, 10_000
QUICK = 20
"""A quick try is a twentieth."""
ASKED, ASKED_QUICK, WARM = 40, 15, 2
LISTENERS, LISTEN_S = 200, 10.0
LOOKS_S = 0.5
KB = 1_000
LOOKED_AT = ("monitor", "cases", "case", "transactions", "analysis", "transaction", "terminals", "cardholder")
"""The pages that are opened in a browser, too."""
FRAGMENT = {"x-fragment": "1"}
ASSET = re.compile(r'(?:href|src)="(/static/[^"#]+)"')


def pages(*, quick: bool) -> dict[str, float]:
    """Fill, start, measure: milliseconds and kilobytes of every main page, and what listeners cost."""
    payments, cases = (PAYMENTS // QUICK, CASES // QUICK) if quick else (PAYMENTS, CASES)
    with trial(Plan(terminals=TERMINALS, once=True, silent_one_in=2, answer_timeout_ms=500, console=True)) as running:
        pay_once(running)
        until(lambda: explained(running.journal), time.monotonic())
        running.kill_gateway()
        settings = read_settings(running.folder / "bench.toml", {})
        keys = SoftwareKeyStore.open(running.folder / "keys.toml", mode="sandbox", random_bytes=os.urandom)
        town = fill(settings, running.journal, keys, payments, cases)
        process = running.start_console()
        with _signed_in(running.console_port) as client:
            seen: dict[str, float] = {}
            addresses = _addresses(town, link_of(keys, town.lost))
            for name, address in addresses.items():
                seen |= _page(client, name, address, ASKED_QUICK if quick else ASKED)
            looked_at = {name: addresses[name] for name in LOOKED_AT}
            seen |= painted(f"http://127.0.0.1:{running.console_port}", NAME, PASSWORD, looked_at)
            seen |= _fragment(client)

            def happens() -> None:
                answered(settings, town.lost, True, "")

            return seen | _listeners(running, process.pid, client, happens)


def _addresses(town: Town, link: str) -> Mapping[str, str]:
    """The main pages by name, each with what narrows it."""
    today = datetime.now(CHINA)
    days = f"from={today - timedelta(days=12):%Y-%m-%d}&to={today + timedelta(days=1):%Y-%m-%d}"
    return {
        "monitor": "/zh/monitor",
        "cases": "/zh/cases",
        "case": f"/zh/cases/{town.case}",
        "transactions": "/zh/transactions",
        "transactions_days": f"/zh/transactions?{days}",
        "transactions_odd": f"/zh/transactions?odd=1&{days}",
        "transactions_merchant": f"/zh/transactions?m={town.merchant}&{days}",
        "transactions_amount": f"/zh/transactions?min=999999&{days}",
        "transactions_rrn": f"/zh/transactions?q={town.rrn}&{days}",
        "transactions_trace": f"/zh/transactions?q={town.terminal}%2B1&{days}",
        "transactions_last4": f"/zh/transactions?q=9999&{days}",
        "analysis": "/zh/transactions/analysis",
        "transaction": f"/zh/transactions/{town.lost}",
        "orders": "/zh/returns",
        "incidents": "/zh/incidents",
        "terminals": "/zh/terminals",
        "terminal": f"/zh/terminals/{town.terminal}",
        "audit": "/zh/audit",
        "cardholder": f"/zh/m/{link}",
    }


@contextmanager
def _signed_in(port: int) -> Iterator[httpx2.Client]:
    """A browser whose person may see everything."""
    origin = f"http://127.0.0.1:{port}"
    with httpx2.Client(base_url=origin, headers={"origin": origin, "accept-encoding": "gzip"}, timeout=60.0) as client:
        answer = client.post("/zh/sign-in", data={"name": NAME, "password": PASSWORD, "csrf": ""})
        if answer.status_code != 303:
            raise TrialFailed(f"nobody can sign in: {answer.status_code}")
        yield client


def _page(client: httpx2.Client, name: str, address: str, times: int) -> dict[str, float]:
    """Milliseconds until the whole answer is there; kilobytes of a first visit, as served and plain."""
    taken = sorted(_asked_ms(client, address) for _ in range(WARM + times))[:-WARM]
    plain, served = _weight(client, address)
    return {
        f"console_{name}_ms_p50": at_share(taken, 0.5),
        f"console_{name}_ms_p95": at_share(taken, 0.95),
        f"console_{name}_kb": served / KB,
        f"console_{name}_plain_kb": plain / KB,
    }


def _asked_ms(client: httpx2.Client, address: str) -> float:
    began_s = time.perf_counter()
    answer = client.get(address)
    if answer.status_code != 200:
        raise TrialFailed(f"{address} is answered {answer.status_code}")
    return (time.perf_counter() - began_s) * 1_000


def _weight(client: httpx2.Client, address: str) -> tuple[int, int]:
    """Bytes of a page with all that it loads: plain, and as they travel."""
    with client.stream("GET", address) as answer:
        travelled = b"".join(answer.iter_raw())
        squeezed = answer.headers.get("content-encoding") == "gzip"
    content = gzip.decompress(travelled) if squeezed else travelled
    plain, served = len(content), len(travelled)
    if not address.startswith("/static/"):
        for asset in sorted(set(ASSET.findall(content.decode()))):
            more = _weight(client, asset)
            plain, served = plain + more[0], served + more[1]
    return plain, served


def _fragment(client: httpx2.Client) -> dict[str, float]:
    """The moving part of the monitor, which an open page asks for again and again."""
    with client.stream("GET", "/zh/monitor", headers=FRAGMENT) as answer:
        return {"console_fragment_kb": sum(len(each) for each in answer.iter_raw()) / KB}


def _listeners(running: Trial, pid: int, client: httpx2.Client, happens: Callable[[], None]) -> dict[str, float]:
    """The share of one core that the console takes for open pages: nobody listens, 200 listen, and each second sees
    something new.
    """
    alone = _share(pid)
    with ExitStack() as open_pages:
        for _ in range(LISTENERS):
            open_pages.enter_context(_listening(running.console_port, client))
        quiet = _share(pid)
        going = threading.Event()

        def busy() -> None:
            while not going.wait(LOOKS_S):
                happens()

        with _beside(busy, going):
            told = _share(pid)
    return {
        "console_idle_cpu_percent": alone,
        "console_200_listeners_cpu_percent": quiet,
        "console_200_listeners_news_cpu_percent": told,
    }


def _share(pid: int) -> float:
    """Percent of one core over some seconds."""
    time.sleep(1.0)
    began_s, cpu_s = time.monotonic(), cpu_s_of(pid)
    time.sleep(LISTEN_S)
    return 100 * (cpu_s_of(pid) - cpu_s) / (time.monotonic() - began_s)


@contextmanager
def _listening(port: int, client: httpx2.Client) -> Iterator[socket.socket]:
    """One event stream, open."""
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    with socket.create_connection(("127.0.0.1", port), timeout=30.0) as stream:
        stream.sendall(f"GET /zh/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {cookies}\r\n\r\n".encode())
        if not stream.recv(4096).startswith(b"HTTP/1.1 200"):
            raise TrialFailed("a page cannot listen")
        yield stream


@contextmanager
def _beside(work: Callable[[], None], ended: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(30.0)


def beside_gateway(*, terminals: int, measure_s: float) -> dict[str, float]:
    """Payments a second with a console that nobody uses, and with a live monitor open: one stream, and its moving part
    at every signal.
    """
    plan = Plan(terminals=terminals, measure_s=measure_s)
    with trial(plan) as running:
        without = measured(running)["tps"]
    with trial(Plan(terminals=terminals, measure_s=measure_s, console=True)) as running:
        running.wait_for(running.console_port)
        settings = read_settings(running.folder / "bench.toml", {})
        created(settings, NewStaff(name=NAME, roles=tuple(Role), password=PASSWORD), WHO)
        ended = threading.Event()
        with _signed_in(running.console_port) as client:
            _asked_ms(client, "/zh/monitor")
            with _beside(lambda: _watch(running.console_port, client, ended), ended):
                pid, began_s = running.console_pid(), time.monotonic()
                cpu_s = cpu_s_of(pid)
                with_one = measured(running)["tps"]
                share = 100 * (cpu_s_of(pid) - cpu_s) / (time.monotonic() - began_s)
    return {
        "gateway_tps_no_console": without,
        "gateway_tps_console_open": with_one,
        "gateway_console_open_ratio": with_one / without,
        "console_beside_cpu_percent": share,
    }


def _watch(port: int, client: httpx2.Client, ended: threading.Event) -> None:
    """A live monitor: at every signal it asks for its moving part."""
    with _listening(port, client) as stream:
        while not ended.is_set() and (news := stream.recv(4096)):
            if b"event: tick" in news:
                client.get("/zh/monitor", headers=FRAGMENT)
