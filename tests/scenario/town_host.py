"""A host of the sandbox whose time is the story's."""

from collections.abc import Callable
from dataclasses import replace

from yuanlu.kernel.clock import Clock
from yuanlu.sandbox.host import HostConnection, HostServer
from yuanlu.sandbox.host_actions import Action, Resume, SendBytes
from yuanlu.sandbox.host_core import HostCore


class TownHost(HostServer):
    """Thinks until it is let go, and tells of its silence.

    What a fault holds up on its way into the host is there when the host is let go, too.
    """

    def __init__(self, core: HostCore, clock: Clock) -> None:
        super().__init__(core, clock)
        self.on_silence: Callable[[bytes], None] = lambda frame: None
        self.thinks = False
        self._held: list[tuple[HostConnection, list[Action]]] = []

    def on_frame(self, connection: HostConnection, frame: bytes) -> None:
        """What the host does at once, or when it is let go; a silence, or an answer out of time, is told."""
        actions = self.core.handle(frame, self._clock.now().wall_us)
        late = self.core.terms.processing_ms_max
        if any(isinstance(action, Resume) for action in actions) or self.thinks:
            self._held.append((connection, actions))
        else:
            self._perform(connection, actions)
        if not self.thinks and all(isinstance(a, SendBytes | Resume) and a.after_ms > late for a in actions):
            self.on_silence(frame)

    def let_go(self) -> None:
        """Everything that is held happens now, and what comes next is answered at once."""
        self.thinks, held, self._held = False, self._held, []
        for connection, actions in held:
            self._perform(connection, [replace(a, after_ms=0) if isinstance(a, Resume) else a for a in actions])
