"""Real sweeps of Japan as archives, and what must be in the store after them, counted from the origin's CSV files alone."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import importlib.util
import json
from pathlib import Path
from types import ModuleType

from tests.conftest import SHARED

SWEEPS = SHARED / "data" / "jp-nra-ramis" / "raw_sweeps"
#: Fields of a reading -> quantity; the words of wind directions are another test's business (tests/feeds).
FIELDS = {
    "air_dose_rate": "air_dose_rate_as_published",
    "counting_rate": "detector_output_unit_not_stated",
    "dust_beta_conc": "airborne_beta_unit_not_stated",
    "wind_speed": "wind_speed",
    "precipitation": "precipitation_amount",
    "solar_amount": "solar_amount_unit_not_stated",
}
Key = tuple[str, str, int]  # series as the publisher names it (station, then window in seconds), quantity, end
Values = dict[Key, tuple[float, str]]


def packer() -> ModuleType:
    """The tool that puts the origin's rows back into the publisher's envelope."""
    spec = importlib.util.spec_from_file_location("make_captures", SHARED / "tools" / "make_captures.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sweeps(day: str) -> list[str]:
    return sorted(path.name[:4] for path in (SWEEPS / day).glob("[0-9][0-9][0-9][0-9].csv.gz"))


def archive(folder: Path, day: str, clocks: list[str]) -> Path:
    """The sweeps of `day` at `clocks` (as 0720), with their missing lists, as a capture archive."""
    tool = packer()
    data = SHARED / "data"
    known, template = tool.stations(data / "jp-nra-ramis"), tool.template_of(data, data / "jp-nra-ramis")
    folder.mkdir(parents=True)
    out = tool.Archive(folder)
    for clock in clocks:
        at = dt.datetime.fromisoformat(f"{day}T{clock[:2]}:{clock[2:]}:00+09:00")
        missing = SWEEPS / day / f"{clock}_missing.csv.gz"
        rows = tool.read_gz(SWEEPS / day / f"{clock}.csv.gz")
        tool.add_sweep(out, at, rows, tool.read_gz(missing) if missing.exists() else None, known, template)
    out.close()
    return folder


def counted(day: str, clocks: list[str]) -> tuple[Values, int]:
    """Every distinct (series, quantity, time) of the CSV files with its number and its text on the wire; and how many cells there were."""
    found: Values = {}
    cells = 0
    for clock in clocks:
        with gzip.open(SWEEPS / day / f"{clock}.csv.gz", "rt", encoding="utf-8", newline="") as text:
            for row in csv.DictReader(text):
                end_s = int(dt.datetime.fromisoformat(row["meas_datetime"]).timestamp())
                for field, quantity in FIELDS.items():
                    if not row[field] or (field != "air_dose_rate" and float(row[field]) == -99):
                        continue
                    cells += 1
                    number = float(row[field])
                    wire = json.dumps(int(number) if number.is_integer() and "." not in row[field] else number)
                    key = (row["station_id"], quantity, end_s)
                    assert found.setdefault(key, (number, wire)) == (number, wire), (
                        f"the files themselves contradict at {key}"
                    )
    return found, cells
