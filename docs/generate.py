"""Writes `docs/reference/`: what the program itself already says, as pages.

`python -m docs.generate` writes the pages; `--check` writes nothing and exits with 1 when one differs. Every table is
read from the code. What the code cannot say, the words beside a code or a key, stands in `docs/wording.py`; a missing
or a surplus word stops the run, so that a page cannot quietly fall behind.
"""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import typer
from msgspec import inspect as types

from docs.markdown import table
from docs.policy_pages import causes_page, ways_page
from docs.wording import BEHAVIOURS, CODE_WORDS, OWN_ANSWERS, PLAIN_KEYS
from yuanlu import contracts, notices, settings
from yuanlu.acquirers.terms import APPROVALS, PENDING_QR
from yuanlu.cli.main import app
from yuanlu.iso8583.dialect import Dialect, Encoding, Field, Mask
from yuanlu.iso8583.specs.cup_pos import CUP_POS
from yuanlu.iso8583.specs.iso87_ascii import ISO87_ASCII
from yuanlu.kernel.money import format_minor
from yuanlu.people.words import KINDS
from yuanlu.returns import states
from yuanlu.sandbox.faults import CODES_AT_MINOR, FAULTS, LETTER_CODES_AT_MINOR
from yuanlu.sandbox.scenarios import PROFILES, scenarios
from yuanlu.sandbox.till import Behaviour

FOLDER = Path(__file__).parent / "reference"
NOTICE = "<!-- Written by `python -m docs.generate` from the source. Do not edit. -->\n"
HELP_COLUMNS = 100

MINOR_CURRENCY = "156"

SECTIONS = (
    ("[store]", settings.Store),
    ("[gateway]", settings.Gateway),
    ("[keys]", settings.Keys),
    ("[acquirers.NAME]", settings.Acquirer),
    ("[acquirers.NAME.doubtful_codes]", settings.DoubtfulCodes),
    ("[acquirers.NAME.reversal_answers]", settings.ReversalAnswers),
    ("[returns]", contracts.Returns),
    ("[compensation]", contracts.Compensation),
    ("[service_levels]", contracts.ServiceLevel),
    ("[contracts.NAME]", contracts.Contract),
    ("[incidents]", settings.Incidents),
    ("[notification]", notices.Notification),
    ("[[notification.recipients]]", notices.Recipient),
    ("[notification.shops.MERCHANT]", notices.Shop),
    ('[notification.channels.NAME], kind = "sandbox"', notices.Sandbox),
    ('[notification.channels.NAME], kind = "smtp"', notices.Smtp),
    ('[notification.channels.NAME], kind = "webhook"', notices.Webhook),
    ('[notification.channels.NAME], kind = "apprise"', notices.Apprise),
    ('[notification.channels.NAME], kind = "aliyun-sms"', notices.AliyunSms),
    ('[notification.channels.NAME], kind = "tencent-sms"', notices.TencentSms),
    ("[console]", settings.Console),
    ("[log]", settings.Log),
)

AS_EVERYBODY = "as for everybody"
"""A contract's default: what the section of the same key says."""

UNITS = {
    "ms": "ms",
    "minutes": "min",
    "hours": "h",
    "days": "days",
    "minor": "minor units",
    "mib": "MiB",
    "bytes": "bytes",
}


class WordMissing(Exception):
    """The code has something that `docs/wording.py` does not name, or the other way round."""


def docstrings(owner: type) -> dict[str, str]:
    """The strings that stand under the assignments in a class and in what it extends, by name."""
    found = docstrings(owner.__base__) if owner.__base__ in (notices.Telling,) else {}
    body = ast.parse(inspect.getsource(owner)).body[0]
    assert isinstance(body, ast.ClassDef)
    for node, after in zip(body.body, body.body[1:], strict=False):
        target = node.target if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [None])[0]
        if isinstance(target, ast.Name) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[target.id] = " ".join(str(after.value.value).split())
    return found


# Settings.


