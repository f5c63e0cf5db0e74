"""The story of a run, in words: told only when somebody wants to read it."""

from proof.model.loop import VirtualLoop


class Story:
    """Lines with the virtual time at which each happened."""

    def __init__(self, loop: VirtualLoop, *, wanted: bool) -> None:
        self.wanted = wanted
        self.lines: list[str] = []
        self._loop = loop

    def tell(self, text: str, *values: object) -> None:
        """Something happened; `text` takes the values as `str.format` does."""
        if self.wanted:
            self.lines.append(f"{self._loop.now_s:10.3f} s  " + text.format(*values))
