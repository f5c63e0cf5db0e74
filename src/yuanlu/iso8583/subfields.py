"""The sub-fields inside UnionPay's private fields 44, 48, 60, 61, 62 and 63.

Each record parses a field's value (`Message.get`, or `value_bytes` for keys) and builds it again. Errors name
the sub-field, for example "60.2"; their offset counts digits or bytes within the field. Layouts: domain notes
on Q/CUP 006, sub-field tables of fields 60 and 61, sign-in and settlement.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from msgspec import Struct

from yuanlu.iso8583.errors import DecodeError, EncodeError


def _cut(number: int, value: str, widths: tuple[int, ...], needed: int) -> list[str]:
    """Cut digits into sub-fields; the first `needed` must be there, later ones only as whole sub-fields."""
    if not (value.isascii() and value.isdecimal()):
        raise DecodeError(field=number, offset=0, reason="not all digits" if value else "empty")
    parts, at = [], 0
    for index, width in enumerate(widths, start=1):
        part = value[at : at + width]
        if len(part) < width and (part or index <= needed):
            raise DecodeError(field=f"{number}.{index}", offset=at, reason=f"{len(part)} digits, {width} needed")
        parts.append(part)
        at += width
    if len(value) > at:
        raise DecodeError(field=number, offset=at, reason=f"{len(value) - at} digits behind the last sub-field")
    return parts


def _join(number: int, parts: tuple[str, ...], widths: tuple[int, ...]) -> str:
    """Join sub-fields; once one is empty the rest must be, too."""
    ended = False
    for index, (part, width) in enumerate(zip(parts, widths, strict=True), start=1):
        if not part and index > 1:
            ended = True
        elif ended or len(part) != width or not (part.isascii() and part.isdecimal()):
            raise EncodeError(field=f"{number}.{index}", reason=f"{width} digits needed, and none left out before")
    return "".join(parts)


_F60_WIDTHS = (2, 6, 3, 1, 1, 1, 3)


class F60(Struct, frozen=True, kw_only=True):
    """What kind of transaction it is and in which batch. All digits as strings; "" for what was left out.

    60.1 transaction type (22 sale, 23 void, 25 refund, 00 management), 60.2 batch, 60.3 management code (001
    or 003 sign-in, 201 settlement, 301 echo), 60.4 read capability, 60.5 chip condition, 60.6 partial
    approval, 60.7 account.
    """

    type_code: str
    batch_no: str
    management_code: str = ""
    read_capability: str = ""
    ic_condition: str = ""
    partial_approval: str = ""
    account_type: str = ""

    @classmethod
    @lru_cache(maxsize=4096)
    def parse(cls, value: str) -> "F60":
        """Read field 60. Raises DecodeError naming the sub-field that is cut short."""
        parts = _cut(60, value, _F60_WIDTHS, needed=2)
        return cls(
            type_code=parts[0],
            batch_no=parts[1],
            management_code=parts[2],
            read_capability=parts[3],
            ic_condition=parts[4],
            partial_approval=parts[5],
            account_type=parts[6],
        )

    def build(self) -> str:
        """Write field 60. Raises EncodeError naming the sub-field that does not fit."""
        return _join(
            60,
            (
                self.type_code,
                self.batch_no,
                self.management_code,
                self.read_capability,
                self.ic_condition,
                self.partial_approval,
                self.account_type,
            ),
            _F60_WIDTHS,
        )


_F61_WIDTHS = (6, 6, 4, 2, 11)


@dataclass(frozen=True, slots=True, kw_only=True)
class F61:
    """Which transaction a void, refund or completion refers to. All digits as strings; "" for what was left
    out.

    61.1 batch, 61.2 STAN, 61.3 date MMDD (0000 when no answer told it), 61.4 how it was authorised, 61.5 by
    whom.
    """

    batch_no: str
    stan: str
    date_mmdd: str = ""
    auth_mode: str = ""
    auth_institution: str = ""

    @classmethod
    def parse(cls, value: str) -> "F61":
        """Read field 61. Raises DecodeError naming the sub-field that is cut short."""
        parts = _cut(61, value, _F61_WIDTHS, needed=2)
        return cls(
            batch_no=parts[0],
            stan=parts[1],
            date_mmdd=parts[2],
            auth_mode=parts[3],
            auth_institution=parts[4],
        )

    def build(self) -> str:
        """Write field 61. Raises EncodeError naming the sub-field that does not fit."""
        parts = (self.batch_no, self.stan, self.date_mmdd, self.auth_mode, self.auth_institution)
        return _join(61, parts, _F61_WIDTHS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Debits and credits of one kind of card in a batch: amounts in minor units, counts, and the host's flag.

    `flag` is "0" in the request; in the answer "1" the totals agree, "2" they do not, "3" error.
    """

    debit_minor: int
    debit_count: int
    credit_minor: int
    credit_count: int
    flag: str = "0"


