"""The values of a run that its models may read, as `:name`."""

from collections.abc import Mapping

from lakewright.sql import types

LOGICAL_TIME = "logical_time"
INTERVAL_START = "interval_start"
INTERVAL_END = "interval_end"

TYPES: Mapping[str, types.Type] = {
    LOGICAL_TIME: types.TIMESTAMP,
    INTERVAL_START: types.TIMESTAMP,
    INTERVAL_END: types.TIMESTAMP,
}
"""Each with its type; beside them a project has variables."""
