"""What the programs of one process share: settings, checked configuration, open store, clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from collector.fetch import FetchLimits
from collector.secrets import Secrets
from collector.versions import kept_of
from domain.clock import Clock, SystemClock
from radcommons.live import LiveConfig
from radcommons.settings import Settings, prepare_folder
from radcommons.speaking import Speech, speech_from
from specs.loading import Config
from specs.running import load_running
from store.config_files import config_files
from store.engine import Store, open_store


@dataclass(frozen=True, slots=True)
class Ground:
    """What the programs of one process share."""

    settings: Settings
    config: Config
    store: Store
    clock: Clock = field(default_factory=SystemClock)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    limits: FetchLimits = field(default_factory=FetchLimits)
    secrets: Secrets = field(default_factory=Secrets)
    speed: float = 1.0
    speech: Speech = field(default_factory=Speech)
    live: LiveConfig | None = None  # None where the configuration stands still: a rehearsal, a replay


@asynccontextmanager
async def grounded(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[Ground]:
    """The configuration checked and the store open; raises ConfigError, SettingsError and StoreRefused, which hold sentences.

    A broken feed file stops nothing: its last good version runs, or it is left out and said to be.
    """
    speech = speech_from()
    prepare_folder(settings.database)
    store = await open_store(settings.database, read_url=settings.read_database)
    try:
        config = load_running(settings.config, kept_of(await config_files(store)))
        limits = FetchLimits(contact=settings.contact)
        live = LiveConfig(settings.config, store, config)
        yield Ground(settings, config, store, clock or SystemClock(), limits=limits, speech=speech, live=live)
    finally:
        await store.close()
