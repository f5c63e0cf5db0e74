"""API keys: made and revoked by administrators. A key's secret is shown once; each change is in the trail."""

from starlette.responses import Response

from yuanlu.access.api_keys import Mode, Scope, all_keys, find_key_by_id
from yuanlu.access.records import AccessRefused
from yuanlu.access.roles import Right
from yuanlu.cases.errors import CaseError
from yuanlu.console.asked import Asked, NotThere
from yuanlu.console.proving import is_fresh, proved
from yuanlu.console.routing import Page
from yuanlu.console.seeing import own_terminals
from yuanlu.console.texts import noted
from yuanlu.console.typed import Wrong, words
from yuanlu.people import api_keys
from yuanlu.people.refusals import refusal

SCOPES: dict[Scope, str] = {
    Scope.PAYMENTS_READ: noted("read payments and transactions"),
    Scope.PAYMENTS_WRITE: noted("take, cancel and refund payments as a till"),
    Scope.RETURNS_READ: noted("read returns"),
    Scope.RETURNS_PROPOSE: noted("propose returns; a person approves"),
    Scope.CASES_READ: noted("read cases"),
    Scope.CASES_WRITE: noted("write notes on cases"),
    Scope.INCIDENTS_READ: noted("read incidents"),
    Scope.OBSERVATIONS_WRITE: noted("report what went wrong with a payment"),
    Scope.TERMINALS_READ: noted("read terminals and merchants"),
    Scope.REPORTS_READ: noted("read reports"),
    Scope.NOTIFICATIONS_READ: noted("read who was told what"),
    Scope.WEBHOOKS_READ: noted("read webhooks"),
    Scope.WEBHOOKS_WRITE: noted("make and change webhooks"),
}
"""What each scope lets a program do."""


async def show(asked: Asked) -> Response:
    """Every key that this person may see, without its secret, and the form for a new one."""
    return await _list(asked)


async def _list(asked: Asked, status: int = 200, *, wrong: str = "", told: str = "", secret: str = "") -> Response:
    found = await asked.read(all_keys)
    return asked.page(
        "keys.html", status, keys=[key for key in found if asked.who.sees(key.merchant_id)], scopes=SCOPES,
        merchants=sorted({each.merchant_id for each in own_terminals(asked)}), wrong=wrong, told=told, secret=secret,
        tests=asked.console.settings.keys.mode == "sandbox", stale=not is_fresh(asked),
        kept=asked.form if wrong else {},
    )  # fmt: skip


async def create(asked: Asked) -> Response:
    """A new key in the name of who makes it; its secret is on the page that answers, and never again."""
    wanted = api_keys.NewKey(
        name=asked.given("name"), mode=Mode.LIVE if asked.given("mode") == Mode.LIVE else Mode.TEST,
        scopes=[each for each in Scope if asked.form.get(f"scope-{each.value}") == "1"],
        merchant_id=asked.given("merchant") or asked.who.merchant_id,
    )  # fmt: skip
    try:
        if not asked.who.sees(wanted.merchant_id):
            raise Wrong(asked.say("There is no such merchant."))
        await _himself(asked)
        secret, key = await asked.act(api_keys.created, wanted, asked.actor)
    except Wrong as error:
        return await _list(asked, 422, wrong=str(error))
    except (AccessRefused, CaseError) as error:
        return await _list(asked, 422, wrong=refusal(str(error), asked.language))
    return await _list(asked, told=asked.say("The key {name} is made.", name=key.name), secret=secret)


async def revoke(asked: Asked) -> Response:
    """It is refused from now on, for good."""
    key_id = asked.request.path_params["key_id"]
    key = await asked.read(lambda c: find_key_by_id(c, key_id))
    if key is None or not asked.who.sees(key.merchant_id):
        raise NotThere(asked.say("There is no such key."))
    try:
        reason = words(asked, "reason", asked.say("Say why; it is kept with the key."))
        await asked.act(api_keys.revoked, key_id, asked.actor, reason)
    except Wrong as error:
        return await _list(asked, 422, wrong=str(error))
    except (AccessRefused, CaseError) as error:
        return await _list(asked, 422, wrong=refusal(str(error), asked.language))
    return await _list(asked, told=asked.say("The key {name} is revoked. It opens nothing any more.", name=key.name))


async def _himself(asked: Asked) -> None:
    """A key may take payments, so whoever makes one proves that it is he. Raises Wrong."""
    if not await proved(asked):
        if asked.form.get("password"):
            raise Wrong(asked.say("The password is wrong. Nothing was done."))
        raise Wrong(asked.say("Give your password again to make a key. Nothing was done yet."))


PAGES = (
    Page(path="/keys", right=Right.MANAGE_KEYS, show=show),
    Page(path="/keys", right=Right.MANAGE_KEYS, show=create, method="POST"),
    Page(path="/keys/{key_id}", right=Right.MANAGE_KEYS, show=revoke, method="POST"),
)
