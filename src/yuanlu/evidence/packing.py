"""The pack of a case from what was read: pure. The same material and the same maker and time give the same pack."""

from collections.abc import Sequence

from msgspec.structs import replace

from yuanlu.evidence import chapters, deciding
from yuanlu.evidence.document import Pack, Pair, Section, plain
from yuanlu.evidence.material import Made, Material
from yuanlu.evidence.wording import Pen
from yuanlu.people.figures import instant_text


def packed(material: Material, made: Made) -> Pack:
    """Everything about the case, part by part."""
    pen = Pen(made.language)
    messages = chapters.Messages(material.whole.lines)
    sections = (
        chapters.what_happened(pen, material),
        chapters.identity(pen, material),
        chapters.money(pen, material),
        chapters.timeline(pen, material, messages),
        deciding.decisions(pen, material),
        chapters.clearing(pen, material),
        deciding.promises(pen, material, made),
        deciding.told(pen, material),
        deciding.notes(pen, material),
        deciding.attachments(pen, material),
        messages.section(pen),
        deciding.making(pen, material, made),
    )
    case = material.case
    return Pack(
        language=made.language,
        title=pen.say("title"),
        subtitle=pen.say("subtitle", case=case.case_id),
        case_id=case.case_id,
        made_at_us=made.at_us,
        brand=plain(made.brand),
        head=(
            Pair(label=pen.say("case no"), value=case.case_id),
            Pair(label=pen.say("case state"), value=pen.case_word(case.state)),
            Pair(label=pen.say("made at"), value=pen.say("zone", time=instant_text(made.at_us))),
            Pair(label=pen.say("made by"), value=plain(made.by)),
        ),
        sections=_numbered(pen, sections),
        digest_label=pen.say("digest"),
        pages=(pen.say("page"), pen.say("of pages"), pen.say("pages")),
        signed=tuple(pen.say(key) for key in ("signed by", "checked by", "seal", "date")),
    )


def _numbered(pen: Pen, sections: Sequence[Section]) -> tuple[Section, ...]:
    return tuple(replace(each, title=pen.numbered(n, each.title)) for n, each in enumerate(sections, 1))
