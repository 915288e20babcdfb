"""What a browser gets besides JSON: the page, its files, and the API reference. Everything is served from here, nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from api.service import SERVICE

#: Types by ending. Swagger UI dies with a SyntaxError when its script comes without a charset.
_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".png": "image/png",
    ".ico": "image/x-icon",
}
_POLICY = "default-src 'self'; worker-src 'self' blob:; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
_DOCS = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Radcommons API</title>
<link rel="icon" href="/web/icon.svg">
<link rel="stylesheet" href="/web/vendor/swagger-ui/swagger-ui.css"></head>
<body><div id="ui"></div>
<script src="/web/vendor/swagger-ui/swagger-ui-bundle.js" charset="utf-8"></script>
<script src="/docs/start.js"></script></body></html>
"""
_START = 'SwaggerUIBundle({ url: "/openapi.json", dom_id: "#ui", validatorUrl: null, deepLinking: true });\n'
_MISSING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Radcommons</title></head>
<body><h1>Radcommons</h1><p>{what} is not here: its parts come from npm at set-up and node was not found then.
Install node and run <code>make setup</code> again.</p>
<p>Everything else works: <a href="/v1/">/v1/</a>, <a href="/openapi.json">/openapi.json</a>.</p></body></html>
"""


def add_pages(app: web.Application) -> None:
    """The routes of the page, of its files and of the reference."""
    app.router.add_get("/", _index)
    app.router.add_get("/web/{path:.+}", _file)
    app.router.add_get("/docs", _docs)
    app.router.add_get("/docs/start.js", _start)


def _folder(request: web.Request) -> Path:
    return request.app[SERVICE].settings.web_folder


async def _index(request: web.Request) -> web.StreamResponse:
    page = _folder(request) / "index.html"
    return _sent(page) if page.is_file() else _html(_MISSING.format(what="The page"))


async def _docs(request: web.Request) -> web.StreamResponse:
    bundle = _folder(request) / "vendor" / "swagger-ui" / "swagger-ui-bundle.js"
    return _html(_DOCS if bundle.is_file() else _MISSING.format(what="The API reference"))


async def _start(request: web.Request) -> web.StreamResponse:
    return web.Response(text=_START, content_type="text/javascript", charset="utf-8")


async def _file(request: web.Request) -> web.StreamResponse:
    """A file under the web folder; a path that leads out of it is as unknown as one that leads nowhere."""
    folder, asked = _folder(request).resolve(), request.match_info["path"]
    path = None if "\x00" in asked else (folder / asked).resolve()
    if path is None or not path.is_relative_to(folder) or path.suffix not in _TYPES or not path.is_file():
        raise web.HTTPNotFound(reason="No such file is here.")
    return _sent(path)


def _sent(path: Path) -> web.StreamResponse:
    kind = _TYPES[path.suffix]
    written = kind if kind.startswith("image/") else f"{kind}; charset=utf-8"
    return web.FileResponse(
        path, headers={"Content-Type": written, "Cache-Control": "no-cache", "Content-Security-Policy": _POLICY}
    )


def _html(text: str) -> web.Response:
    return web.Response(
        text=text, content_type="text/html", charset="utf-8", headers={"Content-Security-Policy": _POLICY}
    )
