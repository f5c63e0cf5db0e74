"""The pack's parts about the payment: what happened, its numbers, its money, the timeline, the clearing files."""

from yuanlu.causes.cause import Cause
from yuanlu.causes.taxonomy import CAUSES
from yuanlu.evidence.document import Block, Column, Message, Pair, Pairs, Section, Table, Text, plain
from yuanlu.evidence.material import CLEARING_DAYS, Material
from yuanlu.evidence.wording import Pen
from yuanlu.people.case_reading import Line, Money, Shown
from yuanlu.people.figures import amount_text, capital_text, instant_text, minor_text, when_text
from yuanlu.people.notes.reading import EVIDENCE
from yuanlu.people.positions import RETURNED
from yuanlu.reconciliation.clearing import Side
from yuanlu.returns.policy import Leg

LINES_HEAD, LINES_TAIL = 200, 800
"""Of a longer timeline the middle is left out, and said to be: how it began and how it ended matter."""
MESSAGES_MAX = 300
NOTE = "CASE_NOTE"
NOBODY = ("", "gateway")
CAUSE_OF: dict[str, Cause] = {cause.code: cause for cause in CAUSES}
NONE = "–"


def what_happened(pen: Pen, material: Material) -> Section:
    """The case in words: what, why, since when, how it ended."""
    case = material.case
    told = pen.say("sentence", title=pen.said(case.title), text=pen.said(case.explanation))
    cause = CAUSE_OF.get(case.cause)
    why = case.cause if cause is None else pen.say("cause of", title=pen.said(cause.title), code=case.cause)
    pairs = [
        Pair(label=pen.say("cause"), value=why),
        Pair(label=pen.say("since"), value=when_text(case.since_us)),
        Pair(label=pen.say("opened"), value=when_text(case.opened_at_us)),
        Pair(label=pen.say("owner"), value=plain(case.owner) or pen.say("nobody")),
    ]
    if case.closed_at_us:
        pairs += [
            Pair(label=pen.say("closed"), value=when_text(case.closed_at_us)),
            Pair(label=pen.say("outcome"), value=pen.case_word(case.outcome)),
        ]
    pairs += [Pair(label=pen.say("incident"), value=plain(case.incident))] if case.incident else []
    pairs += [Pair(label=pen.say("ticket"), value=case.ticket)] if case.ticket else []
    pairs += (
        [Pair(label=pen.say("evidence"), value=plain("\n".join(pen.note(each, EVIDENCE) for each in case.evidence)))]
        if case.evidence
        else []
    )
    return Section(
        title=pen.say("what happened"), blocks=(Text(text=plain(told), lead=True), Pairs(pairs=tuple(pairs)))
    )


def identity(pen: Pen, material: Material) -> Section:
    """The numbers by which a bank and an acquirer find the payment."""
    payment = material.whole.payment
    if payment is None:
        return Section(title=pen.say("identity"), blocks=(Text(text=pen.say("no payment")),))
    capitals = capital_text(payment.amount)
    part = payment.approved_minor not in (None, payment.amount.minor)
    card = pen.say("card of", bin=payment.card_bin, last4=payment.card_last4) if payment.card_last4 else NONE
    rows: list[tuple[str, str]] = [
        ("kind", pen.kind(payment.kind)),
        ("amount", amount_text(payment.amount)),
        *([("in capitals", capitals)] if capitals and pen.language == "zh" else []),
        *([("approved amount", amount_text(payment.paid))] if part else []),
        ("card", card),
        ("received", instant_text(payment.received_at_us)),
        ("merchant", payment.key.merchant_id),
        ("terminal", payment.key.terminal_id),
        ("batch", payment.key.batch_no),
        ("trace", payment.key.stan),
        ("rrn", payment.rrn),
        ("auth", payment.auth_code),
        ("answer", payment.response_code),
        ("acquirer", payment.acquirer),
        ("transaction", payment.transaction_id),
        ("state", pen.word(payment.state)),
    ]
    pairs = tuple(Pair(label=pen.say(key), value=plain(value) or NONE) for key, value in rows)
    return Section(title=pen.say("identity"), blocks=(Pairs(pairs=pairs),))


