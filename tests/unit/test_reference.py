"""The reference pages say what the source says, and no answer of our own is left out."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate import FOLDER, PAGES, codes_page, differing, main
from docs.wording import OWN_ANSWERS

SOURCE = Path(__file__).parents[2] / "src" / "yuanlu"
CODE = re.compile("[0-9A-Z]{2}")


def test_every_reference_page_says_what_the_source_says() -> None:
    assert differing() == [], "run: python -m docs.generate"


def test_the_folder_holds_no_page_that_nobody_writes() -> None:
    assert {page.name for page in FOLDER.glob("*.md")} == set(PAGES)


def test_check_says_nothing_when_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_every_code_that_flow_and_gateway_name_is_explained() -> None:
    named = {(code, where) for path, code in _code_constants() for where in [f"{path.parent.name}.{path.stem}"]}
    explained = {(code, where.partition(":")[0]) for code, where, _ in OWN_ANSWERS}
    assert named - explained == set()


def test_a_reversal_of_an_unlisted_code_stays_unknown_on_the_page() -> None:
    row = next(line for line in codes_page().splitlines() if line.startswith("| `68`"))
    assert row.endswith("| outcome open: reversed | unknown |")


def _code_constants() -> Iterator[tuple[Path, str]]:
    """Response codes that a module of flow or gateway names `…_CODE`, or raises with FieldWrong."""
    for path in [*SOURCE.glob("flow/*.py"), *SOURCE.glob("gateway/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and "_CODE" in ast.unparse(node.targets[0]):
                found = [each.value for each in ast.walk(node.value) if isinstance(each, ast.Constant)]
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("FieldWrong", "payment.caller.refuse"):
                found = [each.value for each in node.args[:1] if isinstance(each, ast.Constant)]
            else:
                continue
            yield from ((path, code) for code in found if isinstance(code, str) and CODE.fullmatch(code))
