"""Other words for messages at the console: drafted with a preview, approved by a second person, said from then on."""

import html

from msgspec.structs import replace

from tests.console.desk import PASSWORD, Browser, ConsoleDesk, seen, words
from tests.console.people_at_work import forms, press
from tests.scenario.messages import FINANCE, comes_to, spoken, texts, timed_out
from tests.scenario.stage import MERCHANT
from yuanlu.access.roles import Role
from yuanlu.causes.cause import Words
from yuanlu.journal.unit import Committed
from yuanlu.notices import AliyunSms, Sandbox
from yuanlu.notification.states import Sending
from yuanlu.notification.wording_store import decide_wording, in_use, insert_wording, waiting
from yuanlu.notification.wordings import Wording, WordingState

AT = "/notifications/templates/outcome_unknown"
ZH = "【{brand}】请稍候：{shop}的{amount}（{card}）正在确认。"
EN = "[{brand}] Please wait: {amount} at {shop} ({card}) is being confirmed."
TYPED = {"title_zh": "请稍候", "text_zh": ZH, "title_en": "Please wait", "text_en": EN, "reason": "shorter"}


async def two(desk: ConsoleDesk) -> tuple[Browser, Browser]:
    """Who writes, and who decides; both may write."""
    return (
        await desk.staff("Zhao Lei", Role.SUPPORT, checker=True),
        await desk.staff("He Ping", Role.COMPLIANCE, checker=True),
    )


async def sent(writer: Browser, **typed: str) -> None:
    """Other words are sent for approval."""
    page = await writer.see(f"/en{AT}")
    answer = await press(writer, page, AT, do="propose", **TYPED | typed)
    assert answer.status_code == 303, words(answer)


async def pressed(browser: Browser, what: str, **typed: str) -> str:
    """One of the forms about a proposal; what the next page says."""
    page = await browser.see(f"/en{AT}")
    answer = await press(browser, page, f"{AT}/{what}", **typed)
    assert answer.status_code == 303, words(answer)
    return words(await browser.see(f"/en{AT}"))


async def used(desk: ConsoleDesk) -> list[str]:
    return [each.key for each in await desk.stage.read(in_use)]


