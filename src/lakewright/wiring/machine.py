"""What this machine has, and how much of it a child's engine takes."""

import os

from lakewright import settings
from lakewright.project.environment import Environment

_MEMORY_LIMIT_BYTES_MAX = 2 * 2**30
"""What an engine takes at the most where nobody says otherwise; see `settings.Settings`."""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def engine_memory_bytes(
    configured: settings.Settings, environment: Environment, lanes: int = 1
) -> int:
    """What one child's engine may hold before it spills, where so many work side by side."""
    limit = configured.memory_limit_bytes or environment.memory_limit_bytes
    if limit:
        return limit // lanes
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(_MEMORY_LIMIT_BYTES_MAX, machine // 2 // lanes)
