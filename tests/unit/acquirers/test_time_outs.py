"""Each request has its own time-out, and all of a link share one timer."""

import random

import pytest

from proof.model.loop import VirtualLoop, running
from tests.unit.iso8583.messages import CUP
from yuanlu.acquirers.link import TIME_OUT_STEP_S, HostLink
from yuanlu.acquirers.outcome import Doubt, Expected, NoAnswer
from yuanlu.iso8583.codec import Message

ANSWER = {3: "000000", 4: "000000001234", 39: "00", 42: "898440153110001"}


class Line:
    """A connection to a host that says what it is told to."""

    def __init__(self) -> None:
        self.usable, self.waiting, self.silent, self.transport = True, 0, 0, self

    @property
    def unanswered(self) -> int:
        return self.waiting + self.silent

    def write(self, data: bytes) -> None:
        pass


class Story:
    """Requests on one link in virtual time, and when each ended."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.ended_at_s: dict[int, float] = {}
        self.outcomes: dict[int, object] = {}
        self.link = HostLink(
            name="host", address=("127.0.0.1", 1), connections=1, codec=CUP, tls=None, jitter=random.Random(1),
            on_unmatched=lambda _: None, on_up=lambda: None,
        )  # fmt: skip
        self.link.on_made(Line())

    def ask(self, number: int, timeout_s: float, at_s: float = 0.0) -> None:
        self.loop.call_at(at_s, lambda: self.loop.create_task(self._asked(number, timeout_s)))

    def answer(self, number: int, at_s: float) -> None:
        fields = ANSWER | {11: f"{number:06}", 41: "T0000001"}
        self.loop.call_at(at_s, self.link.on_frame, CUP.encode(mti="0210", fields=fields))

    async def _asked(self, number: int, timeout_s: float) -> None:
        expected = Expected(
            mti="0210", stan=f"{number:06}", terminal_id="T0000001", merchant_id="", processing_code="", amount=""
        )
        self.outcomes[number] = await self.link.exchange(b"frame", expected, timeout_s)
        self.ended_at_s[number] = self.loop.time()

    def run(self) -> None:
        self.loop.run_until(100.0, lambda: False)


@pytest.fixture
def story():
    with running(VirtualLoop()) as loop:
        yield Story(loop)


def test_a_shorter_time_out_is_not_kept_waiting_by_a_longer_one_before_it(story):
    story.ask(1, 20.0)
    story.ask(2, 0.5, at_s=1.0)
    story.ask(3, 5.0, at_s=1.2)
    story.run()
    assert story.ended_at_s == {2: 1.5, 3: 6.2, 1: 20.0}
    assert set(map(str, story.outcomes.values())) == {str(NoAnswer(doubt=Doubt.TIMEOUT))}
    assert story.link.silent_in_a_row == 3
    assert story.link.in_flight == 0


def test_an_answered_request_neither_times_out_nor_holds_up_the_time_out_of_the_next(story):
    story.ask(1, 20.0)
    story.answer(1, at_s=0.1)
    story.ask(2, 20.0, at_s=3.0)
    story.run()
    assert isinstance(story.outcomes[1], Message)
    assert story.ended_at_s == {1: 0.1, 2: 23.0}
    assert story.link.silent_in_a_row == 1


def test_time_outs_that_follow_each_other_closely_are_told_in_steps(story):
    for number in range(1, 101):
        story.ask(number, 1.0, at_s=number / 10_000)
    story.run()
    late_s = [story.ended_at_s[number] - 1.0 - number / 10_000 for number in range(1, 101)]
    assert all(-1e-9 < late < TIME_OUT_STEP_S + 1e-9 for late in late_s)
    assert len(set(story.ended_at_s.values())) <= 4
