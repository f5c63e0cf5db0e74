"""DES in the three key lengths, check values, parity and padding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanlu.keys.des import check_value, ecb_decryptor, ecb_encryptor, with_odd_parity, without_padding
from yuanlu.keys.errors import KeyFormError

SINGLE = bytes.fromhex("0123456789ABCDEF")


@pytest.mark.parametrize(
    ("key", "kcv"),
    [
        ("0123456789ABCDEF", "D5D44FF7"),  # single length
        ("0123456789ABCDEFFEDCBA9876543210", "08D7B4FB"),  # double length
        ("11111111111111111111111111111111", "82E13665"),  # both halves the same: single DES after all
        ("1111111111111111", "82E13665"),  # and so it is
    ],
)
def test_known_keys_have_their_known_check_values(key: str, kcv: str) -> None:
    assert check_value(bytes.fromhex(key)).hex().upper() == kcv


def test_des_is_the_des_of_the_textbook() -> None:
    # FIPS 81, table B1.
    assert ecb_encryptor(SINGLE)(b"Now is t").hex() == "3fa40e8a984d4815"


@given(
    key=st.sampled_from([8, 16, 24]).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
    block=st.binary(min_size=8, max_size=8),
)
def test_what_is_enciphered_can_be_deciphered_whatever_the_parity(key: bytes, block: bytes) -> None:
    assert ecb_decryptor(with_odd_parity(key))(ecb_encryptor(key)(block)) == block


@given(key=st.binary(max_size=24))
def test_odd_parity_changes_only_the_lowest_bits(key: bytes) -> None:
    fixed = with_odd_parity(key)
    assert all(byte.bit_count() % 2 == 1 for byte in fixed)
    assert [byte >> 1 for byte in fixed] == [byte >> 1 for byte in key]


@pytest.mark.parametrize(
    ("padded", "key"),
    [
        (SINGLE + bytes(8), SINGLE),  # single in double
        (SINGLE + bytes(16), SINGLE),  # single in triple
        (SINGLE * 2, SINGLE * 2),  # nothing to take away
        (bytes(16), bytes(8)),  # a key of zeros stays a key
    ],
)
def test_zero_blocks_behind_a_key_are_taken_away(padded: bytes, key: bytes) -> None:
    assert without_padding(padded) == key


@pytest.mark.parametrize("length", [0, 7, 15, 32])
def test_other_lengths_are_no_des_keys(length: int) -> None:
    with pytest.raises(KeyFormError, match=f"8, 16 or 24 bytes, not {length}"):
        ecb_encryptor(bytes(length))
