"""What is there: the state of the lake, passed to the planner as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lakewright.project.contract import Contract
from lakewright.project.source import FormatOverride
from lakewright.sql import types


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """One published state of a table."""

    snapshot_id: int
    parent_id: int | None
    is_append: bool
    """Whether it only added rows to its parent, or wrote the same rows into other files."""
    is_same: bool = False
    """Whether it holds the rows of its parent, in other files."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One table as it stands."""

    name: str
    schema: types.Schema
    snapshot_id: int
    ancestors: tuple[Snapshot, ...]
    """The retained snapshots from the current one back."""
    consumed: Mapping[str, int]
    """How much of each upstream table its rows hold: that table's snapshot id. Read from the
    table's own newest snapshot, so rows and cursor cannot part."""
    fingerprint: str = ""
    """Of the query that made it; empty for bronze and quarantine."""
    contract: Contract | None = None
    """The contract that bronze was last loaded under."""
    rows: int = 0

    def is_at(self, snapshot_id: int) -> bool:
        """Whether the table holds the rows of that snapshot still, maybe in other files."""
        for snapshot in self.ancestors:
            if snapshot.snapshot_id == snapshot_id:
                return True
            if not snapshot.is_same:
                return False
        return False


@dataclass(frozen=True, kw_only=True, slots=True)
class RawUpload:
    """An upload whose raw bytes are kept and whose records are in bronze, for rebuilds."""

    upload_id: str
    file_name: str
    sha256: str
    quarantined: int = 0
    """How many of its records were refused."""
    format: FormatOverride = field(default_factory=dict)
    """What is said of the file's format, over what its source declares."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """Everything that planning may depend on beside the project."""

    tables: Mapping[str, Table]
    loaded: Mapping[str, tuple[RawUpload, ...]]
    """For each source, the uploads that its bronze table holds, oldest first."""
    listed: tuple[str, ...] | None = None
    """The sources of which `loaded` names every upload; of any other it names those that the
    request is about, since a history may be long and few plans need it. None: every source."""

    def is_listed(self, source: str) -> bool:
        """Whether every upload that the source's bronze table holds is named."""
        return self.listed is None or source in self.listed
