"""The child's side of a run: carry out steps with the lake, the engine and the reader of files.

Every operation takes JSON and gives JSON, changes nothing but what it may repeat, and holds nothing
between two calls that a restart would lose. Only `publish` and `tidy` change tables.

    landing, land      raw bytes to parts that every engine reads
    plan               what is there and what landed, to typed steps
    bronze, model      files that no table knows yet, checked as the table would be
    rollback           a table that is to go to another of its snapshots
    check              what checks say of a table that stays as it is
    publish            all of it visible at once
    is_published       whether an earlier attempt at that came through
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import cast

from lakewright import errors
from lakewright.engines.engine import Engine
from lakewright.lake.raw import RawStore
from lakewright.lake.staged import Rollback, Staged
from lakewright.lake.tables import Lake
from lakewright.plan import codec, steps
from lakewright.plan.landed import Landed
from lakewright.project.environment import Retention
from lakewright.project.project import Project
from lakewright.runs.children.child import Operation, Report
from lakewright.runs.operations.bronze import Bronze
from lakewright.runs.operations.models import Models
from lakewright.runs.operations.payloads import decode_all, facts_of
from lakewright.runs.operations.planning import Planning
from lakewright.runs.operations.tending import Tending, Tools
from lakewright.runs.records import Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """What steps are carried out with."""

    project: Project
    lake: Lake
    engine: Engine
    raw: RawStore
    land: Callable[[steps.Land, Path, Path, Report], Landed]
    """`ingest.landing.land`: the step, the raw file, a work folder of its own, progress."""
    clock: Callable[[], datetime]
    """Now, with a zone."""
    retention: Retention = field(default_factory=Retention)
    """What upkeep leaves of a table's past."""


class Executor:
    """Carries out the operations of runs."""

    def __init__(self, workshop: Workshop) -> None:
        lake, engine = workshop.lake, workshop.engine
        tools = Tools(lake=lake, engine=engine, retention=workshop.retention, clock=workshop.clock)
        self._lake = lake
        self._workshop = workshop
        self._parts = (
            Planning(workshop.project, lake),
            Bronze(workshop.project, lake, engine),
            Models(lake, engine),
            Tending(tools),
        )

    def operations(self) -> Mapping[str, Operation]:
        """Each operation by the name under which a parent asks for it."""
        return {
            **{name: done for part in self._parts for name, done in part.operations().items()},
            "land": self.land,
            "rollback": self.rollback,
            "publish": self.publish,
            "is_published": self.is_published,
        }

    def land(self, payload: Json, report: Report) -> Json:
        """Read one upload's bytes."""
        facts = facts_of(payload)
        step = codec.decode(steps.Land, facts["step"])
        raw = self._workshop.raw.path(step.source, step.sha256)
        folder = Path(str(facts["work_folder"]), step.name.partition(":")[2])
        return codec.encode(self._workshop.land(step, raw, folder, report))

    def rollback(self, payload: Json, report: Report) -> Json:
        """Say where a table is to go; it goes there with the publish.

        Raises:
            NotFound: the table does not have the snapshot any more.
        """
        del report
        step = codec.decode(steps.Rollback, facts_of(payload)["step"])
        self._lake.file_set(step.table, step.snapshot_id)
        wanted = Rollback(
            table=step.table,
            snapshot_id=step.snapshot_id,
            base_snapshot_id=step.base_snapshot_id,
        )
        return {"rollbacks": [codec.encode(wanted)]}

    def publish(self, payload: Json, report: Report) -> Json:
        """Make everything that was staged visible.

        Raises:
            CommitConflict: a table has moved, or one for whose sake a model was left out.
        """
        facts = facts_of(payload)
        awaited = cast("Mapping[str, int | None]", facts["awaited"])
        moved = _moved(self._lake, awaited)
        if moved and not self.is_published(payload, report):
            raise errors.CommitConflict(
                f"{', '.join(moved)} has changed since the run was planned",
                why="a model that reads it was left out because it was not there or did not fit",
                hint="the run is planned again",
            )
        staged = decode_all(Staged, facts["staged"])
        rollbacks = decode_all(Rollback, facts["rollbacks"])
        token = str(facts["token"])
        done = self._lake.publish(staged, token, self._workshop.clock(), rollbacks)
        return {each.table: {"snapshot_id": each.snapshot_id, "rows": each.rows} for each in done}

    def is_published(self, payload: Json, report: Report) -> Json:
        """Whether a publish with this token has come through: it is all or nothing."""
        del report
        return self._lake.is_published(str(facts_of(payload)["token"]))


def _moved(lake: Lake, planned: Mapping[str, int | None]) -> list[str]:
    """Those of these tables that are not at the snapshot that they were planned at."""
    present = lake.observe() if planned else {}
    return [
        table
        for table, snapshot_id in sorted(planned.items())
        if (present[table].snapshot_id if table in present else None) != snapshot_id
    ]
