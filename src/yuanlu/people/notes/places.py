"""What is written about incidents, batches, terminals and accounts, in Chinese."""

from yuanlu.flow.batch_cases import WORDS
from yuanlu.people.notes.casework import REPORT
from yuanlu.people.notes.saying import Note

_SEEN = (
    "{n} terminals of {n2} merchants fail together, {scope2}",
    "{n} terminals fail together, {scope2}",
    "{n} terminals started anew together after payments got lost, {scope2}",
)
DETECTED = tuple(Note("{text} / " + seen, "{text}", seen) for seen in _SEEN)
"""What detection has seen; both languages stand in it, and say where."""

INCIDENTS: dict[str, tuple[Note, ...]] = {
    "INCIDENT_DECLARED": (
        *(
            Note(
                "{incident}, {scope}: " + each.en + en, "{incident}，" + each.zh + zh, "{incident}: " + each.alone + en
            )
            for each in DETECTED
            for zh, en in (("", ""), ("；暂停新交易", "; new sales are held"))
        ),
        Note("{incident}, {scope}: {detected}", "{incident}，{scope}：{detected}"),
        Note("{incident}, {scope}: {detected}; new sales are held", "{incident}，{scope}：{detected}；暂停新交易"),
    ),
    "INCIDENT_HELD": (),
    "INCIDENT_RELEASED": (),
    "INCIDENT_ENDED": (
        *(Note("{text}; " + each.en, "{text}；" + each.zh) for each in REPORT),
        *(
            Note("detection: the place is well again; " + each.en, "自动检测：已恢复正常；" + each.zh)
            for each in REPORT
        ),
    ),
    "INCIDENT_SETTLED": REPORT,
}
"""What happens to an incident, without who did it: its facts say that first, and the audit trail has it beside."""

FINDINGS = (
    *(Note(words.en, words.zh) for words in WORDS.values()),
    Note("trace {n}: {finding}", "流水号 {n}：{finding}"),
    Note("{finding} (ours {amount})", "{finding}（我方 {amount}）"),
    Note("{finding} (theirs {amount})", "{finding}（终端 {amount}）"),
    Note("{finding} (ours {amount}, theirs {amount2})", "{finding}（我方 {amount}，终端 {amount2}）"),
)
"""How a terminal's batch differs."""

EVIDENCE = (
    *(
        Note("{text} / " + totals, "{text}", totals)
        for totals in (
            "the terminal's totals: {n} debits of {amount}, {n2} credits of {amount2}",
            "our totals: {n} debits of {amount}, {n2} credits of {amount2}",
        )
    ),
    Note("{seen}, reference {text}, {amount}", "{seen}，单号 {text}，{amount}"),
    Note("{text}:{n} {id} debit {n2} × {amount}", "{text}:{n} {id} 借记 {n2} 笔 {amount}"),
    Note("{text}:{n} {id} credit {n2} × {amount}", "{text}:{n} {id} 贷记 {n2} 笔 {amount}"),
    Note("writer {n} had come to {n2}, the journal ends at {n3}", "写入者 {n} 曾写到 {n2}，账本止于 {n3}"),
    Note("{both}", "{both}"),
)
"""What a case lists beside its timeline; causes' reasons are there, too."""

