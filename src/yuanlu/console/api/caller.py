"""Who asks, what it may do, and how its request is read and carried out."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from sqlalchemy import Connection

from yuanlu.access.api_keys import ApiKey, Scope
from yuanlu.console.api.problems import ApiProblem, Wrong
from yuanlu.console.asked import Console

Result = TypeVar("Result")


class Caller:
    """One request's key, and what all requests share."""

    def __init__(self, console: Console, key: ApiKey, request: Request) -> None:
        self.console = console
        self.key = key
        self.request = request

    @property
    def now_us(self) -> int:
        """The time, microseconds since 1970 UTC."""
        return self.console.clock.wall_us()

    async def read(self, query: Callable[[Connection], Result]) -> Result:
        """What `query` finds."""
        return await self.console.store.read(query)

    async def act(self, action: Callable[..., Result], *args: object, **named: object) -> Result:
        """Do it as `yuanlu.people` does."""
        return await self.console.store.act(action, *args, **named)

    def merchant(self, wanted: str | None) -> str:
        """The merchant to look at: as asked, or the key's own; "" for all. Another's is as if there were none."""
        if wanted and not self.key.sees(wanted):
            raise ApiProblem("not_found", "there is no such merchant, or it is not this key's to see")
        return wanted or self.key.merchant_id

    def need(self, scope: Scope) -> None:
        """ApiProblem unless the key has this scope."""
        if scope not in self.key.scopes:
            raise ApiProblem(
                "forbidden", f"this key has no scope {scope.value}",
                errors=[Wrong(field="authorization", message=f"needs {scope.value}")],
            )  # fmt: skip


def may(scope: Scope) -> Any:
    """The caller, whose key must have this scope."""

    def caller(request: Request) -> Caller:
        found = Caller(request.app.state.console, request.state.key, request)
        found.need(scope)
        return found

    return Depends(caller)


CanReadPayments = Annotated[Caller, may(Scope.PAYMENTS_READ)]
CanPay = Annotated[Caller, may(Scope.PAYMENTS_WRITE)]
CanReadReturns = Annotated[Caller, may(Scope.RETURNS_READ)]
CanPropose = Annotated[Caller, may(Scope.RETURNS_PROPOSE)]
CanReadCases = Annotated[Caller, may(Scope.CASES_READ)]
CanWriteCases = Annotated[Caller, may(Scope.CASES_WRITE)]
CanReadIncidents = Annotated[Caller, may(Scope.INCIDENTS_READ)]
CanObserve = Annotated[Caller, may(Scope.OBSERVATIONS_WRITE)]
CanReadTerminals = Annotated[Caller, may(Scope.TERMINALS_READ)]
CanReadReports = Annotated[Caller, may(Scope.REPORTS_READ)]
CanReadNotifications = Annotated[Caller, may(Scope.NOTIFICATIONS_READ)]
CanReadWebhooks = Annotated[Caller, may(Scope.WEBHOOKS_READ)]
CanWriteWebhooks = Annotated[Caller, may(Scope.WEBHOOKS_WRITE)]
