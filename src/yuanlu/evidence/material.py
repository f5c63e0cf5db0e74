"""All that a pack is made from, read together: the case, its payment and messages, files, terms, and who makes it."""

from datetime import timedelta

from msgspec import Struct
from sqlalchemy import Connection

from yuanlu.cases.bundle import versions
from yuanlu.cases.records import Case
from yuanlu.contracts import Agreements, Terms
from yuanlu.kernel.clock import local_time
from yuanlu.people.case_reading import Whole, read_whole
from yuanlu.reconciliation.clearing_store import ClearingFile, Listed, files_of, listed_about

FACTS_READ_MAX = 20_000
CLEARING_DAYS = 7
"""From the payment's day on: clearing is the next day's, and over a holiday later."""


class Made(Struct, frozen=True, kw_only=True):
    """Who makes the pack, when (microseconds since 1970 UTC), and in which language."""

    by: str
    at_us: int
    language: str
    brand: str


class Material(Struct, frozen=True, kw_only=True):
    """What there is to say. `files` are the acquirer's clearing files of the days from the payment on."""

    whole: Whole
    listed: tuple[Listed, ...]
    files: tuple[ClearingFile, ...]
    terms: Terms
    versions: dict[str, str]

    @property
    def case(self) -> Case:
        """The case."""
        return self.whole.case


def read_material(connection: Connection, case: Case, agreements: Agreements) -> Material:
    """Everything about the case as the journal stands now."""
    whole = read_whole(connection, case, None, "", "", facts_max=FACTS_READ_MAX)
    listed: list[Listed] = []
    files: list[ClearingFile] = []
    if whole.link is not None:
        payment = whole.link.original
        about = [payment.transaction_id, *(message.transaction_id for message in whole.link.messages)]
        found = listed_about(connection, about)
        listed = [line for name in about for line in found.get(name, [])]
        first = local_time(payment.received_at_us).date()
        files = files_of(connection, payment.acquirer, first, first + timedelta(days=CLEARING_DAYS))
    return Material(
        whole=whole,
        listed=tuple(listed),
        files=tuple(each for each in files if each.merchant_id in ("", case.merchant_id)),
        terms=agreements.of(case.merchant_id),
        versions=versions(connection),
    )
