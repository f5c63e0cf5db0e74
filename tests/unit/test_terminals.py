import pytest

from yuanlu.kernel.errors import ConfigurationError
from yuanlu.terminals import read_terminals

ROW = "T0000001,898440153110001,cup"


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "terminals.csv"
    path.write_bytes(text.encode(encoding))
    return read_terminals(path, {"cup": 1, "abc": 2})


def test_a_list_is_read_with_defaults_and_in_any_order_of_columns(tmp_path):
    head = "\ufeffacquirer,wait_ms,terminal_id,merchant_id\r\n"
    text = f"{head}cup,,T0000001,898440153110001\r\nabc,60000,T0000002,898440153110001\r\n"
    first, second = read(tmp_path, text).values()
    assert (first.terminal_id, first.acquirer, first.wait_ms) == ("T0000001", "cup", 30_000)
    assert (second.acquirer, second.wait_ms) == ("abc", 60_000)


def test_a_region_is_a_name_of_your_own_and_may_be_left_out(tmp_path):
    text = "terminal_id,merchant_id,acquirer,region\n" + ROW + ", 朝阳 \n" + ROW.replace("T0000001", "T0000002") + ",\n"
    assert [terminal.region for terminal in read(tmp_path, text).values()] == ["朝阳", ""]
    with pytest.raises(ConfigurationError, match="line 2: region has at most 40 printable characters"):
        read(tmp_path, "terminal_id,merchant_id,acquirer,region\n" + ROW + "," + "x" * 41 + "\n")


HEAD = "terminal_id,merchant_id,acquirer,wait_ms\n"
MISTAKES = [
    ("", "missing columns"),
    ("terminal_id,merchant_id\n", "missing columns acquirer"),
    ("terminal_id,merchant_id,acquirer,colour\n", "unknown columns colour"),
    (HEAD + "T1,898440153110001,cup,\n", "line 2: terminal_id must have 8"),
    (HEAD + "T0000001,89844,cup,\n", "line 2: merchant_id must have 15"),
    (HEAD + "T0000001,898440153110001,xyz,\n", "line 2: no .acquirers.xyz. .*there are: abc, cup"),
    (HEAD + ROW + ",\n" + ROW + ",\n", "line 3: terminal T0000001 is listed twice"),
    (HEAD + ROW + ",5000\n", 'wait_ms "5000"'),
    (HEAD + ROW + ",soon\n", 'wait_ms "soon"'),
    (HEAD + ROW + ",-1\n", 'wait_ms "-1"'),
    (HEAD + ROW + ",600001\n", "at most 600000"),
    (HEAD + ROW + "," + "9" * 5_000 + "\n", "at most 600000"),
    (HEAD + ROW + ",30000,extra\n", "line 2: more cells than columns"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_names_its_file_its_line_and_what_is_expected(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=message) as error:
        read(tmp_path, text)
    assert "terminals.csv" in str(error.value)


def test_a_missing_or_unreadable_list_is_a_clear_error(tmp_path):
    with pytest.raises(ConfigurationError, match="no such file"):
        read_terminals(tmp_path / "none.csv", ())
    with pytest.raises(ConfigurationError, match=r"terminals\.csv"):
        read(tmp_path, HEAD + "é", "latin-1")
    with pytest.raises(ConfigurationError):
        read_terminals(tmp_path, ())
