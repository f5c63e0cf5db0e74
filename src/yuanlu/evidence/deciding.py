"""The pack's parts about people: their decisions, what was promised and told, notes, attachments, how it was made."""

from collections.abc import Iterator

from yuanlu.cases.decisions import answer_to
from yuanlu.cases.ladder import turn_of_us
from yuanlu.cases.records import Decision, EventKind
from yuanlu.cases.service_levels import Level
from yuanlu.cases.states import CaseState
from yuanlu.evidence.chapters import CAUSE_OF, NONE, NOTE
from yuanlu.evidence.document import Block, Column, Pair, Pairs, Section, Table, Text, plain
from yuanlu.evidence.material import Made, Material
from yuanlu.evidence.wording import Pen
from yuanlu.notification.writing import FACTS
from yuanlu.people.case_reading import guidance_for
from yuanlu.people.figures import amount_text, instant_text, minor_text, when_text
from yuanlu.people.notes.reading import REASON, WHY
from yuanlu.people.order_words import MAKERS, ORDER_WORDS, WAY_WORDS
from yuanlu.returns.orders import Order

ABOVE = ((Level.L2, "second line"), (Level.MERCHANT, "merchant line"), (Level.MANAGER, "manager line"))


def decisions(pen: Pen, material: Material) -> Section:
    """Each decision with its reason and both people, and each return order likewise."""
    blocks: list[Block] = [
        _decision(pen, n, each, answer_to(each, material.whole.events))
        for n, each in enumerate(material.whole.decisions, 1)
    ]
    blocks += [_order(pen, n, each) for n, each in enumerate(material.whole.orders, 1)]
    return Section(title=pen.say("decisions"), blocks=tuple(blocks) or (Text(text=pen.say("no decision")),))


def _by(pen: Pen, name: str, at_us: int | None) -> str:
    if not name:
        return NONE
    return pen.say("person at", name=plain(name), time=when_text(at_us)) if at_us else plain(name)


def _pairs(pen: Pen, title: str, rows: list[tuple[str, str]]) -> Pairs:
    return Pairs(title=title, pairs=tuple(Pair(label=pen.say(key), value=value) for key, value in rows))


def _decision(pen: Pen, number: int, each: Decision, answer: str) -> Pairs:
    rows = [
        ("amount", amount_text(each.amount)),
        ("stands", pen.case_word(each.state)),
        ("reason", plain(each.reason)),
        ("maker", _by(pen, each.maker, each.proposed_at_us)),
        ("checker", _by(pen, each.checker, each.decided_at_us)),
        ("expires", when_text(each.expires_at_us)),
    ]
    rows += [("answer to it", plain(answer))] if answer else []
    rows += [("bank reference", plain(each.bank_reference))] if each.bank_reference else []
    rows += [("carried out", when_text(each.carried_out_at_us))] if each.carried_out_at_us else []
    return _pairs(pen, pen.say("decision", n=number, kind=pen.case_word(each.kind)), rows)


def _order(pen: Pen, number: int, order: Order) -> Pairs:
    way = WAY_WORDS.get(order.kind)
    maker = pen.said(MAKERS[order.maker]) if order.maker in MAKERS else order.maker
    by = pen.say("automatic") if order.automatic else _by(pen, order.checker, order.decided_at_us)
    rows = [
        ("amount", amount_text(order.amount)),
        ("stands", pen.said(ORDER_WORDS[order.state])),
        ("reason", plain(pen.note(order.reason, REASON)) or NONE),
        ("explanation", plain(pen.note(order.explanation, WHY)) or NONE),
        ("maker", _by(pen, maker, order.proposed_at_us)),
        ("checker", by),
    ]
    rows += [] if order.automatic else [("expires", when_text(order.expires_at_us))]
    rows += [("bank reference", plain(order.reference))] if order.reference else []
    rows += [("ended", when_text(order.closed_at_us))] if order.closed_at_us else []
    return _pairs(pen, pen.say("order", n=number, kind=order.kind if way is None else pen.said(way)), rows)


def promises(pen: Pen, material: Material, made: Made) -> Section:
    """By when somebody had to look, to decide, and what the contract gives for lateness; and what people are told."""
    columns = (
        Column(title=pen.say("promise"), width=300), Column(title=pen.say("by"), width=170),
        Column(title=pen.say("done at"), width=170), Column(title=pen.say("kept"), width=140),
    )  # fmt: skip
    table = Table(columns=columns, rows=tuple(_promised(pen, material, made.at_us)))
    return Section(title=pen.say("promises"), blocks=(table, Pairs(pairs=_agreed(pen, material))))


def _promised(pen: Pen, material: Material, now_us: int) -> Iterator[tuple[str, ...]]:
    case, terms = material.case, material.terms.service_levels
    opened_by_us = turn_of_us(Level.L1, case.since_us, 0, terms)
    yield _kept(pen, pen.say("case by"), opened_by_us, case.opened_at_us, now_us)
    left = {level: at_us for at_us, level in _climbed(material)}
    ended_us = case.closed_at_us if case.state is CaseState.CLOSED else None
    for level, key in ABOVE:
        by_us = turn_of_us(level, case.since_us, case.slept_us, terms)
        yield _kept(pen, pen.say(key), by_us, left.get(level, ended_us), now_us)
    for each in material.whole.decisions:
        what = pen.say("decision by", kind=pen.case_word(each.kind))
        yield _kept(pen, what, each.expires_at_us, each.decided_at_us, now_us)


