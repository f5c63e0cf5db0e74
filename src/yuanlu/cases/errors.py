"""The one family of errors of the work list."""

from yuanlu.kernel.errors import YuanluError


class CaseError(YuanluError):
    """What was asked of a case is not possible; the text says why, and nothing moved."""


class CaseChanged(CaseError):
    """Somebody else was first: look at the case again and decide again."""


class CaseUnknown(CaseError):
    """No case goes by this number."""