_TOTALS_WIDTHS = (12, 3, 12, 3, 1)
_NO_TOTALS = Totals(debit_minor=0, debit_count=0, credit_minor=0, credit_count=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementTotals:
    """Field 48 of 0500 and 0510: 31 digits for domestic cards, 31 for foreign ones."""

    domestic: Totals
    foreign: Totals = _NO_TOTALS

    @classmethod
    def parse(cls, value: str) -> "SettlementTotals":
        """Read the 62 digits of field 48. Raises DecodeError naming the sub-field, 48.1 to 48.10."""
        parts = _cut(48, value, _TOTALS_WIDTHS * 2, needed=10)
        return cls(domestic=_totals(parts[:5]), foreign=_totals(parts[5:]))

    def build(self) -> str:
        """Write field 48. Raises EncodeError naming the sub-field that does not fit."""
        parts = _totals_parts(self.domestic) + _totals_parts(self.foreign)
        return _join(48, parts, _TOTALS_WIDTHS * 2)


def _totals(parts: list[str]) -> Totals:
    """Five sub-fields as numbers."""
    return Totals(
        debit_minor=int(parts[0]),
        debit_count=int(parts[1]),
        credit_minor=int(parts[2]),
        credit_count=int(parts[3]),
        flag=parts[4],
    )


def _totals_parts(totals: Totals) -> tuple[str, ...]:
    """Numbers as five sub-fields; what is too large becomes too long, and `_join` refuses it."""
    return (
        f"{totals.debit_minor:012}",
        f"{totals.debit_count:03}",
        f"{totals.credit_minor:012}",
        f"{totals.credit_count:03}",
        totals.flag,
    )


UPLOAD_ITEMS_MAX = 8
_UPLOAD_ITEM_WIDTHS = (2, 6, 20, 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadItem:
    """One payment in a batch upload. `card_kind` is "00" for a domestic card and "01" for a foreign one, `pan` is up
    to 20 digits and empty where there is no card, the amount is in minor units.
    """

    card_kind: str
    stan: str
    pan: str = field(repr=False)
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadDetails:
    """Field 48 of 0320: a count of two digits and up to 8 items of 40.

    The specification's 322 digits are 2 + 8 x 40. How an item is divided is the customary form and not verified.
    """

    items: tuple[UploadItem, ...]

    @classmethod
    def parse(cls, value: str) -> "UploadDetails":
        """Read field 48. Raises DecodeError naming the sub-field: 48.1 is the count, each item has four more."""
        [count] = _cut(48, value[:2], (2,), needed=1)
        if int(count) > UPLOAD_ITEMS_MAX:
            raise DecodeError(field="48.1", offset=0, reason=f"{int(count)} items, at most {UPLOAD_ITEMS_MAX}")
        widths = (2, *_UPLOAD_ITEM_WIDTHS * int(count))
        parts = _cut(48, value, widths, needed=len(widths))[1:]
        return cls(items=tuple(_upload_item(parts[at : at + 4]) for at in range(0, len(parts), 4)))

    def build(self) -> str:
        """Write field 48. Raises EncodeError naming the sub-field that does not fit."""
        if len(self.items) > UPLOAD_ITEMS_MAX:
            raise EncodeError(field="48.1", reason=f"{len(self.items)} items, at most {UPLOAD_ITEMS_MAX} fit")
        parts = [f"{len(self.items):02}"]
        for item in self.items:
            parts += [item.card_kind, item.stan, f"{item.pan:0>20}", f"{item.amount_minor:012}"]
        return _join(48, tuple(parts), (2, *_UPLOAD_ITEM_WIDTHS * len(self.items)))


def _upload_item(parts: list[str]) -> UploadItem:
    """Four sub-fields as an item; the card number stands on the right, behind zeros."""
    return UploadItem(card_kind=parts[0], stan=parts[1], pan=parts[2].lstrip("0"), amount_minor=int(parts[3]))


@dataclass(frozen=True, slots=True, kw_only=True)
class F44:
    """Who issued the card and who acquired the payment: two codes of up to 11 characters, without padding."""

    issuer: str
    acquirer: str

    @classmethod
    def parse(cls, value: str) -> "F44":
        """Read field 44: 44.1 in 11 characters, the rest 44.2. Raises DecodeError when longer than 22."""
        if len(value) > 22:
            raise DecodeError(field="44.2", offset=11, reason=f"{len(value) - 11} characters, at most 11")
        return cls(issuer=value[:11].rstrip(" "), acquirer=value[11:].rstrip(" "))

    def build(self) -> str:
        """Write field 44, both padded with spaces to 11. Raises EncodeError when one is longer."""
        for index, code in enumerate((self.issuer, self.acquirer), start=1):
            if len(code) > 11:
                raise EncodeError(field=f"44.{index}", reason=f"{len(code)} characters, at most 11 fit")
        return f"{self.issuer:11}{self.acquirer:11}"


_F63_WIDTHS = (3, 20, 20, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class F63:
    """Card organisation (CUP, VIS, MCC ...; the operator in a request) and three free texts of the answer.

    Texts are at most 20 bytes of GBK each and come without padding.
    """

    card_org: str
    issuer_text: str = ""
    centre_text: str = ""
    acquirer_text: str = ""

    @classmethod
    def parse(cls, value: str) -> "F63":
        """Read field 63. Raises DecodeError when 63.1 is cut short or a text ends inside a character."""
        try:
            content = value.encode("gbk")
        except UnicodeEncodeError:
            raise DecodeError(field=63, offset=0, reason="not GBK") from None
        if len(content) < 3:
            raise DecodeError(field="63.1", offset=0, reason=f"{len(content)} characters, 3 needed")
        texts, at = [], 0
        for index, width in enumerate(_F63_WIDTHS, start=1):
            try:
                texts.append(content[at : at + width].decode("gbk").rstrip(" "))
            except UnicodeDecodeError:
                raise DecodeError(field=f"63.{index}", offset=at, reason="ends inside a character") from None
            at += width
        return cls(card_org=texts[0], issuer_text=texts[1], centre_text=texts[2], acquirer_text=texts[3])

    def build(self) -> str:
        """Write field 63; texts after the last one given are left out.

        Raises EncodeError for what does not fit.
        """
        value, texts = "", (self.card_org, self.issuer_text, self.centre_text, self.acquirer_text)
        last = max((index for index, text in enumerate(texts) if text), default=0)
        for index, (text, width) in enumerate(zip(texts[: last + 1], _F63_WIDTHS, strict=False), start=1):
            try:
                size = len(text.encode("gbk"))
            except UnicodeEncodeError:
                raise EncodeError(field=f"63.{index}", reason="a character is not in GBK") from None
            if size > width:
                raise EncodeError(field=f"63.{index}", reason=f"{size} bytes, at most {width} fit")
            value += text + " " * (width - size)
        return value


_KEY_LAYOUTS = {24: (8, 2), 40: (16, 2), 56: (24, 2), 60: (16, 3), 84: (24, 3)}
"""Size of field 62: bytes of one key, and how many keys. Each key is followed by 4 check bytes."""

_KCV_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingKeyBlock:
    """Field 62 of 0810: working keys encrypted under the terminal's master key, each with its check value.

    `tdk` and `tdk_kcv` are empty when there is no track key. A single-length MAC key in a double-length block
    is followed by zeros; it is kept as it came.
    """

    pik: bytes = field(repr=False)
    pik_kcv: bytes
    mak: bytes = field(repr=False)
    mak_kcv: bytes
    tdk: bytes = field(default=b"", repr=False)
    tdk_kcv: bytes = b""

    @classmethod
    def parse(cls, content: bytes) -> "WorkingKeyBlock":
        """Read the content of field 62: 24, 40, 56, 60 or 84 bytes. Raises DecodeError for another size."""
        if len(content) not in _KEY_LAYOUTS:
            raise DecodeError(field=62, offset=0, reason=f"{len(content)} bytes hold no working keys")
        key_bytes, count = _KEY_LAYOUTS[len(content)]
        step = key_bytes + _KCV_BYTES
        pairs = [
            (content[at : at + key_bytes], content[at + key_bytes : at + step]) for at in range(0, count * step, step)
        ]
        (pik, pik_kcv), (mak, mak_kcv), (tdk, tdk_kcv) = (*pairs, (b"", b""))[:3]
        return cls(pik=pik, pik_kcv=pik_kcv, mak=mak, mak_kcv=mak_kcv, tdk=tdk, tdk_kcv=tdk_kcv)

    def build(self) -> bytes:
        """Write the content of field 62.

        Raises EncodeError when keys differ in size or a check value is not 4 bytes.
        """
        pairs = [(self.pik, self.pik_kcv), (self.mak, self.mak_kcv)]
        if self.tdk or self.tdk_kcv:
            pairs.append((self.tdk, self.tdk_kcv))
        for index, (key, kcv) in enumerate(pairs, start=1):
            if len(key) != len(self.pik) or len(kcv) != _KCV_BYTES:
                raise EncodeError(field=f"62.{index}", reason="keys of one size, each with 4 check bytes, are needed")
        content = b"".join(key + kcv for key, kcv in pairs)
        if _KEY_LAYOUTS.get(len(content)) != (len(self.pik), len(pairs)):
            raise EncodeError(field=62, reason=f"{len(pairs)} keys of {len(self.pik)} bytes have no layout")
        return content
