"""The process that sends, without a process: orders in, outcomes out, and a channel's defect is its own."""

import io

import msgspec

from yuanlu.notices import Sandbox, Webhook
from yuanlu.notification.channels.channel import Accepted, Outgoing, Unreachable
from yuanlu.notification.channels.sandbox import read_inbox
from yuanlu.notification.sender import Order, Outcome, send_all

MESSAGE = Outgoing(
    message_id="m1", event="return.confirmed", template="return_confirmed", language="zh", to="+8613800000000",
    title="题", text="文", values={}, about={}, at_us=1,
)  # fmt: skip


def outcomes_of(channels, *orders):
    """What comes of these orders, by number."""
    lines = [msgspec.json.encode(each) for each in (channels, *orders)]
    written = io.BytesIO()
    send_all(io.BytesIO(b"\n".join(lines) + b"\n"), written)
    found = [msgspec.json.decode(line, type=Outcome) for line in written.getvalue().splitlines()]
    return {each.number: each.result for each in found}


def test_each_order_has_its_outcome(tmp_path):
    file = tmp_path / "inbox.jsonl"
    channels = {"in": Sandbox(file=str(file)), "down": Sandbox(fails=True)}
    orders = [
        Order(number=n, channel=name, message=MESSAGE) for n, name in enumerate(["in", "down", "nobody", "in"], start=1)
    ]
    results = outcomes_of(channels, *orders)
    assert results[1] == results[4] == Accepted(provider_id="m1", delivered=True)
    assert results[2] == Unreachable(why="the sandbox was told to fail")
    assert results[3] == Unreachable(why="there is no such channel any more")
    assert len(read_inbox(file)) == 2


def test_a_channels_defect_ends_nothing_and_repeats_nothing_of_what_it_holds(tmp_path):
    broken = Webhook(url="http://127.0.0.1:1", secrets=("whsec_" + "A" * 33,))
    channels = {"broken": broken, "in": Sandbox(file=str(tmp_path / "inbox.jsonl"))}
    results = outcomes_of(
        channels, Order(number=1, channel="broken", message=MESSAGE), Order(number=2, channel="in", message=MESSAGE)
    )
    assert results[1] == Unreachable(why="a defect of the channel: Error")
    assert isinstance(results[2], Accepted)
