"""Limits that more than one package keeps. Everything has a limit, with its unit in its name (rule 10)."""

FRAME_BYTES_MAX = 8192
"""The largest frame a setting may allow; UnionPay's own largest messages stay below 2 KiB."""

COMMIT_WAIT_MS_MAX = 20
"""A commit that waits longer than this stops all reading from terminals until it is through."""

REPEAT_WINDOW_MS = 600_000
"""How long a repeated request is answered from the journal; a later twin is refused and alarmed."""

TERMINAL_MARGIN_MS = 5_000
"""We answer this much before the terminal's own time-out, so that our word reaches it in time."""
