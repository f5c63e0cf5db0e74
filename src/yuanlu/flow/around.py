"""What causes look at and the journal does not hold."""

from collections.abc import Mapping
from dataclasses import dataclass

from yuanlu.acquirers.terms import HostTerms
from yuanlu.fleet.lines import Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """The hosts' terms by name, the terminals' lines, and whether terminals must sign in."""

    terms: Mapping[str, HostTerms]
    lines: Lines
    signs_in: bool
