"""Media: what was measured or sampled. A medium lies in one or two of the compartments air, land and sea.

A monitoring post measures the dose rate in the air above land, so it answers to both; nothing is merged by that,
because values are only ever compared within one quantity and one medium.
"""

from __future__ import annotations

from dataclasses import dataclass

COMPARTMENTS = ("air", "land", "sea")


@dataclass(frozen=True, slots=True)
class Medium:
    """A medium with the compartments it answers to and its names in en, ja, ko, zh."""

    id: str
    compartments: tuple[str, ...]
    names: tuple[str, str, str, str]


TABLE: tuple[Medium, ...] = (
    Medium("air_over_land", ("air", "land"), ("air above ground", "地上大気", "지상 공기", "地面空气")),
    Medium("air_over_sea", ("air", "sea"), ("air above the sea", "海上大気", "해상 공기", "海上空气")),
    Medium("air_aerosol", ("air",), ("airborne particles", "大気浮遊じん", "대기 부유먼지", "气溶胶")),
    Medium("air_gas", ("air",), ("air, gaseous", "大気（気体）", "대기(기체)", "空气（气态）")),
    Medium("weather", ("air",), ("weather", "気象", "기상", "气象")),
    Medium("rain", ("air", "land"), ("rain and snow", "雨水・雪", "빗물·눈", "雨雪")),
    Medium("deposition", ("land",), ("deposition", "降下物", "낙진", "沉降物")),
    Medium("soil", ("land",), ("soil", "土壌", "토양", "土壤")),
    Medium("fresh_water", ("land",), ("fresh water", "陸水", "육수", "淡水")),
    Medium("tap_water", ("land",), ("tap water", "水道水", "수돗물", "自来水")),
    Medium("ground_water", ("land",), ("ground water", "地下水", "지하수", "地下水")),
    Medium("terrestrial_biota", ("land",), ("plants and animals on land", "陸上生物", "육상 생물", "陆生生物")),
    Medium("food", ("land",), ("food", "食品", "식품", "食品")),
    Medium("sea_water", ("sea",), ("sea water", "海水", "해수", "海水")),
    Medium("sea_water_filtered", ("sea",), ("sea water, filtered", "海水（ろ過）", "해수(여과)", "海水（过滤）")),
    Medium("suspended_matter", ("sea",), ("suspended matter", "懸濁物質", "부유물질", "悬浮物")),
    Medium("sediment", ("sea",), ("sea-bed sediment", "海底土", "해저퇴적물", "海底沉积物")),
    Medium("fish", ("sea",), ("fish", "魚類", "어류", "鱼类")),
    Medium("seaweed", ("sea",), ("seaweed", "海藻", "해조류", "海藻")),
    Medium("marine_biota", ("sea",), ("other marine life", "海洋生物", "해양 생물", "海洋生物")),
    Medium("effluent", ("sea",), ("discharge", "放出水", "방류수", "排放水")),
)

BY_ID: dict[str, Medium] = {medium.id: medium for medium in TABLE}


def matching(text: str) -> frozenset[str]:
    """The media that a filter word selects: a medium's own id, or a compartment; empty if neither."""
    if text in BY_ID:
        return frozenset({text})
    return frozenset(medium.id for medium in TABLE if text in medium.compartments)
