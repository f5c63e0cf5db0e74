"""Frames for the terminal: the host's answer passed on, or an answer of our own."""

from collections.abc import Mapping
from types import MappingProxyType

from yuanlu.gateway.actions import safe
from yuanlu.iso8583.codec import Message, response_mti
from yuanlu.iso8583.subfields import F60
from yuanlu.kernel.clock import Clock, local_time
from yuanlu.keys.mac import MacKey

ECHOED = (3, 4, 7, 11, 25, 41, 42, 49, 60, 70, 90)
"""Fields of the request that our own answer repeats, so that the terminal can match it (domain trap T8)."""


NOTHING: Mapping[int, str | bytes | None] = MappingProxyType({})


def swapped(tpdu: bytes) -> bytes:
    """A TPDU for the way back: destination and source exchanged."""
    return tpdu[:1] + tpdu[3:5] + tpdu[1:3] if tpdu else tpdu


def relayed(
    request: Message, answer: Message, mac_key: MacKey | None, more: Mapping[int, str | bytes | None] = NOTHING
) -> bytes:  # fmt: skip
    """The host's answer as this terminal must see it: its own TPDU and batch, and a MAC under its own key.

    `more` are fields that it gets beside the host's.
    """
    changes = dict(more)
    if request.has(60) and answer.has(60) and request.value_bytes(60) != answer.value_bytes(60):
        changes[60] = request.value_bytes(60)
    tpdu = swapped(request.tpdu) or None
    mti = response_mti(request.mti)
    other = mti if mti != answer.mti else None  # a void that went upstream as a refund
    if mac_key is not None:
        return answer.splice(changes, tpdu=tpdu, mti=other, mac=mac_key.make)
    changes |= {number: None for number in answer.codec.dialect.mac_fields if answer.has(number)}
    return answer.splice(changes, tpdu=tpdu, mti=other)


def own(
    request: Message, code: str, clock: Clock, mac_key: MacKey | None, extra: dict[int, str | bytes] | None = None
) -> bytes:
    """An answer that no host made. Repeats what can be read of the request."""
    now = local_time(clock.now().wall_us)
    fields: dict[int, str | bytes] = {
        number: value
        for number in ECHOED
        if (value := safe(request, number)) and number in request.codec.dialect.fields
    }
    fields |= {12: now.strftime("%H%M%S"), 13: now.strftime("%m%d"), 39: code}
    fields |= extra or {}
    return request.codec.encode(
        mti=response_mti(request.mti),
        fields=fields,
        tpdu=swapped(request.tpdu) or None,
        header=request.header or None,
        mac=mac_key.make if mac_key is not None else None,
    )


def with_batch_number(request: Message, batch_no: str) -> str:
    """Field 60 of the request with the batch number that we assign."""
    field = F60.parse(request[60])
    return f"{field.type_code}{batch_no}{request[60][8:]}"
