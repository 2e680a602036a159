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

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar, cast

from lakewright import errors
from lakewright.engines.engine import (
    Change,
    CheckResult,
    Engine,
    ModelInput,
    UploadCounts,
    UploadStaged,
)
from lakewright.lake.raw import RawStore
from lakewright.lake.staged import DataFile, FileSet, Rollback, Staged, Target
from lakewright.lake.tables import Lake
from lakewright.plan import codec, planner, steps
from lakewright.plan.landed import Landed
from lakewright.project.contract import QUARANTINE_SCHEMA, PartitionField
from lakewright.project.environment import Retention
from lakewright.project.model import Referential, Severity
from lakewright.project.project import Project
from lakewright.project.source import Suspects
from lakewright.runs import failure
from lakewright.runs.children.child import Operation, Report
from lakewright.runs.operations import examples, overlay, verdict
from lakewright.runs.operations.planning import Planning
from lakewright.runs.operations.tending import Tending, Tools
from lakewright.runs.records import Json
from lakewright.sql import types
from lakewright.wording import counted

_T = TypeVar("_T")


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
        self._project = workshop.project
        self._lake = workshop.lake
        self._engine = workshop.engine
        self._planning = Planning(workshop.project, workshop.lake)
        tools = Tools(
            lake=workshop.lake,
            engine=workshop.engine,
            retention=workshop.retention,
            clock=workshop.clock,
        )
        self._tending = Tending(tools)
        self._workshop = workshop

    def operations(self) -> Mapping[str, Operation]:
        """Each operation by the name under which a parent asks for it."""
        return {
            **self._planning.operations(),
            **self._tending.operations(),
            "land": self.land,
            "bronze": self.bronze,
            "model": self.model,
            "rollback": self.rollback,
            "check": self.check,
            "publish": self.publish,
            "is_published": self.is_published,
        }

    def land(self, payload: Json, report: Report) -> Json:
        """Read one upload's bytes."""
        facts = _facts(payload)
        step = codec.decode(steps.Land, facts["step"])
        raw = self._workshop.raw.path(step.source, step.sha256)
        folder = Path(str(facts["work_folder"]), step.name.partition(":")[2])
        return codec.encode(self._workshop.land(step, raw, folder, report))

    def bronze(self, payload: Json, report: Report) -> Json:
        """Stage a source's tables; an upload that is refused is left out, with its error."""
        facts = _facts(payload)
        step = codec.decode(steps.Bronze, facts["step"])
        landed = {each.upload_id: each for each in _decode_all(Landed, facts["landed"])}
        contract = step.contract
        rows = self._target(facts, step.table, contract.schema(), contract.partitioning)
        refused = self._target(facts, step.quarantine, QUARANTINE_SCHEMA, ())
        job = _BronzeJob(step=step, rows=rows, refused=refused)
        loaded = set(cast("list[str]", facts["loaded_upload_ids"]))
        uploads: list[Json] = []
        self._stage_together(job, [landed[upload_id] for upload_id in step.upload_ids])
        for upload_id in step.upload_ids:
            is_kept = step.is_rebuild and upload_id in loaded
            if upload_id in job.together:
                uploads.append(_upload_json(landed[upload_id], job.together[upload_id], None))
                continue
            told, error = self._stage_upload(job, landed[upload_id], report, is_kept=is_kept)
            if error is not None and is_kept:
                raise verdict.rows_would_be_lost(step, error) from error
            uploads.append(told)
        if step.upload_ids and not (job.done or job.together):
            return {"staged": [], "uploads": uploads}
        staged = [codec.encode(each) for each in self._merge(job)]
        return {"staged": staged, "uploads": uploads}

    def _target(
        self,
        facts: Mapping[str, Json],
        table: str,
        schema: types.Schema,
        partitioning: tuple[PartitionField, ...],
    ) -> Target:
        """Where an attempt writes a table's files.

        Files of two attempts never share a name: one that was given up may still be writing when
        the next is published.
        """
        attempt = f"{facts['token']}-{facts['fence']}-{facts['attempt']}"
        target = self._lake.target(table, schema, partitioning, attempt, table)
        _check_base(table, target.base, facts)
        return target

    def _stage_together(self, job: "_BronzeJob", uploads: Sequence[Landed]) -> None:
        """Stage what may share queries and files: small uploads about which nothing is wrong.

        Whatever goes wrong with them is told by staging each alone.
        """
        sound = {each.upload_id: each for each in uploads if not each.suspicions}
        with suppress(errors.RunFailed):
            for found in self._engine.bronze_together(job.step, tuple(sound.values()), job.rows):
                job.shared += found.rows
                job.together |= {each: _complete(sound[each]) for each in found.upload_ids}

    def _stage_upload(
        self, job: "_BronzeJob", landed: Landed, report: Report, *, is_kept: bool
    ) -> tuple[Json, errors.RunFailed | None]:
        """What became of an upload, for the journal, and why it is left out if it is.

        Whether it is suspect is no matter for one whose rows the table holds and is to keep.
        """
        before = sum(each.counts.records for each in (*job.done, *job.together.values()))
        step = replace(job.step, suspects=Suspects.LOAD) if is_kept else job.step
        done = None
        try:
            done = self._engine.bronze(
                step,
                landed,
                _of_upload(job.rows, landed.upload_id),
                _of_upload(job.refused, landed.upload_id),
                lambda records: report(before + records),
            )
            verdict.check(step, landed, done.counts)
        except errors.RunFailed as error:
            if done is not None:
                _unlink((*done.rows, *done.quarantine))
            job.failed.append(landed.upload_id)
            return _upload_json(landed, done, error), error
        report(before + done.counts.records)
        job.done.append(done)
        return _upload_json(landed, done, None), None

    def _merge(self, job: "_BronzeJob") -> tuple[Staged, Staged]:
        step = job.step
        gone = [each for each in step.replaced_upload_ids if each not in job.failed]
        source = planner.source_of(self._project, step.source)
        described = {each.name: each.description for each in step.contract.columns}
        common = Staged(
            table=step.table,
            step=step.name,
            base_snapshot_id=None,
            schema=job.rows.schema,
            partitioning=step.contract.partitioning,
            added=(),
            is_replaced=step.is_rebuild,
            consumed={},
            properties={"reason": step.reason} if step.reason else {},
            table_properties={"contract": codec.to_json(step.contract)},
            description=source.description,
            column_descriptions={name: text for name, text in described.items() if text},
        )
        quarantine = replace(
            common,
            table=step.quarantine,
            schema=job.refused.schema,
            partitioning=(),
            table_properties={},
            description=f"Records of {step.source} that broke its contract.",
            column_descriptions={
                each.name: each.description for each in QUARANTINE_SCHEMA.fields if each.description
            },
        )
        return (
            self._over_base(
                common, job.rows, gone, [*job.shared, *(f for each in job.done for f in each.rows)]
            ),
            self._over_base(
                quarantine, job.refused, gone, [f for each in job.done for f in each.quarantine]
            ),
        )

    def _over_base(
        self, staged: Staged, target: Target, gone: Sequence[str], added: Sequence[DataFile]
    ) -> Staged:
        """The staged table, with the rows of replaced uploads taken out of its base."""
        base = target.base
        if base is None:
            return replace(staged, added=tuple(added), is_replaced=False)
        found = replace(staged, base_snapshot_id=base.snapshot_id, added=tuple(added))
        if staged.is_replaced or not gone:
            return found
        left = self._engine.remove_uploads(base, gone, target)
        return replace(found, removed=left.removed, rewritten=left.rewritten)

    def rollback(self, payload: Json, report: Report) -> Json:
        """Say where a table is to go; it goes there with the publish.

        Raises:
            NotFound: the table does not have the snapshot any more.
        """
        del report
        step = codec.decode(steps.Rollback, _facts(payload)["step"])
        self._lake.file_set(step.table, step.snapshot_id)
        wanted = Rollback(
            table=step.table,
            snapshot_id=step.snapshot_id,
            base_snapshot_id=step.base_snapshot_id,
        )
        return {"rollbacks": [codec.encode(wanted)]}

    def model(self, payload: Json, report: Report) -> Json:
        """Stage a model's table and try its checks on the table as it would be.

        Raises:
            CheckFailed: an error-level check does not hold.
        """
        del report
        facts = _facts(payload)
        step = codec.decode(steps.BuildModel, facts["step"])
        tables = _Tables(self._lake, facts)
        target = self._target(facts, step.table, step.schema, step.partitioning)
        inputs = {name: self._input(step, name, tables) for name in step.reads}
        made = self._engine.model(step, inputs, target)
        staged = replace(
            made,
            consumed={name: tables.cursor(name) for name in step.reads},
            properties={**made.properties, "fingerprint": step.fingerprint},
        )
        results = self._check(step, overlay.file_set(staged, target), tables)
        broken = [
            each for each in results if not each.is_passed and each.severity is Severity.ERROR
        ]
        if broken:
            _unlink((*staged.added, *staged.rewritten))
            raise _check_failed(step, broken)
        return {
            "staged": [codec.encode(staged)],
            "checks": [codec.encode(each) for each in results],
        }

    def check(self, payload: Json, report: Report) -> Json:
        """Try checks of a table that stays as it is; none of them can fail the run."""
        del report
        facts = _facts(payload)
        step = codec.decode(steps.CheckModel, facts["step"])
        tables = _Tables(self._lake, facts)
        results = self._check(step, tables.file_set(step.table), tables)
        return {"checks": [codec.encode(each) for each in results]}

    def _input(self, step: steps.BuildModel, name: str, tables: "_Tables") -> ModelInput:
        table = tables.file_set(name)
        if isinstance(step.build, steps.Full | steps.OneInterval) or step.build.driving != name:
            return ModelInput(table=table)
        return ModelInput(table=table, change=tables.change(name, step.build.since_snapshot_id))

    def _check(
        self, step: steps.BuildModel | steps.CheckModel, table: FileSet, tables: "_Tables"
    ) -> tuple[CheckResult, ...]:
        if not step.checks:
            return ()
        return self._engine.check(step.checks, table, _asked(step, table, tables))

    def publish(self, payload: Json, report: Report) -> Json:
        """Make everything that was staged visible.

        Raises:
            CommitConflict: a table has moved, or one for whose sake a model was left out.
        """
        facts = _facts(payload)
        awaited = cast("Mapping[str, int | None]", facts["awaited"])
        moved = _moved(self._lake, awaited)
        if moved and not self.is_published(payload, report):
            raise errors.CommitConflict(
                f"{', '.join(moved)} has changed since the run was planned",
                why="a model that reads it was left out because it was not there or did not fit",
                hint="the run is planned again",
            )
        staged = _decode_all(Staged, facts["staged"])
        rollbacks = _decode_all(Rollback, facts["rollbacks"])
        token = str(facts["token"])
        done = self._lake.publish(staged, token, self._workshop.clock(), rollbacks)
        return {each.table: {"snapshot_id": each.snapshot_id, "rows": each.rows} for each in done}

    def is_published(self, payload: Json, report: Report) -> Json:
        """Whether a publish with this token has come through: it is all or nothing."""
        del report
        return self._lake.is_published(str(_facts(payload)["token"]))


