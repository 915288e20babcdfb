"""Personal fields are blanked before anything keeps an answer; every other byte stays, and the digest of the original is told."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.archive import ArchiveReader, RawArchive
from collector.fetched import Fetched
from collector.pipeline import Pipeline
from collector.scrub import ORIGINAL, scrubbed
from domain.clock import VirtualClock
from domain.readings import Answer
from domain.reasons import Refusal
from specs.feed import FeedSpec
from specs.loading import Config
from store import read
from store.engine import Store
from tests.feeds.made import RECEIVED, loaded

NOW = RECEIVED.timestamp()
URL = "https://lab.example/rows"
FORM = """\
forms:
  - id: rows
    request: {{url: "https://lab.example/rows"}}
    decode: {{{decode}}}
    scrub: [mail, owner]
    station: {{key: id}}
    time: {{column: at, zone: UTC, zone_stated: true}}
    measures: [{{column: cpm, quantity: count_rate, unit: "{{counts}}/min"}}]
"""
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6)
)
KEYS = st.sampled_from(["mail", "owner", "id", "a", 'q"uote', "mail "])
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)


def fetched(body: bytes) -> Fetched:
    digest = hashlib.sha256(body).hexdigest()
    headers = (("content-encoding", "gzip"), ("etag", '"1"'))
    return Fetched(Answer("xx-made", "GET", URL, NOW, NOW, 200, headers, digest, len(body)), body, body)


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Config]:
    kinds = {"json": "format: json_rows", "lines": "format: json_lines", "csv": "format: delimited"}
    return {name: loaded(tmp_path_factory.mktemp(name), FORM.format(decode=decode)) for name, decode in kinds.items()}


def clean(config: Config, body: bytes) -> Fetched:
    return scrubbed(fetched(body), config.feeds[0], config.tables)


def blanked(node: object) -> object:
    if isinstance(node, dict):
        return {key: None if key in ("mail", "owner") else blanked(value) for key, value in node.items()}
    return [blanked(one) for one in node] if isinstance(node, list) else node


@given(document=DOCUMENTS, indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
def test_the_fields_and_nothing_else(
    configs: dict[str, Config], document: object, indent: int | None, ascii_only: bool
) -> None:
    body = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
    found = clean(configs["json"], body)
    assert json.loads(found.body) == blanked(document)
    if found.body == body:
        assert found.answer.sha256 == hashlib.sha256(body).hexdigest()


def test_numbers_and_blanks_stay_as_they_came(configs: dict[str, Config]) -> None:
    found = clean(
        configs["json"], b'[ {"id": 1, "cpm":  0.070,"mail" : {"x":["y\\"","z"]}, "n": 12345678901234567890 } ]'
    )
    assert found.body == b'[ {"id": 1, "cpm":  0.070,"mail" : null, "n": 12345678901234567890 } ]'
    assert dict(found.answer.headers)[ORIGINAL]
    assert "content-encoding" not in dict(found.answer.headers)
    assert found.answer.sha256 == hashlib.sha256(found.wire).hexdigest()


def test_lines_and_columns(configs: dict[str, Config]) -> None:
    assert clean(configs["lines"], b'{"mail":"a@b","id":1}\n\n{"id":2}').body == b'{"mail":null,"id":1}\n\n{"id":2}'
    assert clean(configs["csv"], b'id,mail,cpm\n1,"a, b",3\n').body == b"id,mail,cpm\n1,,3\n"
    assert clean(configs["csv"], b"id,cpm\n1,3\n").body == b"id,cpm\n1,3\n"


@pytest.mark.parametrize("body", [b"<html>a@b</html>", b'{"mail": "a@b"', b"[" * 100_000, b"\xff\xfe"])
def test_what_cannot_be_taken_apart_is_not_kept(configs: dict[str, Config], body: bytes) -> None:
    found = clean(configs["json"], body)
    assert (found.body, found.wire, found.answer.sha256) == (b"", b"", "")
    assert dict(found.answer.headers)[ORIGINAL] == hashlib.sha256(body).hexdigest()


async def test_the_archive_and_the_store_never_see_them(
    configs: dict[str, Config], sqlite_store: Store, tmp_path: Path
) -> None:
    archive = RawArchive(tmp_path / "raw")
    pipeline = Pipeline(sqlite_store, configs["json"], VirtualClock(NOW), archive)
    feed: FeedSpec = configs["json"].feeds[0]
    run = pipeline.begin(feed, NOW)
    good = b'[{"id":"a","at":"2026-11-01T12:00:00Z","cpm":30,"mail":"someone@example.org"}]'
    assert (await pipeline.take(fetched(good), run)).stored == 1
    page = replace(fetched(b"<html>someone@example.org</html>"))
    tally = await pipeline.take(page, run)
    assert tally.refused == {Refusal.HTML_INSTEAD.value: 1}
    await pipeline.finish(run)
    archive.close()
    kept = [one.body for one in ArchiveReader([tmp_path / "raw"])]
    assert kept[0] == good.replace(b'"someone@example.org"', b"null")
    everything = b"".join(path.read_bytes() for path in (tmp_path / "raw").rglob("*") if path.is_file())
    assert b"someone" not in everything + b"".join(kept)
    first = (await read.answers(sqlite_store, run.uid))[0]
    assert first.sha256 == hashlib.sha256(kept[0]).hexdigest()
