"""The fault API of simulated hosts: JSON over HTTP, on loopback, for people, tests and the virtual POS.

    POST   /faults    {"fault": NAME, "message_class"?: CLASS, "terminal_id"?: TEXT, "count"?: N, "rate"?: 0 to 1,
                       "host"?: NAME}
    DELETE /faults    switch everything off
    GET    /faults    the catalogue (zh and en, magic amounts), the classes and what is on
    GET    /ledger    per payment: debits, credits, net and what is held, in minor units; the sum of all accounts
    GET    /records   per transaction: its kind, what the host holds it to be, and which transaction it is about
    GET    /clearing?date=2026-11-23&host=NAME[&acquirer=NAME]
                      the host's clearing file of that settlement date, as our own CSV; the gateway's name for the host
                      is `acquirer`, unless it is the same
    GET    /counters  what each host has counted since its start

CLASS is sale (without it), sign_in, void, refund, preauth, completion or advice. To lose the answer to a terminal's
next void after the host has booked it:

    {"fault": "drop_after_commit", "message_class": "void", "terminal_id": "T0000001", "count": 1}

Voids, refunds and what else follows a payment stand in the ledger under that payment.

Errors are RFC 9457 problem documents. There is no authentication: it refuses to be anything but a sandbox.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, get_args

import msgspec
from msgspec import Meta, Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from yuanlu.kernel.errors import YuanluError
from yuanlu.sandbox.clearing_file import clearing_file
from yuanlu.sandbox.fault_board import ActiveFault
from yuanlu.sandbox.faults import CODES_AT_MINOR, FAULTS, LETTER_CODES_AT_MINOR, Fault, MessageClass, find_fault
from yuanlu.sandbox.host_core import HostCore

BODY_BYTES_MAX = 4096


class FaultOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What POST /faults takes. Without `count` it stays on; without `host` it is for all hosts."""

    fault: Annotated[str, Meta(max_length=64)]
    message_class: MessageClass = "sale"
    terminal_id: Annotated[str, Meta(min_length=1, max_length=8)] | None = None
    count: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    rate: Annotated[float, Meta(gt=0, le=1)] = 1.0
    host: Annotated[str, Meta(max_length=64)] | None = None


class Control:
    """The answers of the API over the hosts of one process, by name."""

    def __init__(self, hosts: Mapping[str, HostCore]) -> None:
        self._hosts = hosts

    async def order(self, request: Request) -> Response:
        """POST /faults."""
        body = await request.body()
        if len(body) > BODY_BYTES_MAX:
            return _problem(413, f"at most {BODY_BYTES_MAX} bytes")
        try:
            order = msgspec.json.decode(body, type=FaultOrder)
            fault = find_fault(order.fault)
            hosts = self._named(order.host)
            for core in hosts:
                core.faults.switch_on(_as_active(order, fault))
        except (msgspec.MsgspecError, YuanluError) as error:
            return _problem(422, str(error))
        return JSONResponse({"fault": fault.name, "hosts": [core.terms.name for core in hosts]}, 201)

    async def clear(self, _request: Request) -> Response:
        """DELETE /faults."""
        for core in self._hosts.values():
            core.faults.clear()
        return Response(status_code=204)

    async def catalogue(self, _request: Request) -> Response:
        """GET /faults."""
        listed = [{"fault": f.name, "magic_minor": f.magic_minor, "zh": f.zh, "en": f.en} for f in FAULTS]
        return JSONResponse(
            {
                "catalogue": listed,
                "message_classes": list(get_args(MessageClass)),
                "response_codes": {"00-99": CODES_AT_MINOR, "A0-A7": LETTER_CODES_AT_MINOR},
                "active": [row for core in self._hosts.values() for row in _active_rows(core)],
            }
        )

    async def ledger(self, _request: Request) -> Response:
        """GET /ledger."""
        return JSONResponse(
            {
                "payments": [row for core in self._hosts.values() for row in ledger_rows(core)],
                "total_minor": {name: core.ledger.total_minor() for name, core in self._hosts.items()},
            }
        )

    async def records(self, _request: Request) -> Response:
        """GET /records."""
        return JSONResponse({"records": [row for core in self._hosts.values() for row in record_rows(core)]})

    async def clearing(self, request: Request) -> Response:
        """GET /clearing."""
        try:
            day = date.fromisoformat(request.query_params.get("date", ""))
            [core] = self._named(request.query_params.get("host", ""))
            acquirer = request.query_params.get("acquirer", core.terms.name)
        except (ValueError, YuanluError) as error:
            return _problem(422, str(error))
        return PlainTextResponse(clearing_file(core.books, acquirer, day), media_type="text/csv")

    async def counters(self, _request: Request) -> Response:
        """GET /counters."""
        return JSONResponse({name: dict(core.counters) for name, core in self._hosts.items()})

    def _named(self, name: str | None) -> list[HostCore]:
        if name is None:
            return list(self._hosts.values())
        if name not in self._hosts:
            raise YuanluError(f"no host is called {name!r}; there are {', '.join(self._hosts)}")
        return [self._hosts[name]]


def control_app(hosts: Mapping[str, HostCore]) -> Starlette:
    """The API as an ASGI application."""
    control = Control(hosts)
    return Starlette(
        routes=[
            Route("/faults", control.order, methods=["POST"]),
            Route("/faults", control.clear, methods=["DELETE"]),
            Route("/faults", control.catalogue, methods=["GET"]),
            Route("/ledger", control.ledger, methods=["GET"]),
            Route("/records", control.records, methods=["GET"]),
            Route("/clearing", control.clearing, methods=["GET"]),
            Route("/counters", control.counters, methods=["GET"]),
        ]
    )


def ledger_rows(core: HostCore) -> list[dict[str, Any]]:
    """One row for each payment that has entries; `net` below 0 means that the cardholder is still charged."""
    return [
        {
            "host": core.terms.name,
            "terminal_id": net.ref.terminal_id,
            "merchant_id": net.ref.merchant_id,
            "batch": net.ref.batch_no,
            "stan": net.ref.stan,
            "debits": net.debits_minor,
            "credits": net.credits_minor,
            "debit_count": net.debit_count,
            "credit_count": net.credit_count,
            "net": net.net_minor,
            "held": net.held_minor,
        }
        for net in core.ledger.nets()
    ]


def record_rows(core: HostCore) -> list[dict[str, Any]]:
    """One row for each transaction that the host has seen, in its own words for its state."""
    return [
        {
            "host": core.terms.name,
            "terminal_id": ref.terminal_id,
            "merchant_id": ref.merchant_id,
            "batch": ref.batch_no,
            "stan": ref.stan,
            "kind": record.kind.value,
            "state": record.state.name,
            "amount": record.amount_minor,
            "about_stan": record.original.stan if record.original is not None else "",
        }
        for ref, record in core.books.records()
    ]


def _as_active(order: FaultOrder, fault: Fault) -> ActiveFault:
    return ActiveFault(
        fault=fault,
        message_class=order.message_class,
        terminal_id=order.terminal_id,
        remaining=order.count,
        rate=order.rate,
    )


def _active_rows(core: HostCore) -> list[dict[str, Any]]:
    return [
        {
            "host": core.terms.name,
            "fault": active.fault.name,
            "message_class": active.message_class,
            "terminal_id": active.terminal_id,
            "remaining": active.remaining,
            "rate": active.rate,
        }
        for active in core.faults.active
    ]


def _problem(status: int, detail: str) -> JSONResponse:
    document = {"type": "about:blank", "title": "refused", "status": status, "detail": detail}
    return JSONResponse(document, status, media_type="application/problem+json")
