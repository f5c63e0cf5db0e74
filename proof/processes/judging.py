"""Holds hosts' books, journal and what tills were told against each other, and tells what is wrong as a story."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Engine, select, text

from proof.processes.host import LastingHost, lasting_host
from proof.processes.plan import JUMP_HOURS
from proof.processes.world import HOSTS, PROFILE_OF, World, places
from yuanlu.journal.tables import facts
from yuanlu.sandbox.control import ledger_rows, record_rows
from yuanlu.sandbox.evidence import (
    JournalEntry,
    case_entries,
    host_entries,
    host_records,
    journal_entries,
    order_entries,
    return_entries,
)
from yuanlu.sandbox.findings import Finding
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.story import Story, Witnesses, stories
from yuanlu.sandbox.told import Told, read_told
from yuanlu.sandbox.verdict import ABNORMAL, Verdict, judge

JUMP_US = JUMP_HOURS * 3_600_000_000
STORIES_MAX = 5
AROUND_US = 8_000_000
FAILED = re.compile(r"^Traceback .*\n(?:[ ].*\n|\n)*(\S.*)", re.MULTILINE)
"""A stack trace and its last line."""
DIGITS = re.compile(r"\d+|0x[0-9a-f]+")
EXPECTED = ("disk full", "disk is full", "disk I/O error", "Input/output error")
"""What we did ourselves."""
EXPECTED_OF_TILLS = ("ConnectionResetError",)
"""asyncio's streams say so when a connection is reset in the moment in which a till stops waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that the run did, at true wall time."""

    at_us: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict, and in words what is wrong; `tales` say how it came to it."""

    verdict: Verdict
    wrong: list[str]
    tales: list[str]


def judged(world: World, began_us: int, events: Sequence[Event]) -> Judgement:
    """Judge a run that began at this wall time and whose processes have all ended."""
    hosts = {host.name: lasting_host(world.host_config(host.name)) for host in HOSTS}
    told = [each for town in world.to_gateway for each in read_told(world.told(town))]
    try:
        verdict, wrong, tales = world.on_journal(lambda engine: _read(world, engine, hosts, told, began_us, events))
    finally:
        for host in hosts.values():
            host.close()
    damage = world.damage()
    wrong += [*([f"the database is damaged: {damage}"] if damage else []), *_complaints(world)]
    return Judgement(verdict=verdict, wrong=wrong, tales=tales)


def _read(
    world: World, engine: Engine, hosts: dict[str, LastingHost], told: Sequence[Told], began_us: int,
    events: Sequence[Event],
) -> tuple[Verdict, list[str], list[str]]:  # fmt: skip
    """The verdict, what is wrong, and its tales."""
    with engine.connect() as connection:
        heard = Witnesses(
            hosts=host_entries([row for host in hosts.values() for row in ledger_rows(host)]),
            records=host_records([row for host in hosts.values() for row in record_rows(host)]),
            journal=_in_true_time(connection, began_us),
            returns=return_entries(connection),
            orders=order_entries(connection),
            told=told,
            cases=case_entries(connection),
        )
        joined = stories(heard, PROFILE_OF, {till: host.name for till, _, host, _ in places()})
        totals = {name: host.ledger.total_minor() for name, host in hosts.items()}
        verdict = judge(joined, heard.returns, totals, PROFILE_OF, told)
        still_open = [each for each in joined if each.is_open]
        wrong = [
            *(f"{finding.kind}: {_name(finding)}{finding.text}" for finding in verdict.findings),
            *(f"open: {_ref(each.ref)} is {each.state}" for each in still_open),
            *(f"unexplained: {_ref(each.ref)} is {each.state} and has no cause" for each in _unexplained(joined)),
            *_sent_again(hosts),
            *_gaps(connection),
        ]
        odd = [finding.ref for finding in verdict.findings if finding.ref is not None]
        odd += [each.ref for each in [*still_open, *_unexplained(joined)]]
        told_of = [each for each in joined if each.ref in odd[:STORIES_MAX]]
        return verdict, wrong, [_tale(connection, each, hosts, began_us, events) for each in told_of]


def true_us(at_us: int, began_us: int) -> int:
    """When it was: the gateway's wall clock is wrong by whole jumps, and a run is shorter than one."""
    return began_us + (at_us - began_us) % JUMP_US


