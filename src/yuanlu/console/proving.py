"""Before money moves, whoever approves it gives his password again, unless he has just done so (step-up)."""

from yuanlu.access.secrets_of_staff import matches
from yuanlu.access.store import proved as now_proved
from yuanlu.console.asked import Asked

FRESH_US = 5 * 60 * 1_000_000


def is_fresh(asked: Asked) -> bool:
    """Whether the password was given so lately that it need not be asked for. Templates ask this, too."""
    return asked.session is not None and asked.now_us - asked.session.proved_at_us < FRESH_US


async def proved(asked: Asked) -> bool:
    """Whether this is the person himself: lately proved, or the form's field `password` is right."""
    if is_fresh(asked):
        return True
    session, password = asked.session, asked.form.get("password", "")
    if session is None or not password:
        return False
    right = await asked.act(lambda _settings: matches(session.staff.password_hash, password))
    if right:
        now_us = asked.now_us
        await asked.console.store.write(lambda c: now_proved(c, session.token_hash, now_us))
    return right
