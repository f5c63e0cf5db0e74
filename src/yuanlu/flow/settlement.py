"""The second net: the end of a terminal's batch, its totals and details against our journal (`docs/returns.md` §4.13).

0500 compares totals and is answered with the terminal's own figures and a flag: 1 they agree, and the batch is closed
at once; 2 they differ, and the terminal uploads its details by 0320; 3 they cannot be read. At the end of the upload
every difference becomes a finding, and what agrees is captured. Each step is one commit that can be made again: a
repeated message is answered again and counted once. Pending reversals are durable and ours; they count nowhere and
hold nothing up (domain trap T22).
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace as record_replace
from functools import partial

import structlog
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from yuanlu.acquirers.kinds import DEBITS
from yuanlu.cases.records import Case
from yuanlu.contracts import Agreements
from yuanlu.flow.batch_cases import WORDS, find_batch_case
from yuanlu.flow.batches import SETTLEMENT, UPLOAD, Ended, Ours, compared, read_end, read_ours
from yuanlu.flow.codes import FORMAT_CODE
from yuanlu.flow.findings import follow, handed_over
from yuanlu.flow.older_journal import find_acceptance
from yuanlu.flow.payment import Desk
from yuanlu.flow.records import fact, frame, reply_frame, to_state
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.subfields import F60, SettlementTotals, Totals, UploadDetails
from yuanlu.journal import tasks
from yuanlu.journal.frames import Direction
from yuanlu.journal.tasks import Claimed, TaskRunner
from yuanlu.journal.transactions import Transaction
from yuanlu.journal.unit import Change, Committed, Conflict, Fact
from yuanlu.kernel.money import format_minor
from yuanlu.reconciliation.batch import (
    BatchItem,
    BatchTotals,
    Finding,
    FindingKind,
    Standing,
    told_totals,
)
from yuanlu.reconciliation.store import (
    CASE,
    Batch,
    BatchKey,
    BatchState,
    find_batch,
    insert_finding,
    next_open,
    put_batch,
    put_item,
)
from yuanlu.returns.orders import automatic_today_minor
from yuanlu.returns.policy import SECOND_US
from yuanlu.returns.states import State

TASK_KIND = "batch"
UPLOAD_PATIENCE_US = 30 * 60 * SECOND_US
"""An upload that has not ended so long after its 0500 is a person's, too. It can still end."""

DETAILS_CODE, END_CODES = "201", frozenset({"202", "207"})
"""Field 60.3 of 0320: details, and their end."""

AGREE_FLAG, DIFFER_FLAG, ERROR_FLAG = "1", "2", "3"
ACCEPTED_CODE, CNY = "00", "156"
COUNT_DIGITS = 4
NOTHING = Totals(debit_minor=0, debit_count=0, credit_minor=0, credit_count=0)

Unit = tuple[list[Fact], list[Change]]

_log = structlog.get_logger("settlement")


class BatchMessage(Struct, frozen=True, kw_only=True):
    """0500 or 0320 of a terminal. `reply` makes the answer from a code and more fields."""

    key: BatchKey
    acquirer: str
    message: Message
    reply: Callable[[str, Mapping[int, str | bytes]], bytes]
    deadline_s: float


