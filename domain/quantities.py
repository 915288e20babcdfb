"""Quantities: the only place where they are born. Two physical things get two names, never one name with two units."""

from __future__ import annotations

from dataclasses import dataclass

from domain.units import Dimension


@dataclass(frozen=True, slots=True)
class Quantity:
    """A physical quantity: id, dimension, unit in which we compare values of it, meaning and where that meaning comes from."""

    id: str
    dimension: Dimension
    unit: str
    meaning: str
    source: str
    names: tuple[str, str, str, str]  # en, ja, ko, zh
    cf_standard_name: str = ""
    never_negative: bool = True

    def name(self, language: str) -> str:
        """The display name in en, ja, ko or zh (English when another is asked)."""
        return self.names[{"en": 0, "ja": 1, "ko": 2, "zh": 3}.get(language[:2], 0)]


_D = Dimension

TABLE: tuple[Quantity, ...] = (
    Quantity(
        "ambient_dose_equivalent_rate",
        _D.DOSE_EQUIVALENT_RATE,
        "nSv/h",
        "ambient dose equivalent rate H*(10)",
        "ICRU 39/51",
        ("ambient dose equivalent rate", "周辺線量当量率", "주변선량당량률", "周围剂量当量率"),
    ),
    Quantity(
        "air_dose_rate_as_published",
        _D.DOSE_EQUIVALENT_RATE,
        "nSv/h",
        "air dose rate in Sv/h whose publisher does not state whether it is H*(10) or air kerma at 1 Gy = 1 Sv",
        "NRA RAMIS; KHNP; Busan; NUSC; HKO",
        ("air dose rate (as published)", "空間線量率（公表値）", "공간선량률(발표값)", "空气剂量率（公布值）"),
    ),
    Quantity(
        "air_kerma_rate",
        _D.GRAY_RATE,
        "nGy/h",
        "air kerma rate",
        "ICRU 85a",
        ("air kerma rate", "空気カーマ率", "공기커마율", "空气比释动能率"),
    ),
    Quantity(
        "absorbed_dose_rate_in_air",
        _D.GRAY_RATE,
        "nGy/h",
        "absorbed dose rate in air",
        "ICRU 85a; MEE RMTC",
        ("absorbed dose rate in air", "空気吸収線量率", "공기흡수선량률", "空气吸收剂量率"),
    ),
    Quantity(
        "terrestrial_gamma_dose_rate",
        _D.DOSE_EQUIVALENT_RATE,
        "nSv/h",
        "terrestrial part of the ambient dose equivalent rate (cosmic and self effect removed)",
        "EURDEP; BfS ODL",
        ("terrestrial gamma dose rate", "大地ガンマ線線量率", "지각감마선량률", "陆地伽马剂量率"),
    ),
    Quantity(
        "exposure_rate",
        _D.EXPOSURE_RATE,
        "uR/h",
        "exposure rate",
        "ICRU 85a",
        ("exposure rate", "照射線量率", "조사선량률", "照射量率"),
    ),
    Quantity(
        "count_rate",
        _D.COUNT_RATE,
        "{counts}/min",
        "count rate of a detector; depends on the tube, not a dose",
        "Safecast; RadNet",
        ("count rate", "計数率", "계수율", "计数率"),
    ),
    Quantity(
        "detector_output_unit_not_stated",
        _D.UNSTATED,
        "{unstated}",
        "a number of a radiation detector whose unit is not published",
        "NRA RAMIS counting_rate; Safecast lnd_712u",
        (
            "detector output, unit not stated",
            "検出器出力（単位未公表）",
            "검출기 출력(단위 미공개)",
            "探测器输出（单位未公布）",
        ),
        never_negative=False,
    ),
    Quantity(
        "airborne_beta_unit_not_stated",
        _D.UNSTATED,
        "{unstated}",
        "airborne dust beta activity whose unit is not published",
        "NRA RAMIS dust_beta_conc",
        (
            "airborne beta, unit not stated",
            "大気浮遊じんベータ（単位未公表）",
            "대기 부유먼지 베타(단위 미공개)",
            "空气悬浮物β（单位未公布）",
        ),
        never_negative=False,
    ),
    Quantity(
        "activity_concentration_in_air",
        _D.ACTIVITY_PER_VOLUME,
        "Bq/m3",
        "activity per volume of air",
        "ISO 11929; IRIX",
        ("activity concentration in air", "大気中放射能濃度", "공기 중 방사능 농도", "空气中活度浓度"),
        never_negative=False,
    ),
    Quantity(
        "activity_concentration_in_water",
        _D.ACTIVITY_PER_VOLUME,
        "Bq/L",
        "activity per volume of water",
        "ORBS; NRA",
        ("activity concentration in water", "水中放射能濃度", "수중 방사능 농도", "水中活度浓度"),
        never_negative=False,
    ),
    Quantity(
        "activity_per_volume_of_tissue_water",
        _D.ACTIVITY_PER_VOLUME,
        "Bq/L",
        "tritium per volume of tissue free water",
        "ORBS unit Bq/L-water",
        ("activity in tissue free water", "組織自由水中放射能濃度", "조직자유수 방사능 농도", "组织自由水活度浓度"),
        never_negative=False,
    ),
    Quantity(
        "activity_per_volume_of_combustion_water",
        _D.ACTIVITY_PER_VOLUME,
        "Bq/L",
        "tritium per volume of combustion water",
        "ORBS unit Bq/L-combustion water",
        ("activity in combustion water", "燃焼水中放射能濃度", "연소수 방사능 농도", "燃烧水活度浓度"),
        never_negative=False,
    ),
    Quantity(
        "activity_per_volume_basis_not_stated",
        _D.ACTIVITY_PER_VOLUME,
        "Bq/L",
        "activity per litre of something that the publisher does not name",
        "ORBS fish in Bq/L",
        (
            "activity per litre, basis not stated",
            "放射能濃度（基準未記載, Bq/L）",
            "방사능 농도(기준 미기재, Bq/L)",
            "活度浓度（基准未注明，Bq/L）",
        ),
        never_negative=False,
    ),
    Quantity(
        "activity_per_fresh_mass",
        _D.ACTIVITY_PER_MASS,
        "Bq/kg",
        "activity per kilogram fresh (wet) mass",
        "ORBS; MARIS",
        ("activity per fresh mass", "放射能濃度（生）", "방사능 농도(생체)", "活度浓度（鲜重）"),
        never_negative=False,
    ),
    Quantity(
        "activity_per_dry_mass",
        _D.ACTIVITY_PER_MASS,
        "Bq/kg",
        "activity per kilogram dry mass",
        "MARIS",
        ("activity per dry mass", "放射能濃度（乾）", "방사능 농도(건조)", "活度浓度（干重）"),
        never_negative=False,
    ),
    Quantity(
        "activity_per_ash_mass",
        _D.ACTIVITY_PER_MASS,
        "Bq/kg",
        "activity per kilogram ash",
        "MARIS",
        ("activity per ash mass", "放射能濃度（灰）", "방사능 농도(회분)", "活度浓度（灰重）"),
        never_negative=False,
    ),
    Quantity(
        "activity_per_mass_basis_not_stated",
        _D.ACTIVITY_PER_MASS,
        "Bq/kg",
        "activity per kilogram, basis not published",
        "ORBS unit Bq/kg",
        (
            "activity per mass, basis not stated",
            "放射能濃度（基準未記載, Bq/kg）",
            "방사능 농도(기준 미기재, Bq/kg)",
            "活度浓度（基准未注明，Bq/kg）",
        ),
        never_negative=False,
    ),
    Quantity(
        "deposition",
        _D.ACTIVITY_PER_AREA,
        "Bq/m2",
        "activity deposited per area over a period",
        "NRA fallout",
        ("deposition", "降下量", "침적량", "沉降量"),
        never_negative=False,
    ),
    Quantity(
        "tritium_units",
        _D.TRITIUM_UNIT,
        "[TU]",
        "tritium atoms per 1e18 protium atoms",
        "MARIS",
        ("tritium units", "トリチウム単位", "삼중수소 단위", "氚单位"),
    ),
    Quantity(
        "activity_unit_not_stated",
        _D.UNSTATED,
        "{unstated}",
        "a laboratory result whose unit is not published",
        "MOF Korea, sea regions",
        ("activity, unit not stated", "放射能（単位未公表）", "방사능(단위 미공개)", "活度（单位未公布）"),
        never_negative=False,
    ),
    Quantity(
        "activity_ratio",
        _D.RATIO,
        "1",
        "ratio of two activities",
        "MARIS",
        ("activity ratio", "放射能比", "방사능 비", "活度比"),
    ),
    Quantity(
        "precipitation_rate",
        _D.LENGTH_RATE,
        "mm/h",
        "rain rate",
        "JMA nowcast; AMeDAS",
        ("precipitation rate", "降水強度", "강수강도", "降水强度"),
        "lwe_precipitation_rate",
    ),
    Quantity(
        "precipitation_amount",
        _D.LENGTH,
        "mm",
        "rain amount over the series' window",
        "NRA RAMIS; Busan",
        ("precipitation", "降水量", "강수량", "降水量"),
        "lwe_thickness_of_precipitation_amount",
    ),
    Quantity(
        "wind_speed",
        _D.SPEED,
        "m/s",
        "wind speed",
        "NRA RAMIS; AMeDAS",
        ("wind speed", "風速", "풍속", "风速"),
        "wind_speed",
    ),
    Quantity(
        "wind_from_direction",
        _D.ANGLE,
        "deg",
        "direction that the wind blows from, clockwise from north",
        "NRA RAMIS; AMeDAS",
        ("wind direction", "風向", "풍향", "风向"),
        "wind_from_direction",
    ),
    Quantity(
        "solar_amount_unit_not_stated",
        _D.UNSTATED,
        "{unstated}",
        "solar radiation whose unit is not published",
        "NRA RAMIS solar_amount",
        ("solar amount, unit not stated", "日射量（単位未公表）", "일사량(단위 미공개)", "日照量（单位未公布）"),
        never_negative=False,
    ),
    Quantity(
        "air_temperature",
        _D.TEMPERATURE,
        "Cel",
        "air temperature",
        "AMeDAS",
        ("air temperature", "気温", "기온", "气温"),
        "air_temperature",
        never_negative=False,
    ),
    Quantity(
        "relative_humidity",
        _D.RATIO,
        "%",
        "relative humidity",
        "AMeDAS",
        ("relative humidity", "相対湿度", "상대습도", "相对湿度"),
        "relative_humidity",
    ),
)

BY_ID: dict[str, Quantity] = {quantity.id: quantity for quantity in TABLE}

#: Weather that explains readings but is no radiation; left out of summaries, offered as context.
CONTEXT: frozenset[str] = frozenset(
    {
        "precipitation_rate",
        "precipitation_amount",
        "wind_speed",
        "wind_from_direction",
        "solar_amount_unit_not_stated",
        "air_temperature",
        "relative_humidity",
    }
)
#: Dose rates, each of its own kind, on which departures from a baseline are judged.
DOSE_RATES: frozenset[str] = frozenset(
    {
        "ambient_dose_equivalent_rate",
        "air_dose_rate_as_published",
        "air_kerma_rate",
        "absorbed_dose_rate_in_air",
        "terrestrial_gamma_dose_rate",
        "exposure_rate",
    }
)
