"""Poll-by-poll arrays of the 42 open RAMIS days, read straight from the Parquet files.

Source: NRA RAMIS via TakaLab2326/background-radiation-monitor (see the data's own PROVENANCE.md).
One column per series (11-digit id), one row per sweep; only what a poller at that moment could know.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from numpy.typing import NDArray
from pyarrow import parquet

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

_FOLDER = Path("data") / "jp-nra-ramis"
_MEASUREMENTS = "measurements_2026-07-08_2026-08-19.parquet"
_RADAR = "radar_rain_2026-07-08_2026-08-19.parquet"
_SWEEPS = "sweeps_2026-07-08_2026-08-19.csv"
_CACHE_VERSION = "4"
# Posts write what fell in ten minutes, tipped in 0.5 mm; the same tips as a rate are multiples of 3 mm/h.
_PER_HOUR = 6.0
_RATE_STEP_MMH = 3.0


@dataclass(frozen=True)
class Replay:
    """A series of polls: T polls, S stations.

    stations: S rows as the detector wants them; now_min: (T,) minutes of the UTC epoch;
    value nSv/h, age_min, radar and gauge mm/h: (T, S) float32, NaN = nothing new / unknown.
    """

    stations: list[dict[str, Any]]
    now_min: Floats
    value: Singles
    age_min: Singles
    radar: Singles
    gauge: Singles


def shared_folder() -> Path | None:
    """The read-only material: RADCOMMONS_SHARED, else `shared` beside the repository; None when absent."""
    beside = Path(__file__).resolve().parents[2].parent / "shared"
    folder = Path(os.environ.get("RADCOMMONS_SHARED", beside))
    return folder if (folder / _FOLDER / _MEASUREMENTS).is_file() else None


def load(shared: Path) -> Replay:
    """All 879 sweeps; the second call in a day reads a cache in the system's temporary folder."""
    folder = shared / _FOLDER
    stamp = f"{_CACHE_VERSION}|{folder.resolve()}|{(folder / _MEASUREMENTS).stat().st_size}"
    name = hashlib.sha256(stamp.encode()).hexdigest()[:16]
    cache = Path(tempfile.gettempdir()) / f"radcommons-ramis-{name}.npz"
    if not cache.is_file():
        _build(folder, cache)
    with np.load(cache, allow_pickle=False) as held:
        arrays = {key: held[key] for key in held.files}
    return Replay(
        stations=_stations(arrays["ids"], arrays["kind"], folder),
        now_min=arrays["now_min"],
        value=arrays["value"],
        age_min=arrays["age_min"],
        radar=arrays["radar"],
        gauge=arrays["gauge"],
    )


def _stations(ids: NDArray[np.str_], kind: NDArray[np.int64], folder: Path) -> list[dict[str, Any]]:
    with gzip.open(folder / "stations.csv.gz", "rt", encoding="utf-8") as text:
        rows = {row["id"]: row for row in csv.DictReader(text)}
    answer = []
    for station_id, station_kind in zip(ids.tolist(), kind.tolist(), strict=True):
        row = rows.get(station_id, {})
        answer.append(
            {
                "id": station_id,
                "lat": float(row.get("latitude") or "nan"),
                "lon": float(row.get("longitude") or "nan"),
                # A few series are missing from the station table; the id begins with the prefecture or owner.
                "area": row.get("pref_code") or station_id[:2],
                "kind": int(station_kind),
            }
        )
    return answer


