"""Whoever moves money proves again that it is him, when his last proof is older than five minutes (PCI DSS 8.2.8)."""

import asyncio

from yuanlu.access.secrets_of_staff import matches
from yuanlu.access.store import proved as now_proved
from yuanlu.console.asked import Asked
from yuanlu.kernel.errors import YuanluError

FRESH_US = 5 * 60 * 1_000_000


class NotProved(YuanluError):
    """The password is wanted again, or was wrong; nothing was done."""


def must_prove(asked: Asked) -> bool:
    """Whether a form that moves money asks for the password."""
    assert asked.session is not None, "the page asks for a right"
    return asked.now_us - asked.session.proved_at_us > FRESH_US


async def proved(asked: Asked) -> None:
    """Let a fresh proof pass, or the password in the form. Raises NotProved."""
    if not must_prove(asked):
        return
    password = asked.form.get("password", "")
    if not password:
        raise NotProved(asked.say("Give your password again: you are about to move money. Nothing was done yet."))
    if not await asyncio.to_thread(matches, asked.who.password_hash, password):
        raise NotProved(asked.say("The password is wrong. Nothing was done."))
    assert asked.session is not None, "the page asks for a right"
    token, now_us = asked.session.token_hash, asked.now_us
    await asked.console.store.write(lambda c: now_proved(c, token, now_us))
