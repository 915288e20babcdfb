"""A webhook receiver in a process of its own: verifies with the reference library, answers as told, writes down what it got.

Usage: receiver.py PORT LOGFILE SECRET [STATUS,STATUS,...]   statuses are answered in turn, then 204.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import standardwebhooks
from aiohttp import web


def main() -> None:
    port, path, secret = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    answers = [int(text) for text in sys.argv[4].split(",")] if len(sys.argv) > 4 and sys.argv[4] else []
    reference = standardwebhooks.Webhook(secret)
    log = Path(path)

    async def hook(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            data = reference.verify(body, dict(request.headers))
            verified = True
        except standardwebhooks.WebhookVerificationError:
            data, verified = json.loads(body), False
        status = answers.pop(0) if answers else 204
        line = {
            "id": request.headers["webhook-id"],
            "verified": verified,
            "status": status,
            "size": len(body),
            "body": data,
        }
        with log.open("a", encoding="utf-8") as file:  # noqa: ASYNC230 - one short line, in a test
            file.write(json.dumps(line) + "\n")
        headers = {"Location": "http://127.0.0.1:1/"} if status in (301, 302) else {}
        return web.Response(status=status, headers=headers)

    app = web.Application()
    app.router.add_post("/hook", hook)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main()
