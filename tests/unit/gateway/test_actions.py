"""From message to action: the type, the key, the amount, the account."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.iso8583.messages import CUP, ISO87, field_sets
from yuanlu.acquirers.kinds import kind_of
from yuanlu.gateway.actions import Action, FieldWrong, action_of, safe, understand
from yuanlu.gateway.answers import own, relayed, swapped
from yuanlu.iso8583.codec import Codec
from yuanlu.iso8583.errors import DecodeError
from yuanlu.kernel.clock import Moment

SALE = {
    2: "6200000000000005", 3: "000000", 4: "000000001234", 11: "000007", 41: "T0000001", 42: "898440153110001",
    49: "156", 60: "22000001000",
}  # fmt: skip


def message(codec: Codec = CUP, mti: str = "0200", **changes: object):
    fields = SALE | {int(name[1:]): value for name, value in changes.items()}
    return codec.decode(codec.encode(mti=mti, fields={n: v for n, v in fields.items() if v is not None}))


ACTIONS = [
    (message(), Action.PAYMENT, "a sale"),
    (message(f3="310000"), Action.PAYMENT, "a balance inquiry"),
    (message(f3="200000", f60="23000001000"), Action.PAYMENT, "a void"),
    (message(f3="200000"), Action.UNSUPPORTED, "a void that says it is a sale"),
    (message(f60="36000001000"), Action.UNSUPPORTED, "an offline sale's upload as a request"),
    (message(mti="0220", f60="36000001000"), Action.ADVICE, "an offline sale's upload"),
    (message(mti="0220", f60="30000001000"), Action.ADVICE, "an offline sale"),
    (message(mti="0220", f60="24000001000"), Action.ADVICE, "a completion advice"),
    (message(mti="0220", f60="99000001000"), Action.UNSUPPORTED, "an advice that nobody knows"),
    (message(ISO87, mti="0221", f25="06", f60=None), Action.ADVICE, "a completion advice of 1987, repeated"),
    (message(mti="0620", f60="00000001951"), Action.ADVICE, "a script result"),
    (message(mti="0220", f3="200000", f60="25000001000"), Action.PAYMENT, "a refund"),
    (message(mti="0100", f3="030000", f60="10000001000"), Action.PAYMENT, "a pre-authorisation"),
    (message(ISO87, mti="0100", f3="030000", f25="06", f60=None), Action.PAYMENT, "a pre-authorisation of 1987"),
    (message(ISO87, f3="200000", f60=None), Action.PAYMENT, "a void of 1987"),
    (message(mti="0400"), Action.REVERSAL, "a reversal"),
    (message(ISO87, mti="0401", f60=None), Action.REVERSAL, "a repeated reversal"),
    (message(ISO87, mti="0421", f60=None), Action.REVERSAL, "a repeated reversal advice"),
    (message(mti="0800", f60="00000001003"), Action.SIGN_IN, "sign-in, double length"),
    (message(mti="0800", f60="00000001001"), Action.SIGN_IN, "sign-in, single length"),
    (message(mti="0800", f60="00000001999"), Action.UNSUPPORTED, "an unknown management code"),
    (message(mti="0820", f60="00000001301"), Action.ECHO, "an echo test"),
    (message(mti="0820", f60="00000001002"), Action.SIGN_OFF, "a sign-off"),
    (message(mti="0820", f60="00000001362"), Action.STATUS, "a status upload"),
    (message(ISO87, mti="0820", f70="362", f60=None), Action.STATUS, "a status upload of 1987"),
    (message(mti="0800", f60="00000001362"), Action.UNSUPPORTED, "a status is no sign-in"),
    (message(ISO87, mti="0800", f70="301", f60=None), Action.ECHO, "1987 says it in field 70"),
    (message(mti="0100"), Action.UNSUPPORTED, "an authorisation"),
    (message(mti="0500"), Action.SETTLEMENT, "a settlement"),
    (message(mti="0320"), Action.SETTLEMENT, "an upload"),
    (message(ISO87, mti="0500", f60=None), Action.UNSUPPORTED, "1987 numbers no batches"),
]


@pytest.mark.parametrize(("asked", "action", "why"), ACTIONS, ids=[row[2] for row in ACTIONS])
def test_what_a_message_asks_for(asked, action, why):
    assert action_of(asked) is action, why


def test_a_code_without_a_card_is_a_qr_sale():
    assert kind_of(message(f2=None, f59="A3016" + "1" * 16), "0200") == "qr_sale"
    assert kind_of(message(f59="A3016" + "1" * 16), "0200") == "sale"


def test_a_reversal_has_the_key_of_its_original():
    sale = understand(message(), "T0000001", "898440153110001")
    for mti in ("0400",):
        assert understand(message(mti=mti), "T0000001", "898440153110001").key == sale.key
    reversal = message(ISO87, mti="0400", f11="000099", f60=None, f90="0200000007" + "1" * 32)
    key = understand(reversal, "T0000001", "898440153110001").key
    assert (key.stan, key.mti_class) == ("000007", "0200")


def test_a_repeated_request_has_the_key_of_the_first():
    repeat = message(ISO87, mti="0201", f60=None)
    assert understand(repeat, "T", "M").key == understand(message(ISO87, f60=None), "T", "M").key


WRONG = [
    ({"f4": None}, "30"),
    ({"f49": None}, "30"),
    ({"f4": "000000000000"}, "13"),
    ({"f2": None}, "14"),
]


@pytest.mark.parametrize(("changes", "code"), WRONG)
def test_a_payment_that_lacks_something_says_what(changes, code):
    with pytest.raises(FieldWrong) as wrong:
        understand(message(**changes), "T", "M")
    assert wrong.value.code == code


MTIS = ("0200", "0400", "0401", "0421", "0800", "0820", "0500", "0220", "0320", "0620")


class StillClock:
    """A clock that stands."""

    def now(self) -> Moment:
        return Moment(wall_us=1_760_000_000_000_000, boot_us=0, boot_id="")


@pytest.mark.parametrize("codec", [CUP, ISO87], ids=["cup-pos", "iso87-ascii"])
@given(
    data=st.data(),
    mti=st.sampled_from(["0200", "0400", "0401", "0421", "0800", "0820", "0500", "0220", "0320", "0620"]),
)
def test_every_request_that_decodes_can_be_judged_and_answered(codec, data, mti):
    raw = codec.encode(mti=mti, fields=data.draw(field_sets(codec)))
    request = codec.decode(raw)
    for judge in (action_of, lambda m: kind_of(m, "0200"), lambda m: understand(m, "T", "M")):
        with contextlib.suppress(DecodeError, FieldWrong):
            judge(request)
    answer = codec.decode(own(request, "96", StillClock(), None))
    assert answer[39] == "96"
    assert answer.tpdu == swapped(request.tpdu)
    assert codec.decode(relayed(request, answer, None)).get(11) == safe(request, 11) or not safe(request, 11)


@given(st.binary(min_size=11, max_size=120))
def test_random_bytes_behind_a_true_head_are_judged_or_refused(tail):
    try:
        request = CUP.decode(bytes.fromhex("6000060000603100311108") + b"\x02\x00" + tail)
    except DecodeError:
        return
    with contextlib.suppress(DecodeError, FieldWrong):
        understand(request, "T", "M")
    own(request, "30", StillClock(), None)