def _build(folder: Path, cache: Path) -> None:
    sweep_min, radar_min = _sweep_times(folder)
    columns = ["station_id", "data_type", "meas_datetime", "air_dose_rate", "precipitation", "first_sweep"]
    table = parquet.read_table(folder / _MEASUREMENTS, columns=columns)
    frame = table.to_pandas()
    frame = frame[frame["air_dose_rate"].notna() | frame["precipitation"].notna()]
    dosed = frame.loc[frame["air_dose_rate"].notna()]
    ids, kinds = _series(dosed)
    frame = frame[frame["station_id"].isin(ids)]
    column = np.searchsorted(ids, frame["station_id"].astype(str).to_numpy().astype(str))
    poll = np.searchsorted(sweep_min, _epoch_min(frame["first_sweep"]))
    observed = _epoch_min(frame["meas_datetime"])
    shape = (len(sweep_min), len(ids))
    value, age = _newest(shape, poll, column, observed, frame["air_dose_rate"].to_numpy() * 1000.0, sweep_min)
    rain = frame["precipitation"].to_numpy(dtype=float)
    gauge, _ = _newest(shape, poll, column, observed, np.where(rain < 0, np.nan, rain), sweep_min)
    gauge = _mm_h(gauge)
    radar = _radar(folder, ids, radar_min)
    scratch = cache.with_suffix(".tmp.npz")
    np.savez(scratch, ids=ids, kind=kinds, now_min=sweep_min, value=value, age_min=age, radar=radar, gauge=gauge)
    scratch.replace(cache)


def _epoch_min(times: Any) -> Floats:
    return np.asarray(times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[s]").astype(float) / 60.0)


def _sweep_times(folder: Path) -> tuple[Floats, Floats]:
    sweeps = pd.read_csv(folder / _SWEEPS)
    taken = pd.to_datetime(sweeps["sweep"])
    rain = pd.to_datetime(sweeps["rain_obs_time"], utc=True)
    known = rain.notna().to_numpy()
    radar_min = np.full(len(sweeps), np.nan)
    radar_min[known] = _epoch_min(rain[known])
    return _epoch_min(taken), radar_min


def _series(dosed: Any) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    kinds = dosed.groupby(dosed["station_id"].astype(str))["data_type"].first().sort_index()
    return kinds.index.to_numpy().astype(str), kinds.to_numpy().astype(np.int64)


def _newest(
    shape: tuple[int, int],
    poll: NDArray[np.int64],
    column: NDArray[np.int64],
    observed: Floats,
    value: Floats,
    sweep_min: Floats,
) -> tuple[Singles, Singles]:
    """The newest reading of each series in each sweep, kept only when newer than all earlier sweeps' newest."""
    good = ~np.isnan(value)
    poll, column, observed, value = poll[good], column[good], observed[good], value[good]
    when = np.full(shape, -np.inf)
    order = np.argsort(observed, kind="stable")
    when[poll[order], column[order]] = observed[order]
    out = np.full(shape, np.nan, dtype=np.float32)
    out[poll[order], column[order]] = value[order]
    before = np.vstack([np.full(shape[1], -np.inf), np.maximum.accumulate(when, axis=0)[:-1]])
    fresh = when > before
    age = np.where(fresh, sweep_min[:, None] - when, np.nan).astype(np.float32)
    return np.where(fresh, out, np.float32(np.nan)), age


def _mm_h(gauge: Singles) -> Singles:
    """mm/h of a column that states no unit: most owners write amounts of ten minutes, a few (Ishikawa) the rate itself.

    Told apart by what they never write: against radar, sums of the first are a sixth of those of the second.
    """
    wet = np.where(gauge > 0, gauge, np.float32(np.nan))
    rates = (np.isnan(wet) | (np.mod(wet, _RATE_STEP_MMH) == 0)).all(axis=0)
    return np.where(rates, gauge, gauge * np.float32(_PER_HOUR))


def _radar(folder: Path, ids: NDArray[np.str_], radar_min: Floats) -> Singles:
    """A station without a row had no rain; a sweep without radar knows nothing (NaN)."""
    frame = parquet.read_table(folder / _RADAR).to_pandas()
    frame = frame[frame["station_id"].isin(ids)]
    radar = np.zeros((len(radar_min), len(ids)), dtype=np.float32)
    column = np.searchsorted(ids, frame["station_id"].astype(str).to_numpy().astype(str))
    when = _epoch_min(frame["obs_time"])
    rain = frame["mmh"].to_numpy()
    # Two sweeps minutes apart can share one radar image, so go image by image rather than sweep by image.
    for poll, minute in enumerate(radar_min):
        if np.isnan(minute):
            radar[poll] = np.nan
            continue
        seen = when == minute
        radar[poll, column[seen]] = rain[seen]
    return radar
