"""Every cause, in order of precedence, and the function that finds the one that explains best.

The order is the rule, from the top:

1. what must not be hidden by a harmless explanation: suspicion of fraud, goods handed over, money given back twice;
2. what many payments share: incidents and outages, so that a thousand payments make one incident;
3. what this payment shows beside its neighbours: the operator's history;
4. what happened to this payment itself: device, gateway, line;
5. what was said about it: response codes; where a bank says no and not why, the habit of trying the card again;
6. what only says that something is wrong: silence, a batch or file that disagrees.

Within a group the one that needs more evidence stands first. The first that explains is the cause, the others
contribute.
"""

from yuanlu.causes import card_data, devices, external, fraud, network, operator, system
from yuanlu.causes.cause import Cause, by_code_alone
from yuanlu.causes.evidence import GIVINGS_BACK, Evidence, Voice
from yuanlu.causes.explanation import Explanation, Finding, conclude
from yuanlu.causes.response_codes import cause_of_host_code, cause_of_our_code

CAUSES: tuple[Cause, ...] = (
    # 1. Must not be hidden.
    fraud.terminal_tampered,
    fraud.messages_forged,
    fraud.terminal_moved,
    fraud.returns_pile_up,
    fraud.card_testing,
    fraud.cash_out,
    fraud.amount_split,
    operator.handed_over_while_returning,
    operator.returned_by_hand_too,
    system.approved_after_close,
    # 2. Shared by many.
    external.natural_disaster,
    external.cyber_attack,
    external.power_cut,
    external.carrier_outage,
    external.ordered_stop,
    external.planned_maintenance,
    external.regional_outage,
    external.wallet_outage,
    external.issuer_outage,
    system.gateway_crashed,
    system.host_down,
    network.host_link_unstable,
    network.shop_network_down,
    external.business_peak,
    # 3. Beside its neighbours.
    operator.charged_while_unknown,
    operator.wrong_slip_voided,
    operator.void_too_late,
    operator.amount_off_by_ten,
    operator.digits_swapped,
    operator.wrong_transaction_type,
    operator.test_amount_live,
    operator.charged_twice,
    operator.keying_errors,
    # 4. Happened to it.
    card_data.chip_refused_approval,
    card_data.card_removed_early,
    card_data.card_unreadable,
    devices.terminal_lost_power,
    devices.slip_not_printed,
    devices.software_outdated,
    operator.sign_in_forgotten,
    devices.host_refused_mac,
    devices.trace_number_reused,
    system.disk_nearly_full,
    system.gateway_busy,
    system.host_refused_sign_in,
    system.host_silent,
    network.host_unreachable,
    network.request_never_arrived,
    network.signal_weak,
    network.answer_after_deadline,
    network.terminal_line_lost,
    operator.did_not_wait,
    devices.terminal_refused_answer,
    operator.cancelled_at_terminal,
    network.terminal_saw_no_answer,
    operator.customer_did_not_confirm,
    network.answer_late,
    network.answer_lost,
    network.request_lost,
    network.answer_foreign,
    system.answer_mac_wrong,
    network.answer_garbled,
    network.link_lost,
    system.decline_unsigned,
    # 5. Said about it.
    fraud.card_lost_or_stolen,
    fraud.card_to_be_kept,
    fraud.issuer_suspects_fraud,
    fraud.card_check_failed,
    card_data.qr_code_invalid,
    card_data.chip_required,
    card_data.card_number_invalid,
    card_data.card_not_accepted,
    card_data.card_expired,
    card_data.pin_wrong,
    card_data.pin_tries_exceeded,
    card_data.funds_insufficient,
    card_data.amount_limit_exceeded,
    card_data.count_limit_exceeded,
    card_data.card_restricted,
    card_data.card_not_active,
    operator.retried_after_decline,
    card_data.ask_issuer,
    card_data.issuer_declined,
    card_data.account_missing,
    card_data.account_currency_differs,
    card_data.partly_approved,
    operator.linked_transaction_wrong,
    operator.return_amount_differs,
    operator.amount_invalid,
    operator.customer_cancelled,
    devices.terminal_unknown,
    devices.terminal_not_permitted,
    devices.terminal_mac_wrong,
    devices.pin_key_stale,
    devices.batch_out_of_step,
    system.approved_defectively,
    system.issuer_silent,
    system.switch_fault,
    system.still_processing,
    system.issuer_down,
    network.issuer_line_down,
    system.host_says_duplicate,
    system.issuer_answer_invalid,
    system.day_cut_over,
    system.host_error,
    system.security_fault,
    system.reentry_asked,
    system.format_refused,
    system.transaction_invalid,
    system.function_unsupported,
    system.merchant_invalid,
    system.fee_refused,
    system.original_not_found,
    system.code_unlisted,
    # 6. What only says that something is wrong.
    network.no_answer,
    system.clearing_differs,
    system.batch_differs,
    devices.terminal_faulty,
    network.terminal_line_unstable,
)

_DETECTED = tuple(
    (place, cause, cause.explains) for place, cause in enumerate(CAUSES) if cause.explains != by_code_alone
)
_PLACES = {cause.code: place for place, cause in enumerate(CAUSES)}


def find_cause(code: str) -> Cause | None:
    """The cause of this code."""
    place = _PLACES.get(code)
    return None if place is None else CAUSES[place]


def explain(evidence: Evidence) -> Explanation:
    """Why this abnormal transaction went wrong: every detector runs once, and the response code is looked up."""
    found = {}
    coded = _by_code(evidence)
    if coded is not None:
        found[_PLACES[coded.cause.code]] = coded
    for place, cause, explains in _DETECTED:
        reason = explains(evidence)
        if reason is not None:
            found[place] = Finding(cause=cause, reason=reason)
    said = None if coded is None else coded.cause
    return conclude(tuple([found[place] for place in sorted(found)]), said, evidence)


def _by_code(evidence: Evidence) -> Finding | None:
    code = evidence.response_code
    if not code:
        return None
    if evidence.voice is Voice.HOST:
        known = cause_of_host_code(code, gives_back=evidence.kind in GIVINGS_BACK)
    else:
        known = cause_of_our_code(code)
    return None if known is None else Finding(cause=known[0], reason=known[1])
