"""Give a case’s evidence pack away: make it, put on record who made it and its digest, then give it."""

import hashlib
import secrets

from msgspec import Struct
from sqlalchemy.exc import DatabaseError

from yuanlu.cases.people import Actor
from yuanlu.cases.records import EventKind
from yuanlu.cases.store import get_case
from yuanlu.cases.writing import Entry, beside
from yuanlu.db import choosing
from yuanlu.db.errors import StoreError
from yuanlu.evidence.document import Pack
from yuanlu.evidence.material import Made, read_material
from yuanlu.evidence.packing import packed
from yuanlu.evidence.press import pressed
from yuanlu.journal.unit import Conflict
from yuanlu.journal.visiting import visit
from yuanlu.kernel.clock import SystemClock, local_time
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.people.database import on_database, reading
from yuanlu.settings import Settings


class Exported(Struct, frozen=True, kw_only=True):
    """A pack as it is given away: its file's name, the PDF, and what it says."""

    name: str
    pdf: bytes
    pack: Pack

    @property
    def sha256(self) -> str:
        """Of the PDF, in hex; the journal has it, too."""
        return hashlib.sha256(self.pdf).hexdigest()


@on_database
def exported(settings: Settings, who: Actor, case_id: str, language: str) -> Exported:
    """The case's pack as of now, and its making in the timeline. Raises CaseUnknown, TypesettingFailed or StoreError.

    The case does not move: colleagues who look at it are not disturbed.
    """
    clock = SystemClock()
    made = Made(by=who.name, at_us=clock.wall_us(), language=language, brand=settings.console.brand)
    with reading(settings) as connection:
        case = get_case(connection, case_id)
        material = read_material(connection, case, settings.agreements())
    pack = packed(material, made)
    done = Exported(name=_name(case_id, made), pdf=pressed(pack), pack=pack)
    said = f"PDF {language}, SHA-256 {done.sha256}; {Pack.CONTENT_NAME} SHA-256 {pack.digest}"
    own = IdentifierSource(clock, secrets.randbits).new()
    record = beside(case, who, Entry(kind=EventKind.EXPORTED, text=said), own, made.at_us)
    try:
        with visit(settings.store.url, settings.folder, clock) as visitor:
            result = visitor.commit(record.facts, record.changes)
    except (DatabaseError, *choosing.DRIVER_ERRORS) as error:
        cause = error.orig if isinstance(error, DatabaseError) else error
        raise StoreError(f"the journal could not be written ({cause}); look at the case before you try again") from None
    assert not isinstance(result, Conflict), "a new fact under a new name races with nobody"
    return done


def _name(case_id: str, made: Made) -> str:
    return f"{case_id}-{local_time(made.at_us):%Y%m%d-%H%M%S}+0800-{made.language}.pdf"
