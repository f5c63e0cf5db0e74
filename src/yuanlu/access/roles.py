"""Roles and what each may do: one table. Every page and every route of the API names the right that it needs.

A role is about a person's work; whether somebody may also approve what others propose is said for each account, and
nobody approves his own proposal whatever his roles are (`yuanlu.cases.people`, and constraints in the database).
"""

from collections.abc import Iterable
from enum import StrEnum


class Right(StrEnum):
    """One thing that a person may do."""

    SEE_MONITOR = "see_monitor"
    SEE_CASES = "see_cases"
    WORK_CASES = "work_cases"
    """Take, note, attach, snooze, escalate, close."""
    PROPOSE = "propose"
    """Ask for money to be moved, as the first of two people."""
    APPROVE = "approve"
    """Agree or refuse, as the second."""
    HOLD_SALES = "hold_sales"
    """Declare and end incidents, hold and release new sales."""
    SEE_TRANSACTIONS = "see_transactions"
    EXPORT = "export"
    SEE_TERMINALS = "see_terminals"
    REPORT_TERMINALS = "report_terminals"
    SEE_MESSAGES = "see_messages"
    """What was sent to whom."""
    SEND_MESSAGES = "send_messages"
    WRITE_MESSAGES = "write_messages"
    """Propose other words for messages, as the first of two people."""
    USE_POS = "use_pos"
    SEE_SETTINGS = "see_settings"
    SEE_AUDIT = "see_audit"
    """The trail of people's actions."""
    SHARE_VIEWS = "share_views"
    """Keep a list's filters for everybody, and remove what others shared."""
    MANAGE_STAFF = "manage_staff"
    MANAGE_KEYS = "manage_keys"
    """API keys and webhooks."""


class Role(StrEnum):
    """What a person is here for."""

    CASHIER = "cashier"
    FINANCE = "finance"
    SUPPORT = "support"
    RISK = "risk"
    COMPLIANCE = "compliance"
    ADMINISTRATOR = "administrator"


_R = Right
_SEEING = frozenset({_R.SEE_MONITOR, _R.SEE_CASES, _R.SEE_TRANSACTIONS, _R.SEE_TERMINALS, _R.SEE_MESSAGES})

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.CASHIER: frozenset({_R.USE_POS}),
    Role.FINANCE: _SEEING | {_R.WORK_CASES, _R.PROPOSE, _R.EXPORT, _R.SEND_MESSAGES},
    Role.SUPPORT: _SEEING
    | {_R.WORK_CASES, _R.REPORT_TERMINALS, _R.HOLD_SALES, _R.SEND_MESSAGES, _R.WRITE_MESSAGES, _R.SEE_SETTINGS},
    Role.RISK: _SEEING | {_R.WORK_CASES, _R.HOLD_SALES, _R.EXPORT},
    Role.COMPLIANCE: _SEEING | {_R.EXPORT, _R.WRITE_MESSAGES, _R.SEE_AUDIT, _R.SEE_SETTINGS},
    Role.ADMINISTRATOR: _SEEING
    | {_R.USE_POS, _R.SEE_SETTINGS, _R.SEE_AUDIT, _R.SHARE_VIEWS, _R.MANAGE_STAFF, _R.MANAGE_KEYS, _R.EXPORT},
}

LANDS_ON: dict[Role, str] = {
    Role.CASHIER: "/pos",
    Role.FINANCE: "/cases",
    Role.SUPPORT: "/cases",
    Role.RISK: "/monitor",
    Role.COMPLIANCE: "/audit",
    Role.ADMINISTRATOR: "/monitor",
}
"""The page that each sees first."""


def rights_of(roles: Iterable[Role], *, checker: bool) -> frozenset[Right]:
    """All that these roles may do together; `checker` may also approve, where the roles let him see cases."""
    together: frozenset[Right] = frozenset().union(*(RIGHTS[role] for role in roles))
    if checker and Right.SEE_CASES in together:
        together |= {Right.APPROVE}
    return together
