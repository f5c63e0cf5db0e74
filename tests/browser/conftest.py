"""A real browser: Debian's Chromium, installed where that is allowed."""

import os

import pytest

from proof.tools import ToolMissing, need


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is. Without one a machine of ours fails, another skips and says so."""
    try:
        return need("chromium")
    except ToolMissing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"NO BROWSER TESTS: {missing}")
