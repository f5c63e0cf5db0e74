"""No note of a fact reaches a Chinese page in English: every sentence is read from the source that writes it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import yuanlu
from tests.chinese import english_in
from yuanlu.people.notes.causes import REASONS
from yuanlu.people.notes.messages import MALFORMED
from yuanlu.people.notes.reading import EVIDENCE, KINDS, PLAIN, REASON, SENTENCES, VALUES, WHY, in_words
from yuanlu.people.notes.saying import Note, value_name
from yuanlu.people.notes.values import MEANINGS
from yuanlu.people.refusals import SAYINGS

SOURCE = Path(yuanlu.__path__[0])
WRITERS = (
    "flow/*", "returns/*", "cases/*", "incidents/writing", "acquirers/outcome", "acquirers/advices", "acquirers/terms",
    "acquirers/iso8583_host", "acquirers/link", "gateway/desk", "gateway/actions", "people/cardholder",
    "notification/delivering", "notification/sender", "notification/sending", "notification/writing",
    "notification/channels/*", "people/observing", "people/staff", "people/api_keys", "cli/clearing_work",
)  # fmt: skip
"""Modules that write notes, or what stands in them."""
NO_NOTES = ("bundle", "tables", "store", "pages", "people", "states")
"""Modules of these packages that write none: their texts are SQL and files."""
NOT_SAID = {
    # Names of work, of cases and of keys.
    "older journal", "handed over", "void in doubt", "clearing file", "cardholder link", "offer of one-time codes",
    "terminal {} {} {}", "reported {} {}", "echo test", "status upload", "telephone {}", "level {}",
    # Kept beside a payment until a clearing file comes, and counted only.
    "an approval with a wrong MAC came late", "approved after its reversal was accepted",
    "{}: {}, but the terminal was told that it is taken over",
    "the terminal may have heard of it, so goods may be out of the door",
    "the upload is not complete, so it may only be missing there",
    # Answers to who acts, and what the database says.
    "it is not as you saw it", "more would be", "more would be returned", "sign in", "set up one-time codes first",
    "name, password or code is wrong, or the account is locked or disabled",
    # English of words in both languages.
    "A return goes on by hand", "; it did not pass through us",
}  # fmt: skip
"""Sentences that are no part of a note."""
VALUE = "\0"
CHINESE = re.compile(r"[\u4e00-\u9fff]")

ALL = [note for notes in (PLAIN, *KINDS.values(), *SENTENCES.values()) for note in notes]


def parts(node: ast.expr) -> str | None:
    """The text of a literal, each value as one character."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(parts(each) or VALUE for each in values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return f"{parts(left) or VALUE}{parts(right) or VALUE}"
        case _:
            return None


