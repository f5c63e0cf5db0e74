"""The reference pages of what decides: causes, and the ways back."""

from collections.abc import Iterator

from docs.markdown import table
from yuanlu.causes.cause import FAMILY_WORDS, REMEDY_WORDS, Cause, Family
from yuanlu.causes.response_codes import HOST_CODES, OUR_CODES
from yuanlu.causes.taxonomy import CAUSES
from yuanlu.contracts import Returns
from yuanlu.kernel.money import format_minor
from yuanlu.returns.decision import WAYS


def causes_page() -> str:
    """The taxonomy, family by family, and what each response code stands for."""
    parts = [
        "# Causes",
        f"Why an abnormal transaction went wrong: {len(CAUSES)} causes, from `src/yuanlu/causes/`. How they are found "
        "is told in [causes](../causes.md). The number is the place in the order of precedence. *Debited* says whether "
        "the cardholder's money may be gone as far as the cause alone tells; the transaction's state can say more.",
    ]
    head = ("code", "no.", "中文", "English", "evidence", "severity", "remedy", "charge again", "debited", "support")
    for family in Family:
        rows = [cause_row(no, cause) for no, cause in enumerate(CAUSES, start=1) if cause.family is family]
        parts += [f"## {FAMILY_WORDS[family].en} {FAMILY_WORDS[family].zh}", table(head, rows)]
    parts.append("## Response codes\n\nA host's code, what it says, its class (`yuanlu.causes.response_codes`).")
    coded = [(f"`{row.code}`", row.zh, row.action, code_of(row.cause)) for row in HOST_CODES.values()]
    own = [(f"`{code}`", "", "ours", code_of(cause)) for code, cause in OUR_CODES.items()]
    return "\n\n".join([*parts, table(("code", "中文", "class", "cause"), coded + own)])


def cause_row(no: int, cause: Cause) -> Iterator[object]:
    """One line of a family's table."""
    yield from (f"`{cause.code}`", no, cause.title.zh, cause.title.en, ", ".join(cause.looks_at), cause.severity)
    remedy = REMEDY_WORDS[cause.remedy]
    yield f"{remedy.zh}, {remedy.en}"
    yield f"yes: {cause.why_charge_again}" if cause.why_charge_again else "yes" if cause.may_charge_again else "no"
    yield "maybe" if cause.may_be_debited else "no"
    yield "yes" if cause.needs_support else "no"


def code_of(cause: Cause | None) -> str:
    """A cause's code as it stands in a table; a dash where a code explains nothing by itself."""
    return "–" if cause is None else f"`{cause.code}`"


def ways_page() -> str:
    """The policy's table, and the orders' steps."""
    rows = [
        (n, f"`{way.kind}`", way.when, way.why[0], way.why[1], way.paid_from) for n, way in enumerate(WAYS, start=1)
    ]
    limits = Returns()
    return "\n\n".join(
        [
            "# Ways back",
            "Which way money goes back after an approval: the first row that holds (`yuanlu.returns.decision`). "
            "The reason is kept with the order. What was paid from the *contract* does not count against the payment.",
            table(("no.", "way", "when", "中文", "English", "paid from"), rows),
            "A pre-authorisation is only held: it is released by its void, and never credited. One that cannot be "
            "voided is a person's matter, by a case; a completed one goes back by its completion.",
            f"By itself goes only what no person asked for, up to {format_minor(limits.automatic_max_minor, '156')} "
            f"a return and {format_minor(limits.automatic_per_day_minor, '156')} a merchant and day "
            "(`[returns]`, or the merchant's contract). "
            "Everything else needs two people. Reversals of unknown outcomes are always automatic, and not counted.",
        ]
    )
