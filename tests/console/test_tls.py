"""The console's own till at a gateway that wants a certificate of everybody."""

from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from tests.console.desk import ConsoleDesk
from tests.console.program import problem, program
from tests.console.tilling import SALE, at_a_till, restarted
from tests.scenario.test_tls import Authority
from yuanlu.cli.reading import config_text
from yuanlu.settings import Console


def guarded(folder: Path, *, known: bool) -> dict[str, Any]:
    """A gateway that takes certificates of the shop alone; `known`: the console has one."""
    shop = Authority(folder, "shop")
    (certificate, key), (till, till_key) = shop.issue("gateway"), shop.issue("till")
    gateway = {"tls_certificate": certificate, "tls_key": key, "tls_client_ca": shop.pem}
    own = {"till_certificate": till, "till_key": till_key} if known else {}
    return {"gateway": gateway, "more": {"console": Console(listen="127.0.0.1:0", second_factor="optional", **own)}}


def test_with_a_certificate_of_the_authority_it_pays(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        shop = await program(desk)
        answer = await shop.post("/payments", SALE, "k1")
        assert (answer.status_code, answer.json()["status"]) == (201, "approved"), answer.text
        assert "tls_client_ca" not in config_text(desk.stage.settings)

    run(at_a_till(story, tmp_path, **guarded(tmp_path, known=True)))


def test_without_one_it_says_so_at_the_start_and_nothing_is_sent(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        with capture_logs() as said:
            restarted(desk)
        assert any("Set [console] till_certificate" in each["event"] for each in said)
        assert "warning    [gateway] tls_client_ca wants a certificate" in config_text(desk.stage.settings)
        shop = await program(desk)
        answer = await shop.post("/payments", SALE, "k1")
        assert problem(answer) == (503, "unavailable"), answer.text
        assert desk.stage.host.asked("0200") == []
        assert await desk.stage.transactions() == 0

    run(at_a_till(story, tmp_path, **guarded(tmp_path, known=False)))
