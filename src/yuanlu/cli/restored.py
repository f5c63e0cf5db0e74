"""`yuanlu db accept-restored`: a person says that an older journal is all there is, and the gateway may go on.

Nothing of it is told or sent from here. The marks go last: whatever stops the command before, the next gateway is
refused as before, and the command can be given again.
"""

import secrets
from collections.abc import Iterable

from sqlalchemy.exc import DatabaseError

from yuanlu.cases.records import Case
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.texts import text_of
from yuanlu.cli.case_texts import line
from yuanlu.cli.casework import actor
from yuanlu.db import choosing
from yuanlu.db.errors import StoreError
from yuanlu.flow import older_journal
from yuanlu.flow.older_journal import Accepting, Rows
from yuanlu.journal.mark import Behind, behind, read_marks
from yuanlu.journal.unit import Conflict
from yuanlu.journal.visiting import Visitor, visit
from yuanlu.kernel.clock import SystemClock
from yuanlu.people.database import on_database
from yuanlu.people.words import language_of
from yuanlu.settings import Settings


@on_database
def accept_restored(settings: Settings, name: str, reason: str, lang: str) -> str:
    """Hand what is open to people, open the case, take the marks away; the case in a line.

    Raises StoreError when the journal lacks nothing, StoreLocked while a gateway is at work, and CaseError without a
    name or a reason.
    """
    clock = SystemClock()
    by = Accepting(who=actor(name), reason=text_of(reason, "the reason"), now=clock.now(), random_bits=secrets.randbits)
    url, folder = settings.store.url, settings.folder
    marks = read_marks(settings.path(settings.keys.file))
    try:
        with choosing.stopped(url, folder) as database, visit(url, folder, clock) as visitor:
            with visitor.reading() as connection:
                missing = behind(connection, marks)
            if not missing:
                raise StoreError(f"{database} holds all that hosts and terminals were told; there is nothing to accept")
            held = _hold(visitor, settings, by)
            case = _open_case(visitor, settings, missing, held, by)
    except (DatabaseError, *choosing.DRIVER_ERRORS) as error:
        said = error.orig if isinstance(error, DatabaseError) else error
        raise StoreError(f"the journal could not be written ({said}); give the command again") from None
    for each in missing:
        each.mark.path.unlink()
    return line(case, by.now.wall_us, language_of(lang))


def _hold(visitor: Visitor, settings: Settings, by: Accepting) -> int:
    """Nothing that is open goes on by itself; how many there were. Each group is read when the one before is durable,
    since they may be about the same payment.
    """
    with visitor.reading() as connection:
        rows = list(older_journal.in_flight(connection, by.now))
    held = _commit(visitor, rows)
    with visitor.reading() as connection:
        rows = list(older_journal.under_way(connection, settings.acquirers, by.now))
    held += _commit(visitor, rows)
    with visitor.reading() as connection:
        orders = older_journal.ordered(connection)
    for order in orders:  # several may be about one payment
        with visitor.reading() as connection:
            rows = [older_journal.order_held(connection, order, by.now)]
        held += _commit(visitor, rows)
    return held


def _commit(visitor: Visitor, every: Iterable[Rows]) -> int:
    count = 0
    for facts, changes in every:
        _keep(visitor, (facts, changes))
        count += 1
    return count


def _open_case(
    visitor: Visitor, settings: Settings, missing: list[Behind], held: int, by: Accepting
) -> Case:  # fmt: skip
    with visitor.reading() as connection:
        before = older_journal.find_acceptance(connection)
    levels = ServiceLevels(agreements=settings.agreements())
    opened = older_journal.case_about(missing, held, before, levels, by)
    _keep(visitor, (opened.facts, opened.changes))
    return opened.case


def _keep(visitor: Visitor, rows: Rows) -> None:
    """No gateway is at work, so a conflict is another command's."""
    result = visitor.commit(*rows)
    if isinstance(result, Conflict):
        raise StoreError(f"somebody else wrote at the same moment ({result.reason}); give the command again")
