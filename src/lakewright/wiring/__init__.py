"""Settings in, connected objects out: the only place that chooses adapters."""

from lakewright.wiring.cancelling import cancel
from lakewright.wiring.folder import find_folder, is_found_from, named_folder
from lakewright.wiring.lakehouse import Lakehouse, Reader, open_lakehouse, open_reader
from lakewright.wiring.resident import open_resident
from lakewright.wiring.sight import lineage_after, sending_lineage, serving_metrics, tracing
from lakewright.wiring.tending import preview_upkeep, tend

__all__ = [
    "Lakehouse",
    "Reader",
    "cancel",
    "find_folder",
    "is_found_from",
    "lineage_after",
    "named_folder",
    "open_lakehouse",
    "open_reader",
    "open_resident",
    "preview_upkeep",
    "sending_lineage",
    "serving_metrics",
    "tend",
    "tracing",
]