def settings_page() -> str:
    """Every key: type, default, unit, meaning."""
    parts = [
        "# Settings",
        "One TOML file, read once at start: `yuanlu config check -c FILE` says what it means. Environment variables go "
        "over it: `YUANLU_GATEWAY__LISTEN` is `[gateway] listen`, `YUANLU_ACQUIRERS__CUP__ADDRESS` is "
        "`[acquirers.cup] address`. Relative paths start at the file's own folder. An unknown key is refused. A key "
        "without a default must be given.",
    ]
    for title, section in SECTIONS:
        about = " ".join((section.__doc__ or "").split()).partition(": ")[2] or (section.__doc__ or "")
        parts += [f"## `{title}`", sentence(about), table(("key", "type", "default", "unit", "meaning"), keys(section))]
    return "\n\n".join(parts)


def keys(section: type) -> Iterator[tuple[str, str, str, str, str]]:
    """One row a key of a section."""
    said = docstrings(section)
    described = types.type_info(section)
    assert isinstance(described, types.StructType)
    for field in described.fields:
        meaning = said.get(field.name) or PLAIN_KEYS.get(field.name)
        if meaning is None:
            raise WordMissing(f"{section.__name__}.{field.name} has no docstring and no words in docs/wording.py")
        default = AS_EVERYBODY if section is contracts.Contract and not field.required else default_words(field)
        yield f"`{field.name}`", type_words(field.type), default, unit(field.name), meaning


def type_words(kind: types.Type) -> str:
    """A setting's type as a person says it."""
    match kind:
        case types.BoolType():
            return "true or false"
        case types.IntType(ge=low, le=high):
            return f"whole number, {low} to {high}" if high is not None else f"whole number, at least {low}"
        case types.LiteralType(values=values):
            return "one of " + ", ".join(f'`"{value}"`' for value in values) if len(values) > 1 else f'`"{values[0]}"`'
        case types.StrType(pattern=str(pattern)):
            return f"text, `{pattern}`"
        case types.StrType(min_length=int(length), max_length=most) if length == most:
            return f"text of {length} characters"
        case types.StrType():
            return "text"
        case types.TimeType():
            return "time of day"
        case types.VarTupleType(item_type=item):
            return f"list, each a {type_words(item)}"
    return table_words(kind)


def table_words(kind: types.Type) -> str:
    """The same of what stands in a table of its own, or is a name that the program knows."""
    match kind:
        case types.EnumType(cls=names):
            return "one of " + ", ".join(f'`"{member.value}"`' for member in names)
        case types.StructType() | types.UnionType():
            return "table"
        case types.DictType(value_type=value):
            return "table" if isinstance(value, types.StrType) else "tables by name"
    raise WordMissing(f"no words for the type {kind}")


