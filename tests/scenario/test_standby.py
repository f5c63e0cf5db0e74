"""A standby that is promoted without the last commits, played with the real server: its files go back in time."""

from collections.abc import Iterator

import pytest

from proof.postgres import Cluster
from tests.postgres import postgres_for_test
from tests.scenario import stage as stages
from tests.scenario.linked import sold
from tests.scenario.stage import Stage, told
from yuanlu.db.errors import StoreError


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """One of its own, which the story can stop."""
    assert postgres_for_test()
    own = Cluster()
    monkeypatch.setattr(stages, "STORE_URL", own.new_database())
    yield own
    own.remove()


def test_a_standby_promoted_without_the_last_commits_is_refused_and_the_newest_is_taken(run, tmp_path, server):
    async def story(stage: Stage) -> None:
        await sold(stage)
        await stage.close()
        server.stop("fast")
        behind = server.copy_data("standby")  # all that the standby had received
        server.start()
        await stage.open()
        await sold(stage)
        await stage.close()
        server.stop("fast")
        newest = server.copy_data("newest")

        server.put_back(behind)
        server.start()
        for _ in range(2):
            with pytest.raises(StoreError, match="older than what this gateway has told hosts"):
                await stage.open()

        server.stop("fast")
        server.put_back(newest)
        server.start()
        await stage.open()
        assert await stage.transactions() == 2

    run(told(story, tmp_path))
