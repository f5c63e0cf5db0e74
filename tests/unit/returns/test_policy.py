"""The table of `docs/returns.md` §4.5, row by row, each with its reason."""

import msgspec
import pytest
from msgspec.structs import replace

from yuanlu.acquirers.terms import HostTerms, Meaning
from yuanlu.kernel.clock import Moment
from yuanlu.returns.policy import (
    ATTEMPTS_BEFORE_CASE,
    BACK_OFF_S,
    SECOND_US,
    Close,
    Escalate,
    Inquire,
    Leg,
    Send,
    Wait,
    needs_case,
    next_step,
    pause_us,
)
from yuanlu.returns.states import State
from yuanlu.settings import Acquirer

NOON_US = 1_767_240_000_000_000  # 12:00 in Beijing
DAY_US = 86_400 * SECOND_US
LIFE_US = 120 * SECOND_US
BOOT = "boot"


def terms(profile: str, **changes: object) -> HostTerms:
    settings = Acquirer(
        kind="iso8583-host", address="h:1", dialect="iso87-ascii", profile=profile, mac="none", **changes
    )
    return HostTerms(name="h1", settings=settings)


def leg(*, sent: int = 1, at: int = 20, last: str = "", step: str = "reversal", asked: int = 0, **more: object) -> Leg:
    """An original sent at second 0; `sent` reversals, the last at second `at`; `asked` is when the inquiry left."""
    fields = {
        "attempts": sent, "last_step": step if sent else "", "last_meaning": last, "last_boot_us": at * SECOND_US,
        "last_boot_id": BOOT if sent else "", "asked_boot_us": asked * SECOND_US, "inquiries": int(asked > 0),
    }  # fmt: skip
    return Leg(
        return_id="r", transaction_id="t", acquirer="h1", kind="reversal", leg_no=1, state=State.RETURNING,
        amount_minor=1, currency="156", reason="98", original_answer=str(more.pop("original", "")),
        original_sent_at_us=NOON_US, original_boot_us=0, original_boot_id=BOOT, opened_at_us=NOON_US,
        **{**fields, **more},
    )  # fmt: skip


def at(second: int, *, wall_us: int | None = None, boot: str = BOOT) -> Moment:
    return Moment(
        wall_us=NOON_US + second * SECOND_US if wall_us is None else wall_us, boot_us=second * SECOND_US, boot_id=boot
    )


NEW = {"sent": 0, "at": 0}
IN, OUT = {"at": 20}, {"at": 121}
ASKED_IN = {"step": "inquiry", "asked": 30}
ASKED_OUT = {"step": "inquiry", "asked": 141}
R, N, D, V, U, K, X = "returned", "not found", "duplicate", "verify", "unknown", "keys", "refused for good"
RETURNED, NO_EFFECT = Close(state=State.RETURNED), Close(state=State.NO_EFFECT)

