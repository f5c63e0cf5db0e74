"""How it leaves: fail-over, the outbox over a restart, the process that sends, a webhook that can be verified."""

import asyncio
import base64
import signal
import sys

from standardwebhooks.webhooks import Webhook as Verifier

from tests.contract.fake_servers import provider
from tests.scenario.messages import (
    arrives,
    comes_to,
    comes_true,
    given,
    spoken,
    texts,
    timed_out,
    told,
)
from tests.scenario.scripted_host import Hush
from tests.scenario.stage import Stage
from tests.scenario.stage import told as on_a_stage
from yuanlu.notices import Recipient, Sandbox, Webhook
from yuanlu.notification.states import Sending

MESSAGE = (
    b'{"message_id":"m","event":"e","template":"t","language":"zh","to":"","title":"","text":"","values":{},"about":{},'
    b'"at_us":1}'
)
DOWN = {"down": Sandbox(fails=True)}


def test_when_one_provider_is_down_the_next_one_is_asked(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await timed_out(stage)
        [message] = await comes_to(stage, payment, Sending.DELIVERED)
        assert (message.channel, message.attempts) == ("phone", 2)

    both = spoken(sms=("down", "phone"))["notification"]
    run(on_a_stage(story, tmp_path, more=spoken(sms=("down", "phone"), channels=dict(both.channels) | DOWN)))


def test_when_all_are_down_it_waits_in_the_outbox_and_a_restart_sends_it(run, tmp_path, each_database):
    async def story(stage: Stage) -> None:
        payment = await timed_out(stage)

        async def tried() -> bool:
            return any(each.attempts for each in await told(stage, payment))

        await comes_true(tried)
        [message] = await told(stage, payment)
        assert (message.state, message.note) == (Sending.WAITING, "phone: the sandbox was told to fail")
        await stage.close()
        stage.settings = type(stage.settings)(
            **{name: getattr(stage.settings, name) for name in stage.settings.__struct_fields__} | spoken()
        )
        await stage.open()
        stage.gateway.teller.deliverer.runner.nudge("sms")
        await comes_to(stage, payment, Sending.DELIVERED)

    run(on_a_stage(story, tmp_path, more=spoken(channels={"phone": Sandbox(fails=True)})))


def test_the_process_that_sends_is_started_anew_when_it_dies(run, tmp_path):
    async def story(stage: Stage) -> None:
        await timed_out(stage)
        await arrives(lambda: len(texts(stage)) == 1)
        child = stage.gateway.teller.deliverer.sending._child
        child.send_signal(signal.SIGKILL)
        await child.wait()
        second = stage.payment(terminal=1)
        stage.host.will("0200", Hush())
        assert await stage.code(stage.sale(second)) == "98"
        await given(stage, second, "13900000000")
        await arrives(lambda: len(texts(stage)) == 2)

    run(on_a_stage(story, tmp_path, more=spoken()))


def test_the_process_that_sends_ends_with_its_input_and_not_with_ctrl_c(run):
    async def story() -> None:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "yuanlu.notification.sender", stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        child.stdin.write(
            b'{"in":{"kind":"sandbox","fails":true}}\n{"number":1,"channel":"no","message":' + MESSAGE + b"}\n"
        )
        outcome = await child.stdout.readline()
        assert b"no such channel" in outcome
        child.send_signal(signal.SIGINT)
        await asyncio.sleep(0.2)
        assert child.returncode is None
        child.stdin.close()
        assert await child.wait() == 0

    run(story())


def test_a_merchants_system_verifies_its_webhook_and_finds_the_payment(run, tmp_path):
    secret = "whsec_" + base64.b64encode(b"s" * 32).decode()

    async def story(stage: Stage) -> None:
        payment = await timed_out(stage)
        found = await stage.find(payment)
        await arrives(lambda: bool(erp.requests))
        _, headers, body = erp.requests[0]
        said = Verifier(secret).verify(body, headers)
        assert said["type"] == "transaction.outcome.unknown"
        assert said["data"]["transaction_id"] == found.transaction_id
        assert said["data"]["values"]["amount"] == "¥12.34"

    with provider() as erp:
        more = spoken(
            Recipient(name="erp", via=("erp",)), sms=(), channels={"erp": Webhook(url=erp.url, secrets=(secret,))}
        )
        run(on_a_stage(story, tmp_path, more=more))
