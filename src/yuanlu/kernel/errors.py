"""The root of every error that Yuanlu raises on purpose.

Rule 8 of the house: one error family per boundary, saying where and whose fault. Each family derives from
`YuanluError`; the command line prints such an error as one line and never as a stack trace.
"""


class YuanluError(Exception):
    """Something a person can act on; its text says what happened and what to do next."""


class ConfigurationError(YuanluError):
    """A setting, file or environment that must be put right before the program can run."""
