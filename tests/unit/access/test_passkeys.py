"""What a passkey's challenge and answer must be; the browser's own part is in tests/browser."""

import random

import pytest

from yuanlu.access.passkeys import (
    LIFE_US,
    Passkey,
    Site,
    name_in,
    proved,
    registered,
    sealed_challenge,
    taken_challenge,
)
from yuanlu.access.records import AccessRefused
from yuanlu.keys.secret_file import create_secret
from yuanlu.keys.software import SoftwareKeyStore

NOW = 1_760_000_000_000_000
SITE = Site(host="pay.example.com", origin="https://pay.example.com", name="Yuanlu")
KEY = Passkey(credential_id="AAAA", staff_id="U1", public_key=b"\xa0", sign_count=0, name="phone", created_at_us=NOW)


@pytest.fixture
def keys(tmp_path):
    create_secret(tmp_path / "keys.toml", random.Random(1).randbytes)
    return SoftwareKeyStore.open(tmp_path / "keys.toml", mode="sandbox", random_bytes=random.Random(2).randbytes)


def test_a_challenge_is_taken_once_for_its_purpose_and_for_five_minutes(keys):
    sealed = sealed_challenge(keys, b"a" * 32, "sign in", NOW)
    with pytest.raises(AccessRefused):
        taken_challenge(keys, sealed, "U1", NOW)
    with pytest.raises(AccessRefused):
        taken_challenge(keys, sealed, "sign in", NOW + LIFE_US + 1)
    assert taken_challenge(keys, sealed, "sign in", NOW + LIFE_US) == b"a" * 32
    with pytest.raises(AccessRefused):
        taken_challenge(keys, sealed, "sign in", NOW)


@pytest.mark.parametrize("sealed", ["", "zz", "00" * 60, "é"])
def test_a_challenge_that_is_not_ours_is_refused(keys, sealed):
    with pytest.raises(AccessRefused):
        taken_challenge(keys, sealed, "sign in", NOW)


@pytest.mark.parametrize(
    "answer",
    ["", "null", "[]", "{}", '{"id": 1}', "{" * 100, '{"id": "AAAA"}', "x" * 20_000,
     '{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"clientDataJSON": "e30", "signature": "AA", '
     '"authenticatorData": "AA"}}'],
)  # fmt: skip
def test_an_answer_that_proves_nothing_is_refused(answer):
    for try_it in (lambda: proved(SITE, answer, b"a" * 32, KEY), lambda: registered(SITE, answer, b"a" * 32)):
        with pytest.raises(AccessRefused):
            try_it()


def test_an_answer_names_its_passkey_or_is_refused():
    assert name_in('{"id": "AAAA"}') == "AAAA"
    with pytest.raises(AccessRefused):
        name_in('{"id": 7}')
