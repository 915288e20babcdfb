"""What a browser gets: the page and its files from here and nowhere else; without node a sentence on what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.conftest import Client, body


@pytest.fixture
def web(tmp_path: Path) -> Path:
    (tmp_path / "web" / "vendor" / "swagger-ui").mkdir(parents=True)
    (tmp_path / "web" / "index.html").write_text("<!doctype html><title>page</title>")
    (tmp_path / "web" / "vendor" / "swagger-ui" / "swagger-ui-bundle.js").write_text("// é")
    (tmp_path / "web" / "notes.md").write_text("not served")
    (tmp_path / "secret.js").write_text("outside")
    return tmp_path / "web"


async def test_the_page_and_its_files(serve, web: Path) -> None:
    api = await serve(web_folder=web)
    async with api.get("/") as response:
        assert (response.status, response.content_type, response.charset) == (200, "text/html", "utf-8")
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    async with api.get("/web/vendor/swagger-ui/swagger-ui-bundle.js") as response:
        assert (response.content_type, response.charset) == ("text/javascript", "utf-8"), (
            "Swagger UI fails without the charset"
        )
        assert await response.text() == "// é"
    async with api.get("/docs") as response:
        text = await response.text()
        assert "/web/vendor/swagger-ui/swagger-ui-bundle.js" in text
        assert "http://" not in text
        assert "https://" not in text
    async with api.get("/docs/start.js") as response:
        assert '"/openapi.json"' in await response.text()


@pytest.mark.parametrize(
    "path",
    [
        "/web/notes.md",
        "/web/",
        "/web/vendor",
        "/web/vendor/",
        "/web/../secret.js",
        "/web/%2e%2e/secret.js",
        "/web//etc/passwd",
        "/web/%2fetc%2fpasswd",
    ],
)
async def test_nothing_else_is_served(serve, web: Path, path: str) -> None:
    api = await serve(web_folder=web)
    async with api.get(path) as response:
        assert response.status == 404
        assert "outside" not in await response.text()


async def test_a_link_out_of_the_folder_leads_nowhere(serve, web: Path) -> None:
    (web / "link.js").symlink_to(web.parent / "secret.js")
    api = await serve(web_folder=web)
    await body(api, "/web/link.js", 404)


async def test_without_node_the_page_says_what_is_missing(serve, tmp_path: Path) -> None:
    api = await serve(web_folder=tmp_path)
    for path in ("/", "/docs"):
        async with api.get(path) as response:
            assert response.status == 200
            assert "make setup" in await response.text()
    assert await body(api, "/v1/")


async def test_probes_and_metrics(serve, clock) -> None:
    api = await serve()
    assert (await body(api, "/readyz"))["ready"] is True
    async with api.get("/metrics") as response:
        text = await response.text()
    assert 'radcommons_feed_state{feed="jp-made",state="ok"} 1.0' in text
    assert 'radcommons_feed_state{feed="never-made",state="never_run"} 1.0' in text
    assert 'radcommons_api_requests_total{operation="get_readyz",status="200"} 1.0' in text
    clock.advance_to(clock.now_s() + 2 * 86400)
    told = await body(api, "/readyz", 503)
    assert (told["ready"], [feed["id"] for feed in told["blind"]]) == (False, ["jp-made"]), (
        "a dead collector leaves a good state behind"
    )


async def test_any_page_may_ask(api: Client) -> None:
    async with api.get("/v1/stations", headers={"Origin": "https://elsewhere.example"}) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "*"
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    async with api.options("/v1/stations", headers=headers) as response:
        assert response.status == 204
        assert "If-None-Match" in response.headers["Access-Control-Allow-Headers"]


async def test_head_is_get_without_a_body(api: Client) -> None:
    async with api.head("/v1/latest") as response:
        assert (response.status, await response.read()) == (200, b"")
        assert response.headers["ETag"]
