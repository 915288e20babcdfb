"""Who may do what: reading is open, operators and subscribers show a bearer token. Tokens are kept as digests only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from api.operation import Call
from api.problems import Code, ProblemError
from domain.states import Audience
from store import deliveries
from store.alert_rows import SubscriptionRow

_REALM = {"WWW-Authenticate": 'Bearer realm="radcommons"'}


def new_token() -> str:
    """A subscriber's token: 256 bits."""
    return "rct_" + secrets.token_urlsafe(32)


def new_secret() -> str:
    """A Standard Webhooks HMAC secret: 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _given(call: Call) -> str:
    scheme, _, token = call.request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ProblemError(Code.TOKEN_MISSING, "Send `Authorization: Bearer <token>`.", headers=_REALM)
    return token.strip()


def _is_operator(call: Call, token: str) -> bool:
    own = call.service.settings.operator_token
    return bool(own) and hmac.compare_digest(own.encode(), token.encode())


def may_operate(call: Call) -> None:
    """Raise unless the caller shows the operator's token; a service that was given none takes no operator calls at all."""
    token = _given(call)
    if not call.service.settings.operator_token:
        told = "This service was started without an operator's token (RADCOMMONS_OPERATOR_TOKEN), so it takes no operator calls."
        raise ProblemError(Code.TOKEN_REFUSED, told)
    if not _is_operator(call, token):
        raise ProblemError(Code.TOKEN_REFUSED, "The token is not the operator's.")


def author_of(call: Call) -> str:
    """Who asks, as the header `X-Operator` names them; it is kept with every change."""
    named = "".join(letter for letter in call.request.headers.get("X-Operator", "") if letter.isprintable()).strip()
    return f"{named[:80]} (API)" if named else "operator (API)"


def may_subscribe(call: Call) -> None:
    """Raise unless the caller may make a subscription: on a private service without an operator's token anybody, else the operator."""
    settings = call.service.settings
    if not settings.operator_token and settings.audience is Audience.INTERNAL:
        return
    if not _is_operator(call, _given(call)):
        raise ProblemError(Code.TOKEN_REFUSED, "New subscriptions are made by the operator of this service.")


async def own_subscription(call: Call) -> SubscriptionRow:
    """The subscription of a path, for its subscriber or the operator; one that was deleted is gone."""
    token, uid = _given(call), call.path["id"]
    row = await deliveries.subscription(call.service.store, uid)
    operator = _is_operator(call, token)
    mine = row is not None and hmac.compare_digest(row.token_sha256, digest_of(token))
    if not operator and not mine:
        raise ProblemError(Code.TOKEN_REFUSED, "The token does not belong to this subscription.")
    if row is None:
        raise ProblemError(Code.NOT_FOUND, f"No subscription {uid!r} is known.")
    if row.state == "deleted":
        raise ProblemError(Code.GONE, "This subscription was deleted.")
    return row
