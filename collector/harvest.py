"""One answer in, one harvest out: decode, harmonise, judge. Whatever a publisher sends, nothing is raised here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import structlog

from collector.decode import decode
from collector.fetched import Fetched
from collector.harmonise import FormReader
from collector.harmonise_readings import Context, SeriesBook
from collector.harmonise_stations import StationBook
from collector.plan import recognise
from collector.qc import Judge
from collector.rawtable import PayloadRefused
from collector.resent import Resent
from domain.readings import Harvest, RefusedRow
from domain.reasons import Refusal
from specs.columns import Wanted, wanted
from specs.feed import FeedSpec, Form
from specs.loading import Config, Table

_log = structlog.get_logger(__name__)
#: A publisher that invents a key per answer must not grow the process: beyond this many series a feed's memory starts anew.
_MOST_SERIES = 200_000


class _FeedReader:
    """The memory of one feed: stations, series, and the list of stations that its publisher calls missing."""

    def __init__(self, feed: FeedSpec, tables: Mapping[str, Table]) -> None:
        self.feed = feed
        stations = StationBook(feed, tables)
        series = SeriesBook(feed, stations)
        self._forms: dict[str, tuple[FormReader, Wanted]] = {
            form.id: (FormReader(feed, form, stations, series), wanted(form)) for form in feed.forms
        }
        self._series = series
        self._resent, self._judge = Resent(stations, series), Judge(feed)
        self._listed: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """Series remembered."""
        return len(self._series.series)

    def read(self, form: Form, variables: Mapping[str, str], body: bytes, received_s: int) -> Harvest:
        context = Context(variables, received_s, self._listed)
        harvest = self._resent.recall(form, context, body)
        if harvest is None:
            reader, columns = self._forms[form.id]
            harvest = reader.read(decode(body, form.decode, columns), context)
            self._resent.keep(form, context, body, harvest)
        if form.marks is not None and harvest.marks_complete:
            self._listed = frozenset(mark.station_uid for mark in harvest.marks)
        return self._judge.judge(harvest, received_s, form.time.history_s if form.time else 0)


class Harvester:
    """Turns answers into harvests; one per process, because it remembers stations, series and texts from answer to answer."""

    def __init__(self, config: Config) -> None:
        self._tables = config.tables
        self._readers: dict[str, _FeedReader] = {}

    def configure(self, config: Config) -> None:
        """Work with these tables from now on. A feed that is the very same object keeps its memory: stations, series, catalogues."""
        if config.tables != self._tables:
            self._readers.clear()
        self._tables = config.tables
        known = {feed.id for feed in config.feeds}
        for gone in self._readers.keys() - known:
            del self._readers[gone]

    def harvest(self, feed: FeedSpec, fetched: Fetched, now_s: float) -> Harvest:
        """What `fetched` gave of `feed`; `now_s` is the time of receipt by our clock, against which stamps are judged."""
        answer = fetched.answer
        if answer.failure is not None or answer.not_modified:
            return Harvest()
        found = recognise(feed, answer.method, answer.url, self._tables)
        if found is None:
            return refused(Refusal.ROWS_NOT_FOUND, f"no form of {feed.id} has the address {answer.url}")
        form, variables = found
        if answer.status in form.request.absent:
            return Harvest()
        try:
            reader = self._reader(feed)
            harvest = reader.read(form, variables, fetched.body, int(now_s))
            if reader.size > _MOST_SERIES:
                del self._readers[feed.id]
            return harvest
        except PayloadRefused as error:
            return refused(error.reason, error.detail)
        except Exception as error:  # noqa: BLE001  a publisher must never stop the collector; the traceback is kept
            self._readers.pop(feed.id, None)  # what it remembered may be half written
            _log.exception("decoder_failed", feed=feed.id, form=form.id, url=answer.url)
            return refused(Refusal.DECODER_FAILED, f"{type(error).__name__}: {error}")

    def _reader(self, feed: FeedSpec) -> _FeedReader:
        known = self._readers.get(feed.id)
        if known is None or known.feed is not feed:
            known = self._readers[feed.id] = _FeedReader(feed, self._tables)
        return known


def refused(reason: Refusal, detail: str) -> Harvest:
    """The harvest of a payload that could not be read at all."""
    return Harvest(refused=MappingProxyType({reason: 1}), refused_rows=(RefusedRow(reason, "payload", detail[:200]),))