def money(pen: Pen, material: Material) -> Section:
    """Where the money is, and each return by itself."""
    found, link = material.whole.money, material.whole.link
    if found is None or link is None:
        return Section(title=pen.say("money"), blocks=(Text(text=pen.say("no payment")),))
    legs: tuple[Block, ...] = (Text(text=pen.say("no leg")),)
    if link.legs:
        references = {message.transaction_id: message.rrn for message in link.messages}
        references |= {order.order_id: order.reference for order in link.orders if order.reference}
        columns = (
            Column(title=pen.say("way"), width=110), Column(title=pen.say("amount"), width=130, right=True),
            Column(title=pen.say("stands"), width=170), Column(title=pen.say("began"), width=215),
            Column(title=pen.say("ended"), width=215), Column(title=pen.say("sent"), width=95, right=True),
            Column(title=pen.say("reference"), width=150),
        )  # fmt: skip
        legs = (Table(columns=columns, rows=tuple(_leg(pen, leg, references) for leg in link.legs)),)
    return Section(title=pen.say("money"), blocks=(Pairs(pairs=_ladder(pen, found)), *legs))


def _ladder(pen: Pen, found: Money) -> tuple[Pair, ...]:
    amounts = (
        ("charged" if found.certain else "perhaps charged", found.paid),
        ("confirmed" if found.position is RETURNED else "returned", found.returned),
        ("under way", found.under_way),
        ("ordered", found.ordered),
        ("left", found.left),
    )
    return (
        Pair(label=pen.say("position"), value=pen.said(found.position)),
        *(Pair(label=pen.say(key), value=minor_text(minor, found.currency)) for key, minor in amounts),
    )


def _leg(pen: Pen, leg: Leg, references: dict[str, str]) -> tuple[str, ...]:
    reference = references.get(leg.message_id) or references.get(leg.order_id) or NONE
    return (
        pen.kind(leg.kind), minor_text(leg.amount_minor, leg.currency), pen.word(leg.state),
        when_text(leg.opened_at_us), when_text(leg.closed_at_us) if leg.closed_at_us else NONE,
        str(leg.attempts) if leg.attempts else NONE, plain(reference),
    )  # fmt: skip


class Messages:
    """The messages of a timeline, each content once, in the order of their first coming."""

    def __init__(self, lines: tuple[Line, ...]) -> None:
        self._numbers: dict[Shown, int] = {}
        self._seen: dict[int, tuple[Shown, int, int]] = {}
        for line in lines:
            for message in line.messages:
                number = self._numbers.setdefault(message, len(self._numbers) + 1)
                _, first_us, times = self._seen.get(number, (message, line.at_us, 0))
                self._seen[number] = (message, first_us, times + 1)

    def of(self, line: Line) -> str:
        """The line's messages by their numbers: M1 M2."""
        return " ".join(f"M{self._numbers[message]}" for message in line.messages)

    def section(self, pen: Pen) -> Section:
        """All of them with their fields."""
        if not self._seen:
            return Section(title=pen.say("messages"), blocks=(Text(text=pen.say("no message")),))
        shown = list(self._seen.items())[:MESSAGES_MAX]
        blocks: list[Block] = [_message(pen, number, *seen) for number, seen in shown]
        left_out = len(self._seen) - len(shown)
        blocks += [Text(text=pen.say("messages left out", n=left_out))] if left_out else []
        return Section(title=pen.say("messages"), blocks=(Text(text=pen.say("messages note")), *blocks))


def _message(pen: Pen, number: int, shown: Shown, first_us: int, times: int) -> Message:
    title = pen.say(
        "message title", n=number, arrow=pen.said(shown.arrow), mti=shown.mti, time=instant_text(first_us)
    )  # fmt: skip
    title += pen.say("message again", n=times) if times > 1 else ""
    fields = tuple(
        (str(n), zh if pen.language == "zh" else name, plain(value)) for n, zh, name, value in shown.fields
    )  # fmt: skip
    return Message(title=title, fields=fields)


