"""What the gateway counts; rubbish is counted, not journaled."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Counters:
    """Since the start of this process."""

    connections: int = 0
    connections_refused: int = 0
    frames: int = 0
    answers: int = 0
    malformed: int = 0
    unknown_terminals: int = 0
    wrong_merchants: int = 0
    wrong_macs: int = 0
    cut_oversize: int = 0
    cut_slow: int = 0
    cut_idle: int = 0
    overloaded: int = 0
    undeliverable: int = 0
    refused_by_cause: dict[str, int] = field(default_factory=dict)
    """Requests that we refused ourselves, by the code of their cause (`docs/reference/causes.md`)."""

    def as_dict(self) -> dict[str, Any]:
        """For a log line."""
        return asdict(self)
