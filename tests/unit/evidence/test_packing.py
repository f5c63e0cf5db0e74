"""What a pack says, and that it says the same each time."""

import pytest
from msgspec.structs import replace

from tests.unit.cases.cases import HOUR_US, MINUTE_US, NOW_US, a_case, a_decision
from tests.unit.evidence.papers import (
    ASKED,
    MADE,
    attachment,
    clearing_file,
    escalation,
    fact,
    leg,
    listed,
    material,
    note,
    notice,
    of_incident,
    pack,
    part,
    payment,
    whole,
    words,
)
from yuanlu.cases.records import EventKind
from yuanlu.cases.service_levels import Level
from yuanlu.cases.states import CaseState
from yuanlu.contracts import Compensation, Terms
from yuanlu.evidence.chapters import LINES_HEAD, LINES_TAIL, MESSAGES_MAX
from yuanlu.evidence.document import Message, Pack, Table, plain
from yuanlu.evidence.packing import packed
from yuanlu.evidence.wording import WORDS
from yuanlu.kernel.money import Money
from yuanlu.notification.states import Sending
from yuanlu.notification.templates import Audience
from yuanlu.people.case_reading import money_of
from yuanlu.reconciliation.clearing import Side
from yuanlu.returns.orders import Order, OrderState
from yuanlu.returns.states import State
from yuanlu.returns.ways import Link


def rows(of: Pack, title: str) -> list[tuple[str, ...]]:
    return [row for block in part(of, title).blocks if isinstance(block, Table) for row in block.rows]


def test_it_begins_with_the_case_its_maker_and_the_time_with_its_zone():
    head = {each.label: each.value for each in pack().head}
    assert head == {
        "工单编号": "C251009-00000001", "工单状态": "待处理", "制作人": "Zhao Lei",
        "制作时间": "2025-10-09 19:53:20.000（北京时间，UTC+8）",
    }  # fmt: skip
    assert [each.title.partition("、")[0] for each in pack().sections] == [*"一二三四五六七八九十", "十一", "十二"]


def test_a_bank_finds_the_payment_by_its_numbers_and_sees_no_card_number():
    text = words(part(pack(), "交易要素"))
    for each in (
        "交易金额: ¥1,280.00", "金额大写: 人民币壹仟贰佰捌拾元整", "卡号: 620000******0005（已屏蔽）",
        "商户编号: 898440153110001", "终端编号: T0000001", "批次号: 000007", "终端流水号: 000123",
        "检索参考号（RRN）: 282165320001", "授权码: A1B2C3", "应答码: –", "受理时间: 2025-10-09 16:52:20.000",
    ):  # fmt: skip
        assert each in text
    assert "批准金额" not in text
    part_of_it = whole(link=Link(original=payment(approved_minor=100_000), legs=()))
    assert "批准金额: ¥1,000.00" in words(part(pack(material(part_of_it)), "交易要素"))


def test_where_the_money_is_has_the_words_of_every_page_and_each_return():
    text = words(part(pack(), "资金位置"))
    assert "截至制作时间: 退回未完成，人工处理" in text
    assert "可能已扣款: ¥1,280.00\n主机已受理退回: ¥0.00\n退回处理中: ¥1,280.00" in text
    assert "冲正 | ¥1,280.00 | 已转人工 | 2025-10-09 16:53:20 | – | 3 | –" in text
    done = Link(
        original=payment(state="RETURNED"), legs=(leg(state=State.RETURNED, closed_at_us=NOW_US, message_id="m"),),
        messages=(payment(transaction_id="m", rrn="282165320009"),),
    )  # fmt: skip
    before = words(part(pack(material(whole(link=done, money=money_of(done)))), "资金位置"))
    assert "已受理退回，待入账" in before, "not returned before clearing says so"
    assert "282165320009" in before
    after = words(part(pack(material(whole(link=done, money=money_of(done, confirmed=True)))), "资金位置"))
    assert "已退回（清算已确认）: ¥1,280.00" in after


