"""No refusal of the rules reaches a page untranslated: every message is read from the rules' own source."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

import yuanlu
from yuanlu.people.refusals import SAYINGS, find_saying, refusal

SOURCE = Path(yuanlu.__path__[0])
RULES = (
    "cases/work", "cases/decisions", "cases/texts", "cases/acting", "cases/store", "people/casework", "people/ordering",
    "people/incidents", "people/observing", "returns/proposing", "returns/decision", "incidents/store",
    "incidents/writing", "fleet/observations", "people/wordings", "people/staff", "people/api_keys",
    "access/secrets_of_staff",
)  # fmt: skip
RAISED = {
    "AccessRefused",
    "CaseError",
    "CaseChanged",
    "CaseUnknown",
    "OrderError",
    "IncidentError",
    "ObservationWrong",
    "StoreError",
    "Obstacle",
    "WordingError",
}
CODE = re.compile(r"[0-9]{2}")


def said(node: ast.expr) -> str | None:
    """The text of a literal, each value as one letter; None for what is no literal."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(str(each.value) if isinstance(each, ast.Constant) else "x" for each in values)
        case ast.BinOp(left=left, op=ast.Add()):
            return f"{said(left)}x"
        case _:
            return None


def messages() -> dict[str, str]:
    """Each message that the rules can raise, and where."""
    found = {}
    for name in RULES:
        for node in ast.walk(ast.parse((SOURCE / f"{name}.py").read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED:
                texts = [text for each in node.args if (text := said(each)) and not CODE.fullmatch(text)]
                found |= dict.fromkeys(texts, f"{name}:{node.lineno}")
    return found


COMMAND_LINE_ONLY = {
    # the console says who acts, and offers no declaration about a payment
    "say who acts: --as NAME, or the environment variable YUANLU_USER",
}


def test_every_refusal_has_its_words():
    found = messages()
    assert len(found) > 60, "the rules are where this test looks for them"
    unknown = {text: where for text, where in found.items() if find_saying(text) is None}
    assert set(unknown) <= COMMAND_LINE_ONLY, unknown


def test_a_translation_has_only_values_of_its_rule():
    for each in SAYINGS:
        names = {name for _, name, _, _ in Formatter().parse(each.rule) if name}
        for text in (each.zh, each.en):
            assert {name for _, name, _, _ in Formatter().parse(text) if name} <= names, each


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        (
            "C261123-00000018 is CLOSED and cannot be snoozed",
            "工单 C261123-00000018 当前为“已关闭”，不能暂缓",
            "C261123-00000018 is CLOSED and cannot be snoozed",
        ),
        ("the reason to escalate is missing: say it in a few words", "请填写升级的理由", None),
        ("--amount must be above zero", "金额须大于 0", "The amount must be above zero"),
        (
            "not possible now (case IN_HAND, money RETURNED); allowed: declare_returned, manual_credit",
            "当前不能这样处理（工单：处理中；资金：主机已受理退回）。可提出：认定已退回、人工贷记",
            None,
        ),
        ('signal "200": give a whole number from 0 to 100', "“signal”的内容不对：0 至 100 的整数", None),
    ],
)
def test_values_that_are_words_are_translated_too(text, zh, en):
    assert refusal(text, "zh") == zh
    assert en is None or refusal(text, "en") == en


def test_what_the_table_does_not_know_is_shown_as_it_is():
    assert refusal("cosmic rays", "en") == "cosmic rays"
    assert refusal("cosmic rays", "zh").startswith("操作未执行")
