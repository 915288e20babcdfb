"""CoverageJSON of a region over time: one coverage per kind, a point series at the region's label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from api.models.summaries import History, HistoryStep
from api.models.values import SeriesObservations
from domain.states import CENSORING_CODES, Censoring, RegionState

_REFERENCES = (
    {
        "coordinates": ["x", "y"],
        "system": {"type": "GeographicCRS", "id": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"},
    },
    {"coordinates": ["t"], "system": {"type": "TemporalRS", "calendar": "Gregorian"}},
)
#: Field of a step -> label, unit ("": the kind's own, "1": a share or a count).
_NUMBERS = {
    "p50": ("median of the newest fresh readings", ""),
    "p95": ("95 % quantile of the newest fresh readings", ""),
    "departure_median": ("median departure from each station's own past", ""),
    "expected": ("stations expected", "1"),
    "fresh": ("stations with a fresh reading", "1"),
    "coverage": ("judged stations of those expected", "1"),
    "above": ("stations above their own past", "1"),
}
_STATES = tuple(RegionState)
_PREFIX = "urn:radcommons:region-state:"


def coverage(history: History) -> bytes:
    """A CoverageCollection (OGC 21-069r2); a step that could not be told is null, never a number."""
    kinds: dict[tuple[str, str, str, str, bool], list[HistoryStep]] = defaultdict(list)
    for step in history.history:
        kinds[step.medium, step.quantity, step.analyte, step.window_class, step.exercise].append(step)
    document = {
        "type": "CoverageCollection",
        "domainType": "PointSeries",
        "referencing": _REFERENCES,
        "coverages": [_coverage(history, steps) for _, steps in sorted(kinds.items())],
        "radcommons:region": history.region.id,
        "radcommons:audience": history.audience,
    }
    return msgspec.json.encode(document)


def of_series(page: SeriesObservations, place: Any) -> bytes:
    """Observations of one series as a coverage; a value that is none (censored, missing) is null, and `censoring` says which."""
    series, rows = page.series, page.observations
    longitude, latitude = place["coordinates"] if place else (None, None)
    codes = [Censoring(row.censoring) for row in rows]
    document = {
        "type": "Coverage",
        "id": series.id,
        "label": {"en": f"{series.quantity}, {series.medium}" + (" (EXERCISE: simulated)" if page.exercise else "")},
        "domain": {
            "type": "Domain",
            "domainType": "PointSeries",
            "axes": {
                "x": {"values": [longitude]},
                "y": {"values": [latitude]},
                "t": {"values": [row.phenomenon_end for row in rows]},
            },
            "referencing": _REFERENCES,
        },
        "parameters": {
            "value": _parameter(series.quantity, series.unit),
            "limit": _parameter("limit of a censored value", series.unit),
            "censoring": _categories(
                "censoring", "urn:radcommons:censoring:", [code.value for code in CENSORING_CODES]
            ),
        },
        "ranges": {
            "value": _range("float", [row.value for row in rows]),
            "limit": _range("float", [row.limit for row in rows]),
            "censoring": _range("integer", [CENSORING_CODES.index(code) for code in codes]),
        },
        "radcommons:licence": series.licence,
        "radcommons:rights": series.rights,
        "radcommons:as_of": page.as_of,
    }
    return msgspec.json.encode(document)


def _coverage(history: History, steps: list[HistoryStep]) -> dict[str, Any]:
    first, label = steps[0], history.region.label
    name = f"{history.region.names['en'][0]}: {first.quantity}, {first.medium}" + (
        " (EXERCISE: simulated)" if first.exercise else ""
    )
    axes = {
        "x": {"values": [label.longitude]},
        "y": {"values": [label.latitude]},
        "t": {"values": [step.at for step in steps]},
    }
    ranges = {field: _range("float", [getattr(step, field) for step in steps]) for field in _NUMBERS}
    ranges["state"] = _range("integer", [_STATES.index(RegionState(step.state)) for step in steps])
    return {
        "type": "Coverage",
        "id": f"{history.region.id}:{first.medium}:{first.quantity}:{first.analyte}:{first.window_class}"
        + (":exercise" if first.exercise else ""),
        "label": {"en": name},
        "domain": {"type": "Domain", "domainType": "PointSeries", "axes": axes},
        "parameters": {
            field: _parameter(label_text, unit or first.unit) for field, (label_text, unit) in _NUMBERS.items()
        }
        | {"state": _state()},
        "ranges": ranges,
    }


def _parameter(label: str, unit: str) -> dict[str, Any]:
    symbol = {"value": unit, "type": "http://www.opengis.net/def/uom/UCUM/"}
    return {
        "type": "Parameter",
        "description": {"en": label},
        "unit": {"label": {"en": unit}, "symbol": symbol},
        "observedProperty": {"label": {"en": label}},
    }


def _state() -> dict[str, Any]:
    about = {"description": {"en": "is it usual? insufficient: it cannot be told"}}
    return _categories("state", _PREFIX, [state.value for state in _STATES]) | about


def _categories(label: str, prefix: str, words: Sequence[str]) -> dict[str, Any]:
    """A parameter whose numbers stand for words."""
    categories = [{"id": prefix + word, "label": {"en": word}} for word in words]
    return {
        "type": "Parameter",
        "description": {"en": label},
        "observedProperty": {"label": {"en": label}, "categories": categories},
        "categoryEncoding": {prefix + word: number for number, word in enumerate(words)},
    }


def _range(kind: str, values: list[Any]) -> dict[str, Any]:
    return {
        "type": "NdArray",
        "dataType": kind,
        "axisNames": ["t", "y", "x"],
        "shape": [len(values), 1, 1],
        "values": values,
    }
