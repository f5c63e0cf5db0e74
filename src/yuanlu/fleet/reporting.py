"""What a report about a terminal comes to: which observations are kept, and which payments they concern.

The caller commits `changes` with its own fact, and each payment concerned is looked into again.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct
from sqlalchemy import Connection

from yuanlu.fleet.observations import OF_ONE_PAYMENT, OF_WHAT_STANDS, READINGS, STANDING, Kind, Observation, Told
from yuanlu.fleet.store import insert_observation, is_news, latest_payments, payment_named
from yuanlu.journal import tasks
from yuanlu.journal.unit import Change

LATELY_US = 600_000_000
"""A report without a trace number concerns the terminal's payments of the last ten minutes."""

STANDS = frozenset({"APPROVED", "CAPTURED"})
IN_FLIGHT = "SEND_INTENT"
"""What becomes of it is not known yet; its outcome has it looked into, where that is needed."""

FROM_TERMINAL, FROM_GATEWAY = "terminal", "gateway"


class Report(Struct, frozen=True, kw_only=True):
    """What somebody says of a terminal; `stan` and `batch_no` name a payment of it, or are ""."""

    merchant_id: str
    terminal_id: str
    told: tuple[Told, ...]
    told_by: str
    stan: str = ""
    batch_no: str = ""


class Outcome(Struct, frozen=True, kw_only=True):
    """The observations to keep, and the payments that are to be looked into. `about` is the payment named, or ""."""

    kept: tuple[Observation, ...]
    concerned: tuple[str, ...]
    about: str

    def changes(self, new_id: Callable[[], str], now_us: int) -> list[Change]:
        """Their rows, and the tasks that look."""
        rows = [insert_observation(new_id(), each) for each in self.kept]
        return [*rows, *(tasks.examine(transaction_id, now_us) for transaction_id in self.concerned)]


def considered(connection: Connection, report: Report, now_us: int) -> Outcome:
    """What becomes of a report. Reads only."""
    named = None
    if report.stan:
        named = payment_named(connection, report.terminal_id, report.merchant_id, report.batch_no, report.stan)
    about = named[0] if named is not None else ""
    lately = latest_payments(connection, report.terminal_id, report.merchant_id, now_us - LATELY_US)
    kept = []
    for each in report.told:
        of = about or _its_payment(each.kind, lately)
        lost = report.stan and not about and each.kind not in STANDING | READINGS
        if not lost and is_news(connection, report.terminal_id, each, now_us):
            kept.append(_row(report, each, of, now_us))
    said = {each.kind for each in report.told if each.happened}
    if report.stan:
        concerned = [about] if said and named is not None and named[1] != IN_FLIGHT else []
    else:
        concerned = [
            transaction_id for transaction_id, state in lately if _is_concerned(said, transaction_id, state, kept)
        ]
    return Outcome(kept=tuple(kept), concerned=tuple(concerned), about=about)


def _its_payment(kind: Kind, lately: Sequence[tuple[str, str]]) -> str:
    if kind not in OF_ONE_PAYMENT:
        return ""
    return next((transaction_id for transaction_id, state in lately if state != "DECLINED"), "")


def _row(report: Report, each: Told, about: str, now_us: int) -> Observation:
    return Observation(
        merchant_id=report.merchant_id, terminal_id=report.terminal_id, transaction_id=about, at_us=now_us,
        kind=each.kind, value=each.value, told_by=report.told_by,
    )  # fmt: skip


def _is_concerned(said: set[Kind], transaction_id: str, state: str, kept: Sequence[Observation]) -> bool:
    """What went wrong lately, what stands where that matters to it, and the one payment that is meant."""
    if state == IN_FLIGHT:
        return False
    if any(each.transaction_id == transaction_id for each in kept):
        return True
    wide = said - OF_ONE_PAYMENT
    return bool(wide & OF_WHAT_STANDS if state in STANDS else wide)
