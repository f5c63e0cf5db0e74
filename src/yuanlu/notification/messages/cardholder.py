"""What cardholders read, as an SMS: what happened, is the money safe, what they have to do.

Only what is confirmed is said. `return_accepted` says no more than that the acquirer has taken the return; that the
money is back says `return_confirmed`, on the bank's or the clearing file's word. Texts about compensation and about
liability are to be approved by compliance before they are used.
"""

from yuanlu.causes.cause import Words
from yuanlu.notices import Event
from yuanlu.notification.templates import Audience, Template

UNKNOWN_USEFUL_HOURS = 6
"""Later nobody stands at the till any more, and what became of it is the better news."""


def _sms(event: Event, version: int, title: Words, text: Words, *, urgent: bool = False, useful: int = 0) -> Template:
    return Template(
        event=event, audience=Audience.CARDHOLDER, version=version, title=title, text=text, urgent=urgent,
        useful_hours=useful,
    )  # fmt: skip


OUTCOME_UNKNOWN = _sms(
    Event.OUTCOME_UNKNOWN, 1,
    Words(zh="交易结果待确认", en="Payment being confirmed"),
    Words(
        zh="【{brand}】您{card}在{shop}的{amount}交易结果待确认，如已扣款将退回原账户，请勿重复支付。您无需操作。",
        en="[{brand}] Your {amount} payment at {shop} ({card}) is being confirmed. If charged, it goes back to where "
        "it "
        "came from. Please do not pay twice. Nothing to do.",
    ),
    urgent=True, useful=UNKNOWN_USEFUL_HOURS,
)  # fmt: skip

NOT_CHARGED = _sms(
    Event.NOT_CHARGED, 1,
    Words(zh="未扣款", en="Nothing was charged"),
    Words(
        zh="【{brand}】已确认：您{card}在{shop}的{amount}交易未扣款，无需退回。{ref}。您无需操作。",
        en="[{brand}] Confirmed: your {amount} payment at {shop} ({card}) was not charged, so nothing has to go back. "
        "Ref {ref}.",
    ),
)  # fmt: skip

DUPLICATE_FOUND = _sms(
    Event.DUPLICATE_FOUND, 1,
    Words(zh="疑似重复扣款", en="Possibly charged twice"),
    Words(
        zh="【{brand}】您{card}在{shop}疑似扣款两次，各{amount}，正在核对，多扣的会退回。{ref}，无需操作。",
        en="[{brand}] {shop} may have charged your {card} twice, {amount} each. We are checking; what was taken too "
        "much "
        "goes back. Ref {ref}. Nothing to do.",
    ),
)  # fmt: skip

RETURN_ACCEPTED = _sms(
    Event.RETURN_ACCEPTED, 1,
    Words(zh="退回已受理", en="Return accepted"),
    Words(
        zh="【{brand}】收单机构已受理退回：{amount}退往您{card}，到账时间以银行为准。{ref}。我们不索要密码。",
        en="[{brand}] The acquirer accepted the return of {amount} to your {card}; when it arrives is up to your bank. "
        "Ref {ref}. We never ask for PINs or codes.",
    ),
)  # fmt: skip

RETURN_CONFIRMED = _sms(
    Event.RETURN_CONFIRMED, 1,
    Words(zh="退回已确认", en="Return confirmed"),
    Words(
        zh="【{brand}】银行确认：{amount}于{time}退回{card}。{ref}。我们不索要密码和验证码。",
        en="[{brand}] {amount} is back on your {card}, confirmed by the bank ({time}). Ref {ref}. We never ask for "
        "PINs "
        "or codes.",
    ),
)  # fmt: skip

RETURN_DELAYED = _sms(
    Event.RETURN_DELAYED, 1,
    Words(zh="退回尚待确认", en="Return not yet confirmed"),
    Words(
        zh="【{brand}】{amount}的退回尚待银行确认，已有专人跟进，{by}前向您更新。{ref}，您无需操作。",
        en="[{brand}] The bank has not yet confirmed your {amount} return. A person is on it and will update you by "
        "{by}. "
        "Ref {ref}. Nothing to do.",
    ),
)  # fmt: skip

COMPENSATION_PAID = _sms(
    Event.COMPENSATION_PAID, 1,
    Words(zh="补偿已支付", en="Compensation paid"),
    Words(
        zh="【{brand}】您的{amount}晚于约定退回，已按约定另付您{extra}，无需申请。{ref}。我们不索要密码。",
        en="[{brand}] Your {amount} came back later than agreed. As agreed we have paid you {extra} on top; you need "
        "not "
        "apply. Ref {ref}.",
    ),
)  # fmt: skip

CARDHOLDER = (
    OUTCOME_UNKNOWN, NOT_CHARGED, DUPLICATE_FOUND, RETURN_ACCEPTED, RETURN_CONFIRMED, RETURN_DELAYED, COMPENSATION_PAID,
)  # fmt: skip