def _in_true_time(connection: Connection, began_us: int) -> list[JournalEntry]:
    """The journal's entries, each with the true time of its first approval."""
    first: dict[str, int] = {}
    for row in connection.execute(select(facts.c.subject_id, facts.c.at_us).where(facts.c.kind == "APPROVED")):
        at_us = true_us(row.at_us, began_us)
        first[row.subject_id] = min(at_us, first.get(row.subject_id, at_us))
    return [replace(each, approved_at_us=first.get(each.transaction_id)) for each in journal_entries(connection)]


def _unexplained(joined: Sequence[Story]) -> list[Story]:
    """As the verdict counts them."""
    return [
        story
        for story in joined
        if story.journal is not None
        and story.state in ABNORMAL
        and not story.journal.cause
        and not story.given_back_on_purpose
    ]


def _sent_again(hosts: dict[str, LastingHost]) -> list[str]:
    """An original has one frame in its life."""
    return [
        f"{name} got {host.counters['originals_repeated']} originals twice"
        for name, host in hosts.items()
        if host.counters["originals_repeated"]
    ]


def _gaps(connection: Connection) -> list[str]:
    """Each life's facts are numbered without a gap: nothing that was told of is gone."""
    numbers = "SELECT writer_id, count(*) AS n, max(writer_seq) AS top FROM facts GROUP BY writer_id"
    query = text(f"{numbers} HAVING count(*) <> max(writer_seq)")
    return [f"writer {row.writer_id} wrote {row.top} facts, {row.n} are there" for row in connection.execute(query)]


def _complaints(world: World) -> list[str]:
    """What no process may say: that something failed which nobody had thought of."""
    found = []
    for log in sorted(world.folder.glob("*.log")):
        said = log.read_text("utf-8", "replace")
        ends = [match[1] for match in FAILED.finditer(said)]
        ends += [line for line in said.splitlines() if "[error " in line]
        expected = EXPECTED + (EXPECTED_OF_TILLS if log.name == "tills.log" else ())
        counts = Counter(DIGITS.sub("#", end) for end in ends if not any(words in end for words in expected))
        found += [f"{log.name} says {count} times: {end}" for end, count in counts.items()]
    return found


def _name(finding: Finding) -> str:
    return f"{_ref(finding.ref)}: " if finding.ref is not None else ""


def _ref(ref: PaymentRef) -> str:
    return f"{ref.terminal_id}+{ref.batch_no}+{ref.stan}"


def _tale(
    connection: Connection, story: Story, hosts: dict[str, LastingHost], began_us: int, events: Sequence[Event]
) -> str:
    """All that is known of one transaction and of what follows it, in the order in which it happened."""
    family = [story, *story.followers]
    names = {each.journal.transaction_id for each in family if each.journal is not None}
    refs = {each.ref for each in family}
    happened: list[tuple[int, str]] = []
    for row in connection.execute(select(facts).where(facts.c.subject_id.in_(names))):
        happened.append((true_us(row.at_us, began_us), f"journal: {row.kind} {row.note} (writer {row.writer_id})"))
    happened += [(each.at_us, f"till: {_told_words(each)}") for one in family for each in one.told]
    for name, host in hosts.items():
        happened += [
            (entry.at_us, f"host {name}: {entry.kind.value} {entry.amount_minor}")
            for entry in host.ledger.entries
            if entry.ref in refs
        ]
    if happened:
        first, last = min(happened)[0] - AROUND_US, max(happened)[0] + AROUND_US
        happened += [(event.at_us, f"run: {event.text}") for event in events if first <= event.at_us <= last]
    lines = [f"  {(at_us - began_us) / 1e6:9.3f} s  {words}" for at_us, words in sorted(happened)]
    ends = ", ".join(f"{_ref(each.ref)} {each.kind} {each.state} net {each.net_minor}" for each in family)
    return "\n".join([f"{story.profile}: {ends}", *lines])


def _told_words(told: Told) -> str:
    return f"{told.stan} {told.kind} {told.asked} -> {told.code or 'nothing'} ({told.behaviour} {told.fault})"
