"""Who else fails, on real sockets: an issuer, a wallet, the host's line, forged answers, a shop without power."""

import asyncio

import pytest
from msgspec.structs import replace

from tests.scenario import stage
from tests.scenario.scripted_host import HangUp, Hush, Say
from tests.scenario.stage import CARD, Stage
from tests.scenario.test_causes_and_cases import explained
from tests.scenario.town import QUICK, TERMINALS, Town, merchant_of, told
from yuanlu.cases.store import events_of
from yuanlu.causes.evidence import IncidentKind
from yuanlu.incidents.records import ScopeKind
from yuanlu.journal.tasks import EXAMINE_LANE
from yuanlu.sandbox.cards import Card
from yuanlu.sandbox.till_messages import EntryMode, Payment, sign_in_frame

MAC = "unionpay-ecb"
ISSUER = Card(pan="6216261000000000018", pin="913572")
ALIPAY = Card(pan="289012345678901234", pin="")
MANY = 6
LASTING = replace(QUICK, healthy_ms=2_000)


async def fail(town: Town, card: Card, entry: EntryMode = EntryMode.MAGSTRIPE) -> list[Payment]:
    """The host cannot reach who decides about this card, at six terminals; other cards go through meanwhile."""
    payments = []
    for terminal in TERMINALS[:MANY]:
        town.host.will("0200", Say(code="98"))
        payment, frame = town.sale_of(terminal, card=card, entry=entry)
        assert await town.code(frame) == "98"
        payments.append(payment)
        assert await town.sold(terminal) == "00"
    return payments


async def have_cause(town: Town, payments: list[Payment], cause: str) -> None:
    async def all_have() -> bool:
        return {(await town.find(payment)).cause for payment in payments} == {cause}

    await town.soon(all_have)


def test_an_issuer_is_out_of_order_and_neither_its_host_nor_other_cards_are(run, tmp_path):
    async def story(town: Town) -> None:
        payments = await fail(town, ISSUER)
        [incident] = await town.soon(town.active)
        assert (incident.kind, str(incident.scope)) == (IncidentKind.ISSUER_OUTAGE, "issuer 621626")
        await have_cause(town, payments, "ISSUER_OUTAGE")
        [case] = await town.cases()
        assert case.title.zh == "发卡行故障（发卡行 621626）"

        await town.say("hold", incident.incident_id, "--reason", "the bank asks for it", who="Li")

        async def held() -> bool:
            return await town.code(town.sale_of(TERMINALS[0], card=ISSUER)[1]) == "91"

        await town.soon(held)
        assert await town.sold(TERMINALS[0]) == "00", "other cards are taken"
        await town.say("release", incident.incident_id, "--reason", "it is back", who="Li")

        async def over() -> bool:
            await town.code(town.sale_of(TERMINALS[0], card=ISSUER)[1])
            return bool(await town.ended())

        await town.soon(over)
        [ended] = await town.ended()
        assert (ended.ended_by, ended.report.returned, ended.report.open) == ("detection", MANY, 0)

    run(told(story, tmp_path, incidents=LASTING))


def test_a_wallet_is_out_of_order_while_cards_go_through(run, tmp_path):
    async def story(town: Town) -> None:
        payments = await fail(town, ALIPAY, EntryMode.QR)
        [incident] = await town.soon(town.active)
        assert (incident.kind, str(incident.scope)) == (IncidentKind.WALLET_OUTAGE, "wallet alipay")
        await have_cause(town, payments, "WALLET_OUTAGE")
        found = await town.find(payments[0])
        assert (found.card_bin, found.card_last4) == ("28", ""), "no more of the code than names the wallet"
        assert await town.code(town.sale_of(TERMINALS[0], card=ALIPAY, entry=EntryMode.QR)[1]) == "00"
        [ended] = await town.soon(town.ended)
        assert ended.report.returned == MANY

    run(told(story, tmp_path, incidents=replace(LASTING, healthy_ms=1_500)))


def test_what_is_too_little_for_an_incident_is_evidence_all_the_same(run, tmp_path):
    async def story(town: Town) -> None:
        town.gateway.examiner.runner.hold(EXAMINE_LANE)  # who is examined before the others were seen has failed alone
        payments = await fail(town, ISSUER)
        await town.gateway.desk.incidents.look()
        town.gateway.examiner.runner.release(EXAMINE_LANE)
        await have_cause(town, payments, "ISSUER_OUTAGE")
        assert await town.active() + await town.ended() == []

    run(told(story, tmp_path, incidents=replace(QUICK, issuer_terminals=100, host_terminals=100)))


def test_a_person_declares_for_an_issuer_and_for_a_wallet(run, tmp_path):
    async def story(town: Town) -> None:
        said = await town.say("declare", "issuer_outage", "--issuer", "621626", "--reason", "told by phone", who="Li")
        assert "issuer 621626  issuer_outage" in said
        said = await town.say("declare", "wallet_outage", "--wallet", "alipay", "--reason", "r", who="Li", lang="zh")
        assert "钱包 alipay  wallet_outage  扫码支付平台故障" in said
        town.host.will("0200", Say(code="98"), Say(code="98"))
        card, other = town.sale_of(TERMINALS[0], card=ISSUER), town.sale_of(TERMINALS[0], card=CARD)
        for _, frame in (card, other):
            assert await town.code(frame) == "98"
        await have_cause(town, [card[0]], "ISSUER_OUTAGE")
        await have_cause(town, [other[0]], "ISSUER_SILENT")

    run(told(story, tmp_path))


