"""Every way in which a request can fail: RFC 9457 problem details with stable codes."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from enum import StrEnum

import msgspec
from aiohttp import web

from store.engine import UNAVAILABLE

_log = logging.getLogger("radcommons.api")
CONTENT_TYPE = "application/problem+json"
_STORE_WAIT_S = 5


class Code(StrEnum):
    """Stable codes of problems; none is ever renamed."""

    UNKNOWN_PARAMETER = "unknown_parameter"
    REPEATED_PARAMETER = "repeated_parameter"
    MISSING_PARAMETER = "missing_parameter"
    BAD_VALUE = "bad_value"
    NAIVE_TIME = "naive_time"
    BAD_CURSOR = "bad_cursor"
    BAD_BODY = "bad_body"
    BAD_REQUEST = "bad_request"
    TOKEN_MISSING = "token_missing"  # noqa: S105
    TOKEN_REFUSED = "token_refused"  # noqa: S105
    NOT_FOUND = "not_found"
    NO_SUCH_PATH = "no_such_path"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    GONE = "gone"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    WINDOW_REVERSED = "window_reversed"
    UNKNOWN_NAME = "unknown_name"
    NOT_MEANINGFUL = "not_meaningful"
    TOO_MANY_REQUESTS = "too_many_requests"
    INTERNAL = "internal"
    NOT_AVAILABLE = "not_available"


#: Code -> (status, title).
TABLE: Mapping[Code, tuple[int, str]] = {
    Code.UNKNOWN_PARAMETER: (400, "A query parameter that this path does not know"),
    Code.REPEATED_PARAMETER: (400, "A query parameter given more than once"),
    Code.MISSING_PARAMETER: (400, "A required query parameter is missing"),
    Code.BAD_VALUE: (400, "A parameter has a value that cannot be read"),
    Code.NAIVE_TIME: (400, "A time without an offset from UTC"),
    Code.BAD_CURSOR: (400, "A cursor that was not given out for this query"),
    Code.BAD_BODY: (400, "The body cannot be read as what this path takes"),
    Code.BAD_REQUEST: (400, "The request cannot be read"),
    Code.TOKEN_MISSING: (401, "This call needs a token"),
    Code.TOKEN_REFUSED: (403, "The token does not allow this call"),
    Code.NOT_FOUND: (404, "No such thing is known"),
    Code.UNKNOWN_NAME: (404, "A filter names something that is not known"),
    Code.NO_SUCH_PATH: (404, "No such path"),
    Code.METHOD_NOT_ALLOWED: (405, "This path does not know that method"),
    Code.NOT_ACCEPTABLE: (406, "No format that the request accepts"),
    Code.GONE: (410, "This was here and is gone"),
    Code.BODY_TOO_LARGE: (413, "The body is too large"),
    Code.UNSUPPORTED_MEDIA_TYPE: (415, "The body has a type that this path does not take"),
    Code.WINDOW_REVERSED: (422, "The window ends before it begins"),
    Code.NOT_MEANINGFUL: (422, "The request can be read but not be carried out"),
    Code.TOO_MANY_REQUESTS: (429, "Too many requests"),
    Code.INTERNAL: (500, "Something failed here"),
    Code.NOT_AVAILABLE: (503, "A part that is needed for the answer is not available"),
}

_BY_STATUS: Mapping[int, Code] = {
    400: Code.BAD_REQUEST,
    404: Code.NO_SUCH_PATH,
    405: Code.METHOD_NOT_ALLOWED,
    413: Code.BODY_TOO_LARGE,
    415: Code.UNSUPPORTED_MEDIA_TYPE,
    503: Code.NOT_AVAILABLE,
}


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457 problem details. `code` is stable, `param` names the parameter at fault, `trace_id` finds the log line.

    `redirect_to` is where a thing that is gone lives now; `source` is the part or publisher that an answer failed for.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    trace_id: str
    param: str = ""
    redirect_to: str = ""
    source: str = ""


class ProblemError(Exception):
    """An expected failure on its way to the client."""

    def __init__(
        self,
        code: Code,
        detail: str,
        param: str = "",
        headers: Mapping[str, str] | None = None,
        *,
        redirect_to: str = "",
        source: str = "",
    ) -> None:
        super().__init__(detail)
        self.code, self.detail, self.param, self.headers = code, detail, param, dict(headers or {})
        self.redirect_to, self.source = redirect_to, source


def type_of(code: Code) -> str:
    """The `type` of a problem: a relative reference that answers with its explanation."""
    return f"/v1/problems/{code}"


def response(error: ProblemError) -> web.Response:
    """The answer that tells a problem."""
    status, title = TABLE[error.code]
    trace = uuid.uuid4().hex
    details = ProblemDetails(
        type=type_of(error.code),
        title=title,
        status=status,
        detail=error.detail,
        code=error.code,
        trace_id=trace,
        param=error.param,
        redirect_to=error.redirect_to,
        source=error.source,
    )
    _log.info("problem %s %s %s: %s", status, error.code, trace, error.detail)
    headers = {"Cache-Control": "no-store", **error.headers}
    return web.Response(body=msgspec.json.encode(details), status=status, content_type=CONTENT_TYPE, headers=headers)


def _of_http(error: web.HTTPException) -> ProblemError:
    code = _BY_STATUS.get(error.status, Code.BAD_REQUEST if error.status < 500 else Code.INTERNAL)
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return ProblemError(code, error.reason or TABLE[code][1], headers=headers)


def told(request: web.Request, error: Exception) -> web.Response:
    """The answer to a request that failed; raises `error` again if it is a redirection. What nobody expected keeps its traceback in the log."""
    if isinstance(error, ProblemError):
        return response(error)
    if isinstance(error, web.HTTPException):
        if error.status < 400:
            raise error
        return response(_of_http(error))
    if isinstance(error, UNAVAILABLE):
        _log.error("the store does not answer on %s %s", request.method, request.path, exc_info=error)
        wait = {"Retry-After": str(_STORE_WAIT_S)}
        return response(
            ProblemError(Code.NOT_AVAILABLE, "The store does not answer now.", source="store", headers=wait)
        )
    unexpected = ProblemError(Code.INTERNAL, "This was not expected; the trace id finds it in the log of the service.")
    answer = response(unexpected)
    _log.error("unexpected failure on %s %s: %s", request.method, request.path, answer.body, exc_info=error)
    return answer