def default_words(field: types.Field) -> str:
    """The default as it would stand in the file."""
    if field.required:
        return "none"
    if isinstance(field.type, types.StructType | types.DictType):
        return "see below"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{msgspec.json.encode(value).decode()}`"


def unit(name: str) -> str:
    """The unit that a key carries in its name."""
    return next((UNITS[part] for part in reversed(name.split("_")) if part in UNITS), "")


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = " ".join(text.split())
    return text[:1].upper() + text[1:].rstrip(".") + "."


# States.


def states_page() -> str:
    """The diagram, and what each state means."""
    said = docstrings(states.State)
    rows = []
    for state in states.State:
        chinese, english = KINDS[state]
        after = ", ".join(sorted(states.TRANSITIONS[state]))
        rows.append((f"`{state}`", chinese, english, said.get(state, ""), after))
    others = [(f"`{kind}`", *words) for kind, words in KINDS.items() if kind not in set(states.State)]
    return "\n\n".join(
        [
            "# States of a payment",
            "From `src/yuanlu/returns/states.py`. The database holds the same table and refuses any other step. Time "
            "alone never closes anything.",
            f"```mermaid\n{states.diagram()}\n```",
            table(("state", "中文", "English", "remark", "may be followed by"), rows),
            "## Other entries of a timeline\n\n`yuanlu show` prints these between the states.",
            table(("kind", "中文", "English"), others),
        ]
    )


# Dialects.


def dialects_page() -> str:
    """The field tables."""
    parts = [
        "# Dialects",
        "From `src/yuanlu/iso8583/specs/`. A size counts digits for BCD and track nibbles, bytes or characters "
        "otherwise. A masked field is overwritten before the frame is kept. `yuanlu decode --dialect NAME` reads "
        "a frame.",
    ]
    for dialect in (CUP_POS, ISO87_ASCII):
        fields = [(n, f.name, f.zh, *field_words(f)) for n, f in dialect.fields.items()]
        parts += [f"## `{dialect.name}`: {dialect.title}", "\n".join(shape(dialect))]
        parts += [table(("field", "name", "中文", "length", "size", "encoding", "masked"), fields)]
    parts += ["## Encodings", enum_table(Encoding, "encoding"), "## Masks", enum_table(Mask, "masked")]
    return "\n\n".join(parts)


def shape(dialect: Dialect) -> Iterator[str]:
    """What stands before the fields, as list items."""
    before = f"TPDU ({dialect.tpdu_bytes} bytes) and header ({dialect.header_bytes} bytes)"
    yield f"- Before the message type: {before if dialect.tpdu_bytes else 'nothing'}."
    yield f"- Message type: {'2 bytes BCD' if dialect.mti_bcd else '4 ASCII digits'}."
    yield (
        f"- Bitmap: {dialect.bitmap_bytes} {'hex characters' if dialect.bitmap_hex else 'bytes'}"
        f"{', a second one for fields 65 to 128' if dialect.extended else ''}."
    )
    repeats = ", ".join(f"{first} → {again}" for first, again in dialect.repeat_mtis.items())
    yield f"- A repeat carries another message type: {repeats or 'no'}."
    yield f"- Status inquiry (0600): {'yes' if dialect.has_inquiry else 'no'}."
    yield f"- MAC in field {' or '.join(map(str, dialect.mac_fields))}."


def field_words(field: Field) -> tuple[str, str, str, str]:
    """Length, size, encoding, masked."""
    length = {0: "fixed", 2: "LLVAR", 3: "LLLVAR"}[field.length_digits]
    size = f"{'' if field.length_digits == 0 else '..'}{field.size}"
    return length, size, field.encoding.name, "" if field.mask is Mask.NONE else field.mask.name


def enum_table(kind: type[Encoding] | type[Mask], head: str) -> str:
    """The members of an enumeration that say something about themselves."""
    said = docstrings(kind)
    return table((head, "meaning"), ((f"`{name}`", said[name]) for name in kind.__members__ if name in said))


# Response codes.


def codes_page() -> str:
    """What field 39 means to us, by the default settings, and which codes we give ourselves."""
    doubtful, answers = settings.DoubtfulCodes(), settings.ReversalAnswers()
    meanings = {code: name for name in msgspec.structs.asdict(answers) for code in getattr(answers, name)}
    heard = sorted({*APPROVALS, *doubtful.reverse, *doubtful.watch, *meanings})
    unworded = {*heard, *(code for code, _, _ in OWN_ANSWERS)} ^ set(CODE_WORDS)
    if unworded:
        raise WordMissing(f"response codes without words, or words without use: {sorted(unworded)}")
    rows = [(f"`{c}`", *CODE_WORDS[c], payment_words(c, doubtful), meanings.get(c, "unknown")) for c in heard]
    own = [(f"`{own_code(code, where)}`", when, f"`{where.partition(':')[0]}`") for code, where, when in OWN_ANSWERS]
    return "\n\n".join(
        [
            "# Response codes (field 39)",
            "## What a host's code means to us\n\nBy the default settings: `doubtful_codes` and `reversal_answers` of "
            "`settings.md`. A code that is not listed declines a payment, and leaves a reversal unknown.",
            table(("code", "中文", "English", "in an 0210", "in an 0410"), rows),
            f"`{PENDING_QR}` to a QR sale: the customer is confirming; we wait until the deadline, then it is unknown.",
            "## What we answer ourselves\n\nEverything else that a terminal gets is the host's own code, passed on. "
            "With `silent_on_unknown` an unknown outcome has no answer at all.",
            table(("code", "when", "module"), own),
        ]
    )


def payment_words(code: str, doubtful: settings.DoubtfulCodes) -> str:
    """What the code says of a payment."""
    approved = "approved" if code in APPROVALS else "declined"
    if code in doubtful.reverse:
        return "outcome open: reversed"
    return f"{approved}, watched until clearing" if code in doubtful.watch else approved


def own_code(code: str, where: str) -> str:
    """`code`, once it has been compared with the constant that it stands for."""
    module, _, constant = where.partition(":")
    found = getattr(import_module(f"yuanlu.{module}"), constant) if constant else code
    if found != code:
        raise WordMissing(f"{where} is {found}, but docs/wording.py says {code}")
    return code


# Commands.


def commands_page() -> str:
    """The help of every command."""
    commands = helps("yuanlu", typer.main.get_command(app), None)
    return "\n\n".join(
        [
            "# Commands",
            "What `yuanlu COMMAND --help` prints. Exit codes: 0 done, 1 a mistake that one line on standard error "
            "explains, 2 a wrong command line, 70 halted on purpose (`../operations.md`), 130 Ctrl-C.",
            *(f"## `{name}`\n\n```text\n{text}\n```" for name, text in commands),
        ]
    )


def helps(name: str, command: Any, parent: typer.Context | None) -> Iterator[tuple[str, str]]:
    """A command's help and that of every command below it."""
    context = typer.Context(
        command, info_name=name, parent=parent, terminal_width=HELP_COLUMNS, max_content_width=HELP_COLUMNS
    )
    yield context.command_path, "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    for below, child in getattr(command, "commands", {}).items():
        yield from helps(below, child, context)


# Faults.


def faults_page() -> str:
    """The sandbox's faults, and how each ends."""
    ends: dict[str, list[str]] = {}
    for scenario in scenarios():
        ends.setdefault(scenario.fault.name, []).append(scenario.end)
    faults = [(f"`{f.name}`", format_minor(f.magic_minor, MINOR_CURRENCY), f.zh, f.en) for f in FAULTS]
    return "\n\n".join(
        [
            "# Faults of the sandbox",
            "A sale of exactly this amount makes the simulated host fail in this way. The fault API does the same for "
            'any amount: `POST /faults {"fault": NAME}`; its address is `control` in the demo\'s `hosts.toml`.',
            table(("fault", "amount", "中文", "English"), faults),
            f"Response codes: {format_minor(CODES_AT_MINOR, MINOR_CURRENCY)} to "
            f"{format_minor(CODES_AT_MINOR + 99, MINOR_CURRENCY)} are answered 00 to 99, "
            f"{format_minor(LETTER_CODES_AT_MINOR, MINOR_CURRENCY)} to "
            f"{format_minor(LETTER_CODES_AT_MINOR + 7, MINOR_CURRENCY)} A0 to A7. By name: `code_51`, `code_A2`.",
            "## How each fault ends, by host profile\n\nThe state once everything has come to rest, for hosts that use "
            "MACs.",
            table(("fault", *PROFILES), ((f"`{name}`", *states_at_rest) for name, states_at_rest in ends.items())),
            "## What simulated terminals do",
            table(("behaviour", "中文", "English"), ((f"`{b.value}`", *BEHAVIOURS[b]) for b in Behaviour)),
        ]
    )


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "states.md": states_page,
    "dialects.md": dialects_page,
    "response-codes.md": codes_page,
    "commands.md": commands_page,
    "faults.md": faults_page,
    "causes.md": causes_page,
    "ways-back.md": ways_page,
}


def written(name: str) -> str:
    """A page as it should stand in its file."""
    return NOTICE + "\n" + PAGES[name]().rstrip() + "\n"


def differing() -> list[str]:
    """The pages that are missing or say something else than the source."""
    files = {name: FOLDER / name for name in PAGES}
    return [n for n, file in files.items() if not file.exists() or file.read_text(encoding="utf-8") != written(n)]


def main(arguments: list[str]) -> int:
    """Write the pages, or with --check compare them."""
    stale = differing()
    if "--check" in arguments:
        sys.stdout.writelines(f"docs/reference/{name} differs; run: python -m docs.generate\n" for name in stale)
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name in stale:
        (FOLDER / name).write_text(written(name), encoding="utf-8")
    sys.stdout.write(f"{len(stale)} of {len(PAGES)} pages written anew\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
