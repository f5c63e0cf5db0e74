"""Field 62 of the sign-in answer, cut, joined, enciphered and opened."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from yuanlu.keys.errors import KeyCheckError, KeyFormError
from yuanlu.keys.transport import ClearKeys, decipher_keys, encipher_keys, parts_of_field_62

MASTER = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
SINGLE = bytes.fromhex("DAB36167E6DFB5EF")
DOUBLE = bytes.fromhex("1C2AA8D3F47F91612098B65423CB7A10")
TRIPLE = DOUBLE + SINGLE

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "cup.json").read_text())["vectors"]
SIGN_IN = next(vector for vector in VECTORS if vector["id"] == "V3")


def test_the_recorded_sign_in_answer_is_cut_into_its_keys() -> None:
    value = bytes.fromhex(SIGN_IN["frame"])[-40:]
    parts = parts_of_field_62(value)
    assert {
        "pik": parts.pik.hex().upper(),
        "pik_kcv": parts.pik_kcv.hex().upper(),
        "mak": parts.mak.hex().upper(),
        "mak_kcv": parts.mak_kcv.hex().upper(),
    } == SIGN_IN["keys"]
    assert parts.to_field_62() == value


@pytest.mark.parametrize(
    ("clear", "length"),
    [
        (ClearKeys(pik=SINGLE, mak=SINGLE), 24),
        (ClearKeys(pik=SINGLE, mak=SINGLE, tdk=SINGLE), 36),
        (ClearKeys(pik=DOUBLE, mak=SINGLE), 40),
        (ClearKeys(pik=DOUBLE, mak=DOUBLE), 40),
        (ClearKeys(pik=DOUBLE, mak=SINGLE, tdk=DOUBLE), 60),
        (ClearKeys(pik=TRIPLE, mak=DOUBLE), 56),
        (ClearKeys(pik=TRIPLE, mak=SINGLE, tdk=DOUBLE), 84),
    ],
)
def test_keys_arrive_as_they_were_sent_in_every_layout(clear: ClearKeys, length: int) -> None:
    value = encipher_keys(MASTER, clear).to_field_62()
    assert len(value) == length
    assert decipher_keys(MASTER, parts_of_field_62(value), "22003600") == clear


@pytest.mark.parametrize("which", ["pik_kcv", "mak_kcv", "tdk_kcv"])
def test_a_wrong_check_value_is_refused_and_names_whose_key_it_was(which: str) -> None:
    parts = encipher_keys(MASTER, ClearKeys(pik=DOUBLE, mak=SINGLE, tdk=DOUBLE))
    with pytest.raises(KeyCheckError, match=r"acquirer/east: the .* came with check value 00000000") as caught:
        decipher_keys(MASTER, replace(parts, **{which: bytes(4)}), "acquirer/east")
    for key in (MASTER, SINGLE, DOUBLE):
        assert key.hex() not in str(caught.value).lower()


def test_keys_under_another_master_key_are_refused() -> None:
    parts = encipher_keys(MASTER, ClearKeys(pik=DOUBLE, mak=SINGLE))
    with pytest.raises(KeyCheckError, match="load the same terminal master key on both sides"):
        decipher_keys(MASTER[::-1], parts, "22003600")


@pytest.mark.parametrize("length", [0, 16, 39, 41, 100])
def test_field_62_of_an_unknown_length_is_refused(length: int) -> None:
    with pytest.raises(KeyFormError, match=f"not {length}$"):
        parts_of_field_62(bytes(length))


def test_a_key_part_of_an_impossible_length_is_refused() -> None:
    parts = replace(encipher_keys(MASTER, ClearKeys(pik=DOUBLE, mak=SINGLE)), mak=b"\x01" * 9)
    with pytest.raises(KeyFormError, match="the MAC key has 9 bytes"):
        decipher_keys(MASTER, parts, "22003600")


def test_neither_clear_nor_enciphered_keys_are_shown() -> None:
    clear = ClearKeys(pik=DOUBLE, mak=SINGLE, tdk=DOUBLE)
    assert repr(clear) == "ClearKeys()"
    parts = encipher_keys(MASTER, clear)
    assert repr(parts.pik) not in repr(parts)
