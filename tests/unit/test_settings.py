import pytest

from yuanlu.kernel.errors import ConfigurationError
from yuanlu.settings import parse_address, read_settings

GOOD = """
[store]
url = "sqlite:///var/yuanlu.db"
[gateway]
listen = "127.0.0.1:7000"
terminals = "terminals.csv"
mac = "unionpay-ecb"
[acquirers.cup]
kind = "iso8583-host"
address = "127.0.0.1:8000"
dialect = "cup-pos"
profile = "P2"
mac = "none"
"""


def read(tmp_path, text=GOOD, **environment):
    path = tmp_path / "yuanlu.toml"
    path.write_text(text, "utf-8")
    return read_settings(path, environment)


def test_a_file_is_read_with_defaults_and_its_own_folder(tmp_path):
    settings = read(tmp_path)
    assert settings.acquirers["cup"].answer_timeout_ms == 20_000
    assert settings.acquirers["cup"].packet_life_ms == 120_000
    assert settings.path("terminals.csv") == tmp_path / "terminals.csv"


def test_the_environment_goes_over_the_file_without_regard_to_case(tmp_path):
    over = {
        "YUANLU_GATEWAY__LISTEN": "0.0.0.0:9",
        "YUANLU_ACQUIRERS__CUP__PACKET_LIFE_MS": "500",
        "YUANLU_LOG__FORMAT": "json",
        "YUANLU_SECRET": "ignored",
        "HOME": "/nowhere",
    }
    settings = read(tmp_path, **over)
    assert settings.gateway.listen == "0.0.0.0:9"
    assert settings.acquirers["cup"].packet_life_ms == 500
    assert settings.log.format == "json"


def without(line):
    return GOOD.replace(line + "\n", "")


BAD = [
    (GOOD.replace("[acquirers", 'tls_client_ca = "ca.pem"\n[acquirers', 1), "tls_client_ca needs", "TLS for nobody"),
    (GOOD + '[console]\ntill_key = "till.key"\n', "till_key needs till_certificate", "a key of no certificate"),
    (without('profile = "P2"'), r"\[acquirers.*profile", "a promise about the host has no default"),
    (without('mac = "unionpay-ecb"'), r"\[gateway\].*mac", "authentication has no default"),
    (without('url = "sqlite:///var/yuanlu.db"'), r"\[store\].*url", "no store"),
    (GOOD + "packet_live_ms = 5\n", "packet_live_ms", "a misspelt safety setting"),
    (GOOD + "connections = 0\n", "connections", "below the limit"),
    (GOOD + 'connections = "two"\n', "connections", "a word for a number"),
    (GOOD + "connections = 2.5\n", "connections", "a fraction"),
    (GOOD + 'cut_over = "24:00"\n', "cut_over", "no time of day"),
    (GOOD + 'sign_in = "maybe"\n', "sign_in", "no such choice"),
    (GOOD.replace('"P2"', '"P9"'), "profile", "no such profile"),
    (GOOD.replace('"P2"', '"P3"'), "P3 needs a dialect with a status inquiry", "cup-pos cannot be asked"),
    (GOOD.replace('mac = "none"', 'mac = "unionpay-ecb"'), "needs working keys", "no keys"),
    (GOOD.replace("127.0.0.1:7000", "7000"), "listen.*is not host:port", "no host"),
    (GOOD.replace("127.0.0.1:8000", "h:99999"), "address.*is not host:port", "no such port"),
    (GOOD.replace('terminals = "terminals.csv"', 'terminals = "t"\ntls_key = "k"'), "go together", "half of TLS"),
    (GOOD[: GOOD.index("[acquirers")] + "[acquirers]\n", "no acquirer", "nobody to send to"),
    (GOOD + "[extra]\n", "extra", "an unknown table"),
    ('folder = "/"\n' + GOOD, "unknown key `folder`", "not for the file to say"),
    (GOOD + "[", r"yuanlu\.toml", "no TOML"),
    (GOOD + "x = " + "[" * 5_000 + "]" * 5_000, "nested too deeply", "brackets without an end in sight"),
    (GOOD + "connections = " + "9" * 5_000, r"yuanlu\.toml", "a number of 5,000 digits"),
    (GOOD.replace("127.0.0.1:7000", "h:" + "9" * 5_000), "is not host:port", "a port of 5,000 digits"),
    (GOOD + '[acquirers.cup.doubtful_codes]\nreverse = ["9"]\n', "doubtful_codes", "no response code"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "why"), BAD, ids=[row[2] for row in BAD])
def test_a_wrong_setting_is_refused_by_name(tmp_path, text, message, why):
    with pytest.raises(ConfigurationError, match=message) as error:
        read(tmp_path, text)
    assert "yuanlu.toml" in str(error.value), why


def test_a_wrong_environment_variable_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="listne"):
        read(tmp_path, YUANLU_GATEWAY__LISTNE="0.0.0.0:9")
    with pytest.raises(ConfigurationError, match="not a table"):
        read(tmp_path, YUANLU_STORE__URL__MORE="x")


def test_a_missing_or_broken_file_is_a_clear_error(tmp_path):
    with pytest.raises(ConfigurationError, match="no such file"):
        read_settings(tmp_path / "none.toml", {})
    with pytest.raises(ConfigurationError):
        read_settings(tmp_path, {})
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError):
        read_settings(tmp_path / "bytes.toml", {})


@pytest.mark.parametrize(("text", "pair"), [("h:1", ("h", 1)), ("[::1]:80", ("::1", 80)), ("a.b:0", ("a.b", 0))])
def test_addresses(text, pair):
    assert parse_address(text, "x") == pair


@pytest.mark.parametrize("text", ["", ":", "h", "h:", ":1", "h:-1", "h:65536", "h:x"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ConfigurationError, match=r"x: .*is not host:port"):
        parse_address(text, "x")
