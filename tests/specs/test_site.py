"""The committed sites are whole and where they are said to be; a broken file says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.problems import ConfigError
from specs.region import load_geography
from specs.site import FILE, load_sites

CONFIG = Path(__file__).parents[2] / "config"
SITES = load_sites(CONFIG)


def test_every_country_of_the_region_is_there() -> None:
    countries = {site.country for site in SITES.sites}
    assert {"JP", "KR", "CN", "TW", "RU", "KP"} == countries
    assert len(SITES.sites) == 76
    assert SITES.rings_km == (5.0, 30.0)
    assert all({"en", "ja", "ko", "zh-hans", "zh-hant"} <= site.names.keys() and site.source for site in SITES.sites)


def test_sites_lie_in_their_regions_and_seas() -> None:
    geography = load_geography(CONFIG)
    for site in SITES.sites:
        assert site.region in geography.by_id, site.id
        assert not site.sea_area or geography.by_id[site.sea_area].kind == "sea_area", site.id
        found = geography.locate(site.latitude_deg, site.longitude_deg)
        assert site.country in {
            geography.by_id[area].country for area in found if geography.by_id[area].kind == "region"
        }, site.id


def test_a_folder_without_sites_has_none(tmp_path: Path) -> None:
    assert load_sites(tmp_path).sites == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sites: [", "not valid YAML"),
        ("sties: []", "unknown key"),
        ("sites:\n  - {id: x}", "sites.0"),
        ("watch:\n  - {magnitude: 4, within_km: -1}", "within_km"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ConfigError, match=rf"sites\.yaml:\d+:\d+(.|\n)*{told}"):
        load_sites(tmp_path)


def test_one_id_for_one_site(tmp_path: Path) -> None:
    text = (CONFIG / FILE).read_text()
    first = text[text.index("  - id: jp-tomari") : text.index("  - id: jp-higashidori")]
    (tmp_path / FILE).write_text(f"sites:\n{first}{first}")
    with pytest.raises(ConfigError, match="`jp-tomari` is the id of two sites"):
        load_sites(tmp_path)
