"""Writing samples and earthquake bulletins: each content once, a changed one as a new revision, the old one kept.

The order of knowledge is the one of readings: what was received earlier never displaces what is on record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import Quake, Sample, SampleResult
from domain.states import CENSORING_CODES
from store import tables
from store.catalogue import Catalogue, layer_values

_CODE = {state: code for code, state in enumerate(CENSORING_CODES)}
_CHUNK = 5000


def digest_of(value: object) -> str:
    """A digest of everything a frozen value holds."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:32]


class SampleWriter:
    """The part of one transaction that writes samples and bulletins of one batch; counts results and bulletins."""

    def __init__(
        self, connection: AsyncConnection, catalogue: Catalogue, feed_id: str, batch_id: int, received_s: int
    ) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._origin = {"feed_id": feed_id, "batch_id": batch_id, "received_s": received_s}
        self._received_s = received_s
        self.stored = 0
        self.unchanged = 0
        self.revised = 0
        #: what was written, for the log: rows of `samples`, each with its rows of `sample_results`; rows of `quakes`
        self.entered: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
        self.entered_quakes: list[dict[str, Any]] = []

    async def samples(self, samples: Sequence[Sample]) -> None:
        """Enter samples; their stations and the series of their results are in the catalogue already."""
        known = await self._versions(tables.samples, [sample.uid for sample in samples])
        new: list[tuple[Sample, dict[str, Any]]] = []
        for sample in {sample.uid: sample for sample in reversed(samples)}.values():
            count = max(1, len(sample.results))
            place = await self._place(tables.samples, known.get(sample.uid, []), digest_of(sample), count)
            if place is not None:
                new.append((sample, place))
        for start in range(0, len(new), _CHUNK):
            await self._insert_samples(new[start : start + _CHUNK])

    async def _insert_samples(self, new: list[tuple[Sample, dict[str, Any]]]) -> None:
        table = tables.samples
        rows = [
            _sample_values(sample) | place | {"station_id": self._catalogue.station_ids[sample.station_uid]}
            for sample, place in new
        ]
        rows = [self._origin | row for row in rows]
        await self._connection.execute(sa.insert(table), rows)
        found = await self._connection.execute(
            sa.select(table.c.uid, table.c.revision, table.c.id).where(table.c.uid.in_([row["uid"] for row in rows]))
        )
        numbers = {(uid, revision): number for uid, revision, number in found}
        by_sample = [
            [
                _result_values(result)
                | {
                    "sample_id": numbers[sample.uid, place["revision"]],
                    "position": position,
                    "series_id": self._catalogue.series_ids.get(result.series_uid),
                }
                for position, result in enumerate(sample.results)
            ]
            for sample, place in new
        ]
        self.entered += zip(rows, by_sample, strict=True)
        results = [result for listed in by_sample for result in listed]
        if results:
            await self._connection.execute(sa.insert(tables.sample_results), results)

    async def quakes(self, quakes: Iterable[Quake], *, exercise: bool) -> None:
        """Enter bulletins."""
        given = {quake.uid: quake for quake in quakes}
        known = await self._versions(tables.quakes, list(given))
        rows: list[dict[str, Any]] = []
        for uid, quake in given.items():
            place = await self._place(tables.quakes, known.get(uid, []), digest_of(quake), 1)
            if place is not None:
                rows.append(self._origin | asdict(quake) | place | {"exercise": exercise})
        if rows:
            await self._connection.execute(sa.insert(tables.quakes), rows)
            self.entered_quakes += rows

    async def _versions(self, table: sa.Table, uids: list[str]) -> dict[str, list[Any]]:
        known: dict[str, list[Any]] = {}
        columns = (
            table.c.id,
            table.c.uid,
            table.c.revision,
            table.c.digest,
            table.c.received_s,
            table.c.batch_id,
            table.c.superseded_s,
        )
        for start in range(0, len(uids), _CHUNK):
            found = await self._connection.execute(
                sa.select(*columns).where(table.c.uid.in_(uids[start : start + _CHUNK]))
            )
            for row in found:
                known.setdefault(row.uid, []).append(row)
        return known

    async def _place(self, table: sa.Table, versions: list[Any], digest: str, count: int) -> dict[str, Any] | None:
        """Where a content belongs among its versions: revision and end of validity; None if it is there already."""
        if not versions:
            self.stored += count
            return {"digest": digest, "revision": 1, "superseded_s": None}
        line = sorted(versions, key=lambda row: (row.received_s, row.batch_id))
        now = (self._received_s, self._origin["batch_id"])
        before = [row for row in line if (row.received_s, row.batch_id) <= now]
        after = line[len(before) : len(before) + 1]
        if any(row.digest == digest for row in before[-1:] + after):
            self.unchanged += count
            return None
        self.revised += count
        if before:
            await self._connection.execute(
                sa.update(table).where(table.c.id == before[-1].id).values(superseded_s=self._received_s)
            )
        ends = after[0].received_s if after else None
        return {"digest": digest, "revision": max(row.revision for row in line) + 1, "superseded_s": ends}


def _sample_values(sample: Sample) -> dict[str, Any]:
    values = {
        name: getattr(sample, name)
        for name in (
            "uid",
            "medium",
            "begin_s",
            "end_s",
            "time_text",
            "resolution",
            "zone",
            "zone_assumed",
            "taxon",
            "tissue",
            "description",
            "water_depth_m",
        )
    }
    return values | layer_values(sample.layer)


def _result_values(result: SampleResult) -> dict[str, Any]:
    values = {
        name: getattr(result, name)
        for name in (
            "uid",
            "series_uid",
            "analyte",
            "quantity",
            "unit",
            "value",
            "text",
            "limit_text",
            "uncertainty",
            "uncertainty_kind",
            "coverage_factor",
            "published_unit_text",
            "laboratory",
            "method",
            "decay_reference_s",
            "link",
        )
    }
    return values | {"limit_value": result.limit, "censoring": _CODE[result.censoring]}