class Settler:
    """Settles batches; one per gateway."""

    def __init__(self, desk: Desk, agreements: Agreements, random_bits: Callable[[int], int]) -> None:
        self._desk = desk
        self._agreements = agreements
        self._random_bits = random_bits
        self.runner = TaskRunner(
            kind=TASK_KIND, lanes=dict.fromkeys(desk.hosts, 1), journal=desk.journal, clock=desk.clock,
            handle=self.look_after,
        )  # fmt: skip

    async def next_batch(self, terminal_id: str, merchant_id: str, batch_no: str) -> str:
        """The number that a sign-in assigns: this one, or the next that is not closed."""
        return await self._desk.journal.read(
            partial(next_open, terminal_id=terminal_id, merchant_id=merchant_id, batch_no=batch_no)
        )

    async def settle(self, asked: BatchMessage) -> bytes:
        """0500: the totals."""
        try:
            given = SettlementTotals.parse(asked.message[48])
        except DecodeError as error:
            reply = asked.reply(FORMAT_CODE, {48: _flagged(SettlementTotals(domestic=NOTHING), ERROR_FLAG)})
            return await self._noted(asked, SETTLEMENT, f"{FORMAT_CODE}: {error}", reply)
        await self._payments_decided(asked)
        currency = asked.message.get(49) or CNY
        while True:
            ours = await self._desk.journal.read(partial(read_ours, key=asked.key, currency=currency))
            closed = ours.batch is not None and ours.batch.state is BatchState.CLOSED
            if ours.batch is not None and closed and ours.batch.theirs == told_totals(given):
                flag = AGREE_FLAG if ours.batch.agreed else DIFFER_FLAG
                reply = asked.reply(ACCEPTED_CODE, {48: _flagged(given, flag)})
                return await self._noted(asked, SETTLEMENT, f"{asked.key}: answered from the record, {flag}", reply)
            reply, unit = self._settled(asked, given, ours, currency)
            if isinstance(await self._desk.journal.commit(*unit), Committed):
                self._desk.batches.closed(asked.key)
                return reply

    async def _payments_decided(self, asked: BatchMessage) -> None:
        """Payments under way have deadlines, and this terminal's come before its 0500's own."""
        key = asked.key
        waiting = [
            in_flight.decided
            for each, in_flight in self._desk.in_flight.items()
            if (each.terminal_id, each.merchant_id, each.batch_no) == (key.terminal_id, key.merchant_id, key.batch_no)
        ]
        left_s = asked.deadline_s - asyncio.get_running_loop().time()
        if waiting and left_s > 0:
            await asyncio.wait(waiting, timeout=left_s)

    def _settled(self, asked: BatchMessage, given: SettlementTotals, ours: Ours, currency: str) -> tuple[bytes, Unit]:
        """The answer, and the unit to commit before it is told: closed and captured, or waiting for the details."""
        theirs, before, now_us = told_totals(given), ours.batch, self._desk.clock.wall_us()
        agreed, own = compared(ours, theirs)
        batch = Batch(
            key=asked.key, acquirer=asked.acquirer, currency=currency,
            state=BatchState.CLOSED if agreed else BatchState.UPLOADING, agreed=agreed,
            upload_no=1 + (before.upload_no if before is not None else 0), theirs=theirs, ours=own,
            settled_to=ours.latest_id if agreed else ours.settled_to, opened_at_us=now_us,
            closed_at_us=now_us if agreed else None,
        )  # fmt: skip
        reply = asked.reply(ACCEPTED_CODE, {48: _flagged(given, AGREE_FLAG if agreed else DIFFER_FLAG)})
        text = f"{asked.key}: {_words(theirs, currency)}"
        text += ", agrees" if agreed else f"; differs, ours: {_words(own, currency)}"
        heard = self._heard(asked, SETTLEMENT, text, reply)
        if not agreed:
            due_us = self.runner.now_us() + UPLOAD_PATIENCE_US
            due = tasks.put(TASK_KIND, _task_key(asked.key), asked.acquirer, due_us)
            return reply, ([heard], [put_batch(before, batch), due])
        facts, changes = self._captured(ours, ours.items, asked.key)
        return reply, ([*facts, heard], [*changes, put_batch(before, batch)])

    def _captured(self, ours: Ours, agreeing: Iterable[BatchItem], key: BatchKey) -> Unit:
        """Payments that stand and that the terminal has, too; not those with a return under way."""
        expected = {item.transaction_id for item in agreeing if item.standing is Standing.COUNTS}
        facts, changes, note = [], [], f"batch {key.batch_no}"
        for each in ours.transactions:
            if each.transaction_id in expected and may_be_captured(each) and each.transaction_id not in ours.live:
                version = each.version + 1
                facts.append(fact(self._desk, each, State.CAPTURED, version=version, note=note))
                changes.append(to_state(self._desk, each, State.CAPTURED, version, each.reason))
        return facts, changes

    async def upload(self, asked: BatchMessage) -> bytes:
        """0320: details, or their end. Raises DecodeError when it cannot be read."""
        code = F60.parse(asked.message[60]).management_code
        batch = await self._desk.journal.read(partial(find_batch, key=asked.key))
        if batch is None or batch.state is BatchState.CLOSED:
            return await self._accepted(asked, f"{asked.key}: no upload is open; nothing is counted")
        if code in END_CODES:
            return await self._ended(asked)
        if code != DETAILS_CODE:
            return await self._accepted(asked, f"{asked.key}: 60.3 is {code}; nothing is counted")
        items, stan = UploadDetails.parse(asked.message[48]).items, asked.message[11]
        changes = [
            put_item(batch, stan, position, BatchItem(trace_no=item.stan, amount_minor=item.amount_minor))
            for position, item in enumerate(items)
        ]
        return await self._accepted(asked, f"{asked.key}: {len(items)} uploaded", changes)

    async def _ended(self, asked: BatchMessage) -> bytes:
        """The terminal has uploaded everything: compare, and close."""
        announced = _announced(asked.message)
        while True:
            ended = await self._desk.journal.read(partial(read_end, key=asked.key, announced=announced))
            if ended is None:
                return await self._accepted(asked, f"{asked.key}: closed meanwhile")
            given = await self._desk.journal.read(partial(self._given_today, batch=ended.batch))
            reply, unit = self._matched(asked, ended, given)
            if isinstance(await self._desk.journal.commit(*unit), Committed):
                self._desk.batches.closed(asked.key)
                self._desk.returns.runner.nudge(ended.batch.acquirer)
                if ended.findings:
                    _log.warning("a batch differs", batch=str(asked.key), findings=len(ended.findings))
                return reply

    def _given_today(self, connection: Connection, batch: Batch) -> int | None:
        """What has gone back by itself for the merchant; None while nothing may."""
        if find_acceptance(connection) is not None:
            return None
        return automatic_today_minor(connection, batch.key.merchant_id, batch.currency, self._desk.clock.wall_us())

    def _matched(self, asked: BatchMessage, ended: Ended, given_today_minor: int | None) -> tuple[bytes, Unit]:
        """The answer to the upload's end, and the unit: what differs is followed up, the rest captured."""
        differing = {finding.transaction_id for finding in ended.findings}
        agreeing = [item for item in ended.ours.fresh if item.transaction_id not in differing]
        facts, changes = self._captured(ended.ours, agreeing, asked.key)
        agreed = self._agreements.of(asked.key.merchant_id)
        more, rows = follow(self._desk, agreed, ended, given_today_minor, self._random_bits)
        after = replace(
            ended.batch, state=BatchState.CLOSED, settled_to=ended.ours.latest_id,
            closed_at_us=self._desk.clock.wall_us(),
        )  # fmt: skip
        reply = asked.reply(ACCEPTED_CODE, {})
        whole = "complete" if ended.complete else "not complete"
        text = f"{asked.key}: {ended.uploaded} uploaded, {whole}; {len(ended.findings)} differ"
        heard = self._heard(asked, UPLOAD, text, reply)
        return reply, ([*facts, *more, heard], [*changes, *rows, put_batch(ended.batch, after)])

    async def look_after(self, task: Claimed) -> None:
        """An upload's time is up: the handler of the task."""
        batch, case = await self._desk.journal.read(partial(_read_batch, key=_key_of(task.key)))
        if batch is None or batch.state is not BatchState.UPLOADING:
            await self._desk.journal.commit([], [tasks.drop(task)])
            return
        finding = Finding(kind=FindingKind.UNFINISHED, trace_no="", ours_minor=None, theirs_minor=None)
        agreed = self._agreements.of(batch.key.merchant_id)
        facts, changes = handed_over(self._desk, batch, [finding], case, agreed, self._random_bits)
        row = insert_finding(batch, 0, finding, CASE, WORDS[finding.kind].en, self._desk.clock.wall_us())
        done = await self._desk.journal.commit(facts, [*changes, row, tasks.drop(task)])
        if isinstance(done, Conflict):
            _log.info("the batch or its case changed meanwhile", batch=str(batch.key))
            await self._desk.journal.commit([], [tasks.move(task, self.runner.now_us() + SECOND_US)])
        else:
            _log.warning("an upload never ended", batch=str(batch.key))

    async def _accepted(self, asked: BatchMessage, text: str, changes: Iterable[Change] = ()) -> bytes:
        return await self._noted(asked, UPLOAD, text, asked.reply(ACCEPTED_CODE, {}), changes)

    async def _noted(
        self, asked: BatchMessage, kind: str, text: str, reply: bytes, changes: Iterable[Change] = ()
    ) -> bytes:
        """Durable, then told."""
        committed = await self._desk.journal.commit([self._heard(asked, kind, text, reply)], list(changes))
        assert isinstance(committed, Committed), "a fact of its own and rows that overwrite conflict with nothing"
        return reply

    def _heard(self, asked: BatchMessage, kind: str, text: str, reply: bytes) -> Fact:
        """The terminal's message and our answer, as a fact of their own."""
        return Fact(
            merchant_id=asked.key.merchant_id, subject_id=self._desk.identifiers.new(), version=1, kind=kind,
            at_us=self._desk.clock.wall_us(), terminal_id=asked.key.terminal_id, note=text,
            frames=frame(Direction.FROM_TERMINAL, asked.message) + reply_frame(asked.message, reply),
        )  # fmt: skip


