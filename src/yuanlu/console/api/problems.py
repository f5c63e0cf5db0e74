"""What the API says when it says no: problem details (RFC 9457), the same form for every error.

`code` is for programs and never changes its meaning; `title` and `detail` are for the people who read logs. Nothing
here repeats what was sent: a card number in a wrong field must not come back.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from starlette.responses import JSONResponse

from yuanlu.kernel.errors import YuanluError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:yuanlu:problem:"
ERRORS_MAX = 20


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of problem: HTTP status, title, whether the same request may be sent again, and what to do."""

    status: int
    title: str
    retryable: bool = False
    next_action: str = "correct_the_request"


KINDS: dict[str, Kind] = {
    "malformed": Kind(status=400, title="The body cannot be read"),
    "unauthorized": Kind(status=401, title="No valid API key", next_action="use_a_valid_key"),
    "forbidden": Kind(status=403, title="The key may not do this", next_action="use_a_key_with_the_scope"),
    "not_found": Kind(status=404, title="There is no such thing"),
    "method_not_allowed": Kind(status=405, title="This cannot be done here"),
    "request_in_flight": Kind(
        status=409, title="The same request is under way", retryable=True, next_action="ask_again_in_a_moment"
    ),
    "key_cancelled": Kind(
        status=409, title="This Idempotency-Key was cancelled", next_action="nothing_was_charged_use_a_new_key"
    ),
    "refused": Kind(status=409, title="It is not possible as things stand", next_action="look_at_it_again"),
    "too_large": Kind(status=413, title="The body is too large"),
    "unsupported_media_type": Kind(status=415, title="The body is not JSON", next_action="send_application_json"),
    "invalid": Kind(status=422, title="The request is not valid"),
    "idempotency_key_missing": Kind(status=422, title="Idempotency-Key is missing"),
    "idempotency_key_reused": Kind(
        status=422, title="This Idempotency-Key belongs to another request", next_action="use_a_new_key"
    ),
    "rate_limited": Kind(status=429, title="Too many requests", retryable=True, next_action="wait_and_retry"),
    "failed": Kind(
        status=500, title="It failed here", retryable=True, next_action="ask_by_the_same_idempotency_key"
    ),
    "unavailable": Kind(status=503, title="It cannot be done now", retryable=True, next_action="wait_and_retry"),
}  # fmt: skip
"""Every problem that the API knows, by code."""

OF_STATUS = {kind.status: code for code, kind in reversed(KINDS.items())}
"""The code of a status that the framework gave."""


class Wrong(Struct, frozen=True, kw_only=True):
    """One field that is not right."""

    field: str
    message: str


class ApiProblem(YuanluError):
    """A request that is not carried out. `code` is one of KINDS."""

    def __init__(
        self, code: str, detail: str, *, errors: Sequence[Wrong] = (), headers: Mapping[str, str] | None = None,
        case_id: str | None = None, next_action: str = "",
    ) -> None:  # fmt: skip
        super().__init__(detail)
        self.code = code
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.case_id = case_id
        self.next_action = next_action or KINDS[code].next_action


def document(problem: ApiProblem, instance: str) -> dict[str, Any]:
    """The problem as JSON."""
    kind = KINDS[problem.code]
    return {
        "type": TYPE_PREFIX + problem.code,
        "title": kind.title,
        "status": kind.status,
        "detail": str(problem),
        "instance": instance,
        "code": problem.code,
        "errors": [{"field": each.field, "message": each.message} for each in problem.errors[:ERRORS_MAX]],
        "retryable": kind.retryable,
        "next_action": problem.next_action,
        "case_id": problem.case_id,
    }


def answer(problem: ApiProblem, instance: str) -> JSONResponse:
    """The problem as an answer."""
    return JSONResponse(
        document(problem, instance), KINDS[problem.code].status, headers=problem.headers, media_type=MEDIA_TYPE
    )


def not_found() -> ApiProblem:
    """There is none, or it is another merchant's: which of the two is not said."""
    return ApiProblem("not_found", "there is no such thing, or it is not this key's to see")
