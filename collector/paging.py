"""The request for the page that follows: by a count, or by what the page itself says comes next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from collector.fetched import Fetched
from collector.literal_json import at, document_of, text_of_value
from collector.plan import PlannedRequest
from collector.rawtable import PayloadRefused

_LONGEST_ADDRESS = 4000
_NEXT_LINK = re.compile(r'<([^<>]+)>[^,<]*;\s*rel="?next"?', re.IGNORECASE)


class StrangeAddress(Exception):
    """A page names a following one that is not its own server's: it is not asked, and the sentence says so."""


def next_page(request: PlannedRequest, read: int, fetched: Fetched | None = None) -> PlannedRequest | None:
    """The request for what follows a page that held `read` rows; None when it was the last, or enough. Raises StrangeAddress."""
    paging = request.paging
    if paging is None or request.page + 1 >= paging.most:
        return None
    if paging.next:
        said = _said(fetched, paging.next) if fetched is not None else None
        return _following(request, paging.parameter, said) if said else None
    if read < paging.size:
        return None
    page = request.page + 1
    return _with(request, paging.parameter, str(paging.first + page * (paging.size if paging.by == "rows" else 1)))


def _said(fetched: Fetched, path: str) -> str | None:
    """The address or the mark of the next page: a text, or that link of a list whose `rel` is `next`."""
    if path == "$link":
        headers = {name.lower(): value for name, value in fetched.answer.headers}
        found = _NEXT_LINK.search(headers.get("link", ""))
        return found[1] if found else None
    try:
        value: Any = at(document_of(fetched.body), path)
    except PayloadRefused:
        return None  # why it cannot be read is told with the page itself
    if isinstance(value, list):
        links = (link for link in value if isinstance(link, Mapping) and link.get("rel") == "next")
        value = next(links, {}).get("href")
    return text_of_value(value) if isinstance(value, str) else None


def _following(request: PlannedRequest, parameter: str, said: str) -> PlannedRequest | None:
    if parameter:
        return _with(request, parameter, said)
    here, there = urlsplit(request.url), urlsplit(urljoin(request.url, said))
    if (there.scheme, there.netloc, there.path) != (here.scheme, here.netloc, here.path) or len(
        said
    ) > _LONGEST_ADDRESS:
        raise StrangeAddress(
            f"the next page is said to be at {there.netloc}{there.path}, which is not {here.netloc}{here.path}"
        )
    secret = {name for name, _ in request.secret_query}
    query = [(name, text) for name, text in parse_qsl(there.query, keep_blank_values=True) if name not in secret]
    url = urlunsplit(here._replace(query=urlencode(query, quote_via=quote)))
    return replace(request, url=url, page=request.page + 1) if url != request.url else None


def _with(request: PlannedRequest, parameter: str, value: str) -> PlannedRequest:
    parts = urlsplit(request.url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | {parameter: value}
    return replace(
        request, url=urlunsplit(parts._replace(query=urlencode(query, quote_via=quote))), page=request.page + 1
    )
