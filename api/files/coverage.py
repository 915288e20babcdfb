"""CoverageJSON of a region over time: one coverage per kind, a point series at the region's label."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec

from api.models.summaries import History, HistoryStep
from domain.states import RegionState

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
    categories = [{"id": _PREFIX + state, "label": {"en": state.value}} for state in _STATES]
    return {
        "type": "Parameter",
        "description": {"en": "is it usual? insufficient: it cannot be told"},
        "observedProperty": {"label": {"en": "state"}, "categories": categories},
        "categoryEncoding": {_PREFIX + state: number for number, state in enumerate(_STATES)},
    }


def _range(kind: str, values: list[Any]) -> dict[str, Any]:
    return {
        "type": "NdArray",
        "dataType": kind,
        "axisNames": ["t", "y", "x"],
        "shape": [len(values), 1, 1],
        "values": values,
    }
