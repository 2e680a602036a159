"""An environment as its author writes it. The docstrings are shown by editors and the reference."""

from typing import Annotated, ClassVar, Self
from urllib.parse import urlsplit

from annotated_types import Ge
from pydantic import AfterValidator, Field, model_validator

from lakewright.project import quantity
from lakewright.project.document import Document, Duration, NonEmpty
from lakewright.project.environment import DEFAULT_STORAGE, CatalogKind, Engine


def _memory(text: str) -> str:
    quantity.bytes_of(text)
    return text


def _server(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it is no URL of a server, such as https://catalog.example.org")
    return text


Server = Annotated[NonEmpty, AfterValidator(_server)]


class CatalogDocument(Document):
    """What says where an environment's tables are. What a server is to be shown stands in the
    environment variable `LAKEWRIGHT_CATALOG_TOKEN` (a token), or `LAKEWRIGHT_CATALOG_CREDENTIAL`
    (`CLIENT:SECRET`, for which tokens are got by OAuth2)."""

    noun: ClassVar[str] = "a catalog"

    kind: CatalogKind
    """`sqlite`, a file in `storage`; or `rest`, a server that speaks Iceberg's REST protocol."""
    uri: Annotated[Server, Field(examples=["https://catalog.example.org"])] | None = None
    """The URL of the server, without the `/v1` that all of its addresses have."""
    warehouse: NonEmpty | None = None
    """Which warehouse of the server's. By default the server's own."""
    namespace: Annotated[NonEmpty, Field(examples=["shop", "team.shop"])] | None = None
    """The namespace in which those of the layers are, its levels separated by dots. Each project
    and environment needs its own. By default the layers are the server's first level."""
    oauth2_uri: Annotated[Server, Field(examples=["https://sso.example.org/token"])] | None = None
    """Where tokens are got for `LAKEWRIGHT_CATALOG_CREDENTIAL`. By default the server's own
    `/v1/oauth/tokens`."""
    oauth2_scope: NonEmpty | None = None
    """What a token is asked for. By default `catalog`."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        told = self.model_fields_set - {"kind"}
        if self.kind is CatalogKind.REST and self.uri is None:
            raise ValueError("a catalog of the kind `rest` needs the `uri` of its server")
        if self.kind is CatalogKind.SQLITE and told:
            raise ValueError(f"a catalog of the kind `sqlite` takes no {', '.join(sorted(told))}")
        return self


class EnvironmentDocument(Document):
    """A named set of settings for running the project."""

    noun: ClassVar[str] = "an environment"

    storage: NonEmpty = DEFAULT_STORAGE
    """The folder of the journal, the catalog, raw files and tables; relative to the project."""
    catalog: CatalogDocument | None = None
    """What says where the tables are. By default a file in `storage`."""
    engine: Engine = Engine.DUCKDB
    """What executes the steps."""
    threads: Annotated[int, Ge(1)] | None = None
    """How many threads a step may use. By default one for each core."""
    memory_limit: Annotated[str, AfterValidator(_memory), Field(examples=["2GB"])] | None = None
    """How much memory a step may use, such as `2GB`, before it spills to disk. By default the
    engine's own share of the machine's memory."""
    journal: (
        Annotated[NonEmpty, Field(examples=["postgresql://lake@db.example.org/lake"])] | None
    ) = None
    """The URL of a PostgreSQL database that keeps the journal, so that several machines may share
    it; without its password, which `PGPASSWORD` or a `.pgpass` file says. By default the journal
    is a file in `storage`."""
    lineage: Annotated[NonEmpty, Field(examples=["https://marquez.example.org"])] | None = None
    """Where OpenLineage events of every run are sent: `file:///PATH`, which gets a line for each,
    or the URL of an HTTP endpoint; without a path, `/api/v1/lineage` is its. A key stands in the
    environment variable `OPENLINEAGE_API_KEY`. By default none are sent."""
    snapshots_kept: Annotated[int, Ge(1)] = 100
    """How many snapshots of a table upkeep leaves: so far back do time travel and rollback go, and
    incremental builds of models that did not run meanwhile."""
    orphans_kept: Annotated[Duration, Field(examples=["12h"])] = "3d"
    """How long upkeep leaves a file that no snapshot refers to: at least as long as another program
    takes from writing a file to committing it."""