def _moved(lake: Lake, planned: Mapping[str, int | None]) -> list[str]:
    """Those of these tables that are not at the snapshot that they were planned at."""
    present = lake.observe() if planned else {}
    return [
        table
        for table, snapshot_id in sorted(planned.items())
        if (present[table].snapshot_id if table in present else None) != snapshot_id
    ]


@dataclass(kw_only=True, slots=True)
class _BronzeJob:
    """One bronze step under way."""

    step: steps.Bronze
    rows: Target
    refused: Target
    done: list[UploadStaged] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    shared: list[DataFile] = field(default_factory=list)
    """Files of several uploads' rows."""
    together: dict[str, UploadStaged] = field(default_factory=dict)
    """The uploads whose rows those are; files of their own they have none."""


class _Tables:
    """The lake's tables, with what the run has staged laid over them."""

    def __init__(self, lake: Lake, facts: Mapping[str, Json]) -> None:
        self._lake = lake
        self._facts = facts
        self._staged = {each.table: each for each in _decode_all(Staged, facts["staged"])}
        self._returned = {
            each.table: each.snapshot_id for each in _decode_all(Rollback, facts["rollbacks"])
        }

    def has(self, name: str) -> bool:
        """Whether the table is there, or would be."""
        return name in self._staged or name in self._lake.tables()

    def file_set(self, name: str) -> FileSet:
        """The table as it would be."""
        staged = self._staged.get(name)
        if staged is not None:
            return overlay.file_set(staged, self._target(staged))
        if name in self._returned:
            return self._lake.file_set(name, self._returned[name])
        found = self._lake.file_set(name)
        _check_base(name, found, self._facts)
        return found

    def cursor(self, name: str) -> int | None:
        """The snapshot that a reader consumes; None: the one that this run's publish makes."""
        return None if name in self._staged else self.file_set(name).snapshot_id

    def change(self, name: str, since_snapshot_id: int) -> Change:
        """What the table gained and lost since a snapshot, and by this run."""
        staged = self._staged.get(name)
        present = self._lake.file_set(name)
        _check_base(name, present, self._facts)
        is_read = present.snapshot_id == since_snapshot_id
        earlier = () if is_read else self._lake.added_since(name, since_snapshot_id).files
        if staged is not None:
            return overlay.change(staged, self._target(staged), earlier)
        return overlay.added(replace(present, files=earlier))

    def _target(self, staged: Staged) -> Target:
        return self._lake.target(
            staged.table, staged.schema, staged.partitioning, str(self._facts["token"]), staged.step
        )


