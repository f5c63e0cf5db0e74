import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanlu.journal.frames import Direction, StoredFrame, pack, unpack

FRAMES = st.builds(
    StoredFrame,
    direction=st.sampled_from(Direction),
    dialect=st.sampled_from(["cup-pos", "iso87-ascii"]),
    masked=st.binary(max_size=300),
)


@given(st.lists(FRAMES, max_size=5))
def test_the_frames_of_a_fact_come_back_in_order(frames):
    blob = b"".join(pack(f.direction, f.dialect, f.masked) for f in frames)
    assert list(unpack(blob)) == frames


def test_a_frame_longer_than_its_length_can_say_is_refused():
    assert next(iter(unpack(pack(Direction.TO_HOST, "cup-pos", bytes(65_535))))).masked == bytes(65_535)
    with pytest.raises(OverflowError):
        pack(Direction.TO_HOST, "cup-pos", bytes(65_536))
