"""Proof that somebody receives at an address: a signed challenge is sent there, and nothing else before it was given back."""

from __future__ import annotations

import html
import secrets
from typing import Any

import msgspec
from aiohttp import web

from api import params as p
from api.access import digest_of, own_subscription
from api.clocktext import told
from api.models import subscriptions as m
from api.operation import Call, Operation, Reply
from api.problems import Code, ProblemError
from store import deliveries as held
from store.alert_rows import CHALLENGE, Message
from store.engine import Store

LASTS_S = 86_400
_SHAPE = "^[A-Za-z0-9_-]{20,64}$"


def _code(text: str) -> str:
    if not 20 <= len(text) <= 64 or not text.isascii() or not text.replace("-", "").replace("_", "").isalnum():
        raise ValueError("not the words of a challenge")
    return text


CODE = p.Param(
    "code",
    _code,
    {"type": "string", "pattern": _SHAPE},
    "The words of the challenge.",
    "0123456789abcdef0123456789abcdef",
    required=True,
)


def proof(now_s: int) -> tuple[str, dict[str, Any]]:
    """New words for a challenge, and what a subscription keeps of them."""
    code = secrets.token_urlsafe(24)
    return code, {"challenge_sha256": digest_of(code), "challenge_until_s": now_s + LASTS_S}


async def send_challenge(store: Store, subscription_uid: str, code: str, now_s: int) -> None:
    """Enter the message that asks for the words back."""
    data = {"subscription": subscription_uid, "challenge": code, "expires_at": told(now_s + LASTS_S)}
    payload = msgspec.json.encode({"type": CHALLENGE, "timestamp": told(now_s), "data": data}).decode()
    message = Message(f"msg_{secrets.token_hex(12)}", subscription_uid, CHALLENGE, payload)
    await held.enqueue(store, [message], now_s)


async def challenge(call: Call) -> Reply:
    """Send a new challenge; the one before is void."""
    row, store = await own_subscription(call), call.service.store
    if not row.pending_url:
        raise ProblemError(Code.NOT_MEANINGFUL, "The address of this subscription is proved already.")
    code, kept = proof(call.now_s)
    await held.patch_subscription(store, row.uid, call.now_s, **kept)
    await send_challenge(store, row.uid, code, call.now_s)
    body = m.Challenged(confirm_by=told(kept["challenge_until_s"]))
    return Reply(body, status=202, headers={"Cache-Control": "no-store"})


async def confirm(call: Call) -> Reply:
    """Give the words of a challenge back by hand: for mails and posts, and for receivers that cannot answer with them."""
    uid, store = call.path["id"], call.service.store
    if not await held.prove(store, uid, digest_of(call.query.need(CODE)), call.now_s):
        raise ProblemError(Code.NOT_FOUND, "These are not the words of a challenge that can still be met.", CODE.name)
    row = await held.subscription(store, uid)
    body = m.Confirmed(confirmed=True, state=row.state if row else "")
    return Reply(body, headers={"Cache-Control": "no-store"})


async def page(call: Call) -> web.StreamResponse:
    """A page with one button. Opening a link proves nothing: programs that look through mails open links."""
    code = html.escape(call.query.need(CODE))
    return web.Response(
        text=_PAGE.format(action=f"?code={code}"),
        content_type="text/html",
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
            "Referrer-Policy": "no-referrer",
        },
    )


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Radcommons: confirm</title>
<body style="font:1.1rem/1.5 system-ui;max-width:34rem;margin:3rem auto;padding:0 1rem">
<h1>Radcommons</h1>
<p>Send radiation notices to this address?</p>
<p lang="ja">このアドレスに放射線の通知を送りますか。</p>
<p lang="ko">이 주소로 방사선 통지를 보낼까요?</p>
<p lang="zh-Hans">是否向此地址发送辐射通知？</p>
<form method="post" action="{action}"><button style="font:inherit;padding:.5rem 1rem">OK · 確認 · 확인 · 确认</button></form>
</body>
</html>
"""

_PATH = "/v1/subscriptions/{id}"
_ONE = {"id": "sub_0123456789abcdef01234567"}
_TAG = "subscriptions"
OPERATIONS = (
    Operation(
        "POST",
        f"{_PATH}/challenge",
        challenge,
        "Send the challenge again",
        m.Challenged,
        _TAG,
        problems=(Code.NOT_FOUND, Code.GONE, Code.NOT_MEANINGFUL),
        status=202,
        scope="subscriber",
        path_examples=_ONE,
    ),
    Operation(
        "POST",
        f"{_PATH}/confirm",
        confirm,
        "Give a challenge back by hand",
        m.Confirmed,
        _TAG,
        (CODE,),
        problems=(Code.NOT_FOUND,),
        path_examples=_ONE,
    ),
    Operation(
        "GET",
        f"{_PATH}/confirm",
        page,
        "A page with a button that gives a challenge back",
        None,
        _TAG,
        (CODE,),
        media="text/html",
        path_examples=_ONE,
    ),
)
