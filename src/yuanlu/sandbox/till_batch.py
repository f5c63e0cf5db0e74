"""The messages with which a till ends its batch: totals, details, end of the details (domain notes §1.8).

They carry a MAC only where the caller gives keys; terminals in the field send none.
"""

from collections.abc import Sequence

from yuanlu.iso8583.subfields import F60, SettlementTotals, UploadDetails, UploadItem
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.sandbox.till_messages import CURRENCY, Fields, TillIdentity, sealed_frame

OPERATOR = "01 "
SETTLEMENT_CODE = "201"
AGREED_END_CODE, DISAGREED_END_CODE = "207", "202"


def settlement_frame(
    identity: TillIdentity, batch_no: str, stan: str, totals: SettlementTotals, keys: WorkingKeys | None
) -> bytes:
    """0500 with the batch's totals, in minor units, in field 48. Raises EncodeError for totals that do not fit."""
    fields = _batch_fields(identity, batch_no, stan, SETTLEMENT_CODE) | {48: totals.build(), 49: CURRENCY, 63: OPERATOR}
    return sealed_frame(identity, "0500", fields, keys)


def upload_frame(
    identity: TillIdentity, batch_no: str, stan: str, items: Sequence[UploadItem], keys: WorkingKeys | None
) -> bytes:
    """0320 with up to 8 payments in field 48. Raises EncodeError for more, or for one that does not fit."""
    details = UploadDetails(items=tuple(items)).build()
    fields = _batch_fields(identity, batch_no, stan, SETTLEMENT_CODE) | {48: details}
    return sealed_frame(identity, "0320", fields, keys)


def upload_end_frame(
    identity: TillIdentity, batch_no: str, stan: str, count: int, keys: WorkingKeys | None, *, agreed: bool
) -> bytes:
    """0320 that ends the details: 60.3 is 207 when the totals agreed, else 202.

    Field 48 says how many payments were uploaded, in 4 digits: the customary form, not verified.
    """
    code = AGREED_END_CODE if agreed else DISAGREED_END_CODE
    fields = _batch_fields(identity, batch_no, stan, code) | {48: f"{count:04}"}
    return sealed_frame(identity, "0320", fields, keys)


def _batch_fields(identity: TillIdentity, batch_no: str, stan: str, code: str) -> Fields:
    return {
        11: stan,
        41: identity.terminal_id,
        42: identity.merchant_id,
        60: F60(type_code="00", batch_no=batch_no, management_code=code).build(),
    }
