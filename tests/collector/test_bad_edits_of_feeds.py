"""Every feed that has a capture, every seeded bad edit that it allows: caught by validation or by a plan, with file, line and what to do."""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from collector.fetched import Fetched
from collector.harvest import Harvester
from collector.planning import Known, Plan, plan_feed
from collector.portrait import Portrait
from domain.readings import Answer
from specs.feed import FeedSpec
from specs.loading import ConfigError, load_text
from specs.problems import plain, read_yaml
from tests.conftest import ROOT
from tests.feeds.replayed import config, feed, folders

Document = dict[str, Any]
Edit = Callable[[Document], bool]
UNITS = {
    "uSv/h": "nSv/h", "nSv/h": "uSv/h", "uGy/h": "nGy/h", "nGy/h": "uGy/h", "{counts}/min": "{counts}/s", "Bq/L": "mBq/L",
    "Bq/kg": "mBq/kg", "Bq/m3": "mBq/m3", "mBq/m3": "Bq/m3",
}  # fmt: skip


@cache
def document_of(feed_id: str) -> Document:
    found, problems = read_yaml(ROOT / "config" / "feeds" / f"{feed_id}.yaml", feed_id)
    assert not problems
    return plain(found)  # type: ignore[no-any-return]


@cache
def captures_of(feed_id: str) -> tuple[Fetched, ...]:
    folder = ROOT / "tests" / "feeds" / feed_id
    meta, _ = read_yaml(folder / "capture.meta.yaml", "capture.meta.yaml")
    return tuple(fetched(feed_id, folder, one) for one in plain(meta)["captures"])


def fetched(feed_id: str, folder: Path, one: dict[str, str]) -> Fetched:
    at = datetime.fromisoformat(str(one["received"])).timestamp()
    return Fetched(Answer(feed_id, "GET", one["url"], at, at, 200), (folder / one["file"]).read_bytes())


@cache
def well(feed_id: str) -> Plan:
    return planned(feed(feed_id), written(document_of(feed_id)), running=feed(feed_id))


def planned(candidate: FeedSpec, text: str, known: Known | None = None, *, running: FeedSpec | None = None) -> Plan:
    captures = captures_of(candidate.id)
    return plan_feed(config(), candidate, text, captures, running=running, known=known or Known())


def written(document: Document) -> str:
    kept = io.StringIO()
    YAML(typ="safe").dump(document, kept)
    return kept.getvalue()


def value_forms(document: Document) -> Iterator[Document]:
    return (form for form in document["forms"] if form.get("measures") or form.get("samples") or form.get("quakes"))


def other_unit(document: Document) -> bool:
    done = False
    for form in value_forms(document):
        for part in (*form.get("measures", ()), *(form.get("samples") or {}).get("units", {}).values()):
            if part["unit"] in UNITS:
                part["unit"], done = UNITS[part["unit"]], True
    return done


def swapped(document: Document) -> bool:
    done = False
    for form in document["forms"]:
        station = form.get("station") or {}
        for part in (station.get("position"), station.get("listed"), form.get("quakes")):
            if (
                not part
                or part.get("optional")
                or not ({"latitude", "longitude", "text"} & part.keys() or part is station.get("listed"))
            ):
                continue
            if "text" in part:
                part["order"] = "lat_lon" if part.get("order") == "lon_lat" else "lon_lat"
                done |= part.get("form") != "iso6709"
            else:
                latitude, longitude = part.get("latitude", "latitude"), part.get("longitude", "longitude")
                part |= {"latitude": longitude, "longitude": latitude}
                done = True
    return done


def other_zone(document: Document) -> bool:
    # the stamps of the earthquake feeds carry their offset, and a bulletin has no station: there a zone changes nothing
    timed = [
        form["time"] for form in value_forms(document) if form.get("station") and form["time"]["column"] != "$received"
    ]
    for time in timed:
        time["zone"] = "Pacific/Auckland" if time["zone"] != "Pacific/Auckland" else "UTC"
    return bool(timed)


def other_rows(document: Document) -> bool:
    done = False
    for form in value_forms(document):
        if form["decode"]["format"].startswith("json") and form["decode"].get("rows"):
            form["decode"]["rows"], done = "nowhere.at.all", True
    return done


def other_column(document: Document) -> bool:
    forms = list(value_forms(document))
    for form in forms:
        for measure in form.get("measures", ()):
            measure["column"] += "x"
        if form.get("samples"):
            form["samples"]["detected"] += "x"
        if form.get("quakes"):
            form["quakes"]["origin"] += "x"
    return bool(forms)


def other_key(document: Document) -> bool:
    done = False
    for form in value_forms(document):
        if form.get("station") and form.get("time"):
            form["station"]["key"], done = form["time"]["column"], True
    return done and not any(form["time"]["column"].startswith("$") for form in value_forms(document))


def same_form_twice(document: Document) -> bool:
    document["forms"].append(copy.deepcopy(document["forms"][0]))
    return True


def a_secret(document: Document) -> bool:
    document["forms"][0]["request"].setdefault("headers", {})["Authorization"] = "Bearer abcdefgh"
    return True


EDITS: dict[str, Edit] = {
    "unit of another size": other_unit, "latitude and longitude swapped": swapped, "wrong zone": other_zone,
    "wrong row path": other_rows, "wrong column": other_column, "wrong key": other_key, "duplicated id": same_form_twice,
    "secret in the file": a_secret,
}  # fmt: skip


CASES = [
    pytest.param(folder.name, edit, id=f"{folder.name}: {name}")
    for folder in folders()
    for name, edit in EDITS.items()
    if edit(copy.deepcopy(document_of(folder.name)))
]


@pytest.mark.parametrize("feed_id", [folder.name for folder in folders()])
def test_the_file_as_it_stands_has_no_breach(feed_id: str) -> None:
    assert well(feed_id).breaches == ()
    assert well(feed_id).values or not any(form.measures for form in feed(feed_id).forms)


@pytest.mark.parametrize(("feed_id", "edit"), CASES)
def test_a_bad_edit_is_caught_with_its_place(feed_id: str, edit: Edit) -> None:
    document = copy.deepcopy(document_of(feed_id))
    edit(document)
    text = written(document)
    try:
        told = planned(load_text(text, f"feeds/{feed_id}.yaml", config()), text, running=feed(feed_id)).breaches
    except ConfigError as error:
        told = tuple(map(str, error.problems))
    assert told, "nothing was said"
    assert all(re.match(rf"feeds/{feed_id}\.yaml:\d+:\d+ \S+ \S+", line) for line in told), told


def dosed() -> list[str]:
    measured = {folder.name: well(folder.name) for folder in folders()}
    return [name for name, plan in measured.items() if any("dose" in kind.quantity for kind in plan.kinds)]


@pytest.mark.parametrize("feed_id", dosed())
@pytest.mark.parametrize("factor", [10.0, 0.1])
def test_a_factor_of_ten_against_what_is_stored_is_caught(feed_id: str, factor: float) -> None:
    harvester, portrait = Harvester(config()), Portrait()
    for one in captures_of(feed_id):
        portrait.add(harvester.harvest(feed(feed_id), one, one.answer.received_s), one.answer.received_s)
    stored = {uid: float(trace.value[-1]) * factor for uid, trace in portrait.close().traces.items()}
    plan = planned(feed(feed_id), written(document_of(feed_id)), Known(stored), running=None)
    assert any("times what is stored" in line and re.match(r"feeds/\S+:\d+:\d+ ", line) for line in plan.breaches)
