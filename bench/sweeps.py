"""A national sweep as its publisher sends it: JSON of RAMIS size, for the whole way from bytes to committed rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from collector.fetched import Fetched
from domain.readings import Answer
from specs.feed import FeedSpec
from specs.loading import Config, load_config

POSTS, STEP_S = 5423, 600
FEED = "jp-nra-ramis"
URL = "https://www.ramis.nra.go.jp/api/v1/map/map-means-data-public?data_type=1"
_JST = timezone(timedelta(hours=9))


def config() -> Config:
    """The operator's files as they are committed."""
    return load_config(Path(__file__).parents[1] / "config")


def feed(found: Config) -> FeedSpec:
    """The feed of the sweep."""
    made = found.feed(FEED)
    assert made is not None
    return made


def fetched(step: int, values: np.ndarray, *, later_s: int = 0) -> Fetched:
    """One answer: every post once, a tenth of them one stamp behind; received a minute after the newest stamp, and `later_s`."""
    stamps = [datetime.fromtimestamp((step - behind) * STEP_S, UTC).astimezone(_JST).isoformat() for behind in (0, 1)]
    rows = [_row(i, value, stamps[i % 10 == 0]) for i, value in enumerate(values.tolist())]
    body = json.dumps({"data": rows, "count": POSTS, "offset": 0, "limit": 0}, ensure_ascii=False).encode()
    at_s = float(step * STEP_S + 60 + later_s)
    return Fetched(
        Answer(FEED, "GET", URL, at_s, at_s, 200, sha256=f"{step * 1000 + later_s:064x}", size_bytes=len(body)), body
    )


def _row(i: int, value: float, stamp: str) -> dict[str, object]:
    code = f"{1 + i % 47:02d}11{i:04d}"
    return {
        "id": f"{code}600", "obs_station_unique_code": code, "owner_code": code[:2], "device_kbn": "11", "device_no": code[4:],
        "meas_time": 600, "pref_code": code[:2], "display_name": f"測定局{i}", "display_name_roman": f"POST {i}",
        "air_dose_rate": value, "precipitation": None, "counting_rate": None, "dust_beta_conc": None, "wind_direction_name": None,
        "wind_speed": None, "solar_amount": None, "meas_datetime": stamp, "update_datetime": stamp, "latitude": 35.0 + i % 100 / 50,
        "longitude": 136.0 + i // 100 / 50, "missing_status": "0", "meas_range_low_limit": 0.001, "meas_range_high_limit": 100000,
    }  # fmt: skip
