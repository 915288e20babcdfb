"""An export's readings as grids for xarray and Dask: a Zarr group for each feed, quantity and unit, made from the Parquet files.

Dimensions are (series, time); times are the ends at which any series of the group has a reading, so nothing is moved or averaged.
A group whose series share few of their times would be an empty grid, and is left out and named in the manifest.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import zarr
from zarr.codecs import BloscCodec
from zarr.errors import ZarrUserWarning

from domain.flags import Qc
from domain.quantities import BY_ID
from domain.readings import FloatArray, IntArray
from domain.states import CENSORING_CODES
from store import export_columns, export_manifest
from store.export_manifest import READINGS, ZARR, Manifest, Part

CHUNK = (64, 1008)
_SHARD_TIMES = 8 * CHUNK[1]
#: Cells for each reading beyond which a grid is no use.
_MOST_EMPTY = 200
_SMALL = 50_000_000
ABSENT = -1  # `censoring` of a cell without a reading

Told = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class _Group:
    """Series of one feed, quantity and unit, in order of uid, as rows of the tables."""

    name: str
    series: tuple[Mapping[str, Any], ...]

    @property
    def uids(self) -> list[str]:
        return [one["uid"] for one in self.series]


async def write_groups(folder: Path, *, told: Told = lambda *_: None) -> Manifest:
    """Add the grids to a finished export; those that are there and still true stay. Raises NoExport."""
    manifest = export_manifest.read(folder)
    if not manifest.complete:
        raise export_manifest.NoExport(f"{folder} holds an export that is not finished")
    await asyncio.to_thread(_write_groups, folder, manifest, told)
    return manifest


def _write_groups(folder: Path, manifest: Manifest, told: Told) -> None:
    stations = {row["id"]: row for row in pq.read_table(folder / "tables/stations.parquet").to_pylist()}
    groups = _groups(pq.read_table(folder / "tables/series.parquet").to_pylist(), stations)
    files = [folder / part.path for _, part in sorted(manifest.parts.items()) if part.kind == READINGS]
    times, counts = _axes(files, groups)
    manifest.left_out = {}
    for done, group in enumerate(groups, start=1):
        path = f"zarr/{group.name}"
        cells = len(group.series) * len(times[group.name])
        if cells > max(_SMALL, _MOST_EMPTY * counts[group.name]):
            manifest.left_out[group.name] = f"{counts[group.name]} readings in a grid of {cells} cells"
        elif cells and not _stands(folder, manifest, path):
            _make(folder, manifest, group, files, times[group.name], counts[group.name])
        told(done, len(groups), path)
    wanted = {f"zarr/{group.name}" for group in groups} - {f"zarr/{name}" for name in manifest.left_out}
    for path in [path for path, part in manifest.parts.items() if part.kind == ZARR and path not in wanted]:
        del manifest.parts[path]
        shutil.rmtree(folder / path, ignore_errors=True)
    export_manifest.write(folder, manifest)


def _groups(series: Sequence[Mapping[str, Any]], stations: Mapping[int, Mapping[str, Any]]) -> list[_Group]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in sorted(series, key=lambda row: str(row["uid"])):
        unit = re.sub(r"[^A-Za-z0-9]+", "_", one["unit"]).strip("_") or "1"
        found.setdefault(f"{one['feed_id']}.{one['quantity']}.{unit}", []).append(
            {**one, "station": stations[one["station_id"]]}
        )
    return [_Group(name, tuple(rows)) for name, rows in sorted(found.items())]


def _axes(files: Sequence[Path], groups: Sequence[_Group]) -> tuple[dict[str, IntArray], dict[str, int]]:
    """The times and the number of readings of each group."""
    owner = {uid: number for number, group in enumerate(groups) for uid in group.uids}
    ends: list[list[IntArray]] = [[] for _ in groups]
    counts = np.zeros(len(groups), dtype=np.int64)
    for path in files:
        with pq.ParquetFile(path) as file:
            for number in range(file.num_row_groups):
                found = file.read_row_group(number, columns=["series", "end"])
                series = found["series"].combine_chunks()
                of_uid = np.array([owner[uid] for uid in series.dictionary.to_pylist()], dtype=np.int64)
                group = of_uid[series.indices.to_numpy()]
                end_s = found["end"].cast(pa.int64()).to_numpy() // 1000
                counts += np.bincount(group, minlength=len(groups))
                for one in np.unique(group).tolist():
                    ends[one].append(np.unique(end_s[group == one]))
    times = [np.unique(np.concatenate(told)) if told else np.zeros(0, dtype=np.int64) for told in ends]
    names = [group.name for group in groups]
    return dict(zip(names, times, strict=True)), dict(zip(names, counts.tolist(), strict=True))


def _stands(folder: Path, manifest: Manifest, path: str) -> bool:
    part = manifest.parts.get(path)
    if part is None or part.through != manifest.through or not (folder / path).is_dir():
        return False
    return export_manifest.digest(folder / path) == part.sha256


def _make(
    folder: Path,
    manifest: Manifest,
    group: _Group,
    files: Sequence[Path],
    times: IntArray,
    count: int,
) -> None:
    path = folder / "zarr" / group.name
    fresh = path.with_name(path.name + ".part")
    shutil.rmtree(fresh, ignore_errors=True)
    _fill(fresh, manifest, group, files, times)
    shutil.rmtree(path, ignore_errors=True)
    fresh.replace(path)
    name = f"zarr/{group.name}"
    digest, size = export_manifest.digest(path), export_manifest.size(path)
    manifest.parts[name] = Part(name, ZARR, group.name, count, size, digest, manifest.through)
    export_manifest.write(folder, manifest)


def _fill(path: Path, manifest: Manifest, group: _Group, files: Sequence[Path], times: IntArray) -> None:
    root = zarr.create_group(store=str(path), attributes=_about(manifest, group))
    arrays = {
        name: _grid(root, name, kind, fill, len(group.series), len(times), about)
        for name, kind, fill, about in _grids(group)
    }
    _coordinates(root, group, times)
    readers = [_Rows(one) for one in files]
    for begin in range(0, len(group.series), CHUNK[0]):
        uids = group.uids[begin : begin + CHUNK[0]]
        block = {
            name: np.full((len(uids), len(times)), array.fill_value, dtype=array.dtype)
            for name, array in arrays.items()
        }
        for reader in readers:
            for found in reader.of(uids):
                _place(block, found, uids, times)
        for name, array in arrays.items():
            array[begin : begin + len(uids)] = block[name]
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ZarrUserWarning
        )  # xarray reads what other programs may not: they open the arrays one by one
        zarr.consolidate_metadata(str(path))


def _place(block: Mapping[str, npt.NDArray[Any]], found: pa.Table, uids: Sequence[str], times: IntArray) -> None:
    place, listed, content = export_columns.columns(found)
    rows = {uid: i for i, uid in enumerate(uids)}
    of_uid = np.array([rows.get(uid, -1) for uid in listed] or [-1], dtype=np.int64)
    row = of_uid[place]
    mine = np.flatnonzero(row >= 0)
    at = (row[mine], np.searchsorted(times, content.end_s[mine]))
    block["value"][at], block["limit"][at] = content.value[mine], content.limit[mine]
    block["qc"][at], block["censoring"][at] = content.qc[mine], content.censoring[mine]


class _Rows:
    """A month's file, read forwards: series are asked for in order, so every row group is read about once."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path)
        self._held: tuple[int, pa.Table] | None = None
        spans = [self._file.metadata.row_group(i).column(0).statistics for i in range(self._file.num_row_groups)]
        self._spans: list[tuple[str, str]] = [(one.min, one.max) for one in spans]

    def of(self, uids: Sequence[str]) -> Iterator[pa.Table]:
        """The row groups that may hold any of these series."""
        for number, (first, last) in enumerate(self._spans):
            if first <= uids[-1] and last >= uids[0]:
                if self._held is None or self._held[0] != number:
                    self._held = (number, self._file.read_row_group(number))
                yield self._held[1]