def _climbed(material: Material) -> Iterator[tuple[int, Level]]:
    """When the case came to which level."""
    for event in material.whole.events:
        if event.kind is EventKind.ESCALATED and event.at_us >= material.case.since_us:
            name = event.text.partition(" → ")[2].partition(":")[0]
            if name in Level.__members__:
                yield event.at_us, Level[name]


def _kept(pen: Pen, what: str, by_us: int, done_us: int | None, now_us: int) -> tuple[str, ...]:
    if done_us is None:
        return what, when_text(by_us), NONE, pen.say("overdue" if now_us > by_us else "open")
    return what, when_text(by_us), when_text(done_us), pen.say("in time" if done_us <= by_us else "late")


def _agreed(pen: Pen, material: Material) -> tuple[Pair, ...]:
    case, terms = material.case, material.terms
    late = terms.compensation
    most = minor_text(late.max_minor, case.amount.currency)
    owed = pen.say("no compensation")
    if late.after_minutes:
        owed = pen.say("compensation after", minutes=f"{late.after_minutes:,}", most=most)
    pairs = [
        Pair(label=pen.say("contract"), value=plain(terms.contract) or pen.say("standard")),
        Pair(label=pen.say("compensation"), value=owed),
    ]
    told = guidance_for(CAUSE_OF.get(case.cause), material.whole.payment)
    if told is not None:
        pairs += [
            Pair(label=pen.say("told cashier"), value=pen.said(told.cashier)),
            Pair(label=pen.say("told cardholder"), value=pen.said(told.cardholder)),
        ]
    return tuple(pairs)


def told(pen: Pen, material: Material) -> Section:
    """Who was told what, when and by what way, and whether it arrived; first to last. Addresses are masked."""
    if not material.whole.told:
        return Section(title=pen.say("told"), blocks=(Text(text=pen.say("nobody told")),))
    columns = (
        Column(title=pen.say("time"), width=130), Column(title=pen.say("whom"), width=130),
        Column(title=pen.say("channel"), width=110), Column(title=pen.say("stands"), width=130),
        Column(title=pen.say("said"), width=340),
    )  # fmt: skip
    rows = tuple(
        (
            when_text(each.changed_at_us), f"{pen.say('to ' + each.audience)}\n{plain(each.masked)}",
            plain(each.channel) or NONE, pen.word(FACTS[each.state]), plain(each.text),
        )
        for each in reversed(material.whole.told)
    )  # fmt: skip
    return Section(title=pen.say("told"), blocks=(Table(columns=columns, rows=rows),))


def notes(pen: Pen, material: Material) -> Section:
    """What people wrote, in full and numbered as the timeline names them."""
    found = [line for line in material.whole.lines if line.kind == NOTE]
    if not found:
        return Section(title=pen.say("notes"), blocks=(Text(text=pen.say("no note")),))
    columns = (
        Column(title=pen.say("number"), width=50, right=True), Column(title=pen.say("time"), width=170),
        Column(title=pen.say("who"), width=120), Column(title=pen.say("said"), width=500),
    )  # fmt: skip
    rows = tuple(
        (str(n), when_text(line.at_us), plain(line.who), plain(line.text)) for n, line in enumerate(found, 1)
    )  # fmt: skip
    return Section(title=pen.say("notes"), blocks=(Table(columns=columns, rows=rows),))


def attachments(pen: Pen, material: Material) -> Section:
    """The files that belong to the case, each with its digest."""
    if not material.whole.attachments:
        return Section(title=pen.say("attachments"), blocks=(Text(text=pen.say("no attachment")),))
    columns = (
        Column(title=pen.say("number"), width=50, right=True), Column(title=pen.say("name"), width=220),
        Column(title=pen.say("size"), width=110, right=True), Column(title=pen.say("who"), width=170),
        Column(title="SHA-256", width=320, code=True),
    )  # fmt: skip
    rows = tuple(
        (
            str(each.number), plain(each.name), pen.say("bytes", n=f"{each.size_bytes:,}"),
            f"{plain(each.who)}\n{when_text(each.at_us)}", each.sha256,
        )
        for each in material.whole.attachments
    )  # fmt: skip
    note = Text(text=pen.say("attachments note"))
    return Section(title=pen.say("attachments"), blocks=(note, Table(columns=columns, rows=rows)))


def making(pen: Pen, material: Material, made: Made) -> Section:
    """Who made it, when and with what, and how it is verified."""
    ran = ", ".join(f"{name} {version}" for name, version in sorted(material.versions.items()))
    rows = [
        ("made by", plain(made.by)),
        ("made at", pen.say("zone", time=instant_text(made.at_us))),
        ("versions", plain(ran)),
    ]
    texts = (Text(text=pen.say("making text")), Text(text=pen.say("digest text")))
    return Section(title=pen.say("making"), blocks=(*texts, _pairs(pen, "", rows)))
