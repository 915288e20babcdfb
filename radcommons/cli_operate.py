"""`radcommons feed ...`, the operator's loop: new, record, plan, apply, pause, resume, run, history, scorecard."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from radcommons import options as at
from radcommons.settings import database_url, default_config, secret_from

if TYPE_CHECKING:
    from radcommons.operating import Where

T = TypeVar("T")
FeedArgument = Annotated[str, typer.Argument(metavar="FEED", help="Id of a feed.")]
FileOption = Annotated[
    Path | None, typer.Option("--file", help="A candidate; without it the feed's own file as it stands.")
]
FromOption = Annotated[
    list[Path] | None, typer.Option("--from", help="A capture archive to read instead of asking the publisher.")
]
AnswerOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--answer", help="A saved answer, as a browser or curl keeps it; several in the order of `plan --requests`."
    ),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept with the change.")]
AuthorOption = Annotated[
    str,
    typer.Option("--author", envvar="RADCOMMONS_AUTHOR", help="Who; kept with the change. Default: the login name."),
]


def new(
    feed: FeedArgument,
    source: Annotated[str, typer.Option(help="Id of the publisher in sources.yaml.")] = "SOURCE",
    url: Annotated[str, typer.Option(help="Address of the answer.")] = "https://",
    form: Annotated[str, typer.Option("--format", help="`decode.format`, see docs/feeds.md.")] = "json_rows",
    config: at.ConfigOption = None,
) -> None:
    """Write a commented file for a new feed, switched off."""
    from radcommons.feed_template import new_file

    path = (config or default_config()) / "feeds" / f"{feed}.yaml"
    if path.exists():
        _die(f"{path} exists; it is not written over")
    path.write_text(new_file(feed, source, url, form), encoding="utf-8")
    print(f"{path}: fill in the words in capitals, then `radcommons feed validate` and `radcommons feed plan {feed}`")


def record(
    feed: FeedArgument,
    out: Annotated[Path, typer.Option("--out", help="Folder of the archive; default var/recorded/FEED.")] = Path(),
    config: at.ConfigOption = None,
    database: at.DatabaseOption = at.DATABASE,
    contact: at.ContactOption = "",
) -> None:
    """Ask the publisher once and keep the answers, without personal fields, for `plan --from`."""
    from radcommons import operating

    folder = out if out != Path() else Path("var") / "recorded" / feed
    for line in _done(operating.record(_where(config, database, contact=contact), feed, folder)):
        print(line)
    print(f"kept in {folder}; look at them with: radcommons feed plan {feed} --from {folder}")


def plan(
    feed: FeedArgument,
    config: at.ConfigOption = None,
    captures: FromOption = None,
    saved: AnswerOption = None,
    file: FileOption = None,
    requests_only: Annotated[bool, typer.Option("--requests", help="Only show the requests.")] = False,
    ask: Annotated[bool, typer.Option(help="Ask the publisher once; without it archived answers alone.")] = True,
    last: Annotated[int, typer.Option("--last", help="How many archived answers of each form to look at.")] = 6,
    database: at.DatabaseOption = at.DATABASE,
    archive: at.ArchiveOption = at.ARCHIVE,
    contact: at.ContactOption = "",
) -> None:
    """What a version of a feed's file would ask and store, and what it makes otherwise than the running one. Nothing is written.

    Exit status 1 when it has breaches: then `apply` would refuse it.
    """
    from radcommons import operating, trying
    from radcommons.plan_shown import show_plan

    where = _where(config, database, archive, contact)
    _known(where, feed, file)

    async def made() -> operating.Planned:
        async with operating.store_at(where, must_exist=False) as store:
            await trying.show_requests(where, store, feed, file)
            if requests_only:
                raise typer.Exit
            return await operating.make_plan(
                where, store, feed, file=file, archives=captures or [], saved=saved or [], fetch=ask, each=last
            )

    found = _done(made())
    show_plan(found.plan)
    if found.plan.breaches:
        raise typer.Exit(1)


def apply(
    feed: FeedArgument,
    file: FileOption = None,
    force: Annotated[bool, typer.Option("--force", help="Although it has breaches; needs --reason.")] = False,
    reason: ReasonOption = "",
    author: AuthorOption = "",
    captures: FromOption = None,
    ask: Annotated[bool, typer.Option(help="Ask the publisher once as well.")] = False,
    config: at.ConfigOption = None,
    database: at.DatabaseOption = at.DATABASE,
    archive: at.ArchiveOption = at.ARCHIVE,
    contact: at.ContactOption = "",
) -> None:
    """Let a version of a feed's file run, if its plan allows it. A running service takes it over within seconds."""
    from radcommons import operating
    from radcommons.plan_shown import show_plan

    work = operating.apply_file(
        _where(config, database, archive, contact), feed, file=file, archives=captures or [], fetch=ask, force=force,
        reason=reason, author=author or operating.operator_name(),
    )  # fmt: skip
    made, told = _done(work)
    show_plan(made)
    print(told)


def pause(
    feed: FeedArgument, reason: ReasonOption = "", author: AuthorOption = "", config: at.ConfigOption = None,
    database: at.DatabaseOption = at.DATABASE,
) -> None:  # fmt: skip
    """Ask this publisher no more until it is resumed. Its stations age: a paused feed is never a calm one."""
    _pause(feed, config, database, author, reason, paused=True)


def resume(
    feed: FeedArgument, reason: ReasonOption = "", author: AuthorOption = "", config: at.ConfigOption = None,
    database: at.DatabaseOption = at.DATABASE,
) -> None:  # fmt: skip
    """Ask this publisher again."""
    _pause(feed, config, database, author, reason, paused=False)