def _asked(
    step: steps.BuildModel | steps.CheckModel, table: FileSet, tables: _Tables
) -> dict[str, FileSet]:
    """The tables that checks of a model ask about."""
    asked = [check for check in step.checks if isinstance(check, Referential)]
    others = {check.to_table: _absent(asked, check.to_table) for check in asked}
    for name in others:
        if name == step.table:
            others[name] = table
        elif tables.has(name):
            others[name] = tables.file_set(name)
    return others


def _absent(checks: Sequence[Referential], table: str) -> FileSet:
    """A table that checks ask about and that is still to be made: it has no rows yet."""
    columns = dict.fromkeys(check.to_column for check in checks if check.to_table == table)
    schema = types.Schema(tuple(types.Field(name=name, type=types.STRING) for name in columns))
    ids = {name: number for number, name in enumerate(columns, start=1)}
    return FileSet(table=table, snapshot_id=None, schema=schema, field_ids=ids, files=())


def _check_base(table: str, found: FileSet | None, facts: Mapping[str, Json]) -> None:
    """Refuse to build on another state of a table than the one that the plan was made for."""
    planned = cast("Mapping[str, int]", facts["bases"]).get(table)
    present = found.snapshot_id if found is not None else None
    if present != planned:
        raise errors.CommitConflict(
            f"the table {table} has moved since the run was planned",
            why=f"it was at snapshot {planned} and is at {present}",
            hint="the run is planned again",
        )


