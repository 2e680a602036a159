"""A schedule: when something is to be done by itself, and what."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

MISSED_MAX = 100
"""Missed ticks that are made up for at most, unless a schedule says otherwise."""


class Missed(StrEnum):
    """What becomes of ticks at which no worker was there."""

    SKIP = "skip"
    LATEST = "latest"
    """Only the newest of them is made up for."""
    ALL = "all"
    """Each is made up for, up to a limit, the oldest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refresh:
    """Bring models, and what depends on them, up to date."""

    models: tuple[str, ...]
    """By `layer.name`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetch:
    """Upload the files at a place that are new."""

    source: str
    location: str
    """A folder, a file or a pattern of files: on this machine, or `s3://`, `https://`, `sftp://`."""


Action: TypeAlias = Refresh | Fetch


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """Something that is done by itself at certain times."""

    name: str
    cron: str
    action: Action
    time_zone: str = "UTC"
    missed: Missed = Missed.LATEST
    missed_max: int = MISSED_MAX
    """For `all`."""
    jitter_seconds: int = 0
    description: str = ""
    file: str | None = None

    @property
    def rhythm(self) -> str:
        """What makes its ticks what they are: with another rhythm it begins anew."""
        return f"{' '.join(self.cron.split())} {self.time_zone}"
