"""What people write into a case, and what must not stay in it."""

import random

import pytest

from yuanlu.cases.errors import CaseError
from yuanlu.cases.opening import case_number
from yuanlu.cases.people import person, same_person
from yuanlu.cases.texts import TEXT_CHARACTERS_MAX, reference_of, text_of
from yuanlu.kernel.card_numbers import has_card_number, without_card_numbers
from yuanlu.sandbox.cards import luhn_digit, make_card


def card(body: str) -> str:
    return body + luhn_digit(body)


PAN = card("620000000000000")
NUMBERS = [
    (f"card {PAN}, please", f"card ••{PAN[-4:]}, please", "as it stands on the card"),
    (f"{PAN[:4]} {PAN[4:8]} {PAN[8:12]} {PAN[12:]}", f"••{PAN[-4:]}", "in groups"),
    (f"{PAN[:4]}-{PAN[4:8]}-{PAN[8:12]}-{PAN[12:]} ok", f"••{PAN[-4:]} ok", "with hyphens"),
    (f"卡号{PAN}金额 12 34", f"卡号••{PAN[-4:]}金额 12 34", "between Chinese words"),
    (f"12 {PAN} 34", f"12 ••{PAN[-4:]} 34", "between other numbers"),
    (f"{PAN} {PAN}", f"••{PAN[-4:]} ••{PAN[-4:]}", "two of them"),
    ("620000******0005", "620000******0005", "masked already"),
    ("RRN 261123000017", "RRN 261123000017", "a reference number is shorter"),
    ("merchant 898440153110001", "merchant 898440153110001", "a merchant's number has no card's prefix"),
    ("2026-11-23 08:13:21.038", "2026-11-23 08:13:21.038", "a time"),
    (PAN[:-1] + str((int(PAN[-1]) + 1) % 10), PAN[:-1] + str((int(PAN[-1]) + 1) % 10), "a wrong check digit"),
    ("1" + "62" * 15, "1" + "62" * 15, "too long to be one"),
]


@pytest.mark.parametrize(("given", "kept", "why"), NUMBERS, ids=[row[2] for row in NUMBERS])
def test_card_numbers_are_shortened_and_other_numbers_stay(given, kept, why):
    assert without_card_numbers(given) == kept, why


def test_every_card_of_the_sandbox_is_recognised_and_no_case_number_is():
    chance = random.Random(7)
    for _ in range(200):
        assert has_card_number(f"x {make_card(chance).pan} y")
        assert not has_card_number(f"see {case_number(1_760_000_000_000_000, chance.getrandbits)} 12")


def test_full_width_digits_are_digits():
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in PAN)
    assert text_of(wide, "the note") == f"••{PAN[-4:]}"


def test_chinese_keeps_its_punctuation_and_a_card_number_beside_it_is_shortened_all_the_same():
    typed = "顾客来电：同一笔收了两次，小票已核对（卡号"
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in PAN)
    assert text_of(f"{typed}{wide}）", "the note") == f"{typed}••{PAN[-4:]}）"


@pytest.mark.parametrize("given", ["", "  \n ", "\x00\x07"])
def test_an_empty_text_is_refused_by_its_name(given):
    with pytest.raises(CaseError, match="the reason is missing"):
        text_of(given, "the reason")


def test_a_long_text_belongs_into_a_file():
    with pytest.raises(CaseError, match="attach a file"):
        text_of("x" * (TEXT_CHARACTERS_MAX + 1), "the note")


def test_a_bank_reference_is_kept_whole_or_refused():
    assert reference_of(" 2026112300000000012345 ") == "2026112300000000012345"
    for wrong in (PAN, "x" * 65):
        with pytest.raises(CaseError):
            reference_of(wrong)


def test_a_name_counts_without_regard_to_case_and_width():
    assert same_person("Li", "  ｌｉ ")
    assert not same_person("Li", "Lin")
    assert person("  Zhang   San ", "cli").name == "Zhang San"


@pytest.mark.parametrize("name", ["", "   ", "Gateway", "x" * 65, "a\x00b"])
def test_nobody_acts_without_a_name_or_under_the_machines(name):
    with pytest.raises(CaseError):
        person(name)


def test_a_case_number_says_its_day_in_beijing():
    assert case_number(1_760_000_000_000_000, lambda bits: 12) == "C251009-00000012"
    assert case_number(1_760_025_600_000_000, lambda bits: (1 << bits) - 1).startswith("C251010-")
