"""What no linter says: sizes, names, empty packages, what deciding code may import, what may be named."""

import ast
import importlib.util
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "yuanlu"
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
VAGUE = {"utils", "helpers", "common", "misc", "base", "manager", "service", "handler"}
DECIDING = (
    "kernel/money.py", "kernel/identifiers.py", "kernel/limits.py", "returns/states.py", "returns/policy.py",
    "incidents/detection.py", "incidents/records.py", "fleet/observations.py", "fleet/status.py", "fleet/lines.py",
    "returns/steps.py", "returns/compensation.py", "acquirers/advices.py", "reconciliation/batch.py",
    "reconciliation/clearing.py", "reconciliation/clearing_match.py", "notification/deciding.py",
    "notification/composing.py", "notification/schedule.py", "notification/states.py", "notification/templates.py",
    "notification/wordings.py", "notification/wording_rules.py",
    *(f"notification/messages/{path.name}" for path in sorted((SOURCE / "notification/messages").glob("*.py"))),
    "evidence/document.py", "evidence/wording.py", "evidence/chapters.py", "evidence/deciding.py",
    "evidence/packing.py",
    *(f"reconciliation/formats/{path.name}" for path in sorted((SOURCE / "reconciliation/formats").glob("*.py"))),
    *(f"iso8583/{path.name}" for path in sorted((SOURCE / "iso8583").glob("*.py"))),
    *(f"causes/{path.name}" for path in sorted((SOURCE / "causes").glob("*.py"))),
)  # fmt: skip
PACKAGES = (
    "kernel", "iso8583", "keys", "journal", "returns", "acquirers", "gateway", "sandbox", "cli", "causes", "cases",
    "reconciliation", "incidents", "fleet", "notification",
)  # fmt: skip
INPUT_OUTPUT = {
    "asyncio", "socket", "time", "random", "secrets", "sqlalchemy", "pysqlite3", "sqlite3", "os", "pathlib", "ssl",
    "threading", "subprocess",
}  # fmt: skip
TOOLS = {"hatch": "hatchling", "pytest": "pytest", "ruff": "ruff", "mypy": "mypy", "importlinter": "importlinter"}


def tracked(*suffixes: str) -> list[Path]:
    """The repository's files: those that git knows, or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):  # a source archive has no git
        listed = [str(p.relative_to(ROOT)) for folder in ("src", "tests", "docs") for p in (ROOT / folder).rglob("*")]
    paths = [ROOT / name for name in listed]
    return [path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes)]


def python_files() -> list[Path]:
    return tracked(".py")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_longer_than_a_reader_likes():
    long = {name_of(p): n for p in python_files() if (n := len(p.read_text("utf-8").splitlines())) > FILE_LINES_MAX}
    assert not long


def test_no_function_is_longer_than_a_screen():
    long = {}
    for path in python_files():
        if path.parent.name == "versions":
            continue  # a migration is a list of tables
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long[f"{name_of(path)}:{node.name}"] = lines
    assert not long


def test_no_module_has_a_name_that_says_nothing():
    assert not [name_of(p) for p in python_files() if p.stem in VAGUE or p.parent.name in VAGUE]


def test_every_package_file_holds_a_docstring_and_nothing_else():
    for path in SOURCE.rglob("__init__.py"):
        body = ast.parse(path.read_text("utf-8")).body
        assert len(body) == 1, name_of(path)
        assert isinstance(body[0], ast.Expr), name_of(path)
        assert isinstance(body[0].value, ast.Constant), name_of(path)


def test_no_import_hides_from_the_running_program():
    word = "TYPE_" + "CHECKING"
    assert not [name_of(p) for p in python_files() if word in p.read_text("utf-8")]


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("name", DECIDING)
def test_deciding_code_does_no_input_or_output(name):
    assert not imports_of(SOURCE / name) & INPUT_OUTPUT


def test_every_source_package_that_decides_or_stores_has_tests_of_its_own():
    for package in (
        "kernel",
        "iso8583",
        "keys",
        "journal",
        "returns",
        "acquirers",
        "gateway",
        "sandbox",
        "cli",
        "causes",
        "cases",
        "fleet",
        "notification",
    ):
        assert list((ROOT / "tests" / "unit" / package).glob("test_*.py")), package


def test_every_tool_that_is_configured_is_installed():
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    assert set(configured) <= set(TOOLS)
    for tool in configured:
        assert importlib.util.find_spec(TOOLS[tool]) or tool == "ruff", tool


def test_the_program_names_its_version_once():
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert re.fullmatch(r"\d+\.\d+\.\d+", document["project"]["version"])


def test_the_repository_names_no_workplace_and_no_registry_of_packages():
    places = ("/wo" + "rk/", "/ro" + "ot/", "../sha" + "red")
    registry = re.compile(r"https?://[^\s\"')]*(pypi|simple|artifactory|nexus|registry)[^\s\"')]*", re.IGNORECASE)
    for path in tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        assert not [place for place in places if place in text], name_of(path)
        assert not registry.search(text), name_of(path)


def test_both_readmes_are_there():
    for name in ("README.md", "README.zh.md", "README.zh-CN.md", "README_zh.md"):
        if name != "README.md" and (ROOT / name).is_file():
            break
    else:
        pytest.fail("no Chinese README")
    assert (ROOT / "README.md").is_file()