def _facts(payload: Json) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", payload)


def _decode_all(kind: type[_T], values: Json) -> list[_T]:
    return [codec.decode(kind, value) for value in cast("list[Json]", values)]


def _of_upload(target: Target, upload_id: str) -> Target:
    return replace(target, file_prefix=f"{target.file_prefix}{upload_id}-")


def _complete(landed: Landed) -> UploadStaged:
    """An upload of which every record became a row, in files that it shares."""
    counts = UploadCounts(
        upload_id=landed.upload_id, records=landed.records, rows=landed.records, quarantined=0
    )
    return UploadStaged(rows=(), quarantine=(), counts=counts)


def _unlink(files: Iterable[DataFile]) -> None:
    """Delete files of this attempt, which nothing refers to or ever will."""
    for file in files:
        with suppress(OSError):
            Path(file.path).unlink()


def _upload_json(
    landed: Landed, done: UploadStaged | None, error: errors.LakewrightError | None
) -> Json:
    counts = done.counts if done is not None else None
    return {
        "upload_id": landed.upload_id,
        "records": landed.records,
        "rows": counts.rows if counts and not error else None,
        "quarantined": counts.quarantined if counts and not error else None,
        "suspicions": list(counts.suspicions) if counts else [],
        "reasons": codec.encode(counts.reasons) if counts else [],
        "error": failure.to_json(error) if error else None,
    }


def _check_failed(step: steps.BuildModel, broken: Sequence[CheckResult]) -> errors.CheckFailed:
    problems = [
        errors.Problem(
            code=errors.CheckFailed.code,
            what=f"{step.table}: the check {each.check.kind} failed: {each.message}",
            why="\n".join(
                examples.rows(
                    cast("Mapping[str, Json]", codec.encode(each.check)), each.samples, step.key
                )
            ),
            hint="mend the model or its inputs; with `severity: warn` the table is published all"
            " the same, and `lakewright sql` shows every such row",
        )
        for each in broken
    ]
    return errors.CheckFailed(
        f"{step.table} does not meet {counted(len(broken), 'check')}",
        why="; ".join(each.message for each in broken),
        hint="the table stays as it was",
        problems=problems,
    )