TABLE = [
    ("P1", NEW, 1, Send(), "the first at once"),
    ("P2", NEW, 1, Send(), "the first at once"),
    ("P3", NEW, 1, Send(), "the first at once"),
    ("P4", NEW, 1, Wait(for_us=0), "its one send waits until the original cannot arrive any more"),
    ("P5", NEW, 1, Wait(for_us=0), "its one send waits until the original cannot arrive any more"),
    ("P4", NEW, 121, Send(), "the packet life is over"),
    ("P4", NEW | {"original": "approved"}, 1, Send(), "the original's answer is there"),
    ("P4", NEW | {"original": "declined"}, 1, NO_EFFECT, "the original was declined after all"),
    ("P1", IN | {"last": R}, 21, RETURNED, "00"),
    ("P2", IN | {"last": R}, 21, RETURNED, "00"),
    ("P3", IN | {"last": R}, 21, RETURNED, "00, but inside the packet life: watched"),
    ("P3", OUT | {"last": R}, 122, RETURNED, "00 outside the packet life"),
    ("P4", OUT | {"last": R}, 122, RETURNED, "00, watched"),
    ("P5", OUT | {"last": R}, 122, RETURNED, "00, watched"),
    ("P1", IN | {"last": N}, 21, NO_EFFECT, "it remembers and will decline the original"),
    ("P2", IN | {"last": N}, 21, Wait(for_us=0), "the reversal may have overtaken the original"),
    ("P2", IN | {"last": N}, 121, Send(), "the window is over: ask again"),
    ("P2", OUT | {"last": N}, 122, NO_EFFECT, "asked outside the window: it never arrived"),
    ("P2", OUT | {"last": N, "original": "approved"}, 122, Escalate(explanation=""), "approved, then not found"),
    ("P2", IN | {"last": N, "original": "declined"}, 21, NO_EFFECT, "declined late"),
    ("P3", IN | {"last": N}, 21, Inquire(), "inside the window: ask"),
    ("P3", OUT | {"last": N}, 122, NO_EFFECT, "asked outside the window"),
    ("P4", OUT | {"last": N}, 122, Escalate(explanation=""), "the file decides"),
    ("P5", OUT | {"last": N}, 122, Escalate(explanation=""), "a person decides"),
    ("P1", IN | {"last": D}, 21, Escalate(explanation=""), "a duplicate of what? this was the first"),
    ("P1", IN | {"last": D, "sent": 2}, 21, RETURNED, "the first one took effect"),
    ("P2", IN | {"last": D, "sent": 2}, 21, RETURNED, "the first one took effect"),
    ("P1", IN | {"last": D, "sent": 2, "rejected": 1}, 21, Escalate(explanation=""), "the first was never processed"),
    ("P3", IN | {"last": D}, 21, Inquire(), "verify by asking"),
    ("P3", IN | {"last": D, "sent": 2}, 21, Inquire(), "the table says verify for P3, whatever n"),
    ("P4", OUT | {"last": D}, 122, Escalate(explanation=""), "verify by the file"),
    ("P1", IN | {"last": V}, 21, Escalate(explanation=""), "22"),
    ("P2", IN | {"last": V}, 21, Escalate(explanation=""), "22"),
    ("P3", IN | {"last": V}, 21, Inquire(), "22: ask"),
    ("P5", OUT | {"last": V}, 122, Escalate(explanation=""), "22"),
    ("P1", IN | {"last": U}, 41, Send(), "repeat"),
    ("P2", IN | {"last": U}, 41, Send(), "repeat"),
    ("P1", IN | {"last": ""}, 41, Send(), "a crash after the send is no answer"),
    ("P3", IN | {"last": U}, 41, Inquire(), "it does not recognise repeats: ask first"),
    ("P4", OUT | {"last": U}, 142, Escalate(explanation=""), "no second send"),
    ("P5", OUT | {"last": ""}, 142, Escalate(explanation=""), "no second send, also after a crash"),
    *((profile, OUT | {"last": K}, 122, Send(), "it was not processed") for profile in ("P1", "P2", "P3", "P4", "P5")),
    *((profile, OUT | {"last": X}, 122, Escalate(explanation=""), "at once") for profile in ("P1", "P2", "P3", "P4")),
    ("P3", IN | ASKED_IN | {"last": R}, 31, RETURNED, "the host says reversed"),
    ("P3", IN | ASKED_IN | {"last": "declined by the host"}, 31, NO_EFFECT, "the host says declined"),
    ("P3", IN | ASKED_IN | {"last": "approved and not reversed"}, 31, Wait(for_us=0), "the reversal may still arrive"),
    ("P3", IN | ASKED_IN | {"last": "approved and not reversed"}, 141, Inquire(), "now ask for good"),
    ("P3", IN | ASKED_OUT | {"last": "approved and not reversed"}, 142, Send(), "it had no effect for certain"),
    ("P3", IN | ASKED_IN | {"last": N}, 31, Wait(for_us=0), "the original may still arrive"),
    ("P3", IN | ASKED_IN | {"last": N}, 121, Inquire(), "now ask for good"),
    ("P3", IN | ASKED_OUT | {"last": N}, 142, NO_EFFECT, "it never arrived"),
    ("P3", IN | ASKED_IN | {"last": U}, 31, Inquire(), "ask again"),
    ("P3", IN | ASKED_IN | {"last": ""}, 31, Inquire(), "a crash after the question: ask again"),
]


