import pytest

from yuanlu.iso8583.codec import codec_for
from yuanlu.sandbox.kinds import ADVICES, NEVER_REVERSED, SPELLINGS, Kind, find_kind

CUP, ISO87 = codec_for("cup-pos"), codec_for("iso87-ascii")
ONLY_AT_TERMINALS = {Kind.ADJUSTMENT, Kind.TIP}


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_is_told_by_60_1_at_terminals_and_by_field_25_in_1987(kind):
    row = SPELLINGS[kind]
    fields = {3: row.processing_code, 25: row.condition_code}
    at_terminals = CUP.decode(CUP.encode(mti=row.mti, fields=fields | {60: f"{row.type_code}000001"}))
    assert find_kind(at_terminals) is kind
    if kind not in ONLY_AT_TERMINALS:
        assert find_kind(ISO87.decode(ISO87.encode(mti=row.mti, fields=fields))) is kind


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in NEVER_REVERSED])
def test_a_reversal_is_of_the_kind_that_it_reverses(kind):
    row = SPELLINGS[kind]
    fields = {3: row.processing_code, 25: row.condition_code}
    assert find_kind(CUP.decode(CUP.encode(mti="0400", fields=fields | {60: f"{row.type_code}000001"}))) is kind
    original = row.mti + "0" * 38
    for mti in ("0400", "0401", "0420"):
        assert find_kind(ISO87.decode(ISO87.encode(mti=mti, fields=fields | {90: original}))) is kind


@pytest.mark.parametrize(
    ("mti", "fields", "kind", "why"),
    [
        ("0200", {3: "000000", 60: "36000001"}, Kind.SALE, "sales are taken whatever 60.1 says"),
        ("0200", {3: "310000", 60: "22000001"}, Kind.BALANCE, "so are balances"),
        ("0220", {3: "200000", 60: "01000001"}, None, "a refund says so in 60.1"),
        ("0200", {3: "170000", 60: "51000001"}, None, "loads are unknown here"),
        ("0200", {3: "200000"}, Kind.VOID, "without 60.1 field 25 tells"),
        ("0800", {60: "00000001003"}, None, "no transaction"),
    ],
)
def test_what_a_terminal_spells_otherwise(mti, fields, kind, why):
    assert find_kind(CUP.decode(CUP.encode(mti=mti, fields=fields))) is kind, why


def test_a_marked_repeat_is_of_the_same_kind():
    assert find_kind(ISO87.decode(ISO87.encode(mti="0221", fields={3: "200000"}))) is Kind.REFUND


def test_what_happened_already_and_refunds_are_never_reversed():
    assert {Kind.COMPLETION_ADVICE, Kind.OFFLINE_SALE, Kind.ADJUSTMENT, Kind.TIP} == ADVICES
    assert all(SPELLINGS[kind].mti == "0220" for kind in NEVER_REVERSED - {Kind.BALANCE})
