"""What the programs of one process share: settings, checked configuration, open store, clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from collector.fetch import FetchLimits
from collector.secrets import Secrets
from domain.clock import Clock, SystemClock
from radcommons.settings import Settings, prepare_folder
from radcommons.speaking import Speech, speech_from
from specs.loading import Config, load_config
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


@asynccontextmanager
async def grounded(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[Ground]:
    """The configuration checked and the store open; raises ConfigError, SettingsError and StoreRefused, which hold sentences."""
    speech = speech_from()
    config = load_config(settings.config)
    prepare_folder(settings.database)
    store = await open_store(settings.database)
    try:
        limits = FetchLimits(contact=settings.contact)
        yield Ground(settings, config, store, clock or SystemClock(), limits=limits, speech=speech)
    finally:
        await store.close()
