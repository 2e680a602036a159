"""Every setting, with its type, its unit, and the reason for its default. Read once, at the edge.

A setting is taken from the environment variable `LAKEWRIGHT_<NAME>`. What belongs to one project
(where its tables lie, which engine runs it) stands in its `lakewright.yaml` instead.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from lakewright import errors

PREFIX = "LAKEWRIGHT_"

_GIB = 2**30


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How this process and its children behave. Documented in docs/reference/settings.md."""

    environment: str = "local"
    """The environment of the project to work in."""

    threads: int = 0
    """Threads of the engine; 0: as the environment says, else one for each core."""

    memory_limit_bytes: int = 0
    """What the engine may hold before it spills to disk; 0: as the environment says, else half of
    the machine's memory but at most 2 GiB, which leaves room for everything beside the engine."""

    child_memory_max_bytes: int = 4 * _GIB
    """A child process that holds more is ended. Twice the engine's default limit: readers and
    Arrow buffers live beside the engine."""

    step_timeout_seconds: int = 3600
    """A step that runs longer is ended. An hour loads some 100 GB on two cores."""

    unpacked_size_max_bytes: int = 1024 * _GIB
    """A packed file that unpacks to more is refused."""

    unpacked_ratio_max: int = 1000
    """A packed file that unpacks to more than this many times its size is refused: deflate cannot
    exceed 1032, and text that packs better than 1000 to 1 is a bomb or says nothing."""

    step_attempts_max: int = 3
    """How often a step that was interrupted is tried before its run fails."""

    wait_max_seconds: int = 3600
    """How long a command waits for a run that another process carries out."""

    worker_lanes: int = 0
    """How many runs `lakewright worker` carries out side by side, on different tables; 0: one for
    each core, but at most 4. They share `memory_limit_bytes` evenly."""

    group_wait_ms: int = 0
    """How long, in milliseconds, a worker lets an upload wait for others of its source, to load
    them together. Under load they gather by themselves while earlier runs go on."""

    runs_kept_days: int = 90
    """How old the steps of a run, and events, become before `lakewright worker` deletes them, once
    a day; 0: it deletes none. The newest 1,000 of each are kept, and uploads for good."""

    openlineage_url: str = ""
    """Where OpenLineage events are sent; empty: where the environment's `lineage` says."""

    worker_grace_seconds: int = 25
    """How long runs may go on once a worker is told to stop. Kubernetes kills after 30 seconds."""


def read(variables: Mapping[str, str] | None = None) -> Settings:
    """The settings that these environment variables give; by default, this process's own.

    Raises:
        UsageError: a variable holds no whole number where one is needed.
    """
    given = os.environ if variables is None else variables
    found: dict[str, str | int] = {}
    for field in fields(Settings):
        text = given.get(PREFIX + field.name.upper())
        if text is None:
            continue
        found[field.name] = text if field.type is str else _whole_number(field.name, text)
    return Settings(**found)  # type: ignore[arg-type]


def to_variables(configured: Settings) -> dict[str, str]:
    """The environment variables from which `read` makes these settings: what a child is given."""
    return {
        PREFIX + field.name.upper(): str(getattr(configured, field.name))
        for field in fields(Settings)
    }


def _whole_number(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise errors.UsageError(
            f"the environment variable {PREFIX}{name.upper()} is {text!r}",
            why="it must be a whole number of 0 or more",
            hint=f"unset {PREFIX}{name.upper()}, or give it a number",
        )
    return int(text)
