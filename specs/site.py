"""Nuclear sites: where they are, whose they are, in which state a source says they are, and when an earthquake concerns them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from specs.problems import ConfigError, Problem, optional_file
from specs.strict import Identifier, Strict

SiteLanguage = Literal["en", "ja", "ko", "zh-hans", "zh-hant", "ru"]
FILE = "sites.yaml"


class SiteSpec(Strict):
    """One site. `site_status` is what a source said by `status_as_of`, and may be out of date."""

    id: Identifier
    country: str = Field(pattern="^[A-Z]{2}$")
    kind: Literal["npp", "research", "storage", "fuel_cycle", "port_nuclear_vessels", "test_site"]
    names: Annotated[dict[SiteLanguage, str], Field(min_length=1)]
    latitude_deg: float = Field(ge=-90, le=90)
    longitude_deg: float = Field(ge=-180, le=180)
    position_quality: Literal["site", "approximate"]
    operator: str
    site_status: str
    status_as_of: str = Field(pattern=r"^\d{4}(-\d{2})?(-\d{2})?$")
    status_uncertain: bool = False
    region: str = ""
    sea_area: str = ""
    source: str
    note: str = ""


class Concern(Strict):
    """An earthquake at least so strong and at most so far away concerns a site."""

    magnitude: float
    within_km: float = Field(gt=0)

    @property
    def told(self) -> str:
        """The rule in words."""
        return f"magnitude {self.magnitude:g} within {self.within_km:g} km"


class SiteFile(Strict):
    """`config/sites.yaml`."""

    rings_km: tuple[float, ...] = (5.0, 30.0)
    watch_hours: int = Field(default=24, ge=1, le=240)
    watch: tuple[Concern, ...] = ()
    sites: tuple[SiteSpec, ...] = ()

    def concern(self, magnitude: float | None, away_km: float) -> Concern | None:
        """The first rule by which an earthquake of a magnitude and a distance concerns a site; None if none does."""
        if magnitude is None:
            return None
        return next((one for one in self.watch if magnitude >= one.magnitude and away_km <= one.within_km), None)


def load_sites(folder: Path) -> SiteFile:
    """The sites of an operator's `config/`; none if it has no such file; raises ConfigError with everything that is wrong in it."""
    found = optional_file(folder, FILE, SiteFile)
    twice = sorted(site for site, count in Counter(site.id for site in found.sites).items() if count > 1)
    if twice:
        raise ConfigError([Problem(FILE, 1, 1, "sites", f"`{site}` is the id of two sites") for site in twice])
    return found
