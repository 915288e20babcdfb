"""A made world: three countries, the sea, a laboratory, an exercise, and a feed whose readings may not be passed on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from domain.identity import series_uid, station_uid
from domain.readings import (
    NO_TIME,
    TEXT_KEPT,
    Answer,
    Batch,
    Harvest,
    Quake,
    Readings,
    RefusedRow,
    Sample,
    SampleResult,
    Series,
    Station,
    StationMark,
)
from domain.reasons import Refusal
from domain.states import CENSORING_CODES, Censoring, FeedState, Redistribute
from specs.feed import Expect, FeedSpec
from specs.loading import Config, load_feed
from specs.region import Geography, load_geography
from specs.rule import load_rules
from specs.site import load_sites
from specs.source import SourceSpec
from store.engine import Store
from store.write import commit_batch, finish_run

CONFIG = Path(__file__).parents[2] / "config"
NOW = int(datetime(2026, 8, 15, 3, 0, tzinfo=UTC).timestamp())
GEOGRAPHY: Geography = load_geography(CONFIG)
SITES = load_sites(CONFIG)
RULES = load_rules(CONFIG / "rules.yaml")
_PATTERN = load_feed(CONFIG / "feeds" / "jp-nra-ramis.yaml")


def feed(
    feed_id: str, source: str, redistribute: Redistribute, *, critical: bool = False, exercise: bool = False
) -> FeedSpec:
    rights = _PATTERN.rights.model_copy(update={"redistribute": redistribute, "licence": f"licence of {feed_id}"})
    changes = {
        "id": feed_id,
        "namespace": feed_id,
        "source": source,
        "title": {"en": feed_id},
        "rights": rights,
        "critical": critical,
        "exercise": exercise,
        "expect": Expect(stations=3),
        "notes": (),
    }
    return _PATTERN.model_copy(update=changes)


def source(source_id: str, country: str) -> SourceSpec:
    return SourceSpec(
        id=source_id, names={"en": source_id}, country=country, attribution={"en": f"Source: {source_id}"}
    )


FEEDS = (
    feed("jp-made", "jp-publisher", Redistribute.YES, critical=True),
    feed("kr-made", "kr-publisher", Redistribute.INTERNAL),
    feed("sea-made", "jp-publisher", Redistribute.YES),
    feed("xx-drill", "jp-publisher", Redistribute.YES, exercise=True),
    feed("never-made", "kr-publisher", Redistribute.YES),
)


def config() -> Config:
    sources = (source("jp-publisher", "JP"), source("kr-publisher", "KR"))
    return Config(CONFIG, FEEDS, sources, RULES, GEOGRAPHY, "made", sites=SITES)


def station(
    feed_id: str,
    key: str,
    name: str,
    latitude: float | None,
    longitude: float | None,
    code: str = "",
    zone: str = "Asia/Tokyo",
) -> Station:
    origin = "published" if latitude is not None else "refused"
    language = "ko" if feed_id.startswith("kr") else "ja"
    return Station(
        station_uid(feed_id, key),
        feed_id,
        key,
        ((language, name),),
        latitude,
        longitude,
        origin,
        None,
        code,
        zone,
        "monitoring_post",
    )


def series(at: Station, quantity: str = "air_dose_rate_as_published", unit: str = "uSv/h", **more: object) -> Series:
    values = {"medium": "air_over_land", "analyte": "gamma-total", "window_s": 600} | more
    uid = series_uid(
        at.uid, quantity, str(values["analyte"]), str(values["medium"]), window_s=int(str(values["window_s"]))
    )
    return Series(uid, at.uid, at.namespace, quantity, unit, published_unit_text="", **values)  # type: ignore[arg-type]


FUKUSHIMA = station("jp-made", "f1", "福島市", 37.7608, 140.4748, "JP-07")
FUKUOKA = station("jp-made", "k1", "福岡市", 33.59, 130.40, "JP-40")
NOWHERE = station("jp-made", "n1", "=位置なし", None, None, "JP-07")
BUSAN = station("kr-made", "b1", "부산", 35.1796, 129.0756, "KR-26", "Asia/Seoul")
KORI = station("kr-made", "kori", "고리", 35.32, 129.29, "KR-26", "Asia/Seoul")
OFFSHORE = station("sea-made", "t-1", "T-1", 37.43, 141.05)
DRILL = station("xx-drill", "d1", "訓練", 37.5, 140.9)

DOSE_F = series(FUKUSHIMA)
RAIN_F = series(FUKUSHIMA, "precipitation_amount", "mm", medium="weather")
DOSE_K = series(FUKUOKA, unit="nSv/h")
DOSE_N = series(NOWHERE)
DOSE_B = replace(series(BUSAN, unit="nSv/h"), published_unit_text="nSv/h")
DOSE_KORI = series(KORI)
SEA_KORI = series(KORI, "count_rate", "{counts}/s", medium="sea_water")
DOSE_D = replace(series(DRILL), exercise=True)

Row = tuple[Series, int, float, str]


def readings(rows: list[Row], *, below: frozenset[int] = frozenset()) -> Readings:
    listed = tuple(dict.fromkeys(row[0] for row in rows))
    n = len(rows)
    digits = [len(row[3].partition(".")[2]) if _plain(row) else TEXT_KEPT for row in rows]
    return Readings(
        listed,
        np.array([listed.index(row[0]) for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        np.array([np.nan if i in below else row[2] for i, row in enumerate(rows)], np.float64),
        np.array(digits, np.int16),
        np.array([CENSORING_CODES.index(Censoring.BELOW) if i in below else 0 for i in range(n)], np.int8),
        np.array([row[2] if i in below else np.nan for i, row in enumerate(rows)], np.float64),
        np.full(n, NO_TIME, np.int64),
        np.zeros(n, np.int64),
        {i: row[3] for i, row in enumerate(rows) if not _plain(row)},
    )


def _plain(row: Row) -> bool:
    return f"{row[2]:.{len(row[3].partition('.')[2])}f}" == row[3]


def batch(
    feed_id: str, received_s: int, harvest: Harvest, *, url: str = "https://publisher.example/a", exercise: bool = False
) -> Batch:
    answer = Answer(
        feed_id, "GET", url, received_s - 1.0, float(received_s), 200, sha256=f"{received_s:064x}", size_bytes=100
    )
    run = f"{feed_id}@{datetime.fromtimestamp(received_s, UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}"
    return Batch(feed_id, run, received_s, answer, harvest, received_s, exercise)


async def commit(store: Store, made: Batch, state: FeedState = FeedState.OK) -> None:
    areas = {
        at.uid: GEOGRAPHY.locate(at.latitude_deg, at.longitude_deg, at.region_code) for at in made.harvest.stations
    }
    await commit_batch(store, made, areas)
    await finish_run(store, made.run_uid, made.received_s + 5, state, "")


def sweep(end_s: int, *, rise: float = 0.0) -> list[Row]:
    """One ten-minute sweep of the Japanese feed; values wobble in a fixed way."""
    step = end_s // 600 % 7
    fukushima = round(0.051 + rise + 0.001 * (step % 3), 3)
    return [
        (DOSE_F, end_s, fukushima, f"{fukushima:.3f}"),
        (RAIN_F, end_s, 0.0, "0.0"),
        (DOSE_K, end_s, 40.0 + step % 2, f"{40 + step % 2}"),
        (DOSE_N, end_s, 0.06, "0.060"),
    ]


def result(
    uid: str, analyte: str, value: float | None, censoring: Censoring, text: str, limit: float | None = None
) -> SampleResult:
    key = series_uid(OFFSHORE.uid, "activity_concentration_in_water", analyte, "sea_water")
    return SampleResult(
        uid,
        key,
        analyte,
        "activity_concentration_in_water",
        "Bq/L",
        value,
        censoring,
        limit,
        text,
        "" if limit is None else str(limit),
        0.0004 if value else None,
        "standard" if value else "",
        published_unit_text="Bq/L",
    )


def lab() -> Harvest:
    cs = series(OFFSHORE, "activity_concentration_in_water", "Bq/L", medium="sea_water", analyte="Cs-137", window_s=0)
    h3 = series(OFFSHORE, "activity_concentration_in_water", "Bq/L", medium="sea_water", analyte="H-3", window_s=0)
    results = (
        result("r1", "Cs-137", 0.0051, Censoring.NONE, "0.0051"),
        result("r2", "H-3", None, Censoring.NOT_DETECTED, "ND", 0.4),
    )
    one = Sample(
        "s1",
        OFFSHORE.uid,
        "sea_water",
        NOW - 40 * 86400,
        NOW - 40 * 86400,
        "2026/7/6",
        "day",
        "Asia/Tokyo",
        False,
        results=results,
    )
    return Harvest(read=1, stations=(OFFSHORE,), series=(cs, h3), samples=(one,))


def quake() -> Quake:
    return Quake(
        "q1",
        "20260815110000",
        "issued",
        "Seismic intensity",
        "福島県沖",
        NOW - 3600,
        NOW - 3400,
        37.5,
        141.6,
        50.0,
        5.1,
        "M5.1",
        "4",
    )


async def fill(store: Store, *, days: float = 1.0) -> None:
    """Everything, through the one way in: a day of Japan, Korea half stale, a laboratory, a correction, refusals, an exercise."""
    first = NOW - int(days * 86400)
    for received_s in range(first - 600, NOW, 3600):
        ends = [received_s - 3600 + 600 * i for i in range(1, 6)]
        rows = [row for end_s in ends for row in sweep(end_s)]
        refused = Harvest(
            read=len(rows) + 2,
            stations=(FUKUSHIMA, FUKUOKA, NOWHERE),
            readings=readings(rows),
            refused={Refusal.BAD_NUMBER: 2},
            refused_rows=(
                RefusedRow(Refusal.BAD_NUMBER, "row 7", "1e400"),
                RefusedRow(Refusal.BAD_NUMBER, "row 9", ""),
            ),
        )
        await commit(store, batch("jp-made", received_s, refused))
    korea = [
        (DOSE_B, NOW - 900, 85.0, "85"),
        (DOSE_KORI, NOW - 30 * 3600, 0.109, "0.109"),
        (SEA_KORI, NOW - 1200, 13.7, "13.7"),
    ]
    await commit(
        store,
        batch(
            "kr-made",
            NOW - 600,
            Harvest(read=3, stations=(BUSAN, KORI), readings=readings(korea, below=frozenset({2}))),
        ),
    )
    await commit(store, batch("sea-made", NOW - 3000, replace(lab(), quakes=(quake(),))))
    drill = Harvest(
        read=1,
        stations=(DRILL,),
        readings=readings([(DOSE_D, NOW - 600, 2.5, "2.50")]),
        marks=(StationMark(DRILL.uid, "missing"),),
    )
    await commit(store, batch("xx-drill", NOW - 500, drill, exercise=True))
    corrected = [(DOSE_F, NOW - 1800, 0.055, "0.055")]
    await commit(
        store,
        batch(
            "jp-made",
            NOW - 300,
            Harvest(read=1, stations=(FUKUSHIMA,), readings=readings(corrected)),
            url="https://publisher.example/b",
        ),
    )
