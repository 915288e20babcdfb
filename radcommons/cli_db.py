"""`radcommons db ...`: the store's upkeep."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from domain.states import Audience
from radcommons import options as at
from radcommons.settings import database_url, prepare_folder, secret_from, without_password

if TYPE_CHECKING:
    from store.engine import Store
    from store.export_manifest import Manifest

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Upkeep of the store.")


@app.command()
def upgrade(database: at.DatabaseOption = at.DATABASE) -> None:
    """Bring the database to this program's schema; makes it when there is none."""
    from store import maintenance

    url = _url(database)
    prepare_folder(url)
    print(f"{without_password(url)}: schema {_or_die(maintenance.upgrade(url))}")


@app.command()
def check(database: at.DatabaseOption = at.DATABASE) -> None:
    """Look for anything that should not be; exit status 1 when something is found."""
    from store import maintenance

    findings = _opened(database, maintenance.check)
    for finding in findings:
        print(f"{finding.code}: {finding.count}, {finding.example}")
    print("nothing found" if not findings else f"{len(findings)} kinds of findings")
    raise typer.Exit(1 if findings else 0)


@app.command()
def stats(database: at.DatabaseOption = at.DATABASE) -> None:
    """How much the store holds and how large it is."""
    from store import maintenance

    found = _opened(database, maintenance.stats)
    print(f"{found.dialect} {found.server_version}, schema {found.schema}, {found.size_bytes / 1e6:,.1f} MB")
    for name, count in found.rows.items():
        print(f"  {name:<16} {count:>14,}")
    if found.first_end_s is not None and found.last_end_s is not None:
        print(f"  readings from {_iso(found.first_end_s)} to {_iso(found.last_end_s)}")


@app.command()
def compact(database: at.DatabaseOption = at.DATABASE) -> None:
    """Refresh the roll-ups of finished days and pack the days that left the hot window; may be stopped and run again."""
    from store import compact as compacting

    rolled, packed = _opened(database, lambda store: compacting.tend(store, limit=10**9))
    print(f"{rolled:,} days of series rolled up, {packed:,} packed")


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where it goes; an unfinished export that lies there is completed.")],
    database: at.DatabaseOption = at.DATABASE,
    config: at.ConfigOption = None,
    audience: Annotated[
        Audience,
        typer.Option(help="For whom: internal holds everything and marks it, public only what may be passed on."),
    ] = Audience.INTERNAL,
    feed: Annotated[list[str] | None, typer.Option(help="Only this feed; may be given again.")] = None,
    from_month: Annotated[str, typer.Option("--from", metavar="MONTH", help="The first month, as 2026-08.")] = "",
    to_month: Annotated[str, typer.Option("--to", metavar="MONTH", help="The last month.")] = "",
    zarr: Annotated[bool, typer.Option(help="Grids for xarray and Dask as well.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Write the history as monthly Parquet with a manifest of digests and licences; may be stopped and run again."""
    _need_archive()
    from radcommons.bulk import run_export, scope_of
    from radcommons.settings import default_config
    from specs.loading import load_config

    def work() -> Awaitable[Manifest]:
        loaded = load_config(config or default_config())
        scope = scope_of(loaded, audience, feed or (), from_month=from_month, to_month=to_month)
        return run_export(_url(database), folder, scope, zarr=zarr, quiet=quiet)

    made = _or_say(work)
    size_bytes = sum(part.size_bytes for part in made.parts.values())
    print(f"{folder}: {len(made.parts)} files, {made.rows:,} readings, {size_bytes / 1e6:,.1f} MB, for {made.audience}")
    for name, why in sorted(made.left_out.items()):
        print(f"  no grid of {name}: {why}")


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="An export, an archive of captures, or a dump of a feed.")],
    database: at.DatabaseOption = at.DATABASE,
    config: at.ConfigOption = None,
    feed: Annotated[str, typer.Option(help="Of a dump: the feed that reads it.")] = "",
    form: Annotated[
        str, typer.Option(help="Of a dump: the form; default: the feed's first one of delimited text.")
    ] = "",
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Take in years at once; may be stopped and run again, and the same source again changes nothing."""
    _need_archive()
    from radcommons.bulk import run_import
    from radcommons.settings import Settings, default_config

    def work() -> Awaitable[None]:
        url = _url(database)
        prepare_folder(url)
        settings = Settings(config or default_config(), url)
        return run_import(settings, source, feed_id=feed, form=form, quiet=quiet)

    _or_say(work)


@app.command()
def vacuum(database: at.DatabaseOption = at.DATABASE) -> None:
    """Give space back and refresh the planner's statistics."""
    from store import maintenance

    _opened(database, maintenance.vacuum)
    stats(database)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A file that is not there yet.")],
    database: at.DatabaseOption = at.DATABASE,
) -> None:
    """Copy a SQLite database as of this moment, while the service runs; PostgreSQL has pg_dump."""
    from store import maintenance

    size = _opened(database, lambda store: maintenance.backup(store, target))
    print(f"{target}: {size / 1e6:,.1f} MB")


