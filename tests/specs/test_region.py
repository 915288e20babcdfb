"""Where a point belongs, and that the committed areas are whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.problems import ConfigError
from specs.region import FILES, LANGUAGES, Geography, load_geography

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture(scope="module")
def geography() -> Geography:
    return load_geography(CONFIG)


@pytest.mark.parametrize(
    ("place", "latitude", "longitude", "areas"),
    [
        ("Fukushima city", 37.7608, 140.4748, ("JP-07",)),
        ("Fukushima Daiichi", 37.4214, 141.0328, ("JP-07", "SEA-07", "ZONE-F1-20", "ZONE-F1-50")),
        ("30 km off Fukushima Daiichi", 37.42, 141.40, ("SEA-07", "ZONE-F1-50")),
        ("Kori", 35.32, 129.29, ("KR-26", "SEA-02")),
        ("Busan city hall", 35.1796, 129.0756, ("KR-26",)),
        ("Fukuoka, harbour side", 33.59, 130.40, ("JP-40", "SEA-02")),
        ("Hong Kong, drawn 0.1 km off the coast", 22.30, 114.17, ("HK", "SEA-13")),
        ("Taipei", 25.03, 121.56, ("TW-TPE",)),
        ("Vladivostok", 43.12, 131.92, ("RU-PRI", "SEA-01")),
        ("open Pacific", 30.0, 165.0, ()),
    ],
)
def test_known_places(
    geography: Geography, place: str, latitude: float, longitude: float, areas: tuple[str, ...]
) -> None:
    assert geography.locate(latitude, longitude) == areas, place


def test_publishers_code_goes_before_the_polygon(geography: Geography) -> None:
    inside_toyama = (36.70, 137.21)
    assert geography.locate(*inside_toyama)[0] == "JP-16"
    assert geography.locate(*inside_toyama, "JP-17")[0] == "JP-17"


def test_code_without_position_and_national_codes(geography: Geography) -> None:
    assert geography.locate(None, None, "JP-07") == ("JP-07",)
    assert geography.locate(None, None, "KR:50") == ("KR-49",)  # Jeju's national code; KR-50 is Sejong in ISO 3166-2
    assert geography.locate(None, None, "KR-50") == ("KR-50",)
    assert geography.locate(None, None, "") == ()


def test_unknown_code_falls_back_to_the_polygon(geography: Geography) -> None:
    assert geography.locate(35.68, 139.76, "JP-99") == ("JP-13",)


def test_sea_area_is_no_region_code(geography: Geography) -> None:
    assert geography.locate(None, None, "SEA-07") == ()


def test_every_area_has_names_and_a_valid_shape(geography: Geography) -> None:
    assert len(geography.areas) == 155
    countries = [area.country for area in geography.areas if area.kind == "region"]
    assert (countries.count("JP"), countries.count("KR"), countries.count("TW"), countries.count("HK")) == (
        47,
        17,
        22,
        1,
    )
    assert sum(area.kind == "sea_area" for area in geography.areas) == 14
    for area in geography.areas:
        assert set(area.names) == set(LANGUAGES), area.id
        assert all(all(names) for names in area.names.values()), area.id


def test_a_disputed_sea_shows_every_partys_name_in_code_point_order(geography: Geography) -> None:
    names = geography.by_id["SEA-01"].names
    assert names["en"] == ("East Sea", "Japan Sea", "Korean East Sea", "Sea of Japan")
    assert {"동해", "조선동해"} <= set(names["ko"])
    assert all(list(group) == sorted(group) for area in geography.areas for group in area.names.values())
    assert geography.by_id["SEA-01"].name("zh") == geography.by_id["SEA-01"].name("zh-hans")


def test_boundaries_carry_a_notice_and_a_source(geography: Geography) -> None:
    assert len(geography.notices) == len(geography.sources) == 2
    assert "de facto" in geography.notices[0]


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_any_point_has_one_region_at_most(latitude: float, longitude: float) -> None:
    kinds = [_GEOGRAPHY.by_id[area].kind for area in _GEOGRAPHY.locate(latitude, longitude)]
    assert kinds.count("region") <= 1
    assert kinds.count("sea_area") <= 2  # two only on a shared border


_GEOGRAPHY = load_geography(CONFIG)


def _folder(path: Path, *features: object) -> Path:
    for name in FILES:
        (path / name).write_text(
            json.dumps({"type": "FeatureCollection", "features": features if name == FILES[0] else []})
        )
    return path


def _feature(area: str, geometry: object, **extra: object) -> dict[str, object]:
    properties = {
        "id": area,
        "kind": "region",
        "country": "JP",
        "names": {"en": ["X"]},
        "label_lon": 0,
        "label_lat": 0,
        **extra,
    }
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def test_files_that_cannot_be_used_say_why_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"regions\.geojson:1:1 no GeoJSON(.|\n)*sea_areas\.geojson"):
        load_geography(tmp_path)
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    point = {"type": "Point", "coordinates": [0, 0]}
    _folder(
        tmp_path,
        {"properties": {"id": "A"}},
        _feature("B", point),
        _feature("C", square, names={"ja": ["x"]}),
        _feature("D", square),
        _feature("D", square),
    )
    with pytest.raises(ConfigError) as caught:
        load_geography(tmp_path)
    told = str(caught.value)
    assert [
        text in told
        for text in ("features.0", "B has no valid polygon", "C has no name in en", "`D` is the id of two areas")
    ] == [True] * 4
