"""Loading a clearing file: read it whole, store it in small commits, then follow up what it says.

It runs in the command, not in the gateway: matching a day takes seconds of a processor, and the gateway's one loop has
payments to answer (`docs/decisions/0018-clearing-files.md`). It writes as a visitor, some hundred rows a commit with
a pause behind each, and reads by connections that only read: a visitor's own hold the journal while they are open.
"""

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import islice
from pathlib import Path

from msgspec import Struct

from yuanlu.acquirers.terms import HostTerms
from yuanlu.cases.decisions import settled
from yuanlu.cases.people import Actor
from yuanlu.cases.records import Outcome
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.texts import reference_of
from yuanlu.cli.casework import actor
from yuanlu.cli.clearing_pages import Done, day_of, loaded_text, terms_of
from yuanlu.flow.clearing import follow, is_news, look
from yuanlu.flow.clearing_days import find_day_case, opened, unknown
from yuanlu.flow.clearing_reading import Known, by_reference, read_known, waiting, window
from yuanlu.flow.testimony import Declaration
from yuanlu.journal.transactions import facts_of
from yuanlu.journal.unit import Change, Conflict, Fact
from yuanlu.journal.visiting import Visitor, visit
from yuanlu.kernel.clock import SystemClock
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.people.database import on_database, reading
from yuanlu.reconciliation.clearing import LINES_MAX, ClearingWrong, Document, Entry, Given
from yuanlu.reconciliation.clearing_match import Files, Index, Verdict
from yuanlu.reconciliation.clearing_store import (
    ClearingFile,
    Stranger,
    file_id_of,
    files_of,
    insert_entry,
    insert_file,
    last_line,
    listed_about,
    named_in,
    strangers_in,
)
from yuanlu.reconciliation.formats.known import get_format
from yuanlu.returns.orders import open_for
from yuanlu.returns.store import watched_ids
from yuanlu.settings import Settings
from yuanlu.terminals import read_terminals

FILE_BYTES_MAX = 1 << 30
ROWS_PER_COMMIT = 500
PAUSE_S = 0.01
"""Behind each commit: the gateway's own are let in."""

IDS_AT_ONCE = 1_000
TRIES = 5
LOADED, LINES = "CLEARING_FILE", "CLEARING_LINES"


class Wanted(Struct, frozen=True, kw_only=True):
    """What the command line says of the file."""

    path: Path
    acquirer: str
    day: str = ""
    form: str = "csv"
    merchant_id: str = ""
    lines: int | None = None
    encoding: str = ""


@on_database
def load_file(settings: Settings, wanted: Wanted, name: str, lang: str) -> str:
    """Load it, follow it up, and say what came of it. Raises ClearingWrong, CaseError or StoreError."""
    who, terms = actor(name), terms_of(settings, wanted.acquirer)
    document, sha256 = _read(wanted)
    clock = SystemClock()
    if document.day.toordinal() >= terms.business_day(clock.wall_us()):
        raise ClearingWrong(f"settlement date {document.day.isoformat()} has not ended, so no file of it is complete")
    with visit(settings.store.url, settings.folder, clock) as visitor:
        loading = Loading(settings, terms, visitor, clock, who)
        return loaded_text(loading.load(document, wanted.path.name, sha256), lang)


def _read(wanted: Wanted) -> tuple[Document, str]:
    reference_of(f"{wanted.path.name}:{LINES_MAX}")
    try:
        if wanted.path.stat().st_size > FILE_BYTES_MAX:
            raise ClearingWrong(f"{wanted.path} has more than {FILE_BYTES_MAX >> 20} MiB")
        content = wanted.path.read_bytes()
    except OSError as error:
        raise ClearingWrong(f"{wanted.path}: {error.strerror}") from None
    given = Given(
        name=wanted.path.name, acquirer=wanted.acquirer, day=day_of(wanted.day) if wanted.day else None,
        merchant_id=wanted.merchant_id, lines=wanted.lines, encoding=wanted.encoding,
    )  # fmt: skip
    try:
        return get_format(wanted.form).read(content, given), hashlib.sha256(content).hexdigest()
    except ClearingWrong as error:
        raise ClearingWrong(f"{wanted.path.name} is not loaded: {error}") from None


