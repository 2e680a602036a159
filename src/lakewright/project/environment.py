"""An environment: where a project's tables lie and what carries its steps out."""

from dataclasses import dataclass, field
from enum import StrEnum

DEFAULT_NAME = "local"
DEFAULT_STORAGE = ".lakewright"


class Engine(StrEnum):
    """What executes steps."""

    DUCKDB = "duckdb"
    """In a child process on this machine."""


class CatalogKind(StrEnum):
    """What says where the tables are."""

    SQLITE = "sqlite"
    """A file in the environment's storage."""
    REST = "rest"
    """A server that speaks Iceberg's REST protocol."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogServer:
    """A server that says where the tables are; it knows no credential."""

    uri: str
    warehouse: str = ""
    namespace: tuple[str, ...] = ()
    oauth2_uri: str = ""
    """Empty: the server's own."""
    oauth2_scope: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """What upkeep leaves of a table's past."""

    snapshots_kept: int = 100
    """How many snapshots stay. A commit writes all of them down, so its cost grows with them:
    measured at 100, it is a few milliseconds."""
    orphans_kept_seconds: int = 3 * 86_400
    """How long a file stays that no snapshot refers to: as long as another program may take from
    writing a file to committing it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """A named set of settings for running a project."""

    name: str = DEFAULT_NAME
    storage: str = DEFAULT_STORAGE
    """The folder of the journal, the catalog, raw files and tables; relative to the project."""
    catalog: CatalogServer | None = None
    """None: a file in `storage`."""
    engine: Engine = Engine.DUCKDB
    threads: int | None = None
    """How many threads a step may use; None: one for each core."""
    memory_limit_bytes: int | None = None
    """How much memory a step may use before it spills to disk; None: the engine's own share."""
    journal: str | None = None
    """The URL of a PostgreSQL database, without a password; None: a file in `storage`."""
    lineage: str | None = None
    """The URL of a file or an HTTP endpoint that gets OpenLineage events; None: nobody does."""
    retention: Retention = field(default_factory=Retention)
    """What upkeep leaves of a table's past."""