def test_the_timeline_names_who_did_what_when_and_points_to_messages_and_notes():
    said = rows(pack(), "处理经过")
    assert said[0] == ("1", "2025-10-09 16:53:20.000", "收到请求，准备发往主机", "系统", "", "M1")
    assert said[3][-2:] == ("应答码 40：最终拒绝", "M2")
    assert said[4][2:5] == ("备注", "Li", "见备注第 1 条")
    assert rows(pack(), "备注") == [("1", "2025-10-09 16:54:20", "Li", "顾客来电")]
    assert "工单" not in words(part(pack(), "备注"))


def test_a_message_stands_once_however_often_it_was_sent():
    lines = tuple(fact("RETURN_REVERSAL", NOW_US + n, messages=(ASKED,)) for n in range(5))
    of = pack(material(whole(lines=lines)))
    [message] = [block for block in part(of, "报文").blocks if isinstance(block, Message)]
    assert message.title == "M1　网关 → 主机　0200　首次 2025-10-09 16:53:20.000，共 5 次"
    assert message.fields[0] == ("2", "主账号", "620000******0005")
    assert {row[-1] for row in rows(of, "处理经过")} == {"M1"}


def test_what_is_too_much_for_paper_is_said_to_be_left_out_and_the_beginning_and_end_stay():
    many = LINES_HEAD + LINES_TAIL + 7
    messages = [replace(ASKED, fields=((11, "流水号", "Trace", f"{n:06}"),)) for n in range(many)]
    lines = tuple(fact("RETURN_REVERSAL", NOW_US + n, messages=(messages[n],)) for n in range(many))
    of = pack(material(whole(lines=lines)))
    numbers = [int(row[0]) for row in rows(of, "处理经过")]
    assert numbers == [*range(1, LINES_HEAD + 1), *range(many - LINES_TAIL + 1, many + 1)]
    assert f"第 {LINES_HEAD} 条与第 {LINES_HEAD + 8} 条之间略去 7 条" in words(part(of, "处理经过"))
    shown = [block for block in part(of, "报文").blocks if isinstance(block, Message)]
    assert len(shown) == MESSAGES_MAX
    assert f"另有 {many - MESSAGES_MAX} 份" in words(part(of, "报文"))


def test_what_was_not_even_read_is_said_too():
    assert "另有更早的 5 条未列出" in words(part(pack(material(whole(left_out=5))), "处理经过"))
    assert "未列出" not in words(part(pack(), "处理经过"))


def test_a_decision_has_its_reason_and_both_people():
    text = words(part(pack(), "处理决定"))
    assert "处理申请 1：人工贷记\n交易金额: ¥1,280.00\n状态: 已执行\n理由: 银行确认已扣款" in text
    assert "申请人: Li，2025-10-09 16:53:20\n复核人: Wang，2025-10-09 16:54:20" in text
    assert "银行参考号: BJ-77" in text
    waits = words(part(pack(material(whole(decisions=[a_decision()]))), "处理决定"))
    assert "复核人: –\n复核时限: 2025-10-09 17:53:20" in waits


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (EventKind.DECISION_REFUSED, "D1 declare_returned CNY 1,280.00, reference R1: 缺印章", "缺印章"),
        (EventKind.DECISION_APPROVED, "D1 declare_returned CNY 1,280.00, reference R1: seen", "seen"),
        (EventKind.DECISION_APPROVED, "D1 declare_returned CNY 1,280.00, reference R1: the bank's letter", ""),
        (EventKind.DECISION_REFUSED, "D2 declare_returned CNY 1,280.00, reference R1: other", ""),
    ],
)
def test_what_the_second_person_said_is_with_the_decision(kind, text, said):
    event = replace(escalation("L2", NOW_US), kind=kind, text=f"C251009-00000001-{text}")
    shown = words(part(pack(material(whole(decisions=[a_decision()], events=[event]))), "处理决定"))
    assert (f"复核意见: {said}" in shown) is bool(said)
    assert ("复核意见" in shown) is bool(said)


