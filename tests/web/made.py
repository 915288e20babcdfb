"""A small world that we made, in the shapes of /v1: every state a station, a feed, a region and an alert can be in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

NOW = "2026-08-15T03:00:00Z"
NOW_S = 1786762800

#: Station key -> what its newest value is like; the state that the page must show is the key.
LIKE: Mapping[str, Json] = {
    "normal": {"value": 45.0, "judgement": "normal"},
    "elevated": {"value": 160.0, "judgement": "elevated"},
    "no_baseline": {"value": 51.0, "judgement": None},
    "below_range": {"value": 0.0, "qc": ["below_range"]},
    "doubtful": {"value": 45.0, "qc": ["stuck", "unit_assumed"], "judgement": None},
    "late": {"value": 45.0, "freshness": "late", "age_s": 7200, "judgement": None},
    "feed_late": {"value": 45.0, "freshness": "feed_late", "age_s": 9000, "judgement": None},
    "silent": {"value": 44.0, "freshness": "silent", "age_s": 400000, "judgement": None},
    "never": {"value": None, "freshness": "never", "age_s": 900000, "judgement": None},
}


@dataclass(frozen=True, slots=True)
class World:
    """What the made server answers with."""

    exercise: bool = False
    extra_stations: int = 0
    alerts: bool = True


def _row(key: str, longitude: float | None, latitude: float | None, like: Json, *, exercise: bool) -> Json:
    row: Json = {
        "series": f"s-{key}",
        "station": f"made:{key}",
        "station_names": [{"language": "ja", "text": f"{key} 局"}],
        "longitude": longitude,
        "latitude": latitude,
        "regions": ["JP-13"],
        "quantity": "air_dose_rate_as_published",
        "analyte": "gamma-total",
        "medium": "air_over_land",
        "unit": "nSv/h",
        "value": 45.0,
        "censoring": "none",
        "limit": None,
        "qc": [],
        "kind": "converted",
        "conversion": {"id": "uSv/h->nSv/h", "version": 1, "factor": "1000", "source": "SI"},
        "published": {"text": "0.045", "unit": "μSv/h", "ucum": "uSv/h"},
        "phenomenon_start": "2026-08-15T02:40:00Z",
        "phenomenon_end": "2026-08-15T02:50:00Z",
        "published_at": None,
        "received_at": "2026-08-15T02:55:00Z",
        "revision": 1,
        "superseded_at": None,
        "source": "made-office",
        "feed": "made-posts",
        "licence": "Made Licence 1.0",
        "rights": "internal",
        "exercise": exercise,
        "age_s": 600,
        "freshness": "fresh",
        "publisher_mark": "",
        "judgement": "normal",
        "usual": {"median": 44.0, "scale": 1.0, "count": 100},
    }
    return row | like


def latest(world: World, medium: str) -> list[Json]:
    """Rows of /v1/latest: one station per state, one without a position, one more quantity, and as many more as asked for."""
    if medium == "sea":
        return []
    rows = [
        _row(key, 130.0 + 2 * at, 33.0 + at, like, exercise=world.exercise)
        for at, (key, like) in enumerate(LIKE.items())
    ]
    rows.append(_row("placeless", None, None, {"qc": ["position_refused"]}, exercise=world.exercise))
    rows.append(
        _row(
            "normal",
            130.0,
            33.0,
            {
                "series": "s-rain",
                "quantity": "precipitation_amount",
                "unit": "mm",
                "medium": "weather",
                "value": 0.0,
                "freshness": "silent",
            },
            exercise=world.exercise,
        )
    )
    for at in range(world.extra_stations):
        rows.append(_row(f"more-{at}", 139 + at % 70 * 0.03, 35 + at // 70 * 0.03, {}, exercise=world.exercise))
    return rows


def samples(medium: str) -> list[Json]:
    """Two samplings of sea water at one place: caesium not detected, then a number; tritium never measured."""
    if medium != "sea":
        return []

    def result(analyte: str, censoring: str, value: float | None, limit: float | None) -> Json:
        return {
            "id": "r",
            "series": f"s-sea-{analyte}",
            "analyte": analyte,
            "quantity": "activity_concentration_in_water",
            "value": value,
            "unit": "Bq/L",
            "uncertainty": None,
            "censoring": censoring,
            "limit": limit,
            "conversion": None,
            "published": {"text": "x", "unit": "Bq/L", "ucum": "Bq/L"},
            "published_limit": "",
            "laboratory": "",
            "method": "",
            "link": "",
        }

    def sample(day: str, *results: Json) -> Json:
        return {
            "id": f"sample-{day}",
            "station": "made:sea",
            "station_name": "Made bay",
            "longitude": 141.2,
            "latitude": 37.4,
            "regions": ["SEA-01"],
            "medium": "sea_water",
            "phenomenon_start": f"{day}T01:00:00Z",
            "phenomenon_end": f"{day}T01:00:00Z",
            "published_time": day,
            "resolution": "day",
            "zone": "Asia/Tokyo",
            "zone_assumed": True,
            "layer": {"label": "surface"},
            "taxon": "",
            "tissue": "",
            "results": list(results),
            "received_at": NOW,
            "revision": 1,
            "source": "made-office",
            "feed": "made-posts",
            "licence": "Made Licence 1.0",
            "rights": "ask",
            "exercise": False,
        }

    return [
        sample("2026-08-01", result("Cs-137", "none", 0.002, None), result("H-3", "not_measured", None, None)),
        sample("2026-07-01", result("Cs-137", "not_detected", None, 0.001)),
    ]


def observations() -> list[Json]:
    """A day of ten-minute values of one series with two hours missing in the middle and one value below the limit."""
    rows = []
    for step in range(1, 145):
        if 60 <= step < 72:
            continue
        at = NOW_S - 86400 + step * 600
        censored = step == 100
        rows.append(
            {
                "phenomenon_end": _instant(at),
                "value": None if censored else 45.0 + step % 5,
                "unit": "nSv/h",
                "censoring": "below" if censored else "none",
                "limit": 30.0 if censored else None,
                "qc": [],
                "published": {"text": "x", "unit": "nSv/h", "ucum": "nSv/h"},
            }
        )
    return rows


def _instant(at_s: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def feeds(world: World) -> list[Json]:
    """One feed per feed state."""
    states = ["ok", "never_run", "late", "partial", "empty", "unread", "blocked", "misread", "paused"]
    rows = []
    for at, state in enumerate(states):
        clocks = {"last_try": NOW, "last_success": NOW, "last_new": "2026-08-15T00:10:00Z"}
        rows.append(
            {
                "id": "made-posts" if at == 0 else f"made-{state}",
                "title": {"en": f"Posts, {state}", "ja": f"測定局 {state}"},
                "state": state,
                "cause": "" if state == "ok" else "http_status 3",
                "exercise": world.exercise,
                "source": "made-office",
                "held": {"problems": ["feeds/made-late.yaml:61:5 <b>unit</b> why"]} if state == "late" else None,
                **(clocks if state != "never_run" else dict.fromkeys(clocks)),
            }
        )
    return rows


def alerts(world: World) -> list[Json]:
    """One open alert that fires, one that went stale, one resolved."""
    if not world.alerts:
        return []
    return [
        {
            "id": f"alert-{state}",
            "state": state,
            "title": {"en": f"Made alert, {state}"},
            "sentence": {"en": "Two readings departed."},
            "note": "",
            "began_at": NOW,
            "regions": ["JP-13"],
            "series": ["s-elevated"],
            "exercise": world.exercise,
        }
        for state in ("firing", "stale", "resolved")
    ]


def sources() -> list[Json]:
    """One publisher."""
    return [
        {
            "id": "made-office",
            "names": {"en": "Made Office", "ja": "架空庁"},
            "attribution": {"en": "Contains data of Made Office"},
            "licence": "Made Licence 1.0",
        }
    ]


REGIONS: tuple[Json, ...] = (
    {
        "id": "JP-13",
        "kind": "region",
        "country": "JP",
        "names": {"en": ["Tokyo"], "ja": ["東京都"], "ko": ["도쿄도"], "zh": ["东京都"]},
    },
    {"id": "JP-14", "kind": "region", "country": "JP", "names": {"en": ["Kanagawa"], "ja": ["神奈川県"]}},
    {"id": "KR-26", "kind": "region", "country": "KR", "names": {"en": ["Busan"], "ko": ["부산광역시"]}},
    {
        "id": "SEA-01",
        "kind": "sea_area",
        "country": "",
        "names": {"en": ["East Sea", "Sea of Japan"], "ja": ["日本海", "東海"]},
    },
)


def regions() -> Json:
    """Four square places as GeoJSON."""
    features = []
    for at, properties in enumerate(REGIONS):
        west, south = 129.0 + 4 * at, 34.0
        ring = [[west, south], [west + 3, south], [west + 3, south + 3], [west, south + 3], [west, south]]
        features.append(
            {
                "type": "Feature",
                "id": properties["id"],
                "geometry": {"type": "Polygon", "coordinates": [ring]},
                "properties": properties,
            }
        )
    return {"type": "FeatureCollection", "features": features}


def summary(region: str) -> Json:
    """A place that is normal, one that is elevated, and places of which nothing can be told."""
    state = {"JP-13": "normal", "JP-14": "elevated"}.get(region, "insufficient")
    sentence = {code: f"{code}: {state} in {region}." for code in ("en", "ja", "ko", "zh")}
    block = {
        "medium": "air_over_land",
        "quantity": "air_dose_rate_as_published",
        "unit": "nSv/h",
        "state": state,
        "sentence": sentence,
        "reasons": ["no_fresh_reading"] if state == "insufficient" else ["within_own_range"],
        "expected": 10,
        "reporting": 8,
        "fresh": 7,
        "excluded": {"silent": 2, "late": 1},
        "coverage": 0.7,
        "quantiles": {"p05": 30, "p25": 40, "p50": 45, "p75": 50, "p95": 60},
        "analyte": "gamma-total",
        "window_class": "current",
        "judged": 7,
        "min": None,
        "max": None,
        "departure": None,
        "rain_explained": None,
        "censored": {},
        "newest": NOW,
        "weighting": "every station counts once",
        "exercise": False,
        "sources": [
            {
                "id": "made-office",
                "attribution": {"en": "Contains data of Made Office"},
                "licences": ["Made Licence 1.0"],
                "rights": [],
            }
        ],
    }
    dust = {**block, "medium": "air_aerosol", "quantity": "airborne_beta_unit_not_stated", "state": "insufficient"}
    blocks = [dust, block] if region == "JP-13" else [block]
    return {"region": next((one for one in REGIONS if one["id"] == region), None), "as_of": NOW, "summaries": blocks}
