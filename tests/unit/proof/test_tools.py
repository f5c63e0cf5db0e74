"""What a proof needs is found, or it says what to install."""

import pytest

from proof.tools import ToolMissing, need


def test_a_tool_that_is_there_is_found():
    assert need("sh").endswith("/sh")


def test_a_tool_that_cannot_be_installed_is_named_with_its_package(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match=r"fiu-utils is not installed; on Debian: apt-get install fiu-utils"):
        need("fiu-run", "fiu-utils")
