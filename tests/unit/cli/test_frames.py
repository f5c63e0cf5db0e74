import io

import pytest

from tests.unit.iso8583.messages import CUP, PAN
from yuanlu.cli.frames import InputError, decoded, frames_of, without_length
from yuanlu.iso8583.errors import DecodeError, UnknownDialect
from yuanlu.iso8583.framing import with_length
from yuanlu.people.words import KINDS, language_of, word
from yuanlu.returns.states import State

FRAME = CUP.encode(
    mti="0200", fields={2: PAN, 3: "000000", 4: "000000001234", 11: "000001", 35: f"{PAN}=30122010000000"}
)


def test_a_frame_is_shown_masked_unless_it_is_asked_for():
    for raw in (FRAME, with_length(FRAME)):
        shown = decoded(raw, "cup-pos", reveal=False)
        assert shown["fields"]["0"] == "0200"
        assert PAN not in str(shown)
        assert "3012" not in str(shown["fields"].get("35", ""))
        assert shown["fields"]["2"].startswith("620000")
        assert shown["fields"]["2"].endswith("0005")
    assert decoded(FRAME, "cup-pos", reveal=True)["fields"]["2"] == PAN
    assert shown["names"]["4"] == "amount"


@pytest.mark.parametrize("size", [1, 2, 5, 11, 13, 21, 22, 30, len(FRAME) - 1])
def test_half_a_frame_says_what_is_missing(size):
    with pytest.raises(DecodeError):
        decoded(FRAME[:size], "cup-pos", reveal=False)
    with pytest.raises(DecodeError):
        decoded(with_length(FRAME)[:size], "cup-pos", reveal=False)


def test_an_unknown_dialect_lists_the_known_ones():
    with pytest.raises(UnknownDialect, match="iso87-ascii"):
        decoded(FRAME, "esperanto", reveal=False)


def test_frames_come_as_hex_or_as_a_file_with_comments_or_from_standard_input(tmp_path, monkeypatch):
    text = FRAME.hex()
    assert list(frames_of(text)) == list(frames_of(f" {text[:20]} {text[20:].upper()} ")) == [FRAME]
    path = tmp_path / "frames.hex"
    path.write_text(f"# two frames\n\n{text} # first\n{text}\n", "ascii")
    assert list(frames_of(str(path))) == [FRAME, FRAME]
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert list(frames_of("-")) == [FRAME]


def test_what_is_neither_hex_nor_a_file_is_one_clear_line(tmp_path):
    with pytest.raises(InputError, match="neither hex"):
        list(frames_of("xyz"))
    with pytest.raises(InputError, match="neither hex"):
        list(frames_of("abc"))
    (tmp_path / "bad.hex").write_text("00\nzz\n", "ascii")
    with pytest.raises(InputError, match="line 2"):
        list(frames_of(str(tmp_path / "bad.hex")))
    (tmp_path / "empty.hex").write_text("# nothing\n", "ascii")
    with pytest.raises(InputError, match="no frame"):
        list(frames_of(str(tmp_path / "empty.hex")))
    (tmp_path / "bytes.hex").write_bytes(b"\xff")
    with pytest.raises(InputError):
        list(frames_of(str(tmp_path / "bytes.hex")))


def test_length_bytes_are_dropped_only_when_they_are_true():
    assert without_length(with_length(FRAME)) == FRAME
    assert without_length(FRAME) == FRAME
    assert without_length(b"") == b""


def test_every_state_and_kind_has_words_in_both_languages():
    assert set(State) <= KINDS.keys()
    assert word("RETURNED", "zh") != word("RETURNED", "en")
    assert word("SOMETHING_NEW", "zh") == "SOMETHING_NEW"


@pytest.mark.parametrize(
    ("given", "environment", "language"),
    [("zh", "en_US", "zh"), ("en", "zh_CN", "en"), ("", "zh_CN.UTF-8", "zh"), ("", "C", "en"), ("fr", "zh_CN", "zh")],
)
def test_the_language_is_as_given_or_as_the_environment_says(monkeypatch, given, environment, language):
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", environment)
    assert language_of(given) == language