class Loading:
    """One file's way into the journal."""

    def __init__(
        self, settings: Settings, terms: HostTerms, visitor: Visitor, clock: SystemClock, who: Actor
    ) -> None:  # fmt: skip
        self._settings = settings
        self._terms = terms
        self._visitor = visitor
        self._clock = clock
        self._who = who
        self._identifiers = IdentifierSource(clock, secrets.randbits)

    def load(self, document: Document, name: str, sha256: str) -> Done:
        """Store it unless it is there, then follow up."""
        before = self._found(document, name, sha256)
        matched, orders = 0, 0
        if before is None:
            file = self._file(document, name, sha256)
            about = self._matched(document)
            matched = sum(1 for transaction_id in about.values() if transaction_id)
            self._store(file, document.entries, about)
        else:
            file = before
        verdicts, orders = self._follow_up(file)
        with reading(self._settings) as connection:
            ours, foreign = self._strangers(strangers_in(connection, file.file_id))
        return Done(
            file=file, new=before is None, matched=matched, verdicts=verdicts, orders=orders,
            ours_unknown=sum(each.lines for each in ours), foreign=sum(each.lines for each in foreign),
        )  # fmt: skip

    def _file(self, document: Document, name: str, sha256: str) -> ClearingFile:
        return ClearingFile(
            file_id=file_id_of(self._terms.name, document, sha256), acquirer=self._terms.name, day=document.day,
            merchant_id=document.merchant_id, name=name, sha256=sha256, lines=len(document.entries),
            totals=document.totals, loaded_at_us=self._clock.wall_us(), loaded_by=self._who.name,
        )  # fmt: skip

    def _found(self, document: Document, name: str, sha256: str) -> ClearingFile | None:
        """The same file, if it is loaded. Raises ClearingWrong when another one stands for that date."""
        with reading(self._settings) as connection:
            there = files_of(connection, self._terms.name, document.day, document.day)
        for file in there:
            whole = "" in (file.merchant_id, document.merchant_id)
            if file.sha256 == sha256 and file.merchant_id == document.merchant_id:
                return file
            if whole or file.merchant_id == document.merchant_id:
                raise ClearingWrong(
                    f"{name} is not loaded: {file.name}, loaded by {file.loaded_by}, is the file of "
                    f"{self._terms.name} for {document.day.isoformat()}, and nothing takes its place"
                )
        return None

    def _matched(self, document: Document) -> dict[int, str]:
        """Each line's transaction of ours, "" for none; from everything that the file may be about."""
        rrns = sorted({entry.original_rrn for entry in document.entries if entry.original_rrn})
        with reading(self._settings) as connection:
            old = waiting(connection, self._terms.name) | by_reference(connection, self._terms.name, rrns)
        known = self._known([*self._window(document.day), *old])
        index = Index(each.ours for each in known)
        return {entry.line: index.find(entry) for entry in document.entries}

    def _window(self, day: date) -> list[str]:
        names: list[str] = []
        while True:
            with reading(self._settings) as connection:
                page = window(connection, self._terms, day.toordinal(), names[-1] if names else "")
            if not page:
                return names
            names += page

    def _known(self, names: Iterable[str]) -> list[Known]:
        """Short readings, so that the gateway's log can go on."""
        left, found = iter(sorted(set(names))), []
        while some := list(islice(left, IDS_AT_ONCE)):
            with reading(self._settings) as connection:
                found += read_known(connection, self._terms, some)
        return found

    def _store(self, file: ClearingFile, entries: Sequence[Entry], about: dict[int, str]) -> None:
        """The lines in small commits, then the file itself: before that it counts for nothing."""
        with reading(self._settings) as connection:
            done = last_line(connection, file.file_id)
            version = len(facts_of(connection, file.merchant_id, file.file_id))
        left = [entry for entry in entries if entry.line > done]
        for start in range(0, len(left), ROWS_PER_COMMIT):
            some, version = left[start : start + ROWS_PER_COMMIT], version + 1
            note = f"{file.name}: lines {some[0].line} to {some[-1].line}"
            rows = [insert_entry(file.file_id, entry, about[entry.line]) for entry in some]
            if isinstance(self._visitor.commit([self._fact(file, version, LINES, note)], rows), Conflict):
                raise ClearingWrong(f"{file.name} is being loaded by somebody else; look again: yuanlu clearing list")
            time.sleep(PAUSE_S)
        reason = ""
        for _ in range(TRIES):
            outcome = self._visitor.commit(*self._counts(file, version + 1))
            if not isinstance(outcome, Conflict):
                return
            reason = outcome.reason
        raise ClearingWrong(f"{file.name} is not loaded: {reason}")

    def _counts(self, file: ClearingFile, version: int) -> tuple[list[Fact], list[Change]]:
        """The file's own row and fact, and what becomes of its date's case."""
        note = (
            f"{file.name} of {file.acquirer}, {file.day.isoformat()}: {file.totals.debit_count} debits, "
            f"{file.totals.credit_count} credits, sha256 {file.sha256[:16]}, loaded by {file.loaded_by}"
        )
        facts, changes = [self._fact(file, version, LOADED, note)], [insert_file(file)]
        now_us = self._clock.wall_us()
        with reading(self._settings) as connection:
            case = find_day_case(connection, file.acquirer, file.day)
            ours, _ = self._strangers(strangers_in(connection, file.file_id))
        if ours:
            levels = ServiceLevels(agreements=self._settings.agreements())
            opening = unknown(file.acquirer, file.day, file.name, ours)
            written = opened(opening, case, levels, secrets.randbits, now_us, self._who)
        elif case is not None and not file.merchant_id:
            written = settled(case, None, Outcome.REPAIRED, now_us, f"{file.name} is loaded")
        else:
            return facts, changes
        return [*facts, *written.facts], [*changes, *written.changes]

    def _fact(self, file: ClearingFile, version: int, kind: str, note: str) -> Fact:
        return Fact(
            merchant_id=file.merchant_id, subject_id=file.file_id, version=version, kind=kind,
            at_us=self._clock.wall_us(), terminal_id="", note=note,
        )  # fmt: skip

    def _strangers(self, found: Sequence[Stranger]) -> tuple[list[Stranger], list[Stranger]]:
        """Lines about no transaction of ours: of terminals that are ours, and of others."""
        terminals = read_terminals(
            self._settings.path(self._settings.gateway.terminals), self._settings.acquirers
        )  # fmt: skip
        mine = {(t.terminal_id, t.merchant_id) for t in terminals.values() if t.acquirer == self._terms.name}
        ours = [each for each in found if (each.terminal_id, each.merchant_id) in mine]
        return ours, [each for each in found if each not in ours]

    def _follow_up(self, file: ClearingFile) -> tuple[Counter[Verdict], int]:
        """Everything that this file may settle or contradict: found in bulk, then one unit each."""
        name = self._terms.name
        with reading(self._settings) as connection:
            watched, ordered = set(watched_ids(connection, name)), set(open_for(connection, name))
            others = waiting(connection, name) | named_in(connection, [file.file_id])
        known = self._known([*self._window(file.day), *others])
        files = self._files([each.holding.first_day for each in known] or [file.day.toordinal()])
        verdicts: Counter[Verdict] = Counter()
        orders = 0
        for start in range(0, len(known), IDS_AT_ONCE):
            for transaction_id in self._news(known[start : start + IDS_AT_ONCE], files, watched, ordered):
                said, closed = self._followed(transaction_id, files)
                verdicts.update(said)
                orders += closed
        return verdicts, orders

    def _files(self, days: Sequence[int]) -> Files:
        with reading(self._settings) as connection:
            there = files_of(connection, self._terms.name, date.fromordinal(min(days)), date.max)
        return Files(loaded=frozenset((file.day.toordinal(), file.merchant_id) for file in there))

    def _news(self, known: Sequence[Known], files: Files, watched: set[str], ordered: set[str]) -> list[str]:
        names = {each.holding.transaction_id for each in known} | {each.holding.partner for each in known}
        with reading(self._settings) as connection:
            lines = listed_about(connection, names - {""})
        found = []
        for each in known:
            own, partner = each.holding.transaction_id, each.holding.partner
            at = look(each, lines.get(own, ()), lines.get(partner, ()), files)
            if is_news(at, watched=own in watched, ordered=own in ordered):
                found.append(own)
        return found

    def _followed(self, transaction_id: str, files: Files) -> tuple[list[Verdict], int]:
        """One transaction, again until nothing more follows. What changes meanwhile is read again."""
        said: list[Verdict] = []
        orders = 0
        for _ in range(TRIES):
            by = Declaration(
                who=self._who, now=self._clock.now(), new_id=self._identifiers.new, random_bits=secrets.randbits
            )  # fmt: skip
            with reading(self._settings) as connection:
                step = follow(connection, self._terms, files, transaction_id, by)
            if step is None:
                break
            if not isinstance(self._visitor.commit(step.facts, step.changes), Conflict):
                said += [] if step.order_id else [step.verdict]
                orders += bool(step.order_id)
            time.sleep(PAUSE_S)
        return said, orders
