"""Distances from a site, and a duty officer's sentence on what is heard around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from api.models.sites import Ring
from specs.site import SiteSpec

_EARTH_M = 6_371_008.8


class Placed(Protocol):
    """Anything with a position."""

    @property
    def latitude_deg(self) -> float | None: ...
    @property
    def longitude_deg(self) -> float | None: ...


def distance_m(one: Placed, other: Placed) -> float:
    """Great-circle distance in metres; infinite where a position is missing."""
    if None in (one.latitude_deg, one.longitude_deg, other.latitude_deg, other.longitude_deg):
        return math.inf
    lat1, lon1, lat2, lon2 = (
        math.radians(float(x or 0.0))
        for x in (one.latitude_deg, one.longitude_deg, other.latitude_deg, other.longitude_deg)
    )
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_M * math.asin(math.sqrt(min(1.0, half)))


_STATES = {
    "en": {
        "normal": "readings are within their own usual range",
        "elevated": "readings lie above their own past",
        "high": "readings lie far above their own past",
        "insufficient": "it cannot be told whether readings are usual",
    },
    "ja": {
        "normal": "測定値は各地点の平常の範囲内",
        "elevated": "各地点の平常値を上回る測定値がある",
        "high": "平常値を大きく上回る測定値がある",
        "insufficient": "平常かどうか判断できない",
    },
    "ko": {
        "normal": "측정값은 각 지점의 평소 범위 안에 있음",
        "elevated": "평소 값을 웃도는 측정값이 있음",
        "high": "평소 값을 크게 웃도는 측정값이 있음",
        "insufficient": "평상인지 판단할 수 없음",
    },
    "zh": {
        "normal": "读数处于各站点自身的平常范围",
        "elevated": "有读数高于自身历史水平",
        "high": "有读数远高于自身历史水平",
        "insufficient": "无法判断是否处于平常水平",
    },
}
_RINGS = {
    "en": "{name}, within {km:g} km",
    "ja": "{name}から{km:g} km以内",
    "ko": "{name} 반경 {km:g} km",
    "zh": "{name}周围{km:g}公里",
}
_FORMS = {
    "en": (
        "{ring}: {fresh} of {stations} stations have a fresh reading; {state}",
        " {count} earthquake(s) concern the site.",
    ),
    "ja": ("{ring}：{stations}地点中{fresh}地点に新しい測定がある。{state}", " この施設に関係する地震：{count}件。"),
    "ko": (
        "{ring}: {stations}개 지점 중 {fresh}개 지점에 새 측정이 있음. {state}",
        " 이 시설과 관련된 지진 {count}건.",
    ),
    "zh": ("{ring}：{stations}个站点中有{fresh}个有新读数；{state}", " 与该设施有关的地震{count}次。"),
}
_ENDS = {"en": ".", "ja": "。", "ko": ".", "zh": "。"}


def ring_names(site: SiteSpec, radius_m: int) -> dict[str, str]:
    """What a ring is called in en, ja, ko, zh."""
    names = {str(language): name for language, name in site.names.items()}
    return {
        language: form.format(
            name=names.get("zh-hans" if language == "zh" else language) or names.get("en") or site.id,
            km=radius_m / 1000,
        )
        for language, form in _RINGS.items()
    }


def ring_sentence(site: SiteSpec, rings: Sequence[Ring], shocks: int) -> dict[str, str]:
    """One sentence per ring in en, ja, ko, zh, and how many earthquakes concern the site."""
    told = {}
    for language, (form, shaken) in _FORMS.items():
        parts = [
            form.format(
                ring=ring_names(site, ring.radius_m)[language],
                fresh=ring.by_freshness.get("fresh", 0),
                stations=ring.stations,
                state=_STATES[language][ring.state],
            )
            + _ENDS[language]
            for ring in rings
        ]
        told[language] = (" " if language in ("en", "ko") else "").join(parts) + (
            shaken.format(count=shocks) if shocks else ""
        )
    return told