def test_a_shop_without_power_is_noticed_when_its_tills_start_anew_together(run, tmp_path):
    async def story(town: Town) -> None:
        town.later(0.4)  # what is lost just after our own start tells of our own stop
        shop = merchant_of(TERMINALS[0])
        tills = [name for name in TERMINALS if merchant_of(name) == shop]
        town.host.will("0200", Say(held=True))
        line = await town.line()
        payment, frame = town.sale_of(tills[0])
        await line.send(frame)
        await town.until(lambda: len(town.host.asked("0200")) == 1)
        await town.hang_up(line)
        town.host.let_go()
        await town.becomes(payment, "RETURNED")
        assert await town.active() == []
        for n, name in enumerate(tills):
            await town.ask(sign_in_frame(town.till(name), "000001", f"9{n:05}"))
        [incident] = await town.soon(town.active)
        assert (incident.kind, incident.scope.kind, incident.scope.name) == (
            IncidentKind.POWER_CUT, ScopeKind.MERCHANT, shop,
        )  # fmt: skip
        await have_cause(town, [payment], "POWER_CUT")
        assert "started anew together" in incident.reason
        assert await town.sold(tills[1]) == "00"
        [ended] = await town.soon(town.ended)
        assert (ended.report.transactions, ended.report.returned) == (1, 1)

    run(told(story, tmp_path, incidents=replace(QUICK, window_ms=300, healthy_ms=600)))


def test_a_place_from_which_nothing_comes_any_more_is_told_to_people_and_ends_only_when_it_lives(run, tmp_path):
    async def story(town: Town) -> None:
        town.host.will("0200", Say(code="98"))
        assert await town.sold(TERMINALS[0]) == "98"
        shop = merchant_of(TERMINALS[0])
        await town.say("declare", "power_cut", "--merchant", shop, "--reason", "r", "--since", "1", who="Li")
        [case] = await town.soon(town.cases)

        async def notes(number: int) -> list[str]:
            events = await town.read(lambda c: events_of(c, case.case_id))
            found = [event.text for event in events if event.kind == "note"]
            return found if len(found) == number else []

        [note] = await town.soon(lambda: notes(1))
        assert f"nothing has come from merchant {shop} for" in note
        assert "没有任何交易" in note
        await asyncio.sleep(1.0)
        assert len(await town.active()) == 1, "silence ends nothing"
        assert await notes(1), "it is said once"
        assert await town.sold(TERMINALS[0]) == "00"
        await town.soon(town.ended)

    run(told(story, tmp_path, incidents=replace(QUICK, quiet_ms=500)))


def test_answers_with_a_wrong_mac_although_we_sign_in_each_time_are_forged(run, tmp_path):
    async def story(s: Stage) -> None:
        payments = [s.payment() for _ in range(5)]
        for payment in payments:
            s.host.will("0200", Say(mac="wrong"))
            assert await s.code(s.sale(payment)) == "98"
        await explained(s, payments[-1], "MESSAGES_FORGED")
        await explained(s, payments[0], "ANSWER_MAC_WRONG")

    run(stage.told(story, tmp_path, mac=MAC, sign_in="link"))


def test_stale_keys_make_all_answers_under_way_wrong_and_nobody_speaks_of_forgery(run, tmp_path):
    async def story(s: Stage) -> None:
        assert await s.code(s.sale(s.payment())) == "00"
        payments = [s.payment(terminal=n % 3) for n in range(6)]
        s.host.will("0200", *[Say(mac="wrong", held=True)] * 6)
        codes = asyncio.gather(*(s.code(s.sale(payment)) for payment in payments))
        await s.until(lambda: s.host.holding == len(payments))
        s.host.let_go()
        assert set(await codes) == {"98"}
        for payment in payments:
            await explained(s, payment, "ANSWER_MAC_WRONG")

    run(stage.told(story, tmp_path, mac=MAC, sign_in="link"))


def test_an_answer_that_fits_no_request_of_the_terminal_is_why_it_waited_in_vain(run, tmp_path):
    async def story(s: Stage) -> None:
        foreign, silent = s.payment(terminal=0), s.payment(terminal=1)
        s.host.will("0200", Say(fields={4: "000000009999"}), Hush())
        asked = asyncio.ensure_future(s.code(s.sale(foreign)))
        await s.until(lambda: s.gateway.hosts["h1"].link.counters.unmatched == 1)
        s.give_up("h1", s.host.asked("0200")[0])
        assert await asked == "98"
        assert await s.code(s.sale(silent)) == "98"
        await explained(s, foreign, "ANSWER_FOREIGN")
        await explained(s, silent, "NO_ANSWER")

    run(stage.told(story, tmp_path))


@pytest.mark.parametrize(("times", "cause"), [(3, "HOST_LINK_UNSTABLE"), (1, "LINK_LOST")])
def test_a_line_to_the_host_that_is_lost_again_and_again_is_the_cause(run, tmp_path, times, cause):
    async def story(s: Stage) -> None:
        for _ in range(times):
            payment = s.payment()
            s.host.will("0200", HangUp())
            assert await s.code(s.sale(payment)) == "98"
            await asyncio.sleep(0.15)
        await explained(s, payment, cause)
        counters = s.gateway.hosts["h1"].link.counters
        assert counters.losses == times
        await s.until(lambda: counters.connects == counters.disconnects + 2)
        s.host.hang_up()
        await s.until(lambda: counters.disconnects == times + 2)
        assert counters.losses == times + 1, "connections that go together have one reason"

    run(stage.told(story, tmp_path, connections=2))
