import random

from hypothesis import given
from hypothesis import strategies as st

from yuanlu.kernel.clock import Moment
from yuanlu.kernel.identifiers import IdentifierSource, TransactionKey, first_of, return_id


class HandClock:
    """A clock whose readings the test gives."""

    def __init__(self, *wall_ms: int) -> None:
        self._readings = list(wall_ms)

    def now(self) -> Moment:
        return Moment(wall_us=self.wall_us(), boot_us=0, boot_id="b")

    def wall_us(self) -> int:
        ms = self._readings.pop(0) if len(self._readings) > 1 else self._readings[0]
        return ms * 1000


@given(st.lists(st.integers(0, 2**48 - 1), min_size=2, max_size=40), st.integers(0, 99))
def test_identifiers_rise_and_never_repeat_however_the_clock_jumps(readings, seed):
    source = IdentifierSource(HandClock(*readings), random.Random(seed).getrandbits)
    made = [source.new() for _ in range(len(readings) + 20)]
    assert made == sorted(set(made))
    assert {len(name) for name in made} == {26}
    assert not set("".join(made)) - set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_identifiers_rise_when_the_random_tail_is_exhausted():
    source = IdentifierSource(HandClock(1_000), lambda bits: (1 << bits) - 1)
    made = [source.new() for _ in range(5)]
    assert made == sorted(set(made))


def test_identifiers_of_a_later_millisecond_sort_behind_whatever_the_chance():
    first = IdentifierSource(HandClock(1_000), lambda bits: (1 << bits) - 1).new()
    second = IdentifierSource(HandClock(1_001), lambda bits: 0).new()
    assert first < second


def test_a_return_has_one_name_for_ever():
    assert return_id("T", "reversal", 1) == "c61b63be-e887-55cf-a3f3-f252044e63cb"
    names = {return_id(t, k, n) for t in ("T", "U") for k in ("reversal", "void") for n in (1, 2)}
    assert len(names) == 8


def test_a_transaction_key_names_terminal_trace_batch_and_type():
    key = TransactionKey(terminal_id="T0000001", merchant_id="M", batch_no="000001", stan="000007", mti_class="0200")
    assert str(key) == "T0000001+000007 (batch 000001, 0200)"


def test_they_rise_beyond_an_earlier_process_whose_clock_was_ahead():
    earlier = IdentifierSource(HandClock(9_000_000), random.Random(1).getrandbits).new()
    source = IdentifierSource(HandClock(1_000), random.Random(2).getrandbits, after=earlier)
    one, two = source.new(), source.new()
    assert earlier < one < two
    assert len(two) == 26


@given(st.integers(0, 2**48 - 1), st.integers(0, 99))
def test_no_identifier_is_below_the_first_of_its_millisecond_or_reaches_that_of_the_next(ms, seed):
    made = IdentifierSource(HandClock(ms), random.Random(seed).getrandbits).new()
    assert first_of(ms * 1000) <= made < first_of((ms + 1) * 1000)
    assert len(first_of(ms * 1000)) == len(made)


def test_what_an_earlier_process_named_after_its_last_known_name_is_not_named_again():
    earlier = IdentifierSource(HandClock(9_000_000), random.Random(1).getrandbits)
    last_known = earlier.new()
    unknown = {earlier.new() for _ in range(20)}
    source = IdentifierSource(HandClock(1_000), random.Random(2).getrandbits, after=last_known)
    assert not unknown & {source.new() for _ in range(20)}
