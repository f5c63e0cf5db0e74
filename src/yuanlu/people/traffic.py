"""How many payments each second has: what the live monitor shows of the last five minutes.

A second that is over is counted once. Reading five minutes anew at each look cost most of a core at 3,000 payments a
second.
"""

from msgspec import Struct
from sqlalchemy import Connection, func, select

from yuanlu.journal.tables import transactions
from yuanlu.journal.transactions import ABNORMAL
from yuanlu.kernel.identifiers import first_of

SECONDS = 300
LATE_S = 10
"""A payment may be committed so long after its identifier was made; such a second is counted again."""
SECOND_US = 1_000_000

_T = transactions.c


class Second(Struct, frozen=True, kw_only=True):
    """One second of traffic."""

    at_s: int
    payments: int
    abnormal: int


class Traffic:
    """The last five minutes of one merchant, or of all with "". One look at a time."""

    def __init__(self, merchant_id: str) -> None:
        self._merchant_id = merchant_id
        self._payments: dict[int, int] = {}
        self._through_s = 0

    def look(self, connection: Connection, now_us: int) -> list[Second]:
        """Every second with payments, oldest first. Two ranges: what is new by the primary key, and the abnormal ones,
        whose cause comes later, by their partial index.
        """
        now_s = now_us // SECOND_US
        since_s = now_s - SECONDS
        anew_s = max(since_s, min(self._through_s, now_s) - LATE_S)
        kept = {at_s: number for at_s, number in self._payments.items() if since_s <= at_s < anew_s}
        self._payments = kept | self._counted(connection, anew_s)
        self._through_s = now_s
        odd = self._counted(connection, since_s, abnormal=True)
        return [
            Second(at_s=at_s, payments=number, abnormal=odd.get(at_s, 0))
            for at_s, number in sorted(self._payments.items())
        ]

    def _counted(self, connection: Connection, since_s: int, *, abnormal: bool = False) -> dict[int, int]:
        at_s = (_T.received_at_us // SECOND_US).label("at_s")
        query = select(at_s, func.count()).where(
            _T.transaction_id >= first_of(since_s * SECOND_US), _T.received_at_us >= since_s * SECOND_US
        )
        query = query.where(ABNORMAL) if abnormal else query
        query = query.where(_T.merchant_id == self._merchant_id) if self._merchant_id else query
        return {row[0]: row[1] for row in connection.execute(query.group_by(at_s))}