def unsaid(tree: ast.AST) -> Iterator[ast.AST]:
    """What is no note: documentation, the log, an assertion, an error, words in both languages."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant()):
                yield node.value
            case ast.Assert(msg=ast.expr() as msg):
                yield msg
            case ast.Raise(exc=ast.expr() as exc):
                yield exc
            case ast.Call(func=ast.Attribute(value=ast.Name(id="_log"))):
                yield node
            case ast.Call(func=ast.Name(id="Words" | "CaseWords" | "Reason" | "_kind" | "Way" | "DecodeError")):
                yield node
            case ast.Call(func=ast.Name(id="text_of" | "_refuse_unless" | "put_watch")):
                yield node
            case ast.keyword(arg="watch" | "title" | "origin"):
                yield node.value


def sentences() -> dict[str, str]:
    """Every sentence of the writers, and where."""
    found: dict[str, str] = {}
    paths = sorted(path for name in WRITERS for path in SOURCE.glob(f"{name}.py") if path.stem not in NO_NOTES)
    for path in paths:
        tree = ast.parse(path.read_text("utf-8"))
        known = {id(inner) for node in unsaid(tree) for inner in ast.walk(node)}
        known |= {id(e) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for e in ast.walk(n) if e is not n}
        known |= {id(e) for n in ast.walk(tree) if isinstance(n, ast.BinOp) for e in (n.left, n.right)}
        for node in ast.walk(tree):
            if isinstance(node, ast.expr) and id(node) not in known:
                text = parts(node)
                if text and is_sentence(text):
                    found[text] = f"{path.relative_to(SOURCE)}:{node.lineno}"
    return found


def is_sentence(text: str) -> bool:
    words = [each for each in text.replace(VALUE, " ").split() if re.fullmatch(r"[(]?[a-z']{2,}[,;:.)]?", each)]
    return bool(words) and " " in text.strip() and not CHINESE.search(text)


def has_words(text: str) -> bool:
    """Whether a table has it, with whatever values, or has a sentence of which it is a part."""
    if VALUE not in text and any(in_words(text, "zh", kind) != text for kind in ("", *KINDS)):
        return True
    text = text.removeprefix(f"{VALUE}: ")  # who did it
    form = re.compile(r"(?<![a-z])" + ".*".join(re.escape(part) for part in text.split(VALUE)), re.DOTALL)
    known = [*(note.en for note in ALL), *(saying.rule for saying in SAYINGS), *MEANINGS]
    return any(form.search(en) for en in known)


def test_every_error_of_a_field_has_its_chinese():
    """A message that cannot be read is refused with its error, which the record of the refusal repeats."""
    found = {}
    for path in sorted((SOURCE / "iso8583").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DecodeError":
                text = next((parts(each.value) for each in node.keywords if each.arg == "reason"), None)
                if text:
                    found[text] = f"{path.name}:{node.lineno}"
    assert len(found) > 25, "the errors are where this test looks for them"
    assert {text: where for text, where in found.items() if not is_malformed(text)} == {}


def is_malformed(text: str) -> bool:
    form = re.compile(".*".join(re.escape(part) for part in text.split(VALUE)))
    in_a_note = in_words(f"field 48 at byte 7: {text.replace(VALUE, '7')}", "zh")
    return any(form.fullmatch(note.en) for note in MALFORMED) or not english_in(in_a_note)


def test_every_sentence_that_the_rules_write_has_its_chinese():
    found = sentences()
    assert len(found) > 150, "the writers are where this test looks for them"
    missing = {text.replace(VALUE, "{}"): where for text, where in found.items() if not has_words(text)}
    assert {text: where for text, where in missing.items() if text not in NOT_SAID} == {}


SAMPLES = {
    "n": "12", "code": "98", "host_code": "51", "amount": "CNY 1,280.00", "amounts": "CNY 1.00, HKD 2.00",
    "date": "2026-11-23", "id": "C261123-00000018", "origin": "10.0.0.7", "name": "王芳", "owner": "王芳",
    "queue": "二线", "file": "20261122.CSV", "reference": "BANK-7", "batch": "batch 000001 of T0000001",
    "scope": "host ACQ1", "incident": "host_down", "break": "only we have it", "differs": "only_ours",
    "seen": "time_out", "kind": "refund", "decision": "manual_credit", "state": "RETURNED", "word": "repaired",
    "cause": "ANSWER_LOST", "meaning": "not found", "attempt": "close", "roles": "finance support, checker",
    "observed": "signal 20, battery 10", "refusal": "nothing is left of it to give back",
    "both": "应答丢失 / the answer got lost", "text": "原话", "why": "no answer in time",
    "refused": "the amount is zero", "reason": "the money came back after 12 minutes",
    "remark": "the return ended by itself", "detected": "原因", "finding": "the terminal has another amount",
    "malformed": "not all digits", "masked": "138****0005", "channel": "sms1", "sending": "SENT",
    "try": "the sending process ended", "tries": "sms1: answered 500; mail2: this is no e-mail address",
    "findings": "trace 000004: the terminal lists it twice; the terminal has another amount",
}  # fmt: skip
"""One value of each kind. What the machine says in English is there in English."""
NAMES = ("ACQ1", "20261122.CSV", "BANK-7")


def with_samples(note: Note) -> str:
    places = {name for _, name, _, _ in Formatter().parse(note.en) if name}
    return note.en.format(**{place: SAMPLES[value_name(place)] for place in places})


KNOWN = [(kind, note) for kind, notes in (("", PLAIN), *KINDS.items()) for note in notes]


@pytest.mark.parametrize(("kind", "note"), KNOWN, ids=[f"{kind}-{note.en[:40]}" for kind, note in KNOWN])
def test_a_note_is_read_with_its_values_and_nothing_of_it_stays_english(kind: str, note: Note) -> None:
    said = in_words(with_samples(note), "zh", kind)
    assert CHINESE.search(said)
    assert not english_in(said, NAMES), said


@pytest.mark.parametrize(("kind", "note"), KNOWN, ids=[f"{kind}-{note.en[:40]}" for kind, note in KNOWN])
def test_an_english_page_shows_the_english_alone(kind: str, note: Note) -> None:
    said = in_words(with_samples(note), "en", kind)
    typed = (SAMPLES[name] for name in ("name", "queue", "detected", *(() if note.alone else ("text",))))
    for each in typed:
        said = said.replace(each, "")
    assert not CHINESE.search(said), said


def test_the_words_have_only_values_of_their_note_and_each_has_its_form():
    for note in ALL:
        known, *used = ({name for _, name, _, _ in Formatter().parse(text) if name} for text in note)
        assert set().union(*used) <= known, note
        assert {value_name(place) for place in known} <= VALUES.keys(), note


def test_no_pattern_can_be_slow_whatever_a_host_wrote_or_somebody_typed():
    for name, value in VALUES.items():
        without_limits = re.sub(r"\\.|\[[^]]*\]", "x", value.form)
        assert value.limited == (not re.search(r"[+*]|\{\d+,\}", without_limits)), name
    for note in ALL:
        places = [value_name(name) for _, name, _, _ in Formatter().parse(note.en) if name]
        assert sum(not VALUES[name].limited for name in places) <= 1, note
    for nasty in ("refund: " * 30_000, "batch 1: " + "trace 1: " * 30_000, " / " * 30_000, "a: b; " * 30_000):
        for kind in ("", *KINDS):
            in_words(nasty, "zh", kind)


def test_a_causes_reason_says_in_chinese_what_the_cause_says():
    """The reasons of causes stand in both languages in their source; here they are found again by their English."""
    differing = {}
    for path in sorted((SOURCE / "causes").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Reason", "when"):
                given = {each.arg: parts(each.value) for each in node.keywords}
                zh, en = given.get("zh"), given.get("en")
                if zh and en and zh not in chinese_of(en):
                    differing[en.replace(VALUE, "{}")] = chinese_of(en)
    assert set(differing) == TRANSLATED_VALUES


TRANSLATED_VALUES = {
    "{} was taken back and made anew as {}",
    "it was given back by hand when its original was {} already",
    "{} was taken back and {} charged to the same card: {}",
    "the cashier says that {} went out, and the payment does not stand",
    "declared: {}",
    "against {}: {}",
    "the host answered {}",
}
"""Whose values are words: in a note they are Chinese, too, and the next test reads them."""


def chinese_of(en: str) -> list[str]:
    form = re.compile(".*".join(re.escape(part) for part in en.split(VALUE)))
    return [re.sub(r"\{\w+\}", VALUE, note.zh) for note in REASONS if form.fullmatch(note.en)]


@pytest.mark.parametrize(
    ("kind", "note", "zh"),
    [
        ("RETURN_INTENT", "reversal, reason 98", "冲正，原因 98"),
        ("REVERSAL_ANSWER", "answered 25: not found", "应答码 25：查无原交易"),
        (
            "CASE_CLOSED",
            "repaired; no person was needed; 3 transactions of 2 terminals, 3 returned, 0 open",
            "故障已排除；无需人工；2 台终端的 3 笔交易，已退回 3 笔，未结 0 笔",
        ),
        ("CASE_CLOSED", "returned; a person was needed", "已退回；需要人工"),
        ("STAFF_CREATED", "王芳: Li Na, finance support, checker", "王芳：Li Na，财务、技术支持，可复核"),
        (WHY, "same batch and day, the whole amount: a void", "当日当批次全额：撤销"),
        (REASON, "the cashier voided it, and nobody knew the outcome", "收银员已撤销，但撤销结果未知"),
        (EVIDENCE, "sent, and the connection was lost before the answer", "已发出，应答之前断线"),
    ],
)
def test_what_pages_show(kind, note, zh):
    assert in_words(note, "zh", kind) == zh
    assert in_words(note, "en", kind) == note


@pytest.mark.parametrize(
    ("kind", "note", "zh", "en"),
    [
        (
            "EXPLAINED", "ISSUER_DOWN: the host answered 91",
            "发卡行不能操作：主机应答码 91：发卡方不能操作", "The issuer cannot work: the host answered 91",
        ),
        (
            "CASE_JOINED", "gateway: ANSWER_LOST: 应答丢失 / lost",
            "网关：应答丢失：应答丢失", "gateway: Answer lost: lost",
        ),
        (
            "CASE_ESCALATED", "L1 → L2: not closed in time",
            "一线 → 二线：逾期未结", "first line → second line: not closed in time",
        ),
        (
            "INCIDENT_DECLARED",
            "detection: shop_offline, merchant M1: 商户 M1：9 台终端同时异常 / 9 terminals fail together, merchant M1",
            "自动检测：门店网络中断，商户 M1：9 台终端同时异常",
            "detection: Shop network down: 9 terminals fail together, merchant M1",
        ),
        (
            "INCIDENT_DECLARED",
            "detection: host_down, host A1: 主机 A1：2 家商户的 9 台终端同时异常 / "
            "9 terminals of 2 merchants fail together, host A1; new sales are held",
            "自动检测：收单主机中断，主机 A1：2 家商户的 9 台终端同时异常；暂停新交易",
            "detection: The acquirer's host is down: 9 terminals of 2 merchants fail together, host A1; "
            "new sales are held",
        ),
        (EVIDENCE, "批次 1：多一笔 / batch 1: one more", "批次 1：多一笔", "batch 1: one more"),
    ],
)  # fmt: skip
def test_what_is_written_in_both_languages_is_read_in_one(kind, note, zh, en):
    assert in_words(note, "zh", kind) == zh
    assert in_words(note, "en", kind) == en


@pytest.mark.parametrize(
    ("kind", "note", "zh"),
    [
        ("CASE_NOTE", "connection lost before the answer", "connection lost before the answer"),
        ("CASE_NOTE", "主机升级 / host upgrade", "主机升级 / host upgrade"),
        ("CASE_CLOSED", "repaired; a person was needed; attempt 2", "故障已排除；需要人工；attempt 2"),
        ("RETURN_PROPOSED", "refund of CNY 1.00 by Li Na: attempt 2", "退货 CNY 1.00，Li Na 提出：attempt 2"),
        ("CASE_REOPENED", "no answer in time", "no answer in time"),
        (REASON, "attempt 2", "attempt 2"),
        ("CARDHOLDER_FEEDBACK", "helpful: not helpful", "有帮助：not helpful"),
        ("INCIDENT_HELD", "Li Na: the place is well again", "Li Na: the place is well again"),
        ("", "what a host may write {zh} {0}", "what a host may write {zh} {0}"),
        ("CLEARED", "clearing file: {zh}.csv:7", "清算文件：{zh}.csv:7"),
    ],
)
def test_what_people_typed_stays_as_it_is(kind, note, zh):
    assert in_words(note, "zh", kind) == zh
    assert in_words(note, "en", kind) == note
