"""The PDF itself, read back: its words, its pages, and that nothing typed breaks out of its place."""

import hashlib
import json
import re
import time
from io import BytesIO

import pytest
from msgspec.structs import replace
from pypdf import PdfReader

from tests.unit.cases.cases import NOW_US
from tests.unit.evidence.papers import ASKED, attachment, fact, material, note, of_incident, pack, whole
from yuanlu.cases.texts import TEXT_CHARACTERS_MAX
from yuanlu.evidence import typesetting
from yuanlu.evidence.document import Pack, TypesettingFailed
from yuanlu.evidence.typesetting import showable, typeset

ALLOWED_S = 10.0
"""For hundreds of facts. It takes some 0.3 s on a quiet machine; a busy one is no failure, a square law is."""
CARD = re.compile(r"(?<![0-9])[0-9]{13,19}(?![0-9])")


def read(of: Pack) -> PdfReader:
    return PdfReader(BytesIO(typeset(of)))


def text_of(reader: PdfReader) -> str:
    return "\n".join(page.extract_text() for page in reader.pages)


def with_notes(*texts: str) -> Pack:
    return pack(material(whole(lines=tuple(note(each) for each in texts))))


def test_the_chinese_words_are_in_the_pdf_and_every_page_is_numbered():
    reader = read(pack())
    text = text_of(reader)
    for each in (
        "交易异常处理证据材料",
        "人民币壹仟贰佰捌拾元整",
        "620000******0005（已屏蔽）",
        "处理决定（双人复核）",
        "经办人（签字）",
    ):
        assert each in text
    for n, page in enumerate(reader.pages, 1):
        assert f"第 {n} 页 共 {len(reader.pages)} 页" in page.extract_text()


def test_no_number_in_it_could_be_a_card():
    numbers = set(CARD.findall(text_of(read(pack()))))
    assert numbers == {"898440153110001", "0000000000000001"}, "the merchant's number, and the end of the payment's id"


def test_each_page_has_the_digest_of_the_content_that_is_attached():
    of = pack()
    reader = read(of)
    [content] = reader.attachments["content.json"]
    assert hashlib.sha256(content).hexdigest() == of.digest
    assert json.loads(content)["case_id"] == of.case_id
    assert all(of.digest in page.extract_text() for page in reader.pages)


def test_a_digest_can_be_copied_with_nothing_in_it_but_its_digits():
    digest = hashlib.sha256(b"a file").hexdigest()
    of = pack(material(whole(attachments=[attachment(sha256=digest)])))
    raw = "\n".join(page.extract_text() for page in read(of).pages)
    assert f"{digest[:32]}\n{digest[32:]}" in raw


def test_the_same_pack_gives_the_same_bytes_and_another_time_gives_others():
    assert typeset(pack()) == typeset(pack())
    assert typeset(pack()) != typeset(replace(pack(), made_at_us=pack().made_at_us + 1_000_000))


def test_it_is_an_archives_pdf_that_carries_its_own_fonts():
    reader = read(pack())
    assert "pdfaid:part" in reader.root_object["/Metadata"].get_data().decode()
    fonts = {font["/BaseFont"] for page in reader.pages for font in _fonts(page)}
    names = {name.partition("+")[2].partition("-")[0] for name in fonts}
    assert names == {"NotoSerifSC", "NotoSansSC", "DejaVuSansMono"}


def _fonts(page):
    return [each.get_object() for each in page["/Resources"]["/Font"].values()]


def test_english_on_request():
    text = text_of(read(pack(language="en")))
    for each in ("Evidence of an abnormal payment", "Where the money is", "Page 1 of", "Prepared by (signature)"):
        assert each in text
    assert "人民币" not in text


HOSTILE = (
    '#eval("1+1") #read("/etc/passwd") #include "x.typ"',
    "= heading\n*bold* _it_ `raw` $x^2$ <label> @ref // comment /* open",
    '"]) } #panic("x") \\u{202e} \\" ${content}',
    '{"type": "text"}, "sections": []',
    "#set page(width: 1cm)",
    "@preview/evil:1.0.0",
)


@pytest.mark.parametrize("typed", HOSTILE)
def test_what_people_type_is_text_and_never_markup(typed):
    text = text_of(read(with_notes(typed)))
    for line in typed.split("\n"):
        assert line in text
    assert "交易异常处理证据材料" in text


def test_a_word_longer_than_the_page_stays_within_its_cell():
    text = text_of(read(with_notes("Ж" + "W" * TEXT_CHARACTERS_MAX)))
    runs = [len(found) for found in re.findall("W+", text[text.index("Ж") :])]
    assert sum(runs) == TEXT_CHARACTERS_MAX
    assert max(runs) < 60, "it is broken into lines"
    owner = whole(lines=(note("x", who="O" * 64),))
    assert max(len(found) for found in re.findall("O+", text_of(read(pack(material(owner)))))) < 20


def test_a_character_that_the_font_lacks_is_written_as_its_code():
    assert showable("原路 ¥ ē Ж") == "原路 ¥ ē Ж"
    assert showable("😀 ا") == "〔U+1F600〕 〔U+0627〕"
    assert "扣款〔U+1F600〕" in text_of(read(with_notes("扣款😀")))


def test_what_is_attached_keeps_the_character_that_the_font_lacks():
    [content] = read(with_notes("扣款😀")).attachments["content.json"]
    assert "扣款😀" in content.decode()


def test_a_case_about_no_payment_is_set_as_well():
    assert "本工单不对应单笔交易" in text_of(read(pack(material(of_incident()))))


def test_hundreds_of_facts_fill_many_pages_in_about_a_second():
    lines = tuple(
        fact(
            "RETURN_REVERSAL", NOW_US + n, f"attempt {n}", (replace(ASKED, fields=((11, "流水号", "Trace", str(n)),)),)
        )
        for n in range(900)
    )
    of = pack(material(whole(lines=lines)))
    typeset(pack())  # the fonts are read once
    began = time.monotonic()
    reader = read(of)
    assert time.monotonic() - began < ALLOWED_S
    assert len(reader.pages) > 15
    assert "第 899 次" in text_of(reader)


def test_a_pack_that_cannot_be_set_is_one_error_with_words(monkeypatch, tmp_path):
    broken = tmp_path / "pack.typ"
    broken.write_text("#panic(1)", "utf-8")
    monkeypatch.setattr(typesetting, "TEMPLATE", broken)
    with pytest.raises(TypesettingFailed, match="could not be set"):
        typeset(pack())


def test_the_template_evaluates_nothing_and_reads_no_file():
    source = typesetting.TEMPLATE.read_text("utf-8")
    code = "\n".join(line.partition("//")[0] for line in source.splitlines())
    for word in ("eval(", "read(", "import", "include", "image(", "plugin("):
        assert word not in code, word