_OURS = "{n3} debits of {amount3}, {n4} credits of {amount4}"
_THEIRS = "{n} debits of {amount}, {n2} credits of {amount2}"
_OURS_ZH = "借记 {n3} 笔 {amount3}，贷记 {n4} 笔 {amount4}"
_THEIRS_ZH = "借记 {n} 笔 {amount}，贷记 {n2} 笔 {amount2}"
BATCHES: dict[str, tuple[Note, ...]] = {
    "SETTLEMENT": (
        Note("{code}: {refused}", "{code}：{refused}"),
        Note("{batch}: answered from the record, {n}", "{batch}：按记录答复，标志 {n}"),
        Note("{batch}: " + _THEIRS + ", agrees", "{batch}：" + _THEIRS_ZH + "，相符"),
        Note(
            "{batch}: " + _THEIRS + "; differs, ours: " + _OURS, "{batch}：" + _THEIRS_ZH + "；不符，我方：" + _OURS_ZH
        ),
    ),
    "BATCH_UPLOAD": (
        Note("{batch}: no upload is open; nothing is counted", "{batch}：没有进行中的批上送，不计入"),
        Note("{batch}: 60.3 is {id}; nothing is counted", "{batch}：60.3 为 {id}，不计入"),
        Note("{batch}: {n} uploaded", "{batch}：已上送 {n} 笔"),
        Note("{batch}: closed meanwhile", "{batch}：期间已结束"),
        Note("{batch}: {n} uploaded, complete; {n2} differ", "{batch}：已上送 {n} 笔，完整；{n2} 笔不符"),
        Note("{batch}: {n} uploaded, not complete; {n2} differ", "{batch}：已上送 {n} 笔，不完整；{n2} 笔不符"),
    ),
    "BATCH_FINDING": (Note("batch {n}: {findings}", "批次 {n}：{findings}"),),
    "CLEARING_FILE": (
        Note(
            "{file} of {id}, {date}: {n} debits, {n2} credits, sha256 {id2}, loaded by {text}",
            "{file}：{id} {date}，借记 {n} 笔，贷记 {n2} 笔，sha256 {id2}，{text} 装入",
        ),
    ),
    "CLEARING_LINES": (Note("{file}: lines {n} to {n2}", "{file}：第 {n} 至 {n2} 行"),),
}

TERMINALS: dict[str, tuple[Note, ...]] = {
    "OBSERVED": (
        Note("{name}: nothing that is known here", "{name}：没有可识别的内容"),
        Note("{name}: nothing that is known here, about {id}", "{name}：没有可识别的内容，交易 {id}"),
        Note("{name}: {observed}", "{name}：{observed}"),
        Note("{name}: {observed}, about {id}", "{name}：{observed}，交易 {id}"),
        Note("{name}: {observed}, about {id}, not known here", "{name}：{observed}，流水号 {id} 在账中没有"),
        Note("{name}: goods handed over", "{name}：已交货"),
        Note("{name}: cash handed over", "{name}：已退现金"),
        Note(
            "{name}: clearing {differs}, in no file from {date} to {date2}",
            "{name}：与清算文件核对，{differs}；{date} 至 {date2} 的文件中都没有",
        ),
        Note("{name}: clearing {differs}, {text}", "{name}：与清算文件核对，{differs}；{text}"),
        Note("{name} ({id}): {seen}, reference {text}, {amount}", "{name}（{id}）：{seen}，单号 {text}，{amount}"),
    ),
    "CARDHOLDER_FEEDBACK": (
        Note("helpful", "有帮助"),
        Note("not helpful", "没有帮助"),
        Note("helpful: {text}", "有帮助：{text}"),
        Note("not helpful: {text}", "没有帮助：{text}"),
    ),
    "REFUSED": (Note("{code}: {refused} [{cause}]", "{code}：{refused}（{cause}）"),),
    "PROBE": (
        Note("reversal of an unseen original", "冲正一笔主机没有见过的交易"),
        Note("that original afterwards", "随后发送该原交易"),
        Note("its reversal", "冲正"),
        Note("a sale", "消费"),
        Note("the same reversal again", "再发一次同一冲正"),
        Note("status inquiry", "状态查询"),
    ),
}

ACCOUNTS: dict[str, tuple[Note, ...]] = {
    "STAFF_CREATED": (Note("{name}, {roles}", "{name}，{roles}"),),
    "STAFF_CHANGED": (
        Note("{name}, disable", "停用 {name}"),
        Note("{name}, enable", "启用 {name}"),
        Note("{name}, {roles}", "{name}，{roles}"),
    ),
    "STAFF_PASSWORD": (),
    "STAFF_CODE": (Note("{name}, taken away", "取消 {name} 的动态验证码"), Note("set up", "已设置")),
    "STAFF_PASSKEY": (Note("added {text}", "增加 {text}"), Note("removed", "已移除")),
    "STAFF_REFUSED": (
        Note("from {origin}", "来自 {origin}"),
        Note("from {origin}; locked for 30 minutes", "来自 {origin}；锁定 30 分钟"),
    ),
    "STAFF_SIGNED_IN": (
        Note("from {origin}", "来自 {origin}"),
        Note("from {origin}, passkey {text}", "来自 {origin}，通行密钥 {text}"),
    ),
    "KEY_CREATED": (Note("{text}, all merchants", "{text}，全部商户"),),
    "KEY_REVOKED": (),
}
"""What happens to accounts and keys, without who did it, as of incidents."""
