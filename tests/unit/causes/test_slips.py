import pytest

from yuanlu.causes.slips import decimal_slip, neighbours_swapped


@pytest.mark.parametrize(
    ("one", "other", "slipped", "why"),
    [
        (12_800, 128_000, True, "one nought too many"),
        (12_800, 1_280_000, True, "the decimal point was forgotten"),
        (128_000, 12_800, True, "the other way round"),
        (12_800, 12_800, False, "the same amount"),
        (12_800, 128_001, False, "only nearly"),
        (0, 0, False, "nothing times ten is nothing"),
        (12_800, 12_800_000, False, "three places are no slip"),
    ],
)
def test_a_decimal_slip_is_a_factor_of_ten_or_a_hundred(one: int, other: int, slipped: bool, why: str) -> None:
    assert decimal_slip(one, other) is slipped, why


@pytest.mark.parametrize(
    ("one", "other", "swapped", "why"),
    [
        (12_800, 18_200, True, "2 and 8 changed places"),
        (1_234, 1_243, True, "the last two"),
        (12_800, 12_800, False, "the same amount"),
        (1_234, 4_231, False, "not neighbours"),
        (1_234, 2_143, False, "two swaps"),
        (123, 1_230, False, "another length"),
        (1_234, 1_235, False, "another digit"),
    ],
)
def test_a_swap_is_of_two_neighbouring_digits(one: int, other: int, swapped: bool, why: str) -> None:
    assert neighbours_swapped(one, other) is swapped, why
    assert neighbours_swapped(other, one) is swapped