@app.command()
def verify(
    database: at.DatabaseOption = at.DATABASE,
    public_key: Annotated[
        list[str] | None,
        typer.Option("--public-key", help="Only this key's signatures count (hex, as /v1/log/head tells it)."),
    ] = None,
) -> None:
    """Hold every stored value to the signed log: find edits, drops and back-dates; exit status 1 when something is found."""
    from store.verify import verify as hold

    try:
        keys = frozenset(bytes.fromhex(one) for one in public_key or ())
    except ValueError:
        raise typer.BadParameter("a public key is 64 hexadecimal digits", param_hint="--public-key") from None
    found = _opened(database, lambda store: hold(store, public_keys=keys))
    for flaw in found.flaws:
        print(f"{flaw.code}: {flaw.where}")
    if found.before_the_log:
        print(f"{found.before_the_log} answers are from before the log began and cannot be checked")
    if found.dropped:
        print(
            f"{found.dropped} batches hold readings that retention dropped, as the log tells; what is left of them is not checked"
        )
    said = f"{len(found.flaws)} flaws" if found.flaws else "nothing found"
    print(f"{said}; {found.leaves} batches, {found.heads} signed heads, root {found.root.hex()}")
    raise typer.Exit(1 if found.flaws else 0)


def _opened(database: str, ask: Callable[[Store], Awaitable[T]]) -> T:
    from store.engine import open_store

    async def work() -> T:
        store = await open_store(_url(database), migrate=False)
        try:
            return await ask(store)
        finally:
            await store.close()

    return _or_die(work())


def _or_die(work: Awaitable[T]) -> T:
    from store.refused import StoreRefused, sentence

    async def awaited() -> T:
        return await work

    try:
        return asyncio.run(awaited())
    except StoreRefused as error:
        print(error, file=sys.stderr)
    except Exception as error:
        if (said := sentence(error)) is None:
            raise
        print(said, file=sys.stderr)
    raise typer.Exit(1)


def _need_archive() -> None:
    """What running needs does not include what writes files for others."""
    missing = [name for name in ("pyarrow", "zarr") if find_spec(name) is None]
    if missing:
        print(
            f"{missing[0]} is not installed: this needs the extra `archive` (pip install 'radcommons[archive]')",
            file=sys.stderr,
        )
        raise typer.Exit(1)


def _or_say(work: Callable[[], Awaitable[T]]) -> T:
    """The same for bulk work, which may be refused for more reasons."""
    from collector.bulk import NoSuchForm
    from radcommons.bulk import BulkRefused
    from specs.loading import ConfigError
    from store.export_manifest import NoExport
    from store.importing_tables import ImportRefused

    try:
        return _or_die(work())
    except (BulkRefused, ConfigError, ImportRefused, NoExport, NoSuchForm) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None


def _url(database: str) -> str:
    return database_url(database, secret_from("RADCOMMONS_DATABASE_PASSWORD"))


def _iso(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
