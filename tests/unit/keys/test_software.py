"""The sandbox's key store: sign-in keys, tokens and seals, and what it refuses."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanlu.keys.contract import KeyStore
from yuanlu.keys.errors import KeyCheckError, KeyFileError, KeyFormError, ProductionRefused, SealBroken
from yuanlu.keys.pin_block import PinKey, encipher_pin
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.keys.transport import decipher_keys, parts_of_field_62

PAN = "6216261000000000018"
TERMINAL = "22003600"


def seeded(seed: int) -> Callable[[int], bytes]:
    return Random(seed).randbytes


def store(seed: int = 1) -> SoftwareKeyStore:
    return SoftwareKeyStore(bytes([seed]) * 32, seeded(seed))


STORE = store()


def test_the_software_store_is_a_key_store() -> None:
    contract: KeyStore = STORE
    assert contract.card_token(PAN) == STORE.card_token(PAN)


# Opening


def test_a_store_opened_again_knows_its_own_seals(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    first = SoftwareKeyStore.open(path, mode="sandbox", random_bytes=seeded(2), create=True)
    sealed = first.seal(b"frame", "journal")
    again = SoftwareKeyStore.open(path, mode="sandbox", random_bytes=seeded(3), create=True)
    assert again.unseal(sealed, "journal") == b"frame"
    assert again.card_token(PAN) == first.card_token(PAN)


def test_a_missing_file_is_not_made_unless_allowed(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="does not exist"):
        SoftwareKeyStore.open(tmp_path / "keys", mode="sandbox", random_bytes=seeded(2))


@pytest.mark.parametrize("mode", ["production", "Sandbox", ""])
def test_any_mode_but_sandbox_is_refused_and_leaves_no_file(tmp_path: Path, mode: str) -> None:
    with pytest.raises(ProductionRefused, match="the software key store is for sandboxes; configure an HSM"):
        SoftwareKeyStore.open(tmp_path / "keys", mode=mode, random_bytes=seeded(2), create=True)
    assert not list(tmp_path.iterdir())


# Working keys


@pytest.mark.parametrize(
    ("algorithm", "double", "track", "length"),
    [
        ("unionpay-ecb", False, False, 24),
        ("unionpay-ecb", False, True, 36),
        ("unionpay-ecb", True, False, 40),
        ("unionpay-ecb", True, True, 60),
        ("ansi-x9.9", True, False, 40),  # a single MAC key in the wide form
        ("ansi-x9.19", True, False, 40),
        ("aes-cmac", True, False, 40),
        ("none", False, False, 24),  # the terminal still gets two keys
    ],
)
def test_a_terminal_opens_field_62_and_its_macs_are_those_of_the_gateway(
    algorithm: str, double: bool, track: bool, length: int
) -> None:
    issued = STORE.issue_working_keys(TERMINAL, algorithm, double_length=double, with_track_key=track)
    field_62 = issued.for_terminal.to_field_62()
    assert len(field_62) == length
    # The terminal's side: another handle from nothing but the field and the master key of this terminal.
    received = store().import_working_keys(TERMINAL, parts_of_field_62(field_62))
    assert received.kcvs == issued.kcvs
    assert received.mac_key(algorithm).make(b"0200") == issued.mac_key(algorithm).make(b"0200")
    assert (issued.kcvs.tdk is not None) is track


@pytest.mark.parametrize("algorithm", ["ansi-x9.19", "aes-cmac"])
def test_an_algorithm_of_double_keys_is_not_given_single_ones(algorithm: str) -> None:
    with pytest.raises(KeyFormError, match="needs keys of double length"):
        STORE.issue_working_keys(TERMINAL, algorithm, double_length=False)


def test_each_sign_in_gives_other_keys() -> None:
    one = STORE.issue_working_keys(TERMINAL, "unionpay-ecb", double_length=True)
    other = STORE.issue_working_keys(TERMINAL, "unionpay-ecb", double_length=True)
    assert one.kcvs.pik != other.kcvs.pik
    assert one.kcvs.mak != other.kcvs.mak
    assert one.kcvs.pik != one.kcvs.mak


def test_des_keys_are_issued_with_odd_parity() -> None:
    issued = STORE.issue_working_keys(TERMINAL, "unionpay-ecb", double_length=True, with_track_key=True)
    master = STORE.sandbox_terminal_master_key(TERMINAL)
    clear = decipher_keys(master, issued.for_terminal, TERMINAL)
    assert clear.tdk is not None
    assert all(byte.bit_count() % 2 == 1 for byte in master + clear.pik + clear.mak + clear.tdk)


def test_stored_working_keys_come_back_after_a_restart() -> None:
    issued = STORE.issue_working_keys(TERMINAL, "unionpay-ecb", double_length=True, with_track_key=True)
    loaded = store().load_working_keys(issued.wrapped)
    assert (loaded.scope, loaded.kcvs, loaded.wrapped) == (TERMINAL, issued.kcvs, issued.wrapped)
    assert loaded.for_terminal == issued.for_terminal
    assert loaded.mac_key("unionpay-ecb").make(b"0400") == issued.mac_key("unionpay-ecb").make(b"0400")


def test_compiled_mac_keys_are_kept() -> None:
    issued = STORE.issue_working_keys(TERMINAL, "unionpay-ecb", double_length=False)
    assert issued.mac_key("unionpay-ecb") is issued.mac_key("unionpay-ecb")
    assert issued.mac_key("ansi-x9.9") is not issued.mac_key("unionpay-ecb")


def test_keys_of_a_host_are_taken_only_under_the_master_key_of_that_host() -> None:
    host = STORE.issue_working_keys("acquirer/east", "unionpay-ecb", double_length=True)
    assert STORE.import_working_keys("acquirer/east", host.for_terminal).kcvs == host.kcvs
    with pytest.raises(KeyCheckError, match=r"^acquirer/west: "):
        STORE.import_working_keys("acquirer/west", host.for_terminal)


def test_a_wrong_check_value_from_a_host_is_refused() -> None:
    host = STORE.issue_working_keys("acquirer/east", "unionpay-ecb", double_length=True)
    with pytest.raises(KeyCheckError, match="the MAC key came with check value 00000000"):
        STORE.import_working_keys("acquirer/east", replace(host.for_terminal, mak_kcv=bytes(4)))


def test_every_scope_has_its_own_master_key() -> None:
    scopes = ["22003600", "22003601", "acquirer/east", "acquirer/east/22003600"]
    assert len({STORE.sandbox_terminal_master_key(scope) for scope in scopes}) == len(scopes)
    assert store(2).sandbox_terminal_master_key(TERMINAL) != STORE.sandbox_terminal_master_key(TERMINAL)


@pytest.mark.parametrize("scope", ["", "x" * 256])
def test_a_scope_without_a_name_or_too_long_is_refused(scope: str) -> None:
    with pytest.raises(KeyFormError, match="1 to 255 bytes"):
        STORE.sandbox_terminal_master_key(scope)


def test_a_pin_typed_at_a_terminal_arrives_under_the_key_of_the_host() -> None:
    terminal = STORE.issue_working_keys(TERMINAL, "unionpay-ecb", double_length=True)
    host = STORE.issue_working_keys("acquirer/east", "unionpay-ecb", double_length=False)
    keypad = decipher_keys(STORE.sandbox_terminal_master_key(TERMINAL), terminal.for_terminal, TERMINAL)
    host_side = decipher_keys(STORE.sandbox_terminal_master_key("acquirer/east"), host.for_terminal, "acquirer/east")
    typed = encipher_pin("123456", PinKey(keypad.pik), pan=PAN)
    sent = STORE.translate_pin(typed, terminal, host, PAN)
    assert sent == encipher_pin("123456", PinKey(host_side.pik), pan=PAN)


# Tokens


def test_a_card_always_has_the_same_token_and_another_store_another_one() -> None:
    token = STORE.card_token(PAN)
    assert re.fullmatch("[0-9a-f]{32}", token)
    assert token == STORE.card_token(PAN)
    assert token != STORE.card_token(PAN[:-1] + "9")
    assert token != store(2).card_token(PAN)


def test_text_that_is_no_text_raises_nothing_that_could_repeat_it() -> None:
    assert len(STORE.card_token(PAN + "\ud800")) == 32


# Seals


@given(plain=st.binary(max_size=300), context=st.text("ab/12 é原路", max_size=40))
def test_what_was_sealed_is_unsealed_in_its_place(plain: bytes, context: str) -> None:
    sealed = STORE.seal(plain, context)
    assert len(sealed) == len(plain) + 33
    assert STORE.unseal(sealed, context) == plain


@given(data=st.data(), plain=st.binary(max_size=60))
def test_one_flipped_bit_breaks_the_seal(data: st.DataObject, plain: bytes) -> None:
    sealed = bytearray(STORE.seal(plain, "journal"))
    at = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[at // 8] ^= 1 << at % 8
    with pytest.raises(SealBroken, match=r"^journal: "):
        STORE.unseal(bytes(sealed), "journal")


def test_a_sealed_value_moved_to_another_place_is_broken() -> None:
    with pytest.raises(SealBroken, match=r"^fact/2: .* belong to another place"):
        STORE.unseal(STORE.seal(b"frame", "fact/1"), "fact/2")


@pytest.mark.parametrize("length", [0, 1, 5, 17, 32])
def test_a_seal_cut_short_is_broken(length: int) -> None:
    with pytest.raises(SealBroken, match="cut short"):
        STORE.unseal(STORE.seal(b"frame", "fact")[:length], "fact")


def test_a_seal_of_another_store_is_told_as_such() -> None:
    with pytest.raises(SealBroken, match="sealed under another key"):
        STORE.unseal(store(2).seal(b"frame", "fact"), "fact")


def test_the_same_bytes_sealed_twice_look_different() -> None:
    assert STORE.seal(b"frame", "fact") != STORE.seal(b"frame", "fact")


def test_working_keys_cannot_be_loaded_from_another_kind_of_seal() -> None:
    with pytest.raises(SealBroken):
        STORE.load_working_keys(STORE.seal(b"frame", "journal"))


# Silence


def test_nothing_of_a_key_is_shown_or_stored_in_the_clear() -> None:
    issued = STORE.issue_working_keys(TERMINAL, "unionpay-ecb", double_length=True)
    clear = decipher_keys(STORE.sandbox_terminal_master_key(TERMINAL), issued.for_terminal, TERMINAL)
    assert repr(issued) == f"WorkingKeys(scope='{TERMINAL}')"
    for secret in (clear.pik, clear.mak):
        assert secret not in issued.wrapped
        assert secret not in issued.for_terminal.to_field_62()
        assert secret.hex() not in repr(issued.mac_key("unionpay-ecb")).lower()
    assert repr(STORE).startswith("<yuanlu.keys.software.SoftwareKeyStore object")
