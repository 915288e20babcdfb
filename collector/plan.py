"""The requests of a feed: which are due, and to which form of the feed a captured address belongs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import product
from types import MappingProxyType
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from specs.feed import FeedSpec, Form
from specs.loading import Table
from specs.request import PLACEHOLDER, Listed, Moment, Paging, Request, Span, Values, Variable
from specs.strict import EnvRef

#: The variable of the page in a template; no variable of an operator can be called so, and any page is the same form.
_PAGE = "page_"
_NO_TABLES: Mapping[str, Table] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request to make. `url` and `headers` hold no secret; the fetcher adds what `secret_*` name from the environment."""

    feed_id: str
    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    secret_query: tuple[tuple[str, str], ...] = ()
    secret_headers: tuple[tuple[str, str], ...] = ()
    redirect_hosts: tuple[str, ...] = ()
    form_id: str = ""
    absent: tuple[int, ...] = ()
    paging: Paging | None = None
    page: int = 0


def planned(
    feed: FeedSpec, now_s: float, tables: Mapping[str, Table] = _NO_TABLES, *, whole: bool = False
) -> tuple[PlannedRequest, ...]:
    """The requests of one poll of `feed` at `now_s`, in order.

    A form with its own `every_s` is asked in the first poll of each such period, and in a `whole` poll.
    """
    return tuple(
        request
        for form in feed.forms
        if form.request.scheduled and (whole or _due(form.request, feed.schedule.every_s, now_s))
        for request in _requests(feed, form, now_s, tables)
    )


def matches(feed: FeedSpec, method: str, url: str, tables: Mapping[str, Table] = _NO_TABLES) -> bool:
    """Whether a captured request belongs to this feed; secrets are no part of the comparison."""
    return recognise(feed, method, url, tables) is not None


def recognise(
    feed: FeedSpec, method: str, url: str, tables: Mapping[str, Table] = _NO_TABLES
) -> tuple[Form, Mapping[str, str]] | None:
    """The form that an address belongs to, and the values of its template's variables; None for a stranger."""
    asked = urlsplit(url)
    query = frozenset(parse_qsl(asked.query, keep_blank_values=True))
    for form in feed.forms:
        if form.request.method != method:
            continue
        for template in (_template(form.request), *form.request.also):
            found = _match(template, _secret_names(form.request), asked.netloc + asked.path, query)
            if found is not None and _allowed(form.request, found, tables):
                return form, found
    return _following_page(feed, method, asked.netloc + asked.path, query)


def _following_page(
    feed: FeedSpec, method: str, place: str, query: frozenset[tuple[str, str]]
) -> tuple[Form, Mapping[str, str]] | None:
    """The form whose pages name their next one: its address has the path of the first, and parameters of the publisher's choice."""
    for form in feed.forms:
        paging = form.request.paging
        if paging is None or not paging.next or form.request.method != method:
            continue
        given = query if not paging.parameter else frozenset(pair for pair in query if pair[0] != paging.parameter)
        wanted_place, wanted_query = _pattern(_template(form.request))
        found = wanted_place.fullmatch(place)
        parts = [pattern.fullmatch(dict(given).get(name, "")) for name, pattern in wanted_query.items()]
        if found is not None and (not paging.parameter or all(parts)):
            return form, dict(found.groupdict()) | {
                name: text for part in parts if part for name, text in part.groupdict().items()
            }
    return None


def _requests(feed: FeedSpec, form: Form, now_s: float, tables: Mapping[str, Table]) -> Iterator[PlannedRequest]:
    request = form.request
    names = list(request.variables)
    for values in product(*(list(_values(request.variables[name], now_s, tables)) for name in names)):
        chosen = dict(zip(names, values, strict=True))
        if request.paging and not request.paging.next:
            chosen[_PAGE] = str(request.paging.first)
        yield PlannedRequest(
            feed_id=feed.id,
            method=request.method,
            url=_filled(_template(request), chosen),
            headers=tuple((name, value) for name, value in request.headers.items() if isinstance(value, str)),
            body=_filled(request.body, chosen).encode(),
            secret_query=_references(request.parameters),
            secret_headers=_references(request.headers),
            redirect_hosts=request.redirect_hosts,
            form_id=form.id,
            absent=request.absent,
            paging=request.paging,
        )


def _due(request: Request, feed_every_s: int, now_s: float) -> bool:
    return request.every_s is None or now_s % request.every_s < feed_every_s


