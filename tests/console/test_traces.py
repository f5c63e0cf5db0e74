"""A payment's way as a trace at a collector: spans from the journal's own facts, none lost, none with card data."""

import asyncio
import socket

import pytest
from msgspec.structs import replace
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from sqlalchemy import Connection, delete, insert, select

from tests.console.collector import collecting, said
from tests.console.desk import ConsoleDesk, seen
from tests.scenario.linked import request, sold
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import CARD, MERCHANT
from yuanlu.console.app import build
from yuanlu.console.tracing import NotTaken, Tracing
from yuanlu.journal.transactions import facts_of
from yuanlu.kernel.clock import SystemClock
from yuanlu.sandbox.till_messages import Payment
from yuanlu.traces.reading import FOLLOWER
from yuanlu.traces.tables import trace_cursors


def tracing_of(desk: ConsoleDesk, url: str, **terms: object) -> Tracing:
    """What the console runs when `[console] traces` is set; begun, as by a round before anything happened."""
    settings = desk.stage.settings
    settings = replace(settings, console=replace(settings.console, traces=url, **terms))
    return Tracing(settings, desk.app.state.console.store)


async def all_of(tracing: Tracing) -> None:
    while await tracing.round():
        pass


async def a_sale(desk: ConsoleDesk) -> str:
    payment = desk.stage.payment()
    await desk.stage.ask(desk.stage.sale(payment))
    return (await desk.stage.find(payment)).transaction_id


async def a_lost_sale(desk: ConsoleDesk) -> tuple[str, Payment]:
    """Its answer never came, it came home, and its cause is known."""
    desk.stage.host.will("0200", Hush())
    payment = desk.stage.payment()
    await desk.stage.ask(desk.stage.sale(payment))
    await desk.stage.becomes(payment, "RETURNED")
    desk.stage.later(5)
    await desk.stage.has(payment, "EXPLAINED")
    return (await desk.stage.find(payment)).transaction_id, payment


async def times(desk: ConsoleDesk, transaction_id: str) -> dict[str, int]:
    """When each fact happened, in nanoseconds."""
    rows = await desk.stage.read(lambda c: facts_of(c, MERCHANT, transaction_id))
    return {row.kind: row.at_us * 1000 for row in rows}


def marks_of(connection: Connection) -> list[tuple[int, int]]:
    return [tuple(row) for row in connection.execute(select(trace_cursors))]


def set_back(connection: Connection, marks: list[tuple[int, int]]) -> None:
    connection.execute(delete(trace_cursors))
    for writer_id, seq in marks:
        connection.execute(insert(trace_cursors).values(writer_id=writer_id, writer_seq=seq))


def lasted(span: Span) -> tuple[int, int]:
    return span.start_time_unix_nano, span.end_time_unix_nano


async def in_return(stage):
    """A sale that nobody answered; its reversal is on the way, and the host holds its answer."""
    stage.host.will("0200", Hush())
    stage.host.will("0400", Say(held=True))
    payment = stage.payment()
    await stage.ask(stage.sale(payment))
    await stage.until(lambda: stage.host.holding == 1)
    return payment


