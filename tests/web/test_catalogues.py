"""Words: every language has every word, and the vocabulary in them is the domain's."""

from __future__ import annotations

import json
import re

import pytest

from analysis.summary import Finding
from domain import media, quantities
from domain.flags import Qc
from domain.reasons import Refusal, Untold
from domain.states import AlertState, Censoring, FeedState, Freshness, Kind, Redistribute, RegionState
from tests.web.server import WEB

LANGUAGES = ("en", "ja", "ko", "zh")
WORDS = {code: json.loads((WEB / "i18n" / f"{code}.json").read_text("utf-8")) for code in LANGUAGES}
SCRIPT = "\n".join(path.read_text("utf-8") for path in sorted((WEB / "js").glob("*.js")))
PAGE = (WEB / "index.html").read_text("utf-8")


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_has_every_word_with_the_same_blanks(code):
    assert WORDS[code].keys() == WORDS["en"].keys()
    blanks = re.compile(r"\{\w+\}")
    for key, english in WORDS["en"].items():
        assert WORDS[code][key].strip(), key
        assert set(blanks.findall(WORDS[code][key])) == set(blanks.findall(english)), key


@pytest.mark.parametrize(("place", "code"), list(enumerate(LANGUAGES)))
def test_names_of_quantities_and_media_are_those_of_the_vocabulary(place, code):
    told = {f"quantity.{one.id}": one.names[place] for one in quantities.TABLE}
    told |= {f"medium.{one.id}": one.names[place] for one in media.TABLE}
    assert told.items() <= WORDS[code].items()


@pytest.mark.parametrize(
    ("prefix", "members"),
    [
        ("flag", [flag.name.lower() for flag in Qc if flag.name and flag is not Qc.NONE]),
        ("reason", [*Untold, *Finding]),
        ("feed_state", FeedState),
        ("alert_state", AlertState),
        ("region_state", RegionState),
        ("refusal", Refusal),
        ("rights", Redistribute),
        ("kind", Kind),
        ("censoring", [one for one in Censoring if one is not Censoring.NONE]),
        ("state", [one for one in Freshness if one is not Freshness.FRESH]),
    ],
)
def test_every_member_of_a_closed_list_has_a_word(prefix, members):
    assert {f"{prefix}.{member}" for member in members} <= WORDS["en"].keys()


def test_every_word_that_the_page_asks_for_exists():
    asked = set(re.findall(r'\bt\("([\w.]+)"', SCRIPT)) | set(re.findall(r'data-t(?:-label)?="([\w.]+)"', PAGE))
    assert asked <= WORDS["en"].keys(), asked - WORDS["en"].keys()


def test_compartments_are_those_of_the_vocabulary():
    text = (WEB / "js" / "media.js").read_text("utf-8")
    for compartment in media.COMPARTMENTS:
        listed = re.search(rf"{compartment}: \[(.*?)\]", text, re.DOTALL)
        assert listed
        assert set(re.findall(r'"(\w+)"', listed[1])) == media.matching(compartment)


def test_quantities_that_stand_for_a_station_are_known():
    text = (WEB / "js" / "model.js").read_text("utf-8")
    listed = re.search(r"const RADIATION = \[(.*?)\]", text, re.DOTALL)
    assert listed
    weather = {
        "precipitation_rate",
        "precipitation_amount",
        "wind_speed",
        "wind_from_direction",
        "solar_amount_unit_not_stated",
        "air_temperature",
        "relative_humidity",
    }
    assert set(re.findall(r'"(\w+)"', listed[1])) == quantities.BY_ID.keys() - weather


@pytest.mark.parametrize("code", LANGUAGES)
def test_nothing_is_called_safe(code):
    text = " ".join(WORDS[code].values()).casefold()
    assert not re.search(r"\bsafe\b|\bsafety\b|安全|안전", text)


def test_modules_are_small_and_the_page_names_no_other_host():
    for path in sorted((WEB / "js").glob("*.js")):
        assert len(path.read_text("utf-8").splitlines()) < 300, path.name
    hosts = set(re.findall(r"https?://[\w.-]+", SCRIPT + PAGE)) - {"http://www.w3.org"}
    assert not hosts