def _read_batch(connection: Connection, key: BatchKey) -> tuple[Batch | None, Case | None]:
    return find_batch(connection, key), find_batch_case(connection, key)


def may_be_captured(transaction: Transaction) -> bool:
    """Whether closing its batch makes it final: an approved payment. A hold waits for its completion."""
    return transaction.state == State.APPROVED and transaction.kind in DEBITS


def _flagged(given: SettlementTotals, flag: str) -> str:
    """Field 48 of 0510: the terminal's own figures, and the flag in positions 31 and 62."""
    domestic, foreign = record_replace(given.domestic, flag=flag), record_replace(given.foreign, flag=flag)
    return SettlementTotals(domestic=domestic, foreign=foreign).build()


def _words(totals: BatchTotals, currency: str) -> str:
    debits, credited = format_minor(totals.debit_minor, currency), format_minor(totals.credit_minor, currency)
    return f"{totals.debit_count} debits of {debits}, {totals.credit_count} credits of {credited}"


def _announced(message: Message) -> int | None:
    """How many items the end message says there were; None when it does not. The form is customary, not specified."""
    text = message.get(48) or ""
    return int(text) if text.isdecimal() and len(text) == COUNT_DIGITS else None


def _task_key(key: BatchKey) -> str:
    return f"{key.terminal_id}{key.merchant_id}{key.batch_no}"


def _key_of(text: str) -> BatchKey:
    """Fields 41, 42 and 60.2 have 8, 15 and 6 characters."""
    return BatchKey(terminal_id=text[:8], merchant_id=text[8:23], batch_no=text[23:])