def _values(variable: Variable, now_s: float, tables: Mapping[str, Table]) -> Iterator[str]:
    match variable:
        case Values():
            yield from variable.values
        case Span():
            yield from map(str, range(variable.first, variable.last + 1))
        case Listed():
            yield from _listed(variable, tables)
        case Moment():
            now = datetime.fromtimestamp(now_s, UTC)
            moments = (now + timedelta(seconds=variable.offset_s + more) for more in (0, *variable.also_s))
            yield from dict.fromkeys(_spelt(moment, variable) for moment in moments)


def _spelt(moment: datetime, variable: Moment) -> str:
    """A moment as the template wants it; steps are counted from midnight in its zone."""
    local = moment.astimezone(ZoneInfo(variable.zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if variable.step_s > 1:
        local -= timedelta(seconds=int((local - midnight).total_seconds()) % variable.step_s)
        local = local.replace(second=local.second if variable.step_s < 60 else 0, microsecond=0)
    return str(int(local.timestamp())) if variable.format == "epoch_s" else local.strftime(variable.format)


def _listed(variable: Listed, tables: Mapping[str, Table]) -> Iterator[str]:
    table = tables.get(variable.table)
    if table is None:
        return
    columns = {name: at for at, name in enumerate(table.columns)}
    for row in table.rows:
        if all(row[columns[name]] == text for name, text in variable.where.items()):
            yield row[columns[variable.column]]


def _template(request: Request) -> str:
    """The address with its plain parameters; secret ones are left out."""
    plain = {name: value for name, value in request.parameters.items() if isinstance(value, str)}
    if request.paging and not request.paging.next:
        plain[request.paging.parameter] = f"{{{_PAGE}}}"
    if not plain:
        return request.url
    parts = urlsplit(request.url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(plain, safe="{}"))))))


def _filled(template: str, chosen: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: quote(chosen[found[1]], safe=""), template)


def _references(pairs: Mapping[str, str | EnvRef]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value.env) for name, value in pairs.items() if isinstance(value, EnvRef))


def _secret_names(request: Request) -> frozenset[str]:
    return frozenset(name for name, _ in _references(request.parameters))


def _match(
    template: str, secrets: frozenset[str], place: str, query: frozenset[tuple[str, str]]
) -> dict[str, str] | None:
    """Variables by which `template` gives this place and these parameters in any order, or None."""
    wanted_place, wanted_query = _pattern(template)
    found = wanted_place.fullmatch(place)
    given = {name: value for name, value in query if name not in secrets}
    if found is None or set(given) != set(wanted_query):
        return None
    values = dict(found.groupdict())
    for name, pattern in wanted_query.items():
        part = pattern.fullmatch(given[name])
        if part is None:
            return None
        values |= part.groupdict()
    return values


@lru_cache(maxsize=4096)
def _pattern(template: str) -> tuple[re.Pattern[str], dict[str, re.Pattern[str]]]:
    parts = urlsplit(template)
    return _regex(parts.netloc + parts.path), {
        name: _regex(value) for name, value in parse_qsl(parts.query, keep_blank_values=True)
    }


def _regex(template: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", template)
    return re.compile(
        "".join(f"(?P<{piece}>[^/&?]+)" if place % 2 else re.escape(piece) for place, piece in enumerate(pieces))
    )


def _allowed(request: Request, found: Mapping[str, str], tables: Mapping[str, Table]) -> bool:
    """Variables with a closed list of values match those only, so that two forms may share one path."""
    return all(_may_be(request.variables.get(name), value, tables) for name, value in found.items())


def _may_be(variable: Variable | None, value: str, tables: Mapping[str, Table]) -> bool:
    match variable:
        case Values():
            return value in variable.values
        case Span():
            return value.isdigit() and variable.first <= int(value) <= variable.last
        case Listed() if variable.table in tables:
            return value in _closed(variable, tables)
        case _:
            return True


#: The closed lists of variables, each with the table that it was read from: a table that was edited is another object.
_CLOSED: dict[tuple[str, str], tuple[Table, frozenset[str]]] = {}


def _closed(variable: Listed, tables: Mapping[str, Table]) -> frozenset[str]:
    """The values that a listed variable may have, made once per table."""
    table, key = tables[variable.table], (variable.table, repr(variable.where) + variable.column)
    known = _CLOSED.get(key)
    if known is None or known[0] is not table:
        known = _CLOSED[key] = (table, frozenset(_listed(variable, tables)))
    return known[1]
