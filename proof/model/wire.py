"""The messages of the model's tills and hosts, in both dialects, and how each side knows a transaction again.

`cup-pos` names a transaction by terminal, batch and trace number (fields 41, 60.2, 11); a reversal repeats them. The
1987 edition has no batch, and field 90 names the original of a reversal or inquiry.
"""

from functools import lru_cache

from proof.records import Ref
from yuanlu.iso8583.codec import Codec, Message, codec_for
from yuanlu.iso8583.subfields import F60, F61, SettlementTotals, Totals

CURRENCY = "156"
MERCHANT = "898310055110001"
SALE, VOID, REFUND = "22", "23", "25"
"""Field 60.1."""

_MTI = {SALE: "0200", VOID: "0200", REFUND: "0220"}
_PROCESSING = {SALE: "000000", VOID: "200000", REFUND: "200000"}
_ELEMENTS_REST = "1215120000" + "0" * 22


def codec_of(profile: str) -> Codec:
    """Status inquiries (P3) exist in the 1987 edition alone; everything else speaks the terminals' own dialect."""
    return codec_for("iso87-ascii" if profile == "P3" else "cup-pos")


@lru_cache(maxsize=4)
def terminal_id(till: int) -> str:
    """Field 41."""
    return f"1001000{till}"


def ref_of(message: Message) -> Ref:
    """Which transaction a request, or the answer to one, is about."""
    terminal, stan, mti = message[41], message[11], message.mti
    if message.codec.dialect.extended:
        if message.has(90) and mti[:2] in ("04", "06"):
            return terminal, "", message[90][4:10], message[90][:4]
        return terminal, "", stan, f"{mti[:2]}{int(mti[2]) // 2 * 2}0"
    if mti[:2] == "04":
        return terminal, message[60][2:8], stan, "0200"
    return terminal, message[60][2:8], stan, f"{mti[:2]}{int(mti[2]) // 2 * 2}0"


def original_of(message: Message) -> tuple[str, str] | None:
    """Batch and trace number that a void or refund names, or None where it goes by the reference number."""
    if message.codec.dialect.extended:
        return ("", message[90][4:10]) if message.has(90) else None
    if not message.has(61):
        return None
    named = F61.parse(message[61])
    return None if named.stan == "000000" else (named.batch_no, named.stan)


def request(
    codec: Codec, *, type_code: str, ref: Ref, minor: int, card: str, about: Ref | None = None, rrn: str = ""
) -> bytes:
    """0200 or 0220: a sale, or a void or refund of `about`."""
    extended = codec.dialect.extended
    fields: dict[int, str | bytes] = {
        2: card, 3: _PROCESSING[type_code], 4: f"{minor:012}", 11: ref[2], 22: "012" if extended else "0120",
        25: "00", 41: ref[0], 42: MERCHANT, 49: CURRENCY,
    }  # fmt: skip
    if extended:
        fields |= {7: "1215120000", 12: "120000", 13: "1215"}
        if about is not None:
            fields[90] = f"{about[3]}{about[2]}{_ELEMENTS_REST}"
    else:
        fields[60] = F60(type_code=type_code, batch_no=ref[1], management_code="000").build()
        if about is not None:
            named = about[1:3] if type_code == VOID else ("000000", "000000")
            fields[61] = F61(batch_no=named[0], stan=named[1], date_mmdd="1215").build()
    if rrn:
        fields[37] = rrn
    return codec.encode(mti=_MTI[type_code], fields=fields)


def reversal(codec: Codec, message: Message, reason: str) -> bytes:
    """0400 for a request that the till made itself."""
    changes: dict[int, str | bytes | None] = {39: reason, 61: None, 37: None}
    if codec.dialect.extended:
        changes = {39: reason, 37: None, 90: f"{message.mti}{message[11]}{_ELEMENTS_REST}"}
    return message.splice(changes, mti="0400")


def settlement(codec: Codec, *, terminal: str, batch_no: str, stan: str, totals: Totals) -> bytes:
    """0500: the totals of a batch as its till has them."""
    return codec.encode(
        mti="0500",
        fields={
            11: stan, 41: terminal, 42: MERCHANT, 48: SettlementTotals(domestic=totals).build(), 49: CURRENCY,
            60: F60(type_code="00", batch_no=batch_no, management_code="201").build(),
        },
    )  # fmt: skip


def same_in_all_attempts(message: Message) -> tuple[str, ...]:
    """What no attempt of a reversal may change: account, amount, identity (invariant I9)."""
    return tuple(message.get(number) or "" for number in (2, 3, 4, 11, 22, 25, 41, 42, 49, 60, 90))