@pytest.mark.parametrize(("profile", "given", "second", "expected", "why"), TABLE)
def test_the_table(profile, given, second, expected, why):
    step = next_step(leg(**given), terms(profile), at(second))
    assert type(step) is type(expected), why
    if isinstance(step, Close):
        assert step.state is expected.state, why


WATCHED = [
    ("P1", IN | {"last": R}, 21, False), ("P2", IN | {"last": R}, 21, False), ("P3", OUT | {"last": R}, 122, False),
    ("P3", IN | {"last": R}, 21, True), ("P4", OUT | {"last": R}, 122, True), ("P1", IN | {"last": N}, 21, True),
    ("P2", OUT | {"last": N}, 122, True), ("P4", OUT | {"last": N}, 122, True), ("P4", OUT | {"last": U}, 122, True),
    ("P1", IN | {"last": V}, 21, True), ("P1", IN | {"last": D}, 21, True),
]  # fmt: skip


@pytest.mark.parametrize(("profile", "given", "second", "watched"), WATCHED)
def test_what_only_the_clearing_file_can_confirm_is_watched(profile, given, second, watched):
    step = next_step(leg(**given), terms(profile), at(second))
    assert bool(step.watch) is watched


def test_a_window_ends_strictly_after_the_packet_life():
    given = leg(**IN | {"last": N})
    assert next_step(given, terms("P2"), at(120)) == Wait(for_us=1_000)
    assert isinstance(next_step(leg(at=120, last=N), terms("P2"), at(121)), Send), "sent at the very end is inside"


def test_a_clock_that_jumps_a_day_makes_nothing_final_early():
    jumped = at(21, wall_us=NOON_US + DAY_US)
    assert isinstance(next_step(leg(**IN | {"last": N}), terms("P2"), jumped), Wait)
    assert isinstance(next_step(leg(**NEW), terms("P4"), jumped), Wait)


def test_a_window_that_cannot_be_measured_has_not_passed():
    rebooted = at(5_000, boot="another")
    step = next_step(leg(**IN | {"last": N}), terms("P2"), rebooted)
    assert step == Wait(for_us=LIFE_US)
    assert isinstance(
        next_step(leg(**IN | ASKED_IN | {"last": "approved and not reversed"}), terms("P3"), rebooted), Wait
    )


CUT_OVER = [
    (NOON_US + 10 * 3600 * SECOND_US, True, "22:00 is the same day"),
    (NOON_US + 11 * 3600 * SECOND_US, False, "23:00 is the next one"),
    (NOON_US + 13 * 3600 * SECOND_US, False, "after midnight"),
]


@pytest.mark.parametrize(("wall_us", "same", "why"), CUT_OVER)
def test_nothing_is_repeated_or_believed_across_the_hosts_cut_over(wall_us, same, why):
    now = at(122, wall_us=wall_us)
    assert isinstance(next_step(leg(**IN | {"last": U}), terms("P1"), now), Send) is same, why
    assert isinstance(next_step(leg(**OUT | {"last": N}), terms("P2"), now), Close) is same, why
    allowed = terms("P1", resend_across_cut_over=True)
    assert isinstance(next_step(leg(**IN | {"last": U}), allowed, now), Send)