def test_a_return_order_says_who_ordered_it_or_that_policy_did():
    order = Order(
        order_id="o1", transaction_id="t", kind="refund", paid_from="original",
        amount=Money(minor=500, currency="156"), state=OrderState.DONE, origin="person", reason="多收",
        explanation="隔日", automatic=False, maker="Li", checker="Wang", reference="R9", proposed_at_us=NOW_US,
        expires_at_us=NOW_US, decided_at_us=NOW_US, closed_at_us=NOW_US,
    )  # fmt: skip
    by_policy = replace(order, automatic=True, maker="policy", checker="")
    link = Link(original=payment(), legs=(), orders=(order, by_policy))
    text = words(part(pack(material(whole(link=link))), "处理决定"))
    assert "退回申请 1：退货" in text
    assert "复核人: Wang，2025-10-09 16:53:20" in text
    assert "申请人: 系统规则，2025-10-09 16:53:20\n复核人: 按规则自动，无须复核" in text


def test_clearing_is_compared_only_with_files_that_are_there():
    assert "交易日起 7 日内的清算文件尚未载入" in words(part(pack(), "清算"))
    none = words(part(pack(material(files=(clearing_file(),))), "清算"))
    assert "下列清算文件均未记载本交易及其退回。" in none
    assert "2025-10-10 | h1-20251010.csv | " + "cd" * 32 in none


def test_what_the_files_list_is_set_against_our_journal_with_the_difference():
    done = Link(original=payment(state="RETURNED"), legs=(leg(state=State.RETURNED),))
    found = whole(link=done, money=money_of(done))
    both = (listed(), listed(Side.CREDIT, 28_000, 4))
    text = words(part(pack(material(found, listed=both, files=(clearing_file(),))), "清算"))
    assert "2025-10-10 | h1-20251010.csv | 3 | 借记（扣款） | ¥1,280.00" in text
    assert "2025-10-10 | h1-20251010.csv | 4 | 贷记（退回） | ¥280.00" in text
    assert "我方账：扣款减退回: ¥0.00\n清算文件：借记减贷记: ¥1,000.00\n差额: −¥1,000.00" in text


