"""MACs against logged frames, published vectors and slow implementations of the same standards."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from hypothesis import given
from hypothesis import strategies as st

from yuanlu.keys.errors import KeyFormError
from yuanlu.keys.mac import ALGORITHMS, algorithm_for, mac_key, normalise_mak, xor_blocks

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "cup.json").read_text())["vectors"]
WITH_MAC = [vector for vector in VECTORS if vector.get("mac") == "unionpay-ecb"]
SINGLE = bytes.fromhex("0123456789ABCDEF")
DOUBLE = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
HEAD_BYTES = 2 + 5 + 6  # length, TPDU, header: before the MAC begins


def des(key: bytes, block: bytes, *, backwards: bool = False) -> bytes:
    cipher = Cipher(TripleDES(key * 3), modes.ECB())
    context = cipher.decryptor() if backwards else cipher.encryptor()
    return context.update(block)


def xored(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def blocks(data: bytes) -> list[bytes]:
    padded = data + bytes(-len(data) % 8)
    return [padded[at : at + 8] for at in range(0, len(padded), 8)]


def slow_unionpay(key: bytes, data: bytes) -> bytes:
    folded = bytes(8)
    for block in blocks(data):
        folded = xored(folded, block)
    digits = folded.hex().upper().encode()
    first = triple(key, digits[:8])
    return triple(key, xored(first, digits[8:])).hex().upper().encode()[:8]


def triple(key: bytes, block: bytes) -> bytes:
    if len(key) == 8:
        return des(key, block)
    return des(key[:8], des(key[8:], des(key[:8], block), backwards=True))


def slow_retail(key: bytes, data: bytes) -> bytes:
    chained = bytes(8)
    for block in blocks(data):
        chained = des(key[:8], xored(chained, block))
    return chained if len(key) == 8 else des(key[:8], des(key[8:], chained, backwards=True))


@pytest.mark.parametrize("vector", WITH_MAC, ids=lambda vector: vector["id"])
def test_a_recorded_frame_carries_the_mac_we_compute(vector: dict[str, str]) -> None:
    frame = bytes.fromhex(vector["frame"])
    key = mac_key(vector["mac"], bytes.fromhex(vector["mak"]))
    assert key.make(frame[HEAD_BYTES:-8]) == frame[-8:]
    assert key.verify(frame[HEAD_BYTES:-8], frame[-8:])


def test_the_recorded_frames_are_the_ones_we_think() -> None:
    assert {"V5", "G1", "G2", "G3", "G4", "G5", "G6", "G8"} <= {vector["id"] for vector in WITH_MAC}


@pytest.mark.parametrize("vector", WITH_MAC, ids=lambda vector: vector["id"])
def test_one_flipped_bit_anywhere_breaks_the_mac(vector: dict[str, str]) -> None:
    frame = bytes.fromhex(vector["frame"])
    key = mac_key(vector["mac"], bytes.fromhex(vector["mak"]))
    for at in range(HEAD_BYTES, len(frame) - 8):
        changed = frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :]
        assert not key.verify(changed[HEAD_BYTES:-8], changed[-8:])


# RFC 4493 section 4: key, message and the whole CMAC, of which we send the first half.
RFC_4493_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
RFC_4493_TEXT = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)


@pytest.mark.parametrize(
    ("length", "mac"),
    [
        (0, "bb1d6929e9593728"),  # nothing at all
        (16, "070a16b46b4d4144"),  # one whole block
        (40, "dfa66747de9ae630"),  # a block cut short
        (64, "51f0bebf7e3b9d92"),  # four whole blocks
    ],
)
def test_aes_cmac_is_the_first_half_of_rfc_4493(length: int, mac: str) -> None:
    assert mac_key("aes-cmac", RFC_4493_KEY).make(RFC_4493_TEXT[:length]).hex() == mac


def test_aes_256_cmac_is_that_of_nist_sp_800_38b() -> None:
    key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    assert mac_key("aes-cmac", key).make(RFC_4493_TEXT[:16]).hex() == "28a7023f452e8f82"


# FIPS 113 appendix: the worked data authentication example, whose MAC is the first half of the last block.
FIPS_113_TEXT = b"7654321 Now is the time for "


def test_x9_9_is_the_chain_of_fips_113() -> None:
    assert mac_key("ansi-x9.9", SINGLE).make(FIPS_113_TEXT).hex().upper() == "F1D30F6849312CA4"


# ISO 9797-1 annex B, algorithm 3 with padding method 1: the same text under the double key.
ISO_9797_TEXT = b"Now is the time for all "


def test_x9_19_is_algorithm_3_of_iso_9797() -> None:
    assert mac_key("ansi-x9.19", DOUBLE).make(ISO_9797_TEXT).hex().upper() == "A1C72E74EA3FA9B6"


@given(data=st.binary(min_size=1, max_size=700))
def test_fast_macs_equal_the_standards_step_by_step(data: bytes) -> None:
    assert mac_key("unionpay-ecb", SINGLE).make(data) == slow_unionpay(SINGLE, data)
    assert mac_key("unionpay-ecb", DOUBLE).make(data) == slow_unionpay(DOUBLE, data)
    assert mac_key("ansi-x9.9", SINGLE).make(data) == slow_retail(SINGLE, data)
    assert mac_key("ansi-x9.19", DOUBLE).make(data) == slow_retail(DOUBLE, data)


@given(data=st.binary(max_size=700))
def test_folding_equals_the_xor_of_all_blocks(data: bytes) -> None:
    folded = 0
    for block in blocks(data):
        folded ^= int.from_bytes(block, "big")
    assert xor_blocks(data) == folded


@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if name != "none"])
def test_one_compiled_key_gives_the_same_mac_again_and_again(algorithm: str) -> None:
    key = mac_key(algorithm, DOUBLE[: max(n for n in ALGORITHMS[algorithm].key_bytes if n <= 16)])
    first = key.make(b"0200 one sale")
    key.make(b"0400 something else")
    assert key.make(b"0200 one sale") == first
    assert len(first) == 8


@pytest.mark.parametrize("mac", [b"", b"00000000"], ids=["absent", "present"])
def test_without_an_algorithm_field_64_is_empty_and_every_mac_is_taken(mac: bytes) -> None:
    key = mac_key("none", b"")
    assert key.make(b"0200") == b""
    assert key.verify(b"0200", mac)


@pytest.mark.parametrize("mac", [b"", b"1", b"00000000", bytes(9)], ids=["absent", "short", "wrong", "long"])
def test_a_mac_that_is_absent_or_wrong_is_refused(mac: bytes) -> None:
    assert not mac_key("unionpay-ecb", SINGLE).verify(b"0200", mac)


def test_a_single_key_in_the_padded_form_of_0810_is_the_single_key() -> None:
    padded = SINGLE + bytes(8)
    assert normalise_mak(padded) == SINGLE
    assert mac_key("unionpay-ecb", padded).make(b"0200") == mac_key("unionpay-ecb", SINGLE).make(b"0200")
    assert normalise_mak(DOUBLE) == DOUBLE


@pytest.mark.parametrize(
    ("algorithm", "key", "told"),
    [
        ("unionpay-ecb", bytes(7), "8 or 16 or 24 bytes, not 7"),
        ("ansi-x9.9", DOUBLE, "8 bytes, not 16"),
        ("ansi-x9.19", SINGLE, "16 bytes, not 8"),
        ("aes-cmac", SINGLE, "16 or 32 bytes, not 8"),
    ],
)
def test_a_key_of_the_wrong_length_is_refused_without_being_shown(algorithm: str, key: bytes, told: str) -> None:
    with pytest.raises(KeyFormError, match=told) as caught:
        mac_key(algorithm, key)
    assert key.hex() not in str(caught.value)


def test_an_unknown_algorithm_is_answered_with_the_known_ones() -> None:
    with pytest.raises(KeyFormError, match="choose one of none, unionpay-ecb, "):
        algorithm_for("md5")


def test_a_mac_key_does_not_show_its_key() -> None:
    assert repr(mac_key("unionpay-ecb", SINGLE)) == "MacKey(algorithm='unionpay-ecb')"