def timeline(pen: Pen, material: Material, messages: Messages) -> Section:
    """Every fact and everything that people did, in order."""
    lines, notes = material.whole.lines, 0
    rows: list[tuple[str, ...]] = []
    for number, line in enumerate(lines, 1):
        notes += line.kind == NOTE
        text = pen.say("see note", n=notes) if line.kind == NOTE else plain(pen.note(line.text, line.kind))
        who = pen.say("system") if line.who in NOBODY else plain(line.who)
        rows.append((str(number), instant_text(line.at_us), pen.word(line.kind), who, text, messages.of(line)))
    blocks: list[Block] = [Text(text=pen.say("timeline note"))]
    if material.whole.left_out:
        blocks.append(Text(text=pen.say("earlier left out", n=material.whole.left_out)))
    left_out = len(rows) - LINES_HEAD - LINES_TAIL
    if left_out > 0:
        blocks.append(
            Text(text=pen.say("left out", first=LINES_HEAD, last=LINES_HEAD + left_out + 1, n=left_out))
        )  # fmt: skip
        rows[LINES_HEAD:-LINES_TAIL] = []
    columns = (
        Column(title=pen.say("number"), width=55, right=True), Column(title=pen.say("time"), width=215),
        Column(title=pen.say("happened"), width=180), Column(title=pen.say("who"), width=100),
        Column(title=pen.say("said"), width=300), Column(title=pen.say("message"), width=80),
    )  # fmt: skip
    return Section(title=pen.say("timeline"), blocks=(*blocks, Table(columns=columns, rows=tuple(rows))))


def clearing(pen: Pen, material: Material) -> Section:
    """What the acquirer's files say of the payment, beside what our journal says."""
    found = material.whole.money
    if found is None:
        return Section(title=pen.say("clearing"), blocks=(Text(text=pen.say("no payment")),))
    blocks: list[Block] = []
    if material.listed:
        blocks += [Text(text=pen.say("listed")), _listed(pen, material, found.currency), _net(pen, material, found)]
    if material.files:
        blocks += [] if material.listed else [Text(text=pen.say("not listed"))]
        blocks.append(_files(pen, material))
    if not blocks:
        blocks.append(Text(text=pen.say("no file", days=CLEARING_DAYS)))
    return Section(title=pen.say("clearing"), blocks=tuple(blocks))


def _listed(pen: Pen, material: Material, currency: str) -> Table:
    columns = (
        Column(title=pen.say("day"), width=120), Column(title=pen.say("file"), width=300),
        Column(title=pen.say("line"), width=70, right=True), Column(title=pen.say("side"), width=160),
        Column(title=pen.say("amount"), width=150, right=True),
    )  # fmt: skip
    rows = []
    for line in material.listed:
        name, _, number = line.reference.rpartition(":")
        amount = minor_text(line.amount_minor, currency)
        rows.append((line.day.isoformat(), plain(name), number, pen.say(line.side.value), amount))
    return Table(columns=columns, rows=tuple(rows))


def _net(pen: Pen, material: Material, found: Money) -> Pairs:
    ours = found.paid - found.returned
    theirs = sum(x.amount_minor if x.side is Side.DEBIT else -x.amount_minor for x in material.listed)
    rows = (("our net", ours), ("file net", theirs), ("difference", ours - theirs))
    return Pairs(
        pairs=tuple(Pair(label=pen.say(key), value=minor_text(minor, found.currency)) for key, minor in rows)
    )  # fmt: skip


def _files(pen: Pen, material: Material) -> Table:
    columns = (
        Column(title=pen.say("day"), width=110), Column(title=pen.say("file"), width=200),
        Column(title="SHA-256", width=340, code=True), Column(title=pen.say("loaded"), width=190),
    )  # fmt: skip
    rows = tuple(
        (file.day.isoformat(), plain(file.name), file.sha256, f"{when_text(file.loaded_at_us)} {plain(file.loaded_by)}")
        for file in material.files
    )
    return Table(columns=columns, rows=rows)
