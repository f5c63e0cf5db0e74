"""UnionPay's private fields, taken apart and put together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.iso8583.messages import CUP, PAN, vector
from yuanlu.iso8583.errors import DecodeError, EncodeError
from yuanlu.iso8583.subfields import (
    F44,
    F60,
    F61,
    F63,
    SettlementTotals,
    Totals,
    UploadDetails,
    UploadItem,
    WorkingKeyBlock,
)

_F60_NAMES = {
    "type_code": 2,
    "batch_no": 6,
    "management_code": 3,
    "read_capability": 1,
    "ic_condition": 1,
    "partial_approval": 1,
    "account_type": 3,
}
_F61_NAMES = {"batch_no": 6, "stan": 6, "date_mmdd": 4, "auth_mode": 2, "auth_institution": 11}


def digits(least: int, most: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=least, max_size=most)


@st.composite
def leading_subfields(draw: st.DrawFn, widths: dict[str, int]) -> dict[str, str]:
    """The first sub-fields, two or more: later ones may be left out."""
    count = draw(st.integers(2, len(widths)))
    return {name: draw(digits(width, width)) for name, width in list(widths.items())[:count]}


def totals() -> st.SearchStrategy[Totals]:
    amounts, counts = st.integers(0, 10**12 - 1), st.integers(0, 999)
    return st.builds(
        Totals,
        debit_minor=amounts,
        debit_count=counts,
        credit_minor=amounts,
        credit_count=counts,
        flag=st.sampled_from("0123"),
    )


def upload_items() -> st.SearchStrategy[UploadItem]:
    return st.builds(
        UploadItem,
        card_kind=st.sampled_from(["00", "01"]),
        stan=digits(6, 6),
        pan=digits(0, 20).map(lambda text: text.lstrip("0")),
        amount_minor=st.integers(0, 10**12 - 1),
    )


@given(leading_subfields(_F60_NAMES))
def test_every_field_60_reads_as_it_was_written(parts: dict[str, str]) -> None:
    written = F60(**parts)
    assert F60.parse(written.build()) == written


@given(leading_subfields(_F61_NAMES))
def test_every_field_61_reads_as_it_was_written(parts: dict[str, str]) -> None:
    written = F61(**parts)
    assert F61.parse(written.build()) == written


@given(totals(), totals())
def test_all_totals_read_as_they_were_written(domestic: Totals, foreign: Totals) -> None:
    written = SettlementTotals(domestic=domestic, foreign=foreign)
    assert len(written.build()) == 62
    assert SettlementTotals.parse(written.build()) == written


@given(st.lists(upload_items(), max_size=8))
def test_all_upload_details_read_as_they_were_written(items: list[UploadItem]) -> None:
    written = UploadDetails(items=tuple(items))
    assert len(written.build()) == 2 + 40 * len(items)
    assert UploadDetails.parse(written.build()) == written


@given(st.sampled_from([F60, F61, SettlementTotals, UploadDetails]), st.text("0123456789x", max_size=70))
def test_what_does_not_fit_is_refused_by_field_offset_and_reason(
    record: type[F60 | F61 | SettlementTotals | UploadDetails], value: str
) -> None:
    refusal = None
    try:
        assert record.parse(value).build() == value
    except DecodeError as error:
        refusal = error
    if refusal is not None:
        assert str(refusal.field).partition(".")[0] in ("48", "60", "61")
        assert 0 <= refusal.offset <= len(value)
        assert refusal.reason


@pytest.mark.parametrize(
    ("value", "field", "offset"),
    [
        ("", 48, 0),
        ("1", "48.1", 0),
        ("09" + "0" * 360, "48.1", 0),
        ("01" + "0" * 39, "48.5", 30),
        ("01" + "0" * 41, 48, 42),
        ("00" + "0" * 40, 48, 2),
    ],
)
def test_upload_details_that_do_not_fit_their_count_are_refused(value: str, field: int | str, offset: int) -> None:
    with pytest.raises(DecodeError) as caught:
        UploadDetails.parse(value)
    assert (caught.value.field, caught.value.offset) == (field, offset)


def test_an_upload_item_hides_its_card_number_and_fits_or_is_refused() -> None:
    item = UploadItem(card_kind="00", stan="000001", pan=PAN, amount_minor=1250)
    assert PAN not in repr(item)
    assert UploadDetails(items=(item,)).build() == f"0100000001{PAN:0>20}000000001250"
    for items in ((item,) * 9, (UploadItem(card_kind="0", stan="1", pan="", amount_minor=0),)):
        with pytest.raises(EncodeError, match="48"):
            UploadDetails(items=items).build()


@pytest.mark.parametrize("name", ["V1", "V3", "V5", "V6", "G1", "G6", "G8", "G9"])
def test_field_60_of_a_published_frame_is_rebuilt(name: str) -> None:
    value = CUP.decode(vector(name))[60]
    assert F60.parse(value).build() == value


def test_field_60_says_what_kind_of_transaction_it_is() -> None:
    assert F60.parse("22000007000601048") == F60(
        type_code="22",
        batch_no="000007",
        management_code="000",
        read_capability="6",
        ic_condition="0",
        partial_approval="1",
        account_type="048",
    )
    assert F60.parse("00000519") == F60(type_code="00", batch_no="000519")


@pytest.mark.parametrize(
    ("value", "field"),
    [("", 60), ("22", "60.2"), ("2200000", "60.2"), ("220000070", "60.3"), ("2" * 18, 60), ("22x", 60)],
)
def test_field_60_cut_short_names_the_subfield(value: str, field: int | str) -> None:
    with pytest.raises(DecodeError) as caught:
        F60.parse(value)
    assert caught.value.field == field


def test_a_subfield_cannot_be_left_out_before_another() -> None:
    with pytest.raises(EncodeError) as caught:
        F60(type_code="22", batch_no="000007", read_capability="6").build()
    assert caught.value.field == "60.4"
    with pytest.raises(EncodeError):
        F60(type_code="", batch_no="000007").build()


@pytest.mark.parametrize("name", ["G6", "G8"])
def test_field_61_of_a_published_frame_is_rebuilt(name: str) -> None:
    value = CUP.decode(vector(name))[61]
    assert F61.parse(value).build() == value


def test_field_61_names_the_original() -> None:
    assert F61.parse("000007000101") == F61(batch_no="000007", stan="000101")
    assert F61.parse("0000000000000316").date_mmdd == "0316"
    assert F61(batch_no="1" * 6, stan="2" * 6, date_mmdd="0316", auth_mode="01", auth_institution="3" * 11).build()[
        18:
    ] == ("3" * 11)


def test_field_48_holds_the_totals_of_a_published_settlement() -> None:
    value = CUP.decode(vector("G9"))[48]
    totals = SettlementTotals.parse(value)
    assert totals.domestic == Totals(debit_minor=12345, debit_count=1, credit_minor=10000, credit_count=1)
    assert totals.build() == value
    assert SettlementTotals(domestic=totals.domestic) == totals


@pytest.mark.parametrize(
    "totals",
    [
        Totals(debit_minor=-1, debit_count=0, credit_minor=0, credit_count=0),
        Totals(debit_minor=10**12, debit_count=0, credit_minor=0, credit_count=0),
        Totals(debit_minor=0, debit_count=1000, credit_minor=0, credit_count=0),
        Totals(debit_minor=0, debit_count=0, credit_minor=0, credit_count=0, flag=""),
    ],
)
def test_totals_that_do_not_fit_are_refused(totals: Totals) -> None:
    with pytest.raises(EncodeError):
        SettlementTotals(domestic=totals).build()


def test_totals_cut_short_are_refused() -> None:
    with pytest.raises(DecodeError) as caught:
        SettlementTotals.parse("0" * 61)
    assert caught.value.field == "48.10"


def test_field_44_names_issuer_and_acquirer() -> None:
    value = CUP.decode(vector("G2"))[44]
    assert F44.parse(value) == F44(issuer="01020000", acquirer="03080000")
    assert F44.parse(value).build() == value
    with pytest.raises(DecodeError):
        F44.parse("0" * 23)
    with pytest.raises(EncodeError):
        F44(issuer="0" * 12, acquirer="").build()


def test_field_63_holds_the_card_organisation_and_texts() -> None:
    assert F63.parse("CUP") == F63(card_org="CUP")
    full = F63(card_org="CUP", issuer_text="余额不足", acquirer_text="ok")
    assert F63.parse(full.build()) == full
    assert F63(card_org="CUP").build() == "CUP"
    assert F63(card_org="01").build() == "01 "


def test_field_63_counts_bytes_of_gbk() -> None:
    with pytest.raises(DecodeError, match=r"63\.1"):
        F63.parse("CU")
    with pytest.raises(DecodeError, match="inside a character"):
        F63.parse("CU交易")
    with pytest.raises(EncodeError, match="22 bytes"):
        F63(card_org="CUP", issuer_text="交" * 11).build()
    with pytest.raises(EncodeError, match="not in GBK"):
        F63(card_org="CUP", issuer_text="😀").build()
    with pytest.raises(DecodeError, match="not GBK"):
        F63.parse("CUP😀")


def test_field_62_of_a_published_sign_in_holds_the_keys() -> None:
    content = CUP.decode(vector("V3")).value_bytes(62)
    block = WorkingKeyBlock.parse(content)
    assert block.pik.hex().upper() == "46F161A743497B32EAC760DF5EA57DF5"
    assert block.pik_kcv.hex().upper() == "900ECCE3"
    assert block.mak.hex().upper() == "977731A7EA402DDF0000000000000000"
    assert block.mak_kcv.hex().upper() == "CFF1592A"
    assert block.build() == content


@pytest.mark.parametrize(
    ("size", "key_bytes", "track"), [(24, 8, 0), (40, 16, 0), (56, 24, 0), (60, 16, 16), (84, 24, 24)]
)
def test_keys_come_in_five_layouts(size: int, key_bytes: int, track: int) -> None:
    content = bytes(range(size))
    block = WorkingKeyBlock.parse(content)
    assert (len(block.pik), len(block.mak), len(block.tdk)) == (key_bytes, key_bytes, track)
    assert block.build() == content
    assert block.pik.hex() not in repr(block)
    assert repr(block.pik) not in repr(block)


def test_keys_of_another_size_are_refused() -> None:
    with pytest.raises(DecodeError, match="41 bytes hold no working keys"):
        WorkingKeyBlock.parse(bytes(41))
    with pytest.raises(EncodeError):
        WorkingKeyBlock(pik=bytes(16), pik_kcv=bytes(4), mak=bytes(8), mak_kcv=bytes(4)).build()
    with pytest.raises(EncodeError):
        WorkingKeyBlock(pik=bytes(12), pik_kcv=bytes(4), mak=bytes(12), mak_kcv=bytes(4)).build()
