"""What a watcher has to know again after a restart: trails as of the last batch evaluated, and the alerts that are still watched."""

from __future__ import annotations

from collections.abc import Collection

from alerting.history import History
from alerting.records import AlertRecord, decoded
from store import alerts, read
from store.engine import Store
from store.rows import Filter

_DAY_S = 86_400
#: A correction that comes later than this after an alert's end amends nothing any more.
WATCHED_AFTER_END_S = 7 * _DAY_S


async def load_history(store: Store, history: History, feed_id: str, quantities: Collection[str], until_s: int) -> None:
    """Fill the trails of one feed as known at `until_s`, from the newest day backwards until every series has all it keeps."""
    f = Filter(feeds=frozenset({feed_id}), quantities=frozenset(quantities))
    wanted = [row.series.uid for row in await read.series_list(store, f, limit=1_000_000)]
    to_s = until_s + 1
    while wanted and to_s > until_s + 1 - history.span_s:
        from_s = max(to_s - _DAY_S, until_s + 1 - history.span_s)
        found = await read.arrays(store, wanted, from_s, to_s, as_of_s=until_s)
        history.take_older(found, until_s)
        wanted = [uid for uid in wanted if not history.full(uid)]
        to_s = from_s


async def load_alerts(store: Store, now_s: int) -> dict[str, AlertRecord]:
    """Alerts that are going on, and those that ended not long ago, by uid in order of their detection."""
    found: list[AlertRecord] = []
    after: tuple[int, str] | None = None
    while True:
        page = await alerts.alerts(store, from_s=now_s - WATCHED_AFTER_END_S, after=after, limit=500)
        found += [decoded(row.document, AlertRecord) for row in page]
        if len(page) < 500:
            break
        after = (page[-1].began_s, page[-1].uid)
    return {record.uid: record for record in sorted(found, key=in_order)}


def in_order(record: AlertRecord) -> tuple[int, str]:
    """The order in which alerts are considered: by detection, then uid."""
    return (record.life.detected_s, record.uid)