@pytest.mark.parametrize("profile", ["P4", "P5"])
@pytest.mark.parametrize("meaning", [m for m in Meaning if m not in (Meaning.STILL_APPROVED, Meaning.DECLINED)])
def test_p4_and_p5_never_send_again_unless_nothing_was_processed(profile, meaning):
    step = next_step(leg(**OUT | {"last": meaning.value}), terms(profile), at(500))
    assert isinstance(step, Send) is (meaning is Meaning.KEYS)


def test_the_back_off_grows_to_ten_minutes_and_is_hourly_once_a_person_knows():
    for tries, seconds in enumerate((*BACK_OFF_S, 600, 600), start=1):
        given = leg(sent=tries, last=U)
        assert pause_us(given, at(1), 0.5) == seconds * SECOND_US
        assert 0.9 * seconds * SECOND_US <= pause_us(given, at(1), 0.0) < pause_us(given, at(1), 1.0)
    assert pause_us(leg(sent=3, last=U, case_opened=True), at(1), 0.5) == 3_600 * SECOND_US


def test_a_case_is_opened_once_after_six_attempts_or_thirty_minutes():
    assert not needs_case(leg(sent=ATTEMPTS_BEFORE_CASE - 1), at(60))
    assert needs_case(leg(sent=ATTEMPTS_BEFORE_CASE), at(60))
    assert needs_case(leg(**NEW), at(1_800))
    assert not needs_case(leg(**NEW), at(1_799))
    assert not needs_case(replace(leg(sent=9), case_opened=True), at(9_999))
    assert not needs_case(leg(**NEW), at(60, wall_us=NOON_US + DAY_US)), "a wall clock that jumps tells nobody"


def test_not_found_waits_while_an_earlier_attempts_answer_may_still_come():
    stale = leg(sent=2, at=125, last=N, unanswered_boot_us=125 * SECOND_US)
    step = next_step(stale, terms("P2"), at(126))
    assert isinstance(step, Wait)
    assert 118 * SECOND_US < step.for_us < 120 * SECOND_US
    assert next_step(stale, terms("P2"), at(246)) == Send()
    assert next_step(stale, terms("P3"), at(126)) == Inquire()
    assert isinstance(next_step(stale, terms("P1"), at(126)), Close)


def test_codes_mean_what_the_settings_say_and_others_leave_it_open():
    host = terms("P1")
    assert {host.reversal_meaning(code) for code in ("77", "99", "A0")} == {Meaning.KEYS}
    assert {host.reversal_meaning(code) for code in ("09", "68", "90", "91", "92", "96", "98", "05", "", "ZZ")} == {
        Meaning.UNKNOWN
    }
    assert host.is_doubtful("68")
    assert not host.is_doubtful("51")
    assert host.is_watched("A4")
    assert not host.is_watched("00")
    other = msgspec.structs.replace(
        host.settings, reversal_answers=msgspec.structs.replace(host.settings.reversal_answers, returned=("00", "05"))
    )
    assert HostTerms(name="x", settings=other).reversal_meaning("05") is Meaning.RETURNED


def test_the_business_day_turns_at_the_cut_over():
    host = terms("P1", cut_over="23:00")
    noon, eleven = host.business_day(NOON_US), host.business_day(NOON_US + 11 * 3600 * SECOND_US)
    assert eleven == noon + 1
    assert host.business_day(NOON_US + DAY_US) == noon + 1
    assert terms("P1", cut_over="00:00").business_day(NOON_US) == terms("P1", cut_over="00:00").business_day(
        NOON_US + 11 * 3600 * SECOND_US
    )


@pytest.mark.parametrize(("profile", "expected"), [("P1", Send), ("P2", Send), ("P3", Inquire), ("P4", Escalate)])
def test_a_second_answer_about_stale_keys_may_be_the_first_ones_double(profile, expected):
    once = leg(sent=1, at=200, last=K, rejected=1)
    twice = leg(sent=2, at=210, last=K, rejected=2)
    assert isinstance(next_step(once, terms(profile), at(211)), Send)
    assert isinstance(next_step(twice, terms(profile), at(211)), expected)
