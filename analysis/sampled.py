"""Summaries of laboratory results: counts detected and below their limits, quantiles that respect them, how old the newest sample is.

A sample tells of the day it was taken. It never says what is usual now, so the state is `insufficient`, with that reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from analysis.censored import censored_quantiles
from analysis.sentences import LANGUAGES, age_words
from analysis.summary import AreaName
from domain.media import BY_ID as MEDIA
from domain.quantities import BY_ID as QUANTITIES
from domain.readings import Sample, SampleResult
from domain.reasons import Untold
from domain.states import Censoring, RegionState
from domain.units import BY_CODE, Dimension, convert

_BELOW = frozenset({Censoring.BELOW, Censoring.NOT_DETECTED})
_PLAIN = frozenset({Censoring.NONE, Censoring.DERIVED})
_Q = (0.05, 0.25, 0.5, 0.75, 0.95)
_TEXT = {
    "en": "{area}, {medium}: {analyte} in {n} samples, detected in {detected}, below the limit in {below}; newest sample {age} old. Samples do not tell of now.",
    "ja": "{area}・{medium}：{analyte}は{n}試料中、検出{detected}、検出限界未満{below}。最新の試料は{age}前。試料は現在の状況を示さない。",
    "ko": "{area}, {medium}: {analyte} 시료 {n}건 중 검출 {detected}건, 검출한계 미만 {below}건. 최신 시료는 {age} 전. 시료는 현재 상황을 나타내지 않음.",
    "zh": "{area}，{medium}：{analyte}样品{n}个，检出{detected}个，低于检出限{below}个。最新样品为{age}前。样品不代表当前情况。",
}


@dataclass(frozen=True, slots=True)
class SampleKind:
    """What is put together: one medium, quantity and analyte, one dimension."""

    medium: str
    quantity: str
    analyte: str
    dimension: Dimension


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """Results of one kind in one area over [from_s, to_s); `quantiles` p05 p25 p50 p75 p95 in `unit`, None below what can be told."""

    area_id: str
    kind: SampleKind
    unit: str
    from_s: int
    to_s: int
    stations: int
    results: int
    detected: int
    below: int
    other: Mapping[str, int]
    quantiles: tuple[float | None, ...]
    newest_s: int
    state: RegionState
    reasons: tuple[str, ...]
    sentences: Mapping[str, str]


def summarise_samples(
    area: AreaName, samples: Iterable[Sample], *, from_s: int, to_s: int
) -> tuple[SampleSummary, ...]:
    """Summaries by kind, in order; `samples` are the newest revisions, with ends in [from_s, to_s). Ages count from `to_s`."""
    found: dict[SampleKind, list[tuple[Sample, SampleResult]]] = defaultdict(list)
    for sample in samples:
        for result in sample.results:
            kind = SampleKind(sample.medium, result.quantity, result.analyte, BY_CODE[result.unit].dimension)
            found[kind].append((sample, result))
    kinds = sorted(found, key=lambda kind: (kind.medium, kind.quantity, kind.analyte, kind.dimension.value))
    return tuple(_summary(area, kind, found[kind], from_s, to_s) for kind in kinds)


def _summary(
    area: AreaName, kind: SampleKind, rows: list[tuple[Sample, SampleResult]], from_s: int, to_s: int
) -> SampleSummary:
    own = QUANTITIES[kind.quantity].unit
    unit = own if BY_CODE[own].dimension is kind.dimension else rows[0][1].unit
    detected = [_in(unit, r, r.value) for _, r in rows if r.censoring in _PLAIN and r.value is not None]
    limits = [_in(unit, r, r.limit) for _, r in rows if r.censoring in _BELOW and r.limit is not None]
    below = sum(r.censoring in _BELOW for _, r in rows)
    other: dict[str, int] = defaultdict(int)
    for _, result in rows:
        if result.censoring not in _PLAIN | _BELOW:
            other[result.censoring.value] += 1
    # a result below a limit that nobody states may lie anywhere, so quantiles would be guesses
    known = below == len(limits)
    quantiles = censored_quantiles(np.array(detected), np.array(limits), _Q) if known else (None,) * len(_Q)
    newest_s = max(sample.end_s for sample, _ in rows)
    return SampleSummary(
        area.id,
        kind,
        unit,
        from_s,
        to_s,
        len({sample.station_uid for sample, _ in rows}),
        len(rows),
        len(detected),
        below,
        dict(other),
        quantiles,
        newest_s,
        RegionState.INSUFFICIENT,
        (Untold.NO_FRESH_READING,),
        _sentences(area, kind, (len(rows), len(detected), below), to_s - newest_s),
    )


def _in(unit: str, result: SampleResult, value: float) -> float:
    return convert(value, result.unit, unit)


def _sentences(area: AreaName, kind: SampleKind, counts: tuple[int, int, int], age_s: int) -> dict[str, str]:
    return {
        language: _TEXT[language].format(
            area=area.name(language),
            medium=MEDIA[kind.medium].names[at],
            analyte=kind.analyte,
            n=counts[0],
            detected=counts[1],
            below=counts[2],
            age=age_words(age_s, language),
        )
        for at, language in enumerate(LANGUAGES)
    }
