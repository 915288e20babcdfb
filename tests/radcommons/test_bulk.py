"""Years in and out by the command: what may go out, dumps in pieces, archives from where they were stopped."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner

from collector.archive import ArchiveReader
from collector.bulk import NoSuchForm, form_for, import_dump, pieces, unknown
from collector.pipeline import Pipeline
from collector.replay import Replay
from domain.clock import VirtualClock
from domain.readings import Tally
from domain.states import Audience, Redistribute
from radcommons.bulk import BulkRefused, scope_of
from radcommons.cli import app
from store import maintenance, read
from store.engine import Store
from store.rows import Filter
from tests.radcommons import made

FEED = "int-safecast-measurements"
HEADER = "Captured Time,Latitude,Longitude,Value,Unit,Location Name,Device ID,MD5Sum,Height,Surface,Radiation,Uploaded Time,Loader ID\n"
LINES = [
    *(f"2011-03-{day:02d} 01:02:03,35.5,139.7,{30 + day},cpm,,1,aa,,,,,\n" for day in range(10, 20)),
    '2011-03-24 01:03:03,35.6,139.7,42,cpm,"a ""b"", c",1,ab,,,,,\n',
    "2011-03-24 01:03:03,35.7,139.7,20,celcius,,1,ac,,,,,\n",
    "not a time,35.8,139.7,9,cpm,,1,ad,,,,,\n",
]
RECEIVED_S = 1_700_000_000


class Stopped(Exception):
    """A stand-in for a kill."""


def a_dump(folder: Path, name: str = "dump.csv") -> Path:
    path = folder / name
    content = (HEADER + "".join(LINES)).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


async def take_in(store: Store, path: Path, *, stop_after: int = 10**9) -> tuple[Tally, int]:
    config = made.config()
    feed = config.feed(FEED)
    assert feed is not None
    told = 0

    def count(_: int) -> None:
        nonlocal told
        told += 1
        if told == stop_after:
            raise Stopped

    pipeline = Pipeline(store, config, VirtualClock())
    return await import_dump(store, pipeline, feed, form_for(feed), path, RECEIVED_S, lines=4, told=count)


def test_pieces_hold_the_header_and_whole_cells(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b'a,b\n1,"x\ny\nz"\n2,c\n3,d\n')
    assert [body for body, _ in pieces(path, 2)] == [b'a,b\n1,"x\ny\nz"\n', b"a,b\n2,c\n3,d\n"]
    assert [position for _, position in pieces(path, 100)] == [path.stat().st_size]


@pytest.mark.parametrize("name", ["dump.csv", "dump.csv.gz"])
async def test_a_stopped_dump_goes_on_and_the_same_dump_again_changes_nothing(
    sqlite_store: Store, tmp_path: Path, name: str
) -> None:
    path = a_dump(tmp_path, name)
    with pytest.raises(Stopped):
        await take_in(sqlite_store, path, stop_after=2)
    tally, known = await take_in(sqlite_store, path)
    assert (known, tally.stored, tally.read) == (2, 3, 5)
    assert (tally.refused, tally.ignored) == ({"bad_time": 1, "filtered_by_feed": 1}, {})
    found = await read.observations(sqlite_store, Filter(), 0, 2**33)
    assert [row.value for row in found] == [float(30 + day) for day in range(10, 20)] + [42.0]
    assert {row.received_s for row in found} == {RECEIVED_S}
    assert (await take_in(sqlite_store, path)) == (Tally(), 4)
    assert await maintenance.check(sqlite_store) == []


def test_a_feed_that_reads_no_such_file_says_what_it_has() -> None:
    feed = made.config().feed("jp-jma-quakes")
    assert feed is not None
    with pytest.raises(NoSuchForm, match="jp-jma-quakes has no form of delimited text; it has"):
        form_for(feed)


async def test_an_archive_goes_on_at_the_first_run_that_is_not_whole(sqlite_store: Store, tmp_path: Path) -> None:
    folder = made.archive(tmp_path / "archive", polls=2, urls=(*made.KHNP, *made.TAIWAN))
    config, taken = made.config(), 0

    async def replayed(stop_after: int) -> int:
        nonlocal taken
        taken = 0
        captures, clock = ArchiveReader([folder]), VirtualClock()
        chosen = await unknown(sqlite_store, config, captures)

        async def moved() -> None:
            nonlocal taken
            taken += 1
            if taken == stop_after:
                raise Stopped

        replay = Replay(Pipeline(sqlite_store, config, clock), clock, moved=moved, tick_s=1e9)
        result = await replay.run(captures, chosen=chosen)
        return sum(count.answers for count in result.feeds.values())

    with pytest.raises(Stopped):
        await replayed(4)  # the first poll of both feeds, and half of the second one of KHNP
    assert await replayed(10**9) == 3
    assert await replayed(10**9) == 0
    assert len(await read.runs(sqlite_store, "kr-khnp-radiorate")) == 2
    assert await maintenance.check(sqlite_store) == []


def test_only_feeds_that_may_be_passed_on_go_to_the_public() -> None:
    config = made.config()
    scope = scope_of(config, Audience.PUBLIC, ())
    open_feeds = {feed.id for feed in config.feeds if feed.rights.redistribute is Redistribute.YES}
    closed = {feed.id for feed in config.feeds} - open_feeds
    assert closed
    assert (set(scope.feeds or ()), set(scope.withheld)) == (open_feeds, closed)
    assert {one.feed_id for one in scope.licences} == open_feeds
    assert all(one.licence and one.attribution for one in scope.licences)
    everything = scope_of(config, Audience.INTERNAL, ())
    assert (everything.feeds, everything.withheld, everything.everything) == (None, (), True)
    assert {one.feed_id for one in everything.licences} == open_feeds | closed
    with pytest.raises(BulkRefused, match="may not be passed on"):
        scope_of(config, Audience.PUBLIC, [min(closed)])
    with pytest.raises(BulkRefused, match="no feed 'x'"):
        scope_of(config, Audience.INTERNAL, ["x"])
    with pytest.raises(BulkRefused, match="'2026-8' is no month"):
        scope_of(config, Audience.INTERNAL, (), from_month="2026-8")


def test_the_command_takes_a_dump_out_and_in(tmp_path: Path, migrated_sqlite: Path) -> None:
    runner = CliRunner()
    one, two = tmp_path / "one.db", tmp_path / "two.db"
    one.write_bytes(migrated_sqlite.read_bytes())
    two.write_bytes(migrated_sqlite.read_bytes())

    def command(*words: object) -> str:
        done = runner.invoke(app, ["db", *map(str, words)])
        assert done.exit_code == 0, done.output
        return done.output

    assert "11 stored" in command("import", a_dump(tmp_path), "--database", one, "--feed", FEED)
    said = command("export", tmp_path / "out", "--database", one, "--audience", "public", "--zarr")
    assert "11 readings" in said
    assert "11 readings" in command("import", tmp_path / "out", "--database", two)
    for words, says in (
        (("import", tmp_path / "dump.csv"), "name the feed that reads it"),
        (("import", tmp_path), "is no export"),
        (("import", tmp_path / "dump.csv", "--feed", "x"), "there is no feed 'x'"),
        (("export", tmp_path / "out", "--database", two), "another audience"),
    ):
        done = runner.invoke(app, ["db", *map(str, words)])
        assert done.exit_code == 1
        assert says in done.output.replace("\n", " ")
