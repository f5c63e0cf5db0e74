"""Field 39 of the answers that we make ourselves. Meanings: the UnionPay table, `docs/reference/response-codes.md`.

Never 09, 68, 91 or 96 for an unknown outcome: tills show "try again" for them.
"""

TAKEN_OVER_CODE = "00"
"""A terminal's reversal is durably ours. No more than that."""

UNKNOWN_CODE = "98"
"""Nobody knows yet what became of it, and it is being given back."""

HOST_DOWN_CODE, BUSY_CODE = "91", "96"
"""Nothing was sent: the host is down, or we are full."""

WRONG_MERCHANT_CODE, NOT_HONOURED_CODE, INVALID_CODE, CARD_DIFFERS_CODE = "03", "05", "12", "14"
RELATED_CODE, NO_ORIGINAL_CODE, FORMAT_CODE, UNSUPPORTED_CODE = "22", "25", "30", "40"
OTHER_DIALECT_CODE, AMOUNT_DIFFERS_CODE, DUPLICATE_CODE = "58", "64", "94"
BATCH_CLOSED_CODE = "77"
"""Its batch is settled; a sign-in gives the next number."""

UNKNOWN_TERMINAL_CODE, PIN_KEY_CODE, MAC_CODE = "97", "99", "A0"
