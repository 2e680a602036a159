"""The child's side of upkeep: small files become few, old snapshots and needless files go.

compact    files that hold the rows of small files, which no table knows yet
tidy       old snapshots forgotten, files that nobody needs deleted: safe to repeat
due        which tables upkeep is worth its while for
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from lakewright import errors
from lakewright.engines.engine import Engine
from lakewright.lake.cleaning import Terms
from lakewright.lake.staged import Target
from lakewright.lake.tables import Lake
from lakewright.lake.upkeep import Compaction, Tidied
from lakewright.plan import codec, steps
from lakewright.project.environment import Retention
from lakewright.runs.children.child import Operation, Report
from lakewright.runs.records import Json

QUICK_ROWS_MAX = 1_000_000
"""A compaction of so many rows takes about a second, so that a person need not mind it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What tables are kept up with."""

    lake: Lake
    engine: Engine
    retention: Retention
    clock: Callable[[], datetime]


class Tending:
    """Keeps tables up."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def operations(self) -> Mapping[str, Operation]:
        """Each operation by the name under which a parent asks for it."""
        return {
            "compact": self.compact,
            "tidy": self.tidy,
            "due": self.due,
            "upkeep_preview": self.preview,
        }

    def compact(self, payload: Json, report: Report) -> Json:
        """Stage a table whose small files have become few.

        Raises:
            CountsDiffer: not every row was written again.
        """
        del report
        facts = cast("Mapping[str, Json]", payload)
        step = codec.decode(steps.Compact, facts["step"])
        found = self._tools.lake.compaction(step.table)
        if found is None:
            return {"staged": [], "files_before": 0, "files_after": 0}
        attempt = f"{facts['token']}-{facts['fence']}-{facts['attempt']}"
        written = self._tools.engine.compact(found.files, self._target(found, attempt))
        rows = sum(file.rows for file in written)
        if rows != found.files.rows:
            raise errors.CountsDiffer(
                f"the small files of {step.table} hold {found.files.rows} rows",
                why=f"{rows} were written again",
                hint="this is a bug of the engine: please report it; the table stays as it was",
            )
        return {
            "staged": [codec.encode(found.staged(step.name, written))],
            "files_before": len(found.files.files),
            "files_after": len(written),
        }

    def _target(self, found: Compaction, attempt: str) -> Target:
        table = found.files.table
        return self._tools.lake.target(
            table, found.files.schema, found.partitioning, attempt, table
        )

    def tidy(self, payload: Json, report: Report) -> Json:
        """Forget and delete what is not kept.

        Raises:
            CommitConflict: somebody else has just changed the table.
        """
        del report
        facts = cast("Mapping[str, Json]", payload)
        step = codec.decode(steps.Tidy, facts["step"])
        done = self._tidy(step.table, cast("list[str]", facts["tokens"]), is_dry=False)
        return {
            "snapshots": done.snapshots,
            "files": len(done.files),
            "size_bytes": done.size_bytes,
        }

    def _tidy(self, table: str, tokens: list[str], *, is_dry: bool) -> Tidied:
        retention = self._tools.retention
        terms = Terms(
            now=self._tools.clock(),
            grace_seconds=retention.orphans_kept_seconds,
            tokens=frozenset(tokens),
        )
        return self._tools.lake.tidy(table, retention.snapshots_kept, terms, is_dry=is_dry)

    def due(self, payload: Json, report: Report) -> Json:
        """The tables that upkeep is worth its while for, and whether it is quick to do."""
        del report
        asked = cast("list[str]", cast("Mapping[str, Json]", payload)["tables"])
        found = self._tools.lake.due(self._tools.retention.snapshots_kept, asked)
        is_quick = sum(found.values()) <= QUICK_ROWS_MAX
        return {"tables": list(found), "is_quick": is_quick}

    def preview(self, payload: Json, report: Report) -> Json:
        """What upkeep would do to tables, one by one."""
        del report
        facts = cast("Mapping[str, Json]", payload)
        tokens = cast("list[str]", facts["tokens"])
        told: list[Json] = []
        for table in cast("list[str]", facts["tables"]):
            small = self._tools.lake.compaction(table)
            gone = self._tidy(table, tokens, is_dry=True)
            told.append(
                {
                    "table": table,
                    "files_compacted": len(small.files.files) if small else 0,
                    "snapshots_forgotten": gone.snapshots,
                    "files_deleted": list(gone.files),
                    "size_bytes_deleted": gone.size_bytes,
                }
            )
        return told
