"""Slips of the finger in amounts: a decimal place, or two neighbouring digits. Whole minor units throughout."""

DECIMAL_SLIPS = (10, 100)
"""One place, or the two of the decimal point."""


def decimal_slip(one: int, other: int) -> bool:
    """Whether one amount is ten or a hundred times the other."""
    low, high = sorted((one, other))
    return low > 0 and any(low * factor == high for factor in DECIMAL_SLIPS)


def neighbours_swapped(one: int, other: int) -> bool:
    """Whether the amounts differ by two neighbouring digits that changed places, as 123 and 132 do."""
    left, right = str(one), str(other)
    if len(left) != len(right) or left == right:
        return False
    at = next(i for i, (a, b) in enumerate(zip(left, right, strict=True)) if a != b)
    return left[at : at + 2] == right[at : at + 2][::-1] and left[at + 2 :] == right[at + 2 :]
