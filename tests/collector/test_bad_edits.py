"""Bad edits of a working feed, one by one: each is caught at load, or named by a plan with the key that it hangs on."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.doubts import doubts
from specs.loading import ConfigError
from tests.feeds.made import RECEIVED, harvested, loaded

URL = "https://lab.example/rows.csv"
GOOD = """\
expect:
  stations: 3
  bbox: [120.0, 20.0, 150.0, 46.0]
  ranges: {air_dose_rate_as_published: [10.0, 1.0e7]}
forms:
  - id: rows
    request: {url: "https://lab.example/rows.csv"}
    decode: {format: delimited}
    station: {key: code, position: {latitude: lat, longitude: lon}}
    time: {column: time, format: "%Y-%m-%d %H:%M", zone: Asia/Tokyo, zone_stated: true}
    measures:
      - {column: dose, quantity: air_dose_rate_as_published, unit: uSv/h}
"""
BODY = "code,lat,lon,time,dose,place\n" + "".join(
    f"S{n},35.{n},139.{n},2026-11-01 21:00,0.08{n},P\n" for n in range(1, 4)
)


def told(folder: Path, text: str, body: str = BODY) -> list[str]:
    config = loaded(folder, text)
    (feed,) = config.feeds
    (harvest,) = harvested(config, (URL, body))
    found = doubts(harvest, feed, feed.forms[0], RECEIVED.timestamp())
    return [f"{'.'.join(map(str, one.path))} {one.message}" for one in found]


def test_a_well_feed_raises_no_doubt(tmp_path: Path) -> None:
    assert told(tmp_path, GOOD) == []


EDITS = {
    "nSv/h for uSv/h": ("unit: uSv/h", "unit: nSv/h", "forms.0.measures.0.unit the median of dose is 0.082 nSv/h"),
    "mSv/h for uSv/h": ("unit: uSv/h", "unit: mSv/h", "forms.0.measures.0.unit the median of dose is 82000 nSv/h"),
    "latitude and longitude swapped": ("latitude: lat, longitude: lon", "latitude: lon, longitude: lat", "forms.0.station.position 3 of 3 positions are refused"),
    "a zone behind": ("Asia/Tokyo", "UTC", "forms.0.time.zone 3 of 3 stamps lie in the future"),
    "a zone ahead": ("Asia/Tokyo", "Pacific/Auckland", "forms.0.time.zone the newest reading is"),
    "another format of time": ('"%Y-%m-%d %H:%M"', '"%d.%m.%Y %H:%M"', "forms.0.time.format most stamps cannot be read"),
    "a wrong column": ("column: dose", "column: dos", "forms.0.decode missing_column: no column `dos`"),
    "a key that is no key": ("key: code", "key: place", "forms.0.station.key 2 rows contradict"),
    "a wrong delimiter": ("format: delimited", 'format: delimited, delimiter: ";"', "forms.0.decode missing_column: no column code, time"),
    "one of the stations": ("stations: 3", "stations: 300", "expect.stations 3 stations where 300 are expected"),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_a_plan_names_the_key_of_a_bad_edit(name: str, tmp_path: Path) -> None:
    old, new, message = EDITS[name]
    assert old in GOOD
    assert any(line.startswith(message) for line in told(tmp_path, GOOD.replace(old, new, 1))), told(
        tmp_path, GOOD.replace(old, new, 1)
    )


def test_a_factor_of_ten_at_the_publisher_is_seen(tmp_path: Path) -> None:
    assert any("normal ground" in line for line in told(tmp_path, GOOD, BODY.replace(",0.08", ",0.8")))
    assert any("normal ground" in line for line in told(tmp_path, GOOD, BODY.replace(",0.08", ",0.008")))


LOAD = {
    "a secret": ('"https://lab.example/rows.csv"}', '"https://lab.example/rows.csv", parameters: {api_key: abc}}', "looks like a secret"),
    "a wrong row path's key": ("format: delimited", "format: json_rows, row: a", "unknown key"),
    "another dimension": ("unit: uSv/h", "unit: uGy/h", "cannot measure"),
    "two forms of one id": ("forms:\n", "forms:\n  - {id: rows, request: {url: 'https://x.example/'}, decode: {format: delimited}, station: {key: a}, catalogue: true}\n", "two forms have the same id"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOAD)
def test_a_bad_edit_is_named_at_load(name: str, tmp_path: Path) -> None:
    old, new, message = LOAD[name]
    with pytest.raises(ConfigError, match=r"feeds/xx-made\.yaml:\d+:\d+ ") as caught:
        loaded(tmp_path, GOOD.replace(old, new, 1))
    assert message in str(caught.value)
