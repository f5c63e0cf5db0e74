"""Administrators make and revoke API keys at the console."""

import re

from tests.console.desk import PASSWORD, ConsoleDesk, seen, words
from tests.console.people_at_work import press
from tests.console.program import client
from tests.scenario.stage import MERCHANT
from yuanlu.access.api_keys import all_keys
from yuanlu.access.roles import Role

READS = {"name": "till", "mode": "test", "scope-payments:read": "1"}


async def made(desk: ConsoleDesk, browser, **more: str) -> str:
    """A new key's secret."""
    answer = await press(browser, await browser.see("/en/keys"), "/keys", **READS, **more)
    found = re.search(r"<code>(yl_test_\S+)</code>", answer.text)
    assert found, words(answer)
    return found[1]


async def keys(desk: ConsoleDesk):
    return await desk.stage.read(all_keys)


def test_a_key_is_shown_once_and_opens_what_was_chosen_until_it_is_revoked(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        admin = await desk.staff("Li Wei", Role.ADMINISTRATOR)
        assert "There is no key yet." in words(await admin.see("/en/keys"))
        secret = await made(desk, admin, merchant=MERCHANT)
        page = await admin.see("/en/keys")
        assert secret not in page.text
        [key] = await keys(desk)
        assert (key.made_by, key.merchant_id, sorted(key.scopes)) == ("Li Wei", MERCHANT, ["payments:read"])
        program = client(desk, secret)
        assert (await program.get("/v1/transactions")).status_code == 200
        assert (await program.get("/v1/cases")).status_code == 403
        path = f"/keys/{key.key_id}"
        without = await press(admin, page, path, reason=" ")
        assert (without.status_code, "Say why" in words(without)) == (422, True)
        assert (await press(admin, page, path, reason="lost")).status_code == 200
        assert (await program.get("/v1/transactions")).status_code == 401
        again = await admin.send(f"/zh{path}", reason="lost")
        assert (again.status_code, f"密钥 {key.key_id} 早已吊销" in words(again)) == (422, True)
        assert (await admin.send("/zh/keys/K0", reason="lost")).status_code == 404

    run(seen(story, tmp_path))


def test_what_is_missing_is_said_and_what_was_typed_stays(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        admin = await desk.staff("Li Wei", Role.ADMINISTRATOR)
        page = await admin.see("/zh/keys")
        for typed, why in (
            ({"name": "收银"}, "请至少选择一项权限"),
            (READS | {"name": "收" * 41}, "密钥名称须为 1 至 40 个字符"),
            (READS | {"name": "收银", "merchant": "898440153119999"}, "没有此商户"),
        ):
            answer = await press(admin, page, "/keys", **typed)
            assert (answer.status_code, why in words(answer)) == (422, True), words(answer)
            assert f'value="{typed["name"]}"' in answer.text
        assert await keys(desk) == []

    run(seen(story, tmp_path))


def test_who_makes_a_key_long_after_signing_in_gives_the_password_again(run, tmp_path, monkeypatch):
    async def story(desk: ConsoleDesk) -> None:
        admin = await desk.staff("Li Wei", Role.ADMINISTRATOR)
        monkeypatch.setattr("yuanlu.console.proving.FRESH_US", -1)
        page = await admin.see("/en/keys")
        for password, why in (("", "Give your password again"), ("wrong", "The password is wrong")):
            answer = await press(admin, page, "/keys", **READS, password=password)
            assert (answer.status_code, why in words(answer)) == (422, True)
        assert await keys(desk) == []
        assert await made(desk, admin, password=PASSWORD)

    run(seen(story, tmp_path))


def test_an_administrator_of_one_merchant_has_that_merchants_keys_alone(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        everybodys = await desk.staff("Li Wei", Role.ADMINISTRATOR)
        await made(desk, everybodys)
        [key] = await keys(desk)
        own = await desk.staff("Qian Wu", Role.ADMINISTRATOR, merchant_id=MERCHANT)
        page = await own.see("/en/keys")
        assert key.key_id not in page.text
        assert (await own.send(f"/en/keys/{key.key_id}", reason="x")).status_code == 404
        await made(desk, own, merchant="")
        newest, _ = await keys(desk)
        assert newest.merchant_id == MERCHANT, "it cannot see more than who made it"

    run(seen(story, tmp_path))
