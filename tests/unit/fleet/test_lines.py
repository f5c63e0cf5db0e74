"""The terminals' lines and keys, in memory."""

from yuanlu.fleet.lines import ABOUT_US, LOST_REMEMBERED, Line, Lines
from yuanlu.kernel.clock import Moment

AT_US = 1_760_000_000_000_000


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at_us = AT_US

    def wall_us(self) -> int:
        return self.at_us

    def now(self) -> Moment:
        return Moment(wall_us=self.at_us, boot_us=0, boot_id="b")


def test_losses_count_for_what_happened_about_then_and_are_bounded():
    clock = Hand()
    lines = Lines(clock)
    for _ in range(LOST_REMEMBERED + 5):
        lines.lost("T1")
    assert lines.about("T1", AT_US - ABOUT_US) == Line(reconnects=LOST_REMEMBERED)
    assert lines.about("T1", AT_US - ABOUT_US - 1) == Line()
    assert lines.about("T2", AT_US) == Line()


def test_wrong_macs_count_in_a_row():
    lines = Lines(Hand())
    assert [lines.wrong_mac("T1") for _ in range(3)] == [1, 2, 3]
    assert lines.about("T1", AT_US) == Line(mac_failures=3)
    lines.right_mac("T1")
    assert lines.about("T1", AT_US) == Line()
    assert lines.wrong_mac("T1") == 1
    lines.right_mac("T9")