def run(
    feed: FeedArgument,
    author: AuthorOption = "",
    config: at.ConfigOption = None,
    database: at.DatabaseOption = at.DATABASE,
    archive: at.ArchiveOption = at.ARCHIVE,
    contact: at.ContactOption = "",
) -> None:
    """Poll one feed now, within politeness: by the collector that runs, else from here."""
    from radcommons import operating

    where = _where(config, database, archive, contact)
    _known(where, feed)
    print(_done(operating.poll_now(where, feed, author or operating.operator_name())))


def backfill(
    feed: FeedArgument,
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="ISO 8601 with offset.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="ISO 8601 with offset.")],
    dry: Annotated[bool, typer.Option("--dry-run", help="Only list the addresses.")] = False,
    config: at.ConfigOption = None,
    database: at.DatabaseOption = at.DATABASE,
    archive: at.ArchiveOption = at.ARCHIVE,
    contact: at.ContactOption = "",
) -> None:
    """Ask for the past, where the publisher keeps it. On SQLite the collector must be stopped; what is there already stays as it is."""
    from radcommons import operating

    where = _where(config, database, archive, contact)
    _known(where, feed)
    print(_done(operating.backfill(where, feed, _moment(begin), _moment(end), dry=dry, told=print)))


def _moment(text: str) -> float:
    from datetime import datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _die(f"{text}: not an ISO 8601 time; write it as 2026-08-15T23:48:00+09:00")
    if moment.tzinfo is None:
        _die(f"{text}: the offset is missing; write it as 2026-08-15T23:48:00+09:00")
    return moment.timestamp()


def history(
    feed: FeedArgument,
    limit: Annotated[int, typer.Option(help="How many changes.")] = 20,
    diffs: Annotated[bool, typer.Option(help="Show what was changed.")] = True,
    version: Annotated[str, typer.Option("--show", help="Print the text of the version whose digest begins so.")] = "",
    config: at.ConfigOption = None,
    database: at.DatabaseOption = at.DATABASE,
) -> None:
    """Who changed a feed, when, how and why; and any version that ever ran."""
    from radcommons import operating
    from radcommons.plan_shown import show_history

    where = _where(config, database)
    if version:
        text = _done(operating.version_text(where, version))
        if text is None:
            _die(f"no version of a file begins with {version}, or several do")
        print(text, end="")
        return
    show_history(_done(operating.history(where, feed, limit)), diffs=diffs)


def scorecard(
    feed: Annotated[str, typer.Argument(metavar="[FEED]", help="Id of a feed; default: all.")] = "",
    config: at.ConfigOption = None,
) -> None:
    """How good each feed's file is: a dozen rules, done, to do, or exempt for a stated reason."""
    from radcommons.plan_shown import show_scores
    from specs.running import load_running
    from specs.scorecard import Seen, scores

    checked = load_running(config or default_config(), {})
    sources = {source.id: source for source in checked.sources}
    for one in checked.feeds:
        if feed in ("", one.id):
            show_scores(one.id, scores(Seen(one, sources.get(one.source), None)))


def twins(
    write: Annotated[
        bool, typer.Option("--write", help="Add the proposals to config/twins.yaml, to be looked at.")
    ] = False,
    days: Annotated[float, typer.Option(help="How many of the store's newest days to look at.")] = 7.0,
    config: at.ConfigOption = None,
    database: at.DatabaseOption = at.DATABASE,
) -> None:
    """Which stations of unlike feeds look like one instrument. Nothing counts until somebody writes `status: confirmed`, `by` and `on`."""
    from radcommons import operating
    from radcommons.twins_shown import add_to_table, show_proposals

    where = _where(config, database)
    found, known = _done(operating.propose_twins(where, days))
    show_proposals(found, known)
    if write and found:
        add_to_table(where.config / "twins.yaml", found)


def _pause(feed: str, config: Path | None, database: str, author: str, reason: str, *, paused: bool) -> None:
    from radcommons import operating

    where = _where(config, database)
    _known(where, feed)
    print(
        _done(
            operating.set_pause(where, feed, paused=paused, author=author or operating.operator_name(), reason=reason)
        )
    )


def _known(where: Where, feed: str, file: Path | None = None) -> None:
    """A misspelt id must not look as if something had been done."""
    from specs.near import nearest

    if file is not None:
        return
    names = sorted(path.stem for path in (where.config / "feeds").glob("*.yaml"))
    if feed not in names:
        _die(f"no feed is called {feed}{nearest(feed, names)}")


def _where(config: Path | None, database: str, archive: Path = at.ARCHIVE, contact: str = "") -> Where:
    from radcommons.operating import Where

    url = database_url(database, secret_from("RADCOMMONS_DATABASE_PASSWORD"))
    return Where(config or default_config(), url, archive, contact)


def _done(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; what an operator can mend is said in a sentence."""
    from collector.applying import ApplyRefusedError
    from specs.loading import ConfigError
    from store.engine import StoreRefused

    try:
        return asyncio.run(work)
    except (ConfigError, ApplyRefusedError, StoreRefused) as error:
        _die(str(error))
    except TimeoutError:
        _die("no collector has answered; is one running on this database?")
    except OSError as error:
        if error.filename or error.strerror:
            _die(str(error))
        raise


def _die(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)


COMMANDS = (new, record, plan, apply, pause, resume, run, backfill, history, scorecard, twins)
