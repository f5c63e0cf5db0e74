import asyncio
import json
from datetime import date
from typing import Any

import pytest

from tests.unit.sandbox.hosts import NOW_US, World
from yuanlu.reconciliation.clearing import Given
from yuanlu.reconciliation.formats.plain_csv import CSV
from yuanlu.sandbox.control import control_app
from yuanlu.sandbox.faults import FAULTS
from yuanlu.sandbox.host_answers import business_day
from yuanlu.sandbox.kinds import Kind


def call(app: Any, method: str, path: str, body: bytes = b"", query: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """One request to an ASGI application, without a socket."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [],
        "scheme": "http",
        "server": ("127.0.0.1", 1),
    }
    asyncio.run(app(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(m.get("body", b"") for m in sent[1:])


def json_of(answer: tuple[int, dict[str, str], bytes]) -> Any:
    return json.loads(answer[2])


def world_and_app() -> tuple[World, Any]:
    world = World("P1")
    return world, control_app({"h1": world.core})


def test_the_catalogue_lists_every_fault_in_both_languages():
    _, app = world_and_app()
    listed = json_of(call(app, "GET", "/faults"))
    assert [row["fault"] for row in listed["catalogue"]] == [fault.name for fault in FAULTS]
    assert all(row["zh"] and row["en"] for row in listed["catalogue"])
    assert listed["active"] == []


def test_a_fault_ordered_for_one_terminal_befalls_its_next_payment_only():
    world, app = world_and_app()
    order = b'{"fault": "drop_after_commit", "terminal_id": "T0000001", "count": 1}'
    assert call(app, "POST", "/faults", order)[0] == 201
    assert json_of(call(app, "GET", "/faults"))["active"][0]["remaining"] == 1
    assert world.sell(world.payment()) == []
    assert world.code(world.sell(world.payment())) == "00"


def test_a_fault_ordered_for_voids_befalls_the_next_void_and_no_sale():
    world, app = world_and_app()
    order = b'{"fault": "drop_after_commit", "message_class": "void", "terminal_id": "T0000001", "count": 1}'
    assert call(app, "POST", "/faults", order)[0] == 201
    listed = json_of(call(app, "GET", "/faults"))
    assert listed["active"][0]["message_class"] == "void"
    assert listed["message_classes"] == ["sign_in", "sale", "void", "refund", "preauth", "completion", "advice"]
    payment, other = world.payment(), world.payment()
    slip, other_slip = world.sold(payment), world.sold(other)
    assert world.link(Kind.VOID, world.follow(payment), slip) == []
    assert world.code(world.link(Kind.VOID, world.follow(other), other_slip)) == "00"
    assert world.net_minor() == 0


def test_clearing_switches_ordered_faults_off():
    world, app = world_and_app()
    call(app, "POST", "/faults", b'{"fault": "code_51"}')
    assert call(app, "DELETE", "/faults")[0] == 204
    assert world.code(world.sell(world.payment())) == "00"


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"{", 422, "truncated"),
        (b'{"fault": "nonsense"}', 422, "no fault is called"),
        (b'{"fault": "delay", "host": "h9"}', 422, "there are h1"),
        (b'{"fault": "delay", "rate": 2}', 422, "rate"),
        (b'{"fault": "delay", "count": 0}', 422, "count"),
        (b'{"fault": "delay", "message_class": "reversal"}', 422, "message_class"),
        (b'{"fault": "delay", "tirminal": "x"}', 422, "tirminal"),
        (b'{"fault": "' + b"x" * 5000 + b'"}', 413, "4096"),
    ],
)
def test_a_wrong_order_is_refused_with_a_problem_document_and_nothing_is_switched_on(body, status, says):
    world, app = world_and_app()
    answer = call(app, "POST", "/faults", body)
    assert answer[0] == status
    assert answer[1]["content-type"] == "application/problem+json"
    assert says in json_of(answer)["detail"]
    assert world.core.faults.active == []


def test_the_ledger_shows_each_payment_and_that_the_books_balance():
    world, app = world_and_app()
    payment = world.payment(700)
    world.sell(payment)
    world.reverse(payment)
    ledger = json_of(call(app, "GET", "/ledger"))
    [row] = ledger["payments"]
    assert (row["terminal_id"], row["batch"], row["stan"]) == ("T0000001", "000001", payment.ref.stan)
    assert (row["debits"], row["credits"], row["net"]) == (700, 700, 0)
    assert ledger["total_minor"] == {"h1": 0}
    assert json_of(call(app, "GET", "/counters"))["h1"]["debits"] == 1


def test_the_ledger_shows_refunds_under_their_sale_and_what_is_held():
    world, app = world_and_app()
    payment, hold = world.payment(700), world.payment(900)
    world.link(Kind.REFUND, world.follow(payment, 200), world.sold(payment))
    world.authorised(hold)
    sale, held = json_of(call(app, "GET", "/ledger"))["payments"]
    assert (sale["stan"], sale["debits"], sale["credits"], sale["net"]) == (payment.ref.stan, 700, 200, -500)
    assert (held["stan"], held["held"], held["debits"], held["net"]) == (hold.ref.stan, 900, 0, 0)


def test_the_records_show_each_message_and_which_transaction_it_is_about():
    world, app = world_and_app()
    payment = world.payment(700)
    slip = world.sold(payment)
    world.link(Kind.VOID, world.follow(payment, 600), slip)
    world.link(Kind.VOID, world.follow(payment), slip)
    rows = json_of(call(app, "GET", "/records"))["records"]
    assert [(row["kind"], row["state"], row["about_stan"]) for row in rows] == [
        ("sale", "VOIDED", ""),
        ("void", "DECLINED", ""),
        ("void", "APPROVED", payment.ref.stan),
    ]


def test_no_card_number_is_in_what_the_api_shows():
    world, app = world_and_app()
    payment = world.payment()
    world.sell(payment)
    for path in ("/ledger", "/records", "/counters", "/faults"):
        assert payment.card.pan.encode() not in call(app, "GET", path)[2]


def day_of(at_us: int) -> str:
    return date.fromordinal(business_day(at_us)).isoformat()


def test_the_clearing_file_of_a_day_is_one_that_the_gateway_reads():
    world, app = world_and_app()
    payment, gone = world.payment(700), world.payment(900)
    world.link(Kind.REFUND, world.follow(payment, 200), world.sold(payment))
    world.sell(gone)
    world.reverse(gone)
    world.core.books.adjust(payment.ref, 100, NOW_US)
    query = f"date={day_of(NOW_US)}&host=h1".encode()
    content = call(app, "GET", "/clearing", query=query)[2]
    entries = CSV.read(content, Given(name="f.csv", acquirer="h1")).entries
    assert [(each.side.value, each.amount_minor) for each in entries] == [
        ("debit", 700), ("credit", 200), ("debit", 900), ("credit", 900), ("credit", 100),
    ]  # fmt: skip
    sale, refund, taken, returned, adjusted = entries
    assert (refund.stan != sale.stan, refund.original_stan) == (True, sale.stan)
    assert (returned.stan, returned.original_stan) == (taken.stan, ""), "a reversal has its original's number"
    assert (adjusted.stan, adjusted.original_stan, adjusted.original_rrn) == ("", sale.stan, sale.rrn)
    assert payment.card.pan.encode() not in content


def test_a_hold_is_in_no_clearing_file_and_an_empty_day_has_one():
    world, app = world_and_app()
    world.authorised(world.payment(900))
    for day in (day_of(NOW_US), "2020-01-01"):
        content = call(app, "GET", "/clearing", query=f"date={day}&host=h1".encode())[2]
        assert content.endswith(b"total,0,0,0,0\n")


@pytest.mark.parametrize("query", [b"", b"date=today&host=h1", b"date=2020-01-01&host=h9"])
def test_a_clearing_file_of_no_day_or_host_is_refused(query):
    assert call(world_and_app()[1], "GET", "/clearing", query=query)[0] == 422