def _grid(
    root: zarr.Group, name: str, kind: str, fill: float, series: int, times: int, about: Mapping[str, Any]
) -> zarr.Array[Any]:
    shard = -(-min(times, _SHARD_TIMES) // CHUNK[1]) * CHUNK[1]
    return root.create_array(
        name, shape=(series, times), dtype=kind, chunks=CHUNK, shards=(CHUNK[0], shard), fill_value=fill,
        compressors=BloscCodec(cname="zstd", clevel=5, shuffle="shuffle"), dimension_names=("series", "time"), attributes=dict(about),
    )  # fmt: skip


def _grids(group: _Group) -> list[tuple[str, str, float, dict[str, Any]]]:
    """Name, type, fill value and attributes of each grid."""
    first = group.series[0]
    about: dict[str, Any] = {"long_name": first["quantity"].replace("_", " "), "units": first["unit"]}
    coordinates = {"coordinates": "series_uid station station_name latitude longitude region_code"}
    known = BY_ID.get(first["quantity"])
    named = {"standard_name": known.cf_standard_name} if known and known.cf_standard_name else {}
    flags = [flag for flag in Qc if flag is not Qc.NONE]
    qc = {
        "long_name": "quality flags", "flag_masks": [int(flag) for flag in flags],
        "flag_meanings": " ".join((flag.name or "").lower() for flag in flags),
    }  # fmt: skip
    censoring = {
        "long_name": "how the value is bounded", "flag_values": [ABSENT, *range(len(CENSORING_CODES))],
        "flag_meanings": " ".join(["absent", *(code.value for code in CENSORING_CODES)]),
    }  # fmt: skip
    return [
        ("value", "float64", float("nan"), about | named | coordinates | {"ancillary_variables": "limit qc censoring"}),
        (
            "limit",
            "float64",
            float("nan"),
            about | coordinates | {"long_name": f"limit of a censored {about['long_name']}"},
        ),
        ("qc", "int32", 0, qc | coordinates),
        ("censoring", "int8", ABSENT, censoring | coordinates),
    ]


def _coordinates(root: zarr.Group, group: _Group, times: IntArray) -> None:
    time = root.create_array("time", shape=times.shape, dtype="int64", dimension_names=("time",), attributes={
        "standard_name": "time", "long_name": "end of the averaging window", "units": "seconds since 1970-01-01T00:00:00Z",
        "calendar": "standard", "axis": "T",
    })  # fmt: skip
    time[:] = times
    stations = [one["station"] for one in group.series]
    for name in ("latitude", "longitude"):
        told: FloatArray = np.array([one[f"{name}_deg"] for one in stations], dtype=np.float64)
        units = "degrees_north" if name == "latitude" else "degrees_east"
        array = root.create_array(name, shape=told.shape, dtype="float64", dimension_names=("series",), fill_value=float("nan"),
                                  attributes={"standard_name": name, "units": units})  # fmt: skip
        array[:] = told
    texts: dict[str, tuple[list[str], dict[str, Any]]] = {
        "series_uid": (group.uids, {"cf_role": "timeseries_id"}),
        "station": ([one["uid"] for one in stations], {}),
        "station_name": ([_name(one["names"]) for one in stations], {"long_name": "station name"}),
        "region_code": (
            [one["region_code"] or "" for one in stations],
            {"long_name": "publisher's code of the region"},
        ),
    }
    for name, (listed, about) in texts.items():
        array = root.create_array(name, shape=(len(listed),), dtype=str, dimension_names=("series",), attributes=about)
        array[:] = np.array(listed, dtype=object)


def _name(names: str | None) -> str:
    """The first of a station's names as published."""
    listed = json.loads(names) if names else []
    return str(listed[0][1]) if listed else ""


def _about(manifest: Manifest, group: _Group) -> dict[str, Any]:
    first = group.series[0]
    told: dict[str, Any] = {
        "Conventions": "CF-1.12", "featureType": "timeSeries", "title": f"{first['quantity']} of feed {first['feed_id']} in {first['unit']}",
        "feed": first["feed_id"], "quantity": first["quantity"], "audience": manifest.audience, "exercise": int(any(one["exercise"] for one in group.series)),
    }  # fmt: skip
    for one in manifest.licences:
        if one.feed_id == first["feed_id"]:
            told |= {
                "license": one.licence,
                "license_url": one.licence_url,
                "source": one.attribution,
                "redistribute": one.redistribute,
            }
    return told
