"""A terminal's status upload: kept with its frame, and the payments that it concerns are looked into again."""

from functools import partial

from yuanlu.fleet.observations import Kind, Observation
from yuanlu.fleet.reporting import FROM_GATEWAY, Outcome, Report, considered
from yuanlu.fleet.store import insert_observation
from yuanlu.flow.payment import Desk
from yuanlu.flow.records import event
from yuanlu.journal.unit import Change

OBSERVED = "OBSERVED"


async def observe(desk: Desk, report: Report, frames: bytes) -> None:
    """Make it durable; the terminal is answered afterwards."""
    now_us = desk.clock.wall_us()
    outcome = await desk.journal.read(partial(considered, report=report, now_us=now_us))
    changes = outcome.changes(desk.identifiers.new, now_us)
    text = in_words(report, outcome)
    await event(
        desk, report.merchant_id, report.terminal_id, OBSERVED, text, frames, changes=tuple(changes)
    )  # fmt: skip


def in_words(report: Report, outcome: Outcome) -> str:
    """The note of the fact."""
    said = ", ".join(f"{each.kind.value} {each.value}" for each in report.told) or "nothing that is known here"
    about = f", about {outcome.about}" if outcome.about else f", about {report.stan}, not known here"
    return f"{report.told_by}: {said}{about if report.stan else ''}"


def signed_in(desk: Desk, merchant_id: str, terminal_id: str, batch_no: str) -> Change:
    """A sign-in, for the unit that makes its session durable: so that it is known later when there was one."""
    row = Observation(
        merchant_id=merchant_id, terminal_id=terminal_id, at_us=desk.clock.wall_us(), kind=Kind.SIGNED_IN,
        value=batch_no, told_by=FROM_GATEWAY,
    )  # fmt: skip
    return insert_observation(desk.identifiers.new(), row)
