"""Bronze: the records of uploads typed, or quarantined with all their reasons."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import cast

from lakewright import errors
from lakewright.engines.engine import Engine, UploadCounts, UploadStaged
from lakewright.lake.staged import DataFile, Staged, Target
from lakewright.lake.tables import Lake
from lakewright.plan import codec, planner, steps
from lakewright.plan.landed import Landed
from lakewright.project.contract import QUARANTINE_SCHEMA
from lakewright.project.project import Project
from lakewright.project.source import Suspects
from lakewright.runs import failure
from lakewright.runs.children.child import Operation, Report
from lakewright.runs.operations import verdict
from lakewright.runs.operations.payloads import decode_all, facts_of
from lakewright.runs.operations.tables import target_of, unlink
from lakewright.runs.records import Json


class Bronze:
    """Stages the tables of sources."""

    def __init__(self, project: Project, lake: Lake, engine: Engine) -> None:
        self._project = project
        self._lake = lake
        self._engine = engine

    def operations(self) -> Mapping[str, Operation]:
        """Each operation by the name under which a parent asks for it."""
        return {"bronze": self.bronze}

    def bronze(self, payload: Json, report: Report) -> Json:
        """Stage a source's tables; an upload that is refused is left out, with its error."""
        facts = facts_of(payload)
        step = codec.decode(steps.Bronze, facts["step"])
        landed = {each.upload_id: each for each in decode_all(Landed, facts["landed"])}
        contract = step.contract
        rows = target_of(self._lake, facts, step.table, contract.schema(), contract.partitioning)
        refused = target_of(self._lake, facts, step.quarantine, QUARANTINE_SCHEMA, ())
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
                unlink((*done.rows, *done.quarantine))
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


def _of_upload(target: Target, upload_id: str) -> Target:
    return replace(target, file_prefix=f"{target.file_prefix}{upload_id}-")


def _complete(landed: Landed) -> UploadStaged:
    """An upload of which every record became a row, in files that it shares."""
    counts = UploadCounts(
        upload_id=landed.upload_id, records=landed.records, rows=landed.records, quarantined=0
    )
    return UploadStaged(rows=(), quarantine=(), counts=counts)


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
