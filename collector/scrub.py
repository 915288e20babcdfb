"""Personal data out of an answer before anything keeps it: the fields that a feed's form names, and nothing else.

The digest of the original stays with the answer (header `x-original-sha256`), so that whoever holds the original can show that ours
came from it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace

from collector.fetched import Fetched
from collector.plan import recognise
from specs.feed import FeedSpec, Form
from specs.loading import Table

ORIGINAL = "x-original-sha256"
_ENCODED = frozenset({"content-encoding", "content-length"})


def scrubbed(fetched: Fetched, feed: FeedSpec, tables: Mapping[str, Table]) -> Fetched:
    """The answer without the fields that its form calls personal; the same object where there is nothing to take out.

    An answer that cannot be taken apart (broken JSON, an error page) is kept without its body: what cannot be scrubbed is not kept.
    """
    if not any(form.scrub for form in feed.forms) or not fetched.wire:
        return fetched
    found = recognise(feed, fetched.answer.method, fetched.answer.url, tables)
    if found is None or not found[0].scrub:
        return fetched
    original = hashlib.sha256(fetched.wire).hexdigest()
    clean = _clean(fetched.body, found[0])
    if clean is not None and clean == fetched.body:
        return fetched
    body = clean or b""
    headers = tuple(pair for pair in fetched.answer.headers if pair[0] not in _ENCODED)
    digest = hashlib.sha256(body).hexdigest() if body else ""
    answer = replace(fetched.answer, sha256=digest, size_bytes=len(body), headers=(*headers, (ORIGINAL, original)))
    return Fetched(answer, body, body)


def _clean(body: bytes, form: Form) -> bytes | None:
    """The body without the fields; None when it cannot be taken apart."""
    names = frozenset(form.scrub)
    try:
        if form.decode.format == "delimited":
            return _without_columns(body, names, form.decode.delimiter)
        if form.decode.format == "json_lines":
            return b"\n".join(_without_keys(line, names) if line.strip() else line for line in body.split(b"\n"))
        return _without_keys(body, names)
    except (ValueError, RecursionError, csv.Error):
        return None


def _without_keys(body: bytes, names: frozenset[str]) -> bytes:
    """JSON with `null` for every value under one of the names; every other byte stays as it came, numbers above all."""
    text = body.decode("utf-8-sig")
    json.loads(text)  # what is no JSON is refused before anything is looked for in it
    parts, kept_to, at = [], 0, 0
    while (found := _STRING.search(text, at)) is not None:
        at = found.end()
        if found[2] is None or json.loads(found[1]) not in names:
            continue
        _, end = _DECODER.raw_decode(text, at)
        parts += [text[kept_to:at], "null"]
        kept_to = at = end
    return "".join((*parts, text[kept_to:])).encode() if parts else body


#: A JSON string, and whether it is the name of a value.
_STRING = re.compile(r'("(?:[^"\\]|\\.)*")(?:\s*(:)\s*)?')
_DECODER = json.JSONDecoder()


def _without_columns(body: bytes, names: frozenset[str], delimiter: str) -> bytes:
    text = body.decode("utf-8-sig")
    dialect = {"delimiter": {"tab": "\t"}.get(delimiter, delimiter)}
    rows = list(csv.reader(io.StringIO(text), **dialect))  # type: ignore[arg-type]
    at = {number for number, name in enumerate(rows[0]) if name.strip() in names} if rows else set()
    if not at:
        return body
    kept = io.StringIO()
    writer = csv.writer(kept, lineterminator="\n", **dialect)  # type: ignore[arg-type]
    writer.writerow(rows[0])
    writer.writerows([["" if number in at else cell for number, cell in enumerate(row)] for row in rows[1:]])
    return kept.getvalue().encode()
