"""MACs and PINs on both sides: sign-in, wrong MACs, keys that went stale, and nothing secret kept."""

from pathlib import Path

import pytest

from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import CARD, SOON_S, Stage, told
from yuanlu.keys.pin_block import encipher_pin
from yuanlu.sandbox.till_messages import EntryMode, sign_in_frame

MAC = "unionpay-ecb"
UPSTREAM = {"mac": MAC, "sign_in": "link"}
BOTH = {"gateway": {"mac": MAC}, **UPSTREAM}


def test_a_sign_in_gives_keys_with_true_check_values_and_a_batch_and_survives_a_restart(run, tmp_path):
    async def story(stage: Stage) -> None:
        answer = await stage.sign_in()
        assert (answer[39], answer[60][2:8]) == ("00", "000001")
        assert await stage.code(stage.sale(stage.payment())) == "00"
        await stage.close()
        await stage.open()
        assert await stage.code(stage.sale(stage.payment())) == "00"

    run(told(story, tmp_path, **BOTH))


@pytest.mark.parametrize("entry", list(EntryMode))
def test_a_sale_with_mac_and_pin_reaches_the_host_under_its_keys(run, tmp_path, entry):
    async def story(stage: Stage) -> None:
        await stage.sign_in()
        payment = stage.payment(entry=entry)
        assert await stage.code(stage.sale(payment)) == "00"
        [request] = stage.host.asked("0200")
        if request.has(52):
            block = encipher_pin(CARD.pin, stage.host._keys.pin_key(), pan=CARD.pan)
            assert request[52] == block.hex().upper()

    run(told(story, tmp_path, **BOTH))


def test_in_the_1987_dialect_too(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.sign_in()
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "00"
        assert await stage.code(stage.reversal(payment)) == "00"
        await stage.becomes(payment, "RETURNED")

    run(told(story, tmp_path, profile="P3", dialect="iso87-ascii", **BOTH))


def test_a_wrong_mac_or_none_is_refused_before_anything_else(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "A0"
        await stage.sign_in()
        frame = stage.sale(payment)
        assert await stage.code(frame[:-1] + bytes([frame[-1] ^ 1])) == "A0"
        assert await stage.code(frame[:-9] + bytes([frame[-9] ^ 1]) + frame[-8:]) in ("A0", "30")
        assert stage.host.asked("0200") == []
        assert await stage.transactions() == 0
        assert stage.gateway.server.counters.wrong_macs >= 2

    run(told(story, tmp_path, **BOTH))


@pytest.mark.parametrize("mac", ["wrong", "none"])
def test_an_approval_without_a_right_mac_is_no_answer_and_is_reversed_with_reason_a0(run, tmp_path, mac):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(mac=mac))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.becomes(payment, "RETURNED")
        assert stage.host.asked("0400")[0][39] == "A0"

    run(told(story, tmp_path, **UPSTREAM))


def test_a_decline_without_a_mac_is_accepted_and_watched(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(code="51", mac="none"))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "51"
        assert "without a MAC" in await stage.watched(payment)

    run(told(story, tmp_path, **UPSTREAM))


@pytest.mark.parametrize(("mac", "rule"), [("wrong", "optional"), ("none", "required")])
def test_a_decline_that_may_be_forged_is_no_answer(run, tmp_path, mac, rule):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(code="51", mac=mac))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.becomes(payment, "RETURNED")

    run(told(story, tmp_path, decline_mac=rule, **UPSTREAM))


def test_a_reversal_under_stale_keys_signs_in_again_and_is_repeated(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        line = await stage.line()
        await line.send(stage.sale(payment))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        stage.host.forget_keys()
        stage.give_up("h1", stage.host.asked("0200")[0])
        assert (await line.receive(SOON_S))[39] == "98"
        await stage.becomes(payment, "RETURNED")
        assert len(stage.host.asked("0800")) == 2
        assert len(stage.host.asked("0400")) == 2
        assert [leg.rejected for leg in await stage.legs(payment)] == [1]

    run(told(story, tmp_path, **UPSTREAM))


def test_a_sale_under_stale_keys_is_declined_and_the_next_one_signs_in(run, tmp_path):
    async def story(stage: Stage) -> None:
        assert await stage.code(stage.sale(stage.payment())) == "00"
        stage.host.forget_keys()
        assert await stage.code(stage.sale(stage.payment())) != "00"
        assert await stage.code(stage.sale(stage.payment())) == "00"
        assert len(stage.host.asked("0800")) == 2

    run(told(story, tmp_path, **UPSTREAM))


def test_a_refused_sign_in_gives_91_and_no_transaction(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.until(lambda: len(stage.host.asked("0800")) == 1)
        stage.host.will("0800", Say(code="58", fields={62: None}))
        await stage.relink()
        await stage.until(lambda: len(stage.host.asked("0800")) == 2)
        assert await stage.code(stage.sale(stage.payment())) == "91"
        assert await stage.transactions() == 0

    run(told(story, tmp_path, **UPSTREAM))


def test_an_echo_test_and_a_sign_off_are_answered(run, tmp_path):
    async def story(stage: Stage) -> None:
        for code in ("301", "002"):
            frame = sign_in_frame(stage.identity(), "000001", "000007")
            message = stage.identity().codec.decode(frame)
            mti = "0820"
            assert await stage.code(message.splice({60: f"00000001{code}", 62: None, 63: None}, mti=mti)) == "00"

    run(told(story, tmp_path, **BOTH))


SECRETS = (CARD.pan, CARD.track2, CARD.pin)


def forms(secret: str) -> list[bytes]:
    """A secret as it could stand in a file: text, BCD, and hex of either."""
    packed = secret.replace("=", "D")
    bcd = bytes.fromhex(packed if len(packed) % 2 == 0 else packed + "0")
    return [secret.encode(), bcd, secret.encode().hex().encode(), bcd[:-1] if len(packed) % 2 else bcd]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file there is: the database, its write-ahead log, keys, lists."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_no_card_number_track_or_pin_is_in_any_file_or_log_line(run, tmp_path, capfd):
    async def story(stage: Stage) -> None:
        await stage.sign_in()
        stage.host.will("0200", Say(), Hush(), Say(code="51"), Say(mac="wrong"))
        stage.host.will("0400", Say(code="96"))
        for entry in EntryMode:
            payment = stage.payment(entry=entry)
            await stage.code(stage.sale(payment))
            await stage.code(stage.sale(payment))
            await stage.code(stage.reversal(payment))
        line = await stage.line()
        frame = stage.sale(stage.payment())
        await line.send(frame[:60])
        await line.send(frame[:50] + frame[60:])
        blocks = [m.value_bytes(52) for m in stage.host.seen if m.has(52)]
        sent = [m.value_bytes(52) for m in [stage.identity().codec.decode(frame)] if m.has(52)]
        hidden = [form for secret in SECRETS for form in forms(secret)] + blocks + sent
        for name, data in contents(tmp_path).items():
            assert not [form for form in hidden if len(form) >= 6 and form in data], name
        out, err = capfd.readouterr()
        assert not [s for s in SECRETS if s in out + err]

    run(told(story, tmp_path, **BOTH))
