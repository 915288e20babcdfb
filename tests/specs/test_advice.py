"""Mistakes as operators make them, and what they are told to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.loading import ConfigError
from tests.feeds.made import HEAD, loaded

GOOD = """\
forms:
  - id: rows
    request: {url: "https://lab.example/answer"}
    decode: {format: delimited}
    station: {key: k, names: {en: n}, position: {latitude: a, longitude: b}}
    time: {column: t, format: iso, zone: UTC}
    measures:
      - {column: v, quantity: air_dose_rate_as_published, unit: uSv/h}
"""
MISTAKES = {
    "a format by its usual name": ("format: delimited", "format: csv", "did you mean `delimited`?"),
    "no format": ("{format: delimited}", "{guards: true}", "`format` is missing"),
    "a time as spreadsheets write it": ("format: iso", 'format: "DD.MM.YYYY"', "`%d.%m.%Y %H:%M` for 31.12.2026 23:59"),
    "a zone by its letters": ("zone: UTC", "zone: KST", "did you mean `Asia/Seoul`?"),
    "a zone by its offset": ("zone: UTC", "zone: UTC+9", "did you mean `Etc/GMT-9`?"),
    "a key by its usual name": ("latitude: a", "lat: a", "did you mean `latitude`?"),
    "capitals": ("longitude: b}", "longitude: b, form: DMS}", "did you mean `dms`?"),
    "a number for a text": ("unit: uSv/h}", "unit: uSv/h, missing: [-99]}", 'put it in quotes, `"-99"`'),
    "one thing for a list": ("unit: uSv/h}", 'unit: uSv/h, missing: "-99"}', "must be a list: write `[-99]`"),
    "a list that is none": ("measures:\n      - {", "measures: {", "begin each entry with `- `"),
    "a language by its country": ("{en: n}", "{jp: n}", "did you mean `ja`?"),
    "an encoding by another name": ("{format: delimited}", "{format: delimited, encoding: shift_jis}", "did you mean `cp932`?"),
    "a delimiter in words": ("{format: delimited}", "{format: delimited, delimiter: semicolon}", "write the sign itself"),
    "a quantity in short": ("air_dose_rate_as_published", "dose_rate", "did you mean `air_dose_rate_as_published`?"),
    "a unit of another kind": ("unit: uSv/h", "unit: nGy/h", "(nSv/h, uSv/h, mSv/h, Sv/h)"),
    "a comma in a text": ("zone: UTC}", "zone: UTC, I think}", "A comma inside { } ends a text"),
    "a length of time in words": ("every_s: 900", "every_s: 15min", "a quarter of an hour is 900"),
    "a verdict of one's own": ("redistribute: internal", "redistribute: maybe", "yes, ask, internal, no"),
    "a line out of place": ("    request:", "   request:", "indented otherwise than its neighbours"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_its_remedy(name: str, tmp_path: Path) -> None:
    old, new, told = MISTAKES[name]
    text = HEAD + GOOD
    assert text.count(old) == 1
    changed = text.replace(old, new)
    with pytest.raises(ConfigError, match=r"feeds/xx-made\.yaml:\d+:\d+ ") as caught:
        loaded(tmp_path, changed, head="")
    assert told in str(caught.value)


def test_the_good_file_is_good(tmp_path: Path) -> None:
    assert len(loaded(tmp_path, GOOD).feeds) == 1
