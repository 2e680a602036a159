"""The child's side of questions about a lakehouse: plan and query, and change nothing.

preview       what a file holds, and the source that it suggests
read          a file's records as CSV, as zero configuration reads them
plan_files    what uploading files would cause
plan_models   what running models would cause
query         the answer to one SELECT, as values or as a file
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import cast

from lakewright import errors
from lakewright.engines.engine import Engine
from lakewright.lake.staged import FileSet
from lakewright.lake.tables import Lake
from lakewright.plan import codec, observed, planner, steps
from lakewright.project.project import Project
from lakewright.runs.children.child import Operation, Report
from lakewright.runs.operations import answers
from lakewright.runs.operations.files import Files, as_upload
from lakewright.runs.operations.payloads import facts_of
from lakewright.runs.records import FormatOverride, Json
from lakewright.sql import parse


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What questions are answered with."""

    project: Project
    lake: Lake
    engine: Engine
    files: Files
    clock: Callable[[], datetime]


class Inquiry:
    """Answers questions."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> Mapping[str, Operation]:
        """Each operation by the name under which a parent asks for it."""
        return {
            "plan_files": self.plan_files,
            "plan_models": self.plan_models,
            "query": self.query,
        }

    def plan_files(self, payload: Json, report: Report) -> Json:
        """The plan of a run that loads these files."""
        facts = facts_of(payload)
        source = str(facts["source"])
        paths = [Path(path) for path in cast("list[str]", facts["paths"])]
        now = self._observe(facts["loaded"])
        look = cast("FormatOverride", facts["format"])
        uploads = [as_upload(path, source, look) for path in paths]
        first = planner.plan_landing(self._desk.project, now, source, uploads)
        lands = [step for step in first.steps if isinstance(step, steps.Land)]
        with self._desk.files.temporary() as folder:
            landed = tuple(
                self._desk.files.land(step, path, folder / step.upload_id, report)
                for step, path in zip(lands, paths, strict=True)
            )
        batch = planner.Batch(source=source, landed=landed)
        rest = planner.plan_uploads(self._desk.project, now, batch, self._desk.clock())
        return codec.encode(replace(rest, steps=(*first.steps, *rest.steps)))

    def plan_models(self, payload: Json, report: Report) -> Json:
        """The plan of a run that brings models up to date."""
        del report
        facts = facts_of(payload)
        models = cast("list[str]", facts["models"]) or None
        now = self._observe(facts["loaded"])
        plan = planner.plan_models(
            self._desk.project, now, models, self._desk.clock(), is_full=bool(facts["is_full"])
        )
        return codec.encode(plan)

    def query(self, payload: Json, report: Report) -> Json:
        """Run one SELECT.

        With `output`, a file is written and the answer is the number of its rows; otherwise the
        answer has columns, rows (at most `rows_max`) and whether there are more.
        """
        facts = facts_of(payload)
        sql = str(facts["sql"])
        tables = self._tables(sql, cast("str | None", facts.get("at")))
        schema, reader = self._desk.engine.query(sql, tables)
        columns = [{"name": field.name, "type": str(field.type)} for field in schema.fields]
        output = facts.get("output")
        if output is not None:
            return {"rows_written": answers.write(reader, schema, Path(str(output)), report)}
        rows, has_more = answers.rows(reader, schema, cast("int | None", facts.get("rows_max")))
        return {"columns": cast("Json", columns), "rows": rows, "has_more": has_more}

    def _tables(self, sql: str, at: str | None) -> Mapping[str, FileSet]:
        """The tables that the query reads, and all others without their files for its hints."""
        lake = self._desk.lake
        known = lake.tables()
        read = parse.parse(sql, errors.Place(file="query"), ad_hoc=True).tables
        moment, snapshot_id = _moment(lake, at, read)
        found = {
            name: FileSet(table=name, snapshot_id=None, schema=table.schema, field_ids={}, files=())
            for name, table in lake.observe().items()
        }
        for name in read:
            if name not in known:
                continue
            if snapshot_id is not None and _has_snapshot(lake, name, snapshot_id):
                found[name] = lake.file_set(name, snapshot_id)
            elif moment is not None:
                found[name] = lake.file_set(name, lake.snapshot_at(name, moment))
            else:
                found[name] = lake.file_set(name)
        return found

    def _observe(self, loaded: Json) -> observed.Observed:
        return observed.Observed(
            tables=self._desk.lake.observe(),
            loaded={
                source: tuple(codec.decode(observed.RawUpload, upload) for upload in uploads)
                for source, uploads in cast("Mapping[str, list[Json]]", loaded).items()
            },
        )


def _moment(lake: Lake, at: str | None, read: Sequence[str]) -> tuple[datetime | None, int | None]:
    """The moment that `--at` names, and the snapshot if it names one of a table that is read."""
    if at is None:
        return None, None
    if at.isdigit():
        snapshot_id = int(at)
        for name in read:
            for entry in lake.history(name) if name in lake.tables() else ():
                if entry.snapshot_id == snapshot_id:
                    return entry.made_at, snapshot_id
        raise errors.NotFound(
            f"no table of the query has the snapshot {at}",
            why=f"looked in {', '.join(read)}",
            hint="`lakewright tables history TABLE` shows a table's snapshots",
        )
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise errors.UsageError(
            f"--at {at!r} is neither a snapshot id nor a time",
            hint="give a number, or a time such as 2026-01-31T08:30:00Z (UTC without a zone)",
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=answers.UTC)), None


def _has_snapshot(lake: Lake, table: str, snapshot_id: int) -> bool:
    return any(entry.snapshot_id == snapshot_id for entry in lake.history(table))
