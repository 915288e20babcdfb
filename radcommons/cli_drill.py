"""`radcommons drill REGION`: a marked exercise through the whole path of a running service, timed."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from radcommons import options as at

if TYPE_CHECKING:
    from radcommons.settings import Settings
    from store.drills import DrillRow

_PICKED_UP_S = 15.0


def drill(
    region: Annotated[str, typer.Argument(metavar="REGION", help="Id of a region, as JP-18.")],
    config: at.ConfigOption = None,
    database: at.DatabaseOption = at.DATABASE,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the end.")] = 400.0,
) -> None:
    """Go through an exercise: invented rise, detection, alert, delivery, acknowledgement, end. Everything of it is marked as an exercise."""
    from radcommons.drilling import UnknownRegion
    from radcommons.settings import Settings, database_url, default_config, secret_from
    from specs.loading import ConfigError
    from store.engine import StoreRefused

    url = database_url(database, secret_from("RADCOMMONS_DATABASE_PASSWORD"))
    settings = Settings(config=config or default_config(), database=url)
    try:
        row = asyncio.run(_through(settings, region, wait))
    except (UnknownRegion, ConfigError, StoreRefused) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    _tell(row)
    raise typer.Exit(0 if row.state == "passed" else 1)


async def _through(settings: Settings, region: str, wait_s: float) -> DrillRow:
    """Ask the collector of the store for a drill and wait for its end."""
    from radcommons.drilling import new_drill
    from specs.loading import load_config
    from store import drills
    from store.engine import open_store

    config = load_config(settings.config)
    store = await open_store(settings.database, migrate=False)
    try:
        row = new_drill(config, region, time.time())
        await drills.ask(store, row)
        begun_s = time.monotonic()
        while True:
            row = await drills.drill(store, row.uid) or row
            waited_s = time.monotonic() - begun_s
            if row.ended_s is not None or waited_s > wait_s:
                return row
            if row.state == "asked" and waited_s > _PICKED_UP_S:
                await drills.move(store, row.uid, "failed", ended_s=int(time.time()), was="asked")
                return await drills.drill(store, row.uid) or row
            await asyncio.sleep(0.2)
    finally:
        await store.close()


def _tell(row: DrillRow) -> None:
    import msgspec

    from radcommons.drilling import DrillReport

    print(f"{row.uid}: {row.state}")
    if not row.document:
        print("  no collector of this store has taken it up")
        return
    report = msgspec.json.decode(row.document, type=DrillReport)
    steps = (
        ("committed", report.commit_s),
        ("alert", report.detect_s),
        ("first attempt", report.attempt_s),
        ("last acknowledgement", report.end_to_end_s),
        ("resolved", report.resolved_s),
    )
    for name, seconds in steps:
        print(f"  {name:<22} {'-' if seconds is None else f'{seconds:8.2f} s'}")
    print(f"  receivers {report.receivers}, acknowledged {report.acknowledged}")
    if report.problem:
        print(f"  {report.problem}")
