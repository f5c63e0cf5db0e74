"""Building a host's answers: what stays of the request, what the host adds, and answers spoilt on purpose."""

import random
from collections.abc import Mapping
from datetime import date

from yuanlu.iso8583.codec import Codec, MakeMac, Message, response_mti
from yuanlu.iso8583.errors import EncodeError
from yuanlu.iso8583.framing import with_length
from yuanlu.iso8583.subfields import F44, F63
from yuanlu.kernel.clock import local_time
from yuanlu.sandbox.faults import APPROVALS, Reply

ACQUIRER_CODE = "48025800"
ISSUER_CODE = "03080000"
NOT_ECHOED = (5, 6, 14, 22, 23, 26, 35, 36, 38, 45, 48, 52, 53, 54, 55, 57, 58, 59, 61, 62, 64, 90, 95, 128)
"""Fields of a request that its answer leaves out: secrets, and what only the request is about."""

RESPONSE_TEXTS = {
    "00": "交易成功",
    "12": "无效交易",
    "14": "无效卡号",
    "22": "关联交易错误",
    "25": "没有原始交易",
    "51": "可用余额不足",
    "55": "密码错",
    "61": "交易金额超限",
    "64": "与原交易金额不符",
}
CUT_OVER_HOUR = 23


def answer_frame(
    message: Message,
    changes: Mapping[int, str | bytes | None],
    *,
    code: str,
    rrn: str,
    now_us: int,
    mac: MakeMac | None,
) -> bytes:
    """The answer to `message`, without length: TPDU turned round, host time, code, and a MAC where one is
    made.
    """
    at = local_time(now_us)
    fields: dict[int, str | bytes | None] = dict.fromkeys(NOT_ECHOED)
    fields |= {
        12: at.strftime("%H%M%S"),
        13: at.strftime("%m%d"),
        32: ACQUIRER_CODE,
        37: rrn,
        39: code,
    }
    fields |= changes
    known = message.codec.dialect.fields
    fields = {number: value for number, value in fields.items() if number in known}
    return message.splice(fields, mti=response_mti(message.mti), tpdu=turned_tpdu(message.tpdu) or None, mac=mac)


def payment_fields(code: str, settlement_mmdd: str, auth_code: str) -> dict[int, str | bytes | None]:
    """What the answer to a payment or its reversal adds."""
    fields: dict[int, str | bytes | None] = {
        15: settlement_mmdd,
        44: F44(issuer=ISSUER_CODE, acquirer=ACQUIRER_CODE).build().rstrip(),
        63: F63(card_org="CUP", issuer_text=RESPONSE_TEXTS.get(code, "")).build(),
    }
    if auth_code and code in APPROVALS:
        fields[38] = auth_code
    return fields


def plain_texts(fields: Mapping[int, str | bytes | None], codec: Codec) -> dict[int, str | bytes | None]:
    """The same fields in a dialect that knows ASCII only: Chinese texts are cut to their first part."""
    if not codec.dialect.extended:
        return dict(fields)
    return {
        number: value.encode("ascii", "ignore").decode().rstrip() if isinstance(value, str) else value
        for number, value in fields.items()
    }


def turned_tpdu(tpdu: bytes) -> bytes:
    """The TPDU of the answer: destination and source swapped."""
    return tpdu[:1] + tpdu[3:5] + tpdu[1:3]


def business_day(at_us: int) -> int:
    """The host's day, as a number that grows by 1 a day: it turns at 23:00 Beijing time (domain trap T18)."""
    at = local_time(at_us)
    return at.toordinal() + (at.hour >= CUT_OVER_HOUR)


def local_date(at_us: int) -> str:
    """Field 13, MMDD: the date in Beijing."""
    return local_time(at_us).strftime("%m%d")


def settlement_date(now_us: int) -> str:
    """Field 15, MMDD: the date of the business day."""
    return date.fromordinal(business_day(now_us)).strftime("%m%d")


def balance_text(available_minor: int) -> str:
    """Field 54: one balance, account type 10, kind 02, yuan, credit, 12 digits of minor units."""
    return f"1002156C{max(available_minor, 0):012}"


def spoilt(frame: bytes, reply: Reply, codec: Codec, mac: MakeMac | None, chance: random.Random) -> bytes:
    """The bytes that go out instead of one good answer, length included; b"" means silence.

    Spoilt trace numbers and amounts are authentic: only the matching of fields can tell that they are wrong.
    """
    whole = with_length(frame)
    match reply:
        case Reply.NORMAL | Reply.LATE:
            sent = whole
        case Reply.NONE:
            sent = b""
        case Reply.TWICE:
            sent = whole + whole
        case Reply.HALF:
            sent = whole[: len(whole) // 2]
        case Reply.GARBAGE:
            sent = with_length(b"\xff" + chance.randbytes(chance.randint(8, 60)))
        case Reply.WRONG_MAC:
            sent = with_length(_with_wrong_mac(frame, codec))
        case Reply.WRONG_STAN | Reply.WRONG_AMOUNT:
            sent = with_length(_with_other_field(frame, reply, codec, mac))
        case Reply.NO_CODE:
            sent = with_length(codec.decode(frame).splice({39: None}, mac=mac))
    return sent


def _with_wrong_mac(frame: bytes, codec: Codec) -> bytes:
    message = codec.decode(frame)
    number = next((n for n in codec.dialect.mac_fields if message.has(n)), None)
    if number is None:
        return frame
    wrong = bytes(0x30 + (byte + 1) % 10 for byte in message.value_bytes(number))
    return message.splice({number: wrong})


def _with_other_field(frame: bytes, reply: Reply, codec: Codec, mac: MakeMac | None) -> bytes:
    message = codec.decode(frame)
    number = 11 if reply is Reply.WRONG_STAN else 4
    value = message.get(number)
    if value is None:
        raise EncodeError(field=number, reason="not in the answer, so it cannot be spoilt")
    other = f"{(int(value) + 1) % 10 ** len(value):0{len(value)}}"
    return message.splice({number: other}, mac=mac)
