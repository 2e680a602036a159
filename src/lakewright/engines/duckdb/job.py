"""One build of one model in DuckDB."""

from dataclasses import dataclass

import duckdb

from lakewright.engines.building import Build
from lakewright.engines.duckdb import reading


@dataclass(frozen=True, kw_only=True, slots=True)
class Job(Build):
    """A build, and the connection that it takes place on."""

    connection: duckdb.DuckDBPyConnection
    """Its temporary tables are this build's own."""

    @property
    def relations(self) -> dict[str, str]:
        """A SELECT of each input's rows, by the input's name."""
        return {name: reading.relation_sql(given.table) for name, given in self.inputs.items()}