TABLE = [
    ({}, None, 3 * HOUR_US, {"一线处理；此后转二线": "已过期，未完成", "商户运营处理；此后转主管": "未到期"}),
    ({}, escalation("L2", NOW_US + 20 * MINUTE_US), 3 * HOUR_US, {"一线处理；此后转二线": "按时"}),
    ({}, escalation("L2", NOW_US + 31 * MINUTE_US), 3 * HOUR_US, {"一线处理；此后转二线": "逾期"}),
    ({}, escalation("L2", NOW_US - 1), 3 * HOUR_US, {"一线处理；此后转二线": "已过期，未完成"}),
    (
        {"state": CaseState.CLOSED, "closed_at_us": NOW_US + HOUR_US, "outcome": "returned", "person_needed": True},
        None, 3 * HOUR_US, {"一线处理；此后转二线": "逾期", "二线处理；此后转商户运营": "按时"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("case", "event", "after_us", "kept"), TABLE)
def test_each_promise_has_its_time_and_whether_it_was_kept(case, event, after_us, kept):
    found = whole(case=replace(a_case(), **case), events=[event] if event else [])
    made = replace(MADE, at_us=NOW_US + after_us)
    said = {row[0]: row for row in rows(packed(material(found), made), "承诺")}
    assert said["立案"][1:] == ("2025-10-09 17:03:20", "2025-10-09 16:53:20", "按时")
    assert said["复核“人工贷记”"][1:] == ("2025-10-09 17:53:20", "2025-10-09 16:54:20", "按时")
    assert {what: said[what][3] for what in kept} == kept


def test_the_contract_says_what_lateness_is_worth():
    assert "适用合同: 标准条款\n逾期补偿: 合同未约定" in words(part(pack(), "承诺"))
    agreed = Terms(contract="百货", compensation=Compensation(after_minutes=1440, max_minor=5_000))
    text = words(part(pack(material(terms=agreed)), "承诺"))
    assert "适用合同: 百货" in text
    assert "受理后 1,440 分钟仍未退回的，按合同补偿，最高 ¥50.00" in text


def test_who_was_told_what_and_whether_it_arrived():
    assert words(part(pack(), "通知")) == "没有通知记录。"
    failed = notice(audience=Audience.MERCHANT, masked="finance", state=Sending.FAILED, channel="", text="请登录")
    said = rows(pack(material(whole(told=[failed, notice()]))), "通知")
    assert said[0][:2] == ("2025-10-09 16:53:20", "持卡人\n138****0001")
    assert said[0][4] == "您尾号0005的卡交易结果待确认，如已扣款将退回原卡。"
    assert said[1][1:3] == ("商户\nfinance", "–")
    assert said[0][3] != said[1][3], "that it did not arrive is said"


@pytest.mark.parametrize("audience", Audience)
def test_every_audience_has_its_word(audience):
    [row] = rows(pack(material(whole(told=[notice(audience=audience)]))), "通知")
    assert row[1].partition("\n")[0] == {"cardholder": "持卡人", "merchant": "商户", "support": "技术支持"}[audience]


def test_attachments_are_named_with_their_digests():
    assert rows(pack(), "附件") == [("1", "银行来函.pdf", "20,480 字节", "Li\n2025-10-09 16:53:20", "ab" * 32)]


def test_a_case_about_no_payment_has_every_part_and_says_so():
    of = pack(material(of_incident()))
    assert "I251009-01" in words(part(of, "事实概要"))
    for title in ("交易要素", "资金位置", "清算"):
        assert words(part(of, title)) == "本工单不对应单笔交易。"
    for title, said in (("处理决定", "没有需要"), ("备注", "没有备注"), ("附件", "没有附件"), ("报文", "没有报文")):
        assert said in words(part(of, title))


def test_english_is_all_english_but_for_what_people_wrote_and_the_house_is_called():
    of = pack(language="en")
    assert of.sections[1].title == "2  The payment"
    text = "\n".join(words(section) for section in of.sections)
    for typed in ("银行确认已扣款", "顾客来电", "银行来函.pdf"):
        assert typed in text
        text = text.replace(typed, "")
    assert not [c for c in text if "\u4e00" <= c <= "\u9fff"]
    assert all(zh and (en or key == "pages") for key, (zh, en) in WORDS.items())


def test_every_level_above_the_first_has_its_promise():
    assert len([row for row in rows(pack(), "承诺") if "此后转" in row[0]]) == len(Level) - 1


def test_the_same_case_maker_and_time_give_the_same_digest_and_anything_else_another():
    assert pack().content == pack().content
    digests = {
        pack().digest,
        pack(language="en").digest,
        packed(material(), replace(MADE, at_us=MADE.at_us + 1)).digest,
        packed(material(), replace(MADE, by="Li")).digest,
        pack(material(whole(lines=(note("顾客来电。"),)))).digest,
        pack(material(whole(attachments=[attachment(sha256="ac" * 32)]))).digest,
    }
    assert len(digests) == 6


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("plain", "plain"),
        ("两行\n都在", "两行\n都在"),
        ("abc\u202edcba", "abc〔U+202E〕dcba"),
        ("a\u200bb\x00c\x1b[2J", "a〔U+200B〕b〔U+0000〕c〔U+001B〕[2J"),
        ("\ue000", "〔U+E000〕"),
        ("é", "é"),
        ("e\u0301\u0301\u0301\u0301", "e\u0301\u0301\u0301〔U+0301〕"),
        ("line\u2028separator", "line〔U+2028〕separator"),
    ],
)
def test_what_cannot_be_seen_is_written_as_its_code(typed, shown):
    assert plain(typed) == shown
    assert rows(pack(material(whole(lines=(note(typed),)))), "备注")[0][-1] == shown
