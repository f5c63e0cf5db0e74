"""People's own words in the database: the statements, and the queries. Each query is by an index and has a limit."""

from typing import Any

from sqlalchemy import Connection, Select, and_, func, select, text

from yuanlu.causes.cause import Words
from yuanlu.journal.statements import Insert, Update
from yuanlu.journal.unit import Change
from yuanlu.notification.tables import IN_USE, PROPOSED, notification_wordings
from yuanlu.notification.wordings import Wording, WordingState

READ_MAX = 100

INSERT_WORDING = Insert(table=notification_wordings, rank=7)
DECIDE_WORDING = Update(
    table=notification_wordings, sets=("state", "checker", "explanation", "decided_at_us"), match=("name", "version"),
    rank=7,
)  # fmt: skip


def insert_wording(w: Wording) -> Change:
    """A proposal; the database refuses it while another one of this template waits."""
    return Change(
        statement=INSERT_WORDING,
        row=(
            w.name, w.version, int(w.back), w.title.zh, w.title.en, w.text.zh, w.text.en, w.reason, w.state.value,
            w.maker, w.checker, w.explanation, w.proposed_at_us, w.decided_at_us,
        ),
    )  # fmt: skip


def decide_wording(w: Wording) -> Change:
    """What was decided about it; the database refuses a second decision, and one by whoever proposed it."""
    return Change(
        statement=DECIDE_WORDING, row=(w.state.value, w.checker, w.explanation, w.decided_at_us, w.name, w.version)
    )


def in_use(connection: Connection) -> list[Wording]:
    """The last wording of each template that was approved and is no way back: what is said now."""
    return [each for each in _all(connection, last_approved()) if not each.back]


def last_approved() -> Select[Any]:
    """The query of it; by the partial index."""
    w = notification_wordings.c
    last = (
        select(w.name.label("of"), func.max(w.version).label("last"))
        .where(text(IN_USE))
        .group_by(w.name)
        .subquery("latest")
    )
    return select(notification_wordings).join(last, and_(w.name == last.c.of, w.version == last.c.last))


def find_in_use(connection: Connection, name: str) -> Wording | None:
    """What is said by one template; None: the program's own words. By the partial index."""
    w = notification_wordings.c
    query = select(notification_wordings).where(text(IN_USE), w.name == name).order_by(w.version.desc()).limit(1)
    last = connection.execute(query).first()
    return None if last is None or last.back else wording_from(last)


def waiting(connection: Connection) -> list[Wording]:
    """What waits for a second person: one of each template at most; by the partial index."""
    query = select(notification_wordings).where(text(PROPOSED)).order_by(notification_wordings.c.name)
    return _all(connection, query)


def wordings_of(connection: Connection, name: str) -> list[Wording]:
    """The latest wordings of one template, whatever became of them, the last first."""
    w = notification_wordings.c
    return _all(connection, select(notification_wordings).where(w.name == name).order_by(w.version.desc()))


def find_wording(connection: Connection, name: str, version: int) -> Wording | None:
    """By its key."""
    w = notification_wordings.c
    return next(iter(_all(connection, select(notification_wordings).where(w.name == name, w.version == version))), None)


def _all(connection: Connection, query: Select[Any]) -> list[Wording]:
    return [wording_from(row) for row in connection.execute(query.limit(READ_MAX))]


def wording_from(row: Any) -> Wording:
    """The wording of a row."""
    return Wording(
        name=row.name, version=row.version, back=bool(row.back), title=Words(zh=row.title_zh, en=row.title_en),
        text=Words(zh=row.text_zh, en=row.text_en), reason=row.reason, state=WordingState(row.state), maker=row.maker,
        checker=row.checker, explanation=row.explanation, proposed_at_us=row.proposed_at_us,
        decided_at_us=row.decided_at_us,
    )  # fmt: skip