def test_a_draft_is_looked_at_in_both_languages_with_its_length_and_nothing_is_kept(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        writer, _ = await two(desk)
        page = await writer.see(f"/zh{AT}")
        assert "{amount} 不能缺少 金额 ¥1,280.00" in words(page)
        assert "{terminal}" not in words(page), "no matter of cardholders"
        assert html.escape("【{brand}】您{card}在{shop}的") in page.text, "it begins with what is said now"
        answer = await press(writer, page, AT, do="preview", **TYPED)
        assert answer.status_code == 200
        said = words(answer)
        assert (
            "【原路支付】请稍候：南站出口店的¥1,280.00（尾号1451的卡）正在确认。 变量取最长值时 43/70 字，1 条短信"
            in said
        )
        assert "[原路支付] Please wait: ¥1,280.00 at South Exit (card 1451) is being confirmed." in said
        assert "/201 字" in said
        assert ZH in html.unescape(answer.text), "it goes on from there"
        assert "outcome_unknown@101" not in words(await writer.see(f"/zh{AT}"))

    run(seen(story, tmp_path, more=spoken()))


BROKEN = [
    ({"text_zh": ZH + "详见 a.cn"}, "中文：发给持卡人的文字不得含链接。"),
    ({"text_zh": ZH + "电95588"}, "中文：发给持卡人的文字不得含电话号码。"),
    ({"text_en": EN + " 6200000000000005"}, "英文：疑似含有完整卡号。"),
    ({"text_zh": ZH + "字" * 30}, "中文：变量取最长值时共 73 字，短信最多容纳 70 字。"),
    ({"text_zh": ZH.replace("{amount}", "")}, "中文：不能缺少 {amount}。"),
    ({"text_zh": ZH + "{terminal}"}, "中文：这条通知没有变量 {terminal}。"),
    ({"text_en": EN + " {ref}"}, "中文：另一语言中有 {ref}，这里没有。"),
    ({"text_zh": ZH + "{amount!r}"}, "中文：花括号只能用于列表中的变量名。"),
    ({"text_zh": "请稍候：{shop}的{amount}（{card}）。"}, "中文：正文须以签名 【{brand}】 开头"),
    ({"title_en": ""}, "英文：请填写标题和正文。"),
    ({"title_en": "请稍候"}, "英文：所填文字不是这种语言。"),
    ({"reason": " "}, "请写明理由"),
]


def test_a_draft_that_breaks_a_rule_is_not_kept_and_the_page_says_which_and_what_was_typed(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        writer, _ = await two(desk)
        page = await writer.see(f"/zh{AT}")
        for typed, why in BROKEN:
            answer = await press(writer, page, AT, do="propose", **TYPED | typed)
            assert (answer.status_code, why in words(answer)) == (422, True), (why, words(answer))
            for name, value in (TYPED | typed).items():
                assert value.strip() in html.unescape(answer.text), name
        assert await desk.stage.read(waiting) == []

    run(seen(story, tmp_path, more=spoken()))


def test_once_a_second_person_approves_the_words_are_said_and_everybody_sees_who_it_was(run, tmp_path, each_database):
    async def story(desk: ConsoleDesk) -> None:
        writer, checker = await two(desk)
        await sent(writer)
        own = await writer.see(f"/en{AT}")
        assert f"{AT}/approve" not in forms(own), "a colleague decides"
        assert AT not in forms(own), "one proposal at a time"
        assert "Other words wait for a second person" in words(await checker.see("/en/notifications/templates"))
        assert "Proposed by Zhao Lei" in words(await checker.see(f"/en{AT}"))
        assert await used(desk) == []
        said = await pressed(checker, "approve")
        assert "Said now outcome_unknown@101 Proposed by Zhao Lei, approved by He Ping" in said
        payment = await timed_out(desk.stage, amount=128_000)
        [message] = await comes_to(desk.stage, payment, Sending.DELIVERED)
        assert texts(desk.stage) == ["【原路支付】请稍候：南站出口店的¥1,280.00（尾号0005的卡）正在确认。"]
        assert "outcome_unknown@101" in words(await checker.see(f"/en/notifications/{message.message_id}"))
        trail = words(await checker.see("/zh/audit"))
        assert "He Ping 控制台 复核同意通知文字，开始使用 outcome_unknown outcome_unknown@101" in trail
        assert "Zhao Lei 控制台 提出通知文字，待复核 outcome_unknown outcome_unknown@101: shorter" in trail

    run(seen(story, tmp_path, more=spoken()))


def test_back_to_the_programs_own_words_needs_two_people_too(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        writer, checker = await two(desk)
        await sent(writer)
        await pressed(checker, "approve")
        assert "The program’s own words again." in await pressed(checker, "back", reason="not well received")
        assert await used(desk) == ["outcome_unknown@101"]
        assert "Said now outcome_unknown@1 The program’s own words." in await pressed(writer, "approve")
        assert await used(desk) == []

    run(seen(story, tmp_path, more=spoken()))


def test_refused_words_are_not_said_and_a_new_draft_may_begin_with_them(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        writer, checker = await two(desk)
        await sent(writer)
        page = await checker.see(f"/zh{AT}")
        assert (await press(checker, page, f"{AT}/refuse", reason="")).status_code == 422
        assert "Refused Zhao Lei → He Ping shorter · too short" in await pressed(checker, "refuse", reason="too short")
        late = await press(checker, page, f"{AT}/approve")
        assert (late.status_code, "outcome_unknown@101 已无需复核" in words(late)) == (409, True)
        again = await writer.see(f"/zh{AT}", **{"from": "101"})
        assert ZH in html.unescape(again.text)
        await sent(writer, title_zh="正在确认")
        assert "Withdrawn" in await pressed(writer, "withdraw", reason="typo")
        assert await used(desk) == []

    run(seen(story, tmp_path, more=spoken()))


def test_nobody_approves_his_own_words_past_the_page(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        writer, checker = await two(desk)
        await sent(writer)
        for what in ("approve", "refuse"):
            answer = await writer.send(f"/zh{AT}/{what}", seen="101", reason="no")
            assert (answer.status_code, "须由另一位同事复核" in words(answer)) == (409, True)
        answer = await checker.send(f"/zh{AT}/withdraw", seen="101", reason="no")
        assert (answer.status_code, "仅提交人 Zhao Lei 可以撤回" in words(answer)) == (409, True)
        answer = await checker.send(f"/zh{AT}", do="propose", **TYPED | {"title_zh": "别的"})
        assert (answer.status_code, "请先了结" in words(answer)) == (409, True)
        assert 'value="别的"' in answer.text, "what was typed stays"
        assert await used(desk) == []

    run(seen(story, tmp_path, more=spoken()))


def test_whoever_approves_gives_his_password_again(run, tmp_path, monkeypatch):
    async def story(desk: ConsoleDesk) -> None:
        writer, checker = await two(desk)
        await sent(writer)
        monkeypatch.setattr("yuanlu.console.proving.FRESH_US", -1)
        page = await checker.see(f"/en{AT}")
        assert 'name="password"' in page.text
        for password, why in (("", "people will read these words"), ("wrong", "The password is wrong")):
            answer = await press(checker, page, f"{AT}/approve", password=password)
            assert (answer.status_code, why in words(answer)) == (422, True)
        assert await used(desk) == []
        assert (await press(checker, page, f"{AT}/approve", password=PASSWORD)).status_code == 303
        assert await used(desk) == ["outcome_unknown@101"]

    run(seen(story, tmp_path, more=spoken()))


def test_people_of_one_merchant_read_the_words_and_change_none(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        theirs = await desk.staff("Sun San", Role.SUPPORT, Role.COMPLIANCE, checker=True, merchant_id=MERCHANT)
        page = await theirs.see(f"/en{AT}")
        assert "[原路支付] Your ¥1,280.00 payment" in words(page)
        assert forms(page).keys() & {AT, f"{AT}/back"} == set()
        for what in ("", "/back", "/approve", "/refuse", "/withdraw"):
            answer = await theirs.send(f"/en{AT}{what}", seen="101", do="propose", **TYPED)
            assert (answer.status_code, "all merchants" in words(answer)) == (403, True), what
        assert (await theirs.see("/en/notifications/templates/nothing")).status_code == 404

    run(seen(story, tmp_path, more=spoken()))


def test_finance_reads_the_words_and_writes_none(run, tmp_path):
    async def story(desk: ConsoleDesk) -> None:
        writer, _ = await two(desk)
        await sent(writer)
        finance = await desk.staff("Li Na", Role.FINANCE)
        page = await finance.see(f"/en{AT}")
        assert "A colleague who may approve decides." in words(page)
        assert not {path for path in forms(page) if path.startswith(AT)}

    run(seen(story, tmp_path, more=spoken()))


def test_approved_words_that_a_newer_program_forbids_are_shown_as_unsaid(run, tmp_path):
    older = Wording(
        name="outcome_unknown", version=101, back=False, title=Words(zh="请稍候", en="Please wait"),
        text=Words(zh=ZH + "a.cn", en=EN), reason="before the rule", state=WordingState.PROPOSED, maker="Li",
        proposed_at_us=1,
    )  # fmt: skip

    async def story(desk: ConsoleDesk) -> None:
        _, checker = await two(desk)
        approved = replace(older, state=WordingState.APPROVED, checker="Wang", decided_at_us=2)
        for change in (insert_wording(older), decide_wording(approved)):
            assert isinstance(await desk.stage.gateway.journal.commit([], [change]), Committed)
        said = words(await checker.see(f"/en{AT}"))
        assert "Approved words cannot be used by this version of the program. Its own words go out." in said
        assert "Said now outcome_unknown@1 The program’s own words." in said
        assert "outcome_unknown@1 " in words(await checker.see("/en/notifications/templates"))
        payment = await timed_out(desk.stage, amount=128_000)
        [message] = await comes_to(desk.stage, payment, Sending.DELIVERED)
        assert message.template == "outcome_unknown@1"

    run(seen(story, tmp_path, more=spoken()))


def test_a_provider_without_the_new_text_sends_the_programs_own_and_the_page_says_what_to_register(run, tmp_path):
    def sms(**templates: str) -> AliyunSms:
        return AliyunSms(
            access_key_id="id", access_key_secret="secret", sign_name="原路支付", endpoint="http://127.0.0.1:1",
            templates={name.replace("_at_", "@"): code for name, code in templates.items()},
        )  # fmt: skip

    known = sms(**{"outcome_unknown.zh": "SMS_1", "outcome_unknown@101.en": "SMS_9"})
    channels = {"aliyun": known, "chat": Sandbox(file="inbox.jsonl")}

    async def story(desk: ConsoleDesk) -> None:
        writer, checker = await two(desk)
        await sent(writer)
        waits = await checker.see(f"/en{AT}")
        assert '"outcome_unknown@101.zh" = "…"' in html.unescape(waits.text)
        assert "请稍候：${shop}的${amount}（${card}）正在确认。" in words(waits)
        assert "请稍候：{1}的{2}（{3}）正在确认。" in words(waits)
        said = await pressed(checker, "approve")
        assert "aliyun aliyun-sms no code is set: the program’s own words go out" in said
        assert "aliyun aliyun-sms SMS_9" in said
        payment = await timed_out(desk.stage, amount=128_000)
        [message] = await comes_to(desk.stage, payment, Sending.WAITING)
        assert message.template == "outcome_unknown@1"

    run(seen(story, tmp_path, more=spoken(FINANCE, sms=("aliyun",), channels=channels)))