def test_a_sale_that_timed_out_is_a_trace_from_the_request_to_the_return(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        async with collecting() as collector:
            tracing = tracing_of(desk, collector.url)
            await all_of(tracing)
            lost, _ = await a_lost_sale(desk)
            await all_of(tracing)
            at, trace = await times(desk, lost), collector.trace(lost)
            sale, host, back, reversal = (trace[name] for name in ("sale", "host exchange", "return", "reversal"))

            assert lasted(sale) == lasted(host) == (at["SEND_INTENT"], at["UNKNOWN"])
            assert lasted(back) == (at["RETURN_INTENT"], at["RETURNED"])
            assert lasted(reversal) == (at["RETURN_REVERSAL"], at["REVERSAL_ANSWER"])
            assert (sale.parent_span_id, host.parent_span_id) == (b"", sale.span_id)
            assert (back.parent_span_id, reversal.parent_span_id) == (sale.span_id, back.span_id)
            assert (sale.kind, host.kind, back.kind) == (
                Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_INTERNAL,
            )  # fmt: skip

            assert said(sale)["yuanlu.outcome"] == said(sale)["error.type"].upper() == "UNKNOWN"
            assert said(sale)["yuanlu.response_code"] == "98", "what the terminal was told"
            assert (sale.status.code, sale.status.message) == (Status.STATUS_CODE_ERROR, "no answer in time")
            assert said(host)["server.port"] == desk.stage.host.port
            assert said(reversal)["yuanlu.response_code"] == "00"
            assert (said(back)["yuanlu.outcome"], back.status.code) == ("RETURNED", Status.STATUS_CODE_UNSET)
            assert lasted(trace["explained"]) == (at["EXPLAINED"], at["EXPLAINED"])

    run(seen(story, tmp_path))


def test_an_ordinary_sale_is_a_payment_with_one_exchange(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        async with collecting() as collector:
            tracing = tracing_of(desk, collector.url, traces_authorization="Bearer of-the-collector")
            await all_of(tracing)
            trace = collector.trace
            paid = await a_sale(desk)
            await all_of(tracing)
            assert set(trace(paid)) == {"sale", "host exchange"}
            assert said(trace(paid)["sale"])["yuanlu.response_code"] == "00"
            assert said(trace(paid)["sale"])["yuanlu.amount.minor"] == 1234
            assert collector.headers[0]["authorization"] == "Bearer of-the-collector"
            [resource] = [each.resource for each in collector.requests[0].resource_spans]
            assert {each.key: each.value.string_value for each in resource.attributes}["service.name"] == "yuanlu"

    run(seen(story, tmp_path))


def test_a_void_has_a_trace_of_its_own_that_points_at_its_original(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        async with collecting() as collector:
            tracing, stage = tracing_of(desk, collector.url), desk.stage
            await all_of(tracing)
            payment = await sold(stage)
            void = request("void", 50, 1234, of=int(payment.ref.stan), rrn=(await stage.find(payment)).rrn)
            assert await stage.code(void) == "00"
            await all_of(tracing)
            paid = (await stage.find(payment)).transaction_id
            sale, voided = collector.trace(paid)["sale"], collector.trace(paid)["void"]
            roots = [each for each in collector.spans if each.name == "void" and not each.parent_span_id]
            assert [(each.trace_id, each.span_id) for each in roots[0].links] == [(sale.trace_id, sale.span_id)]
            assert (voided.parent_span_id, said(voided)["yuanlu.outcome"]) == (sale.span_id, "VOID_DONE")

    run(seen(story, tmp_path))


def test_an_answer_that_comes_late_is_an_event_of_the_return_it_fell_into(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        async with collecting() as collector:
            tracing, stage = tracing_of(desk, collector.url), desk.stage
            await all_of(tracing)
            payment = await in_return(stage)
            [request] = stage.host.asked("0200")
            stage.host.send_all(stage.late(request, Say()))
            await stage.has(payment, "LATE_ANSWER")
            stage.host.let_go()
            await stage.becomes(payment, "RETURNED")
            await all_of(tracing)
            lost = (await stage.find(payment)).transaction_id
            at, back = await times(desk, lost), collector.trace(lost)["return"]
            assert [(each.name, each.time_unix_nano) for each in back.events] == [("late answer", at["LATE_ANSWER"])]

    run(seen(story, tmp_path))


def test_a_case_is_told_in_its_payments_trace(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        async with collecting() as collector:
            tracing, stage = tracing_of(desk, collector.url), desk.stage
            await all_of(tracing)
            stage.host.will("0200", Hush())
            stage.host.will("0400", Say(code="13"))
            payment = stage.payment()
            await stage.ask(stage.sale(payment))
            await stage.becomes(payment, "ESCALATED")
            stage.later(5)
            await stage.has(payment, "EXPLAINED")
            await all_of(tracing)
            trace = collector.trace((await stage.find(payment)).transaction_id)
            assert trace["case opened"].parent_span_id == trace["sale"].span_id
            assert trace["return"].status.code == Status.STATUS_CODE_ERROR

    run(seen(story, tmp_path))


def test_what_happened_while_the_collector_was_down_is_sent_when_it_is_back(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            away = tracing_of(desk, f"http://127.0.0.1:{nobody.getsockname()[1]}/v1/traces")
            await desk.app.state.console.store.write(FOLLOWER.start)
            lost, _ = await a_lost_sale(desk)
            with pytest.raises(NotTaken):
                await away.round()
        async with collecting(503) as collector:
            tracing = tracing_of(desk, collector.url)  # the console began anew, too
            with pytest.raises(NotTaken):
                await tracing.round()
            assert collector.spans == []
            await all_of(tracing)
            assert {"sale", "host exchange", "return", "reversal"} <= set(collector.trace(lost))
            before = len(collector.spans)
            await all_of(tracing)
            assert len(collector.spans) == before, "what was taken is not sent again"

    run(seen(story, tmp_path))


def test_what_is_sent_twice_is_the_same_to_the_last_byte(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        async with collecting() as first, collecting() as second:
            one, other = tracing_of(desk, first.url), tracing_of(desk, second.url)
            await all_of(one)
            lost, _ = await a_lost_sale(desk)
            marks = await desk.app.state.console.store.read(marks_of)
            await all_of(one)
            await desk.app.state.console.store.write(lambda c: set_back(c, marks))  # it ended before its mark moved
            await all_of(other)
            assert first.trace(lost)
            assert sorted(first.raw) == sorted(second.raw)

    run(seen(story, tmp_path))


def test_spans_that_become_whole_later_come_alone(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        async with collecting() as collector:
            tracing, stage = tracing_of(desk, collector.url), desk.stage
            await all_of(tracing)
            payment = await in_return(stage)
            await all_of(tracing)
            assert sorted(each.name for each in collector.spans) == ["host exchange", "sale"]
            stage.host.let_go()
            await stage.becomes(payment, "RETURNED")
            await all_of(tracing)
            assert [each.name for each in collector.spans].count("sale") == 1
            assert {"reversal", "return"} <= {each.name for each in collector.spans}

    run(seen(story, tmp_path))


def test_of_ordinary_payments_few_are_traced_and_of_odd_ones_all(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        async with collecting() as collector:
            tracing = tracing_of(desk, collector.url, traces_one_in=2**62)
            await all_of(tracing)
            await a_sale(desk)
            lost, _ = await a_lost_sale(desk)
            await all_of(tracing)
            roots = [each for each in collector.spans if not each.parent_span_id]
            assert [said(each)["yuanlu.transaction.id"] for each in roots] == [lost]

    run(seen(story, tmp_path))


def test_an_ordinary_payment_that_was_left_out_is_told_as_a_whole_when_it_turns_odd(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        async with collecting() as collector:
            tracing, stage = tracing_of(desk, collector.url, traces_one_in=2**62), desk.stage
            await all_of(tracing)
            payment = stage.payment()
            await stage.ask(stage.sale(payment))
            await all_of(tracing)
            assert collector.spans == []
            await stage.ask(stage.reversal(payment))
            await stage.becomes(payment, "RETURNED")
            await all_of(tracing)
            trace = collector.trace((await stage.find(payment)).transaction_id)
            assert {"sale", "host exchange", "return", "reversal"} <= set(trace)

    run(seen(story, tmp_path))


def test_no_card_number_and_nothing_that_stands_for_one_is_in_a_trace(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        async with collecting() as collector:
            tracing = tracing_of(desk, collector.url)
            await all_of(tracing)
            lost, payment = await a_lost_sale(desk)
            await all_of(tracing)
            found, sent = await desk.stage.find(payment), b"".join(collector.raw)
            assert lost.encode() in sent
            for secret in (CARD.pan, CARD.pan[:6] + "******", found.card_token, f'"{found.card_last4}"'):
                assert secret
                assert secret.encode() not in sent
            assert not [key for span in collector.spans for key in said(span) if "card" in key]

    run(seen(story, tmp_path))


def test_a_receiver_that_refuses_a_request_for_good_does_not_stop_what_comes_after_it(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        async with collecting() as collector:
            tracing = tracing_of(desk, collector.url)
            await all_of(tracing)
            await a_sale(desk)
            collector.statuses = [400]
            await all_of(tracing)
            assert collector.spans == []
            later = await a_sale(desk)
            await all_of(tracing)
            assert {said(each).get("yuanlu.transaction.id") for each in collector.spans} >= {later}

    run(seen(story, tmp_path))


def test_a_console_with_an_address_for_traces_sends_them_by_itself(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        async with collecting() as collector:
            settings, console = desk.stage.settings, desk.app.state.console
            settings = replace(settings, console=replace(settings.console, traces=collector.url))
            app = build(settings, SystemClock(), desk.stage.store)
            async with app.router.lifespan_context(app), asyncio.timeout(20):
                while not await console.store.read(FOLLOWER.started):  # noqa: ASYNC110 - the journal has no event
                    await asyncio.sleep(0.02)
                paid = await a_sale(desk)
                while not collector.spans:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.02)
            assert set(collector.trace(paid)) == {"sale", "host exchange"}

    run(seen(story, tmp_path))
