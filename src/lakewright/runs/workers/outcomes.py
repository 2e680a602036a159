"""What a run came to, told from how its steps ended. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from lakewright import errors
from lakewright.plan.steps import landed_upload_id
from lakewright.runs import failure
from lakewright.runs.records import (
    Json,
    Outcome,
    RequestKind,
    Run,
    RunStatus,
    Step,
    StepStatus,
    Upload,
    UploadOutcome,
    UploadStatus,
)
from lakewright.wording import counted


def outcome(
    run: Run,
    steps: Sequence[Step],
    uploads: Sequence[Upload],
    refused: Mapping[str, Json],
    published: Mapping[str, Json],
) -> Outcome:
    """How a run ended: failed if anything in it failed, whatever was published.

    Args:
        run: what was asked for.
        steps: of its present round, as they ended.
        uploads: those that waited for the run.
        refused: uploads that failed before bronze, each with its error.
        published: for each table, `snapshot_id` and `rows`.
    """
    story = _Story(
        run=run,
        steps={step.name: step for step in steps},
        counts=_counts(steps),
        landed=_landed(steps),
        refused=refused,
        published=published,
    )
    named = dict.fromkeys([*(each.upload_id for each in uploads), *story.counts])
    found = tuple(story.upload(upload_id) for upload_id in named)
    reasons = story.failures() + [
        each.error for each in found if each.status is UploadStatus.FAILED
    ]
    return Outcome(
        status=RunStatus.FAILED if reasons else RunStatus.SUCCEEDED,
        uploads=found,
        result={"tables": published},
        error=_as_one(run, reasons) if reasons else None,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Story:
    """All that is known of a run at its end."""

    run: Run
    steps: Mapping[str, Step]
    counts: Mapping[str, Mapping[str, Json]]
    landed: Mapping[str, Mapping[str, Json]]
    refused: Mapping[str, Json]
    published: Mapping[str, Json]

    @property
    def is_needless(self) -> bool:
        """Whether there was nothing left to do: an earlier run had removed the uploads already."""
        return self.run.request.kind is RequestKind.REMOVE and not self.failures()

    def failures(self) -> list[Json]:
        """The errors of the steps that failed."""
        return [step.error for step in self.steps.values() if step.status is StepStatus.FAILED]

    def upload(self, upload_id: str) -> UploadOutcome:
        """What the run made of one upload."""
        found = self.counts.get(upload_id, {})
        landed = self.landed.get(upload_id, {})
        source = found.get("source", self.run.request.source)
        tables = (f"bronze.{source}", f"quarantine.{source}")
        table = next((self.published[name] for name in tables if name in self.published), None)
        error = self.refused.get(upload_id) or found.get("error")
        if error is None and table is None and not self.is_needless:
            error = _as_one(self.run, self.failures())
        suspicions = (*_texts(landed, "suspicions"), *_texts(found, "suspicions"))
        return UploadOutcome(
            upload_id=upload_id,
            status=_status(self.run, error=error, is_suspect=bool(suspicions)),
            records=cast("int | None", found.get("records", landed.get("records"))),
            rows=cast("int | None", found.get("rows")),
            quarantined=cast("int | None", found.get("quarantined")),
            snapshot_id=cast("Mapping[str, int]", table)["snapshot_id"] if table else None,
            suspicions=suspicions,
            error=error,
        )


def _counts(steps: Iterable[Step]) -> dict[str, Mapping[str, Json]]:
    """What bronze's steps made of each upload, the source added."""
    return {
        str(each["upload_id"]): {**each, "source": step.name.partition(":")[2]}
        for step in steps
        if step.name.startswith("bronze:") and step.result is not None
        for each in cast("Mapping[str, list[Mapping[str, Json]]]", step.result)["uploads"]
    }


def _landed(steps: Iterable[Step]) -> dict[str, Mapping[str, Json]]:
    """What landing made of each upload; of one that was read twice, the last time."""
    return {
        landed_upload_id(step.name): cast("Mapping[str, Json]", step.result)
        for step in steps
        if step.name.startswith("land:") and step.result is not None
    }


def _status(run: Run, *, error: Json, is_suspect: bool) -> UploadStatus:
    if error is not None:
        return UploadStatus.FAILED
    if run.request.kind is RequestKind.REMOVE:
        return UploadStatus.REMOVED
    return UploadStatus.SUSPECT if is_suspect else UploadStatus.LOADED


def _as_one(run: Run, reasons: Iterable[Json]) -> Json:
    """One error for all that went wrong: the only one, or a list of their problems."""
    unique = list({str(reason): reason for reason in reasons if reason is not None}.values())
    if len(unique) == 1:
        return unique[0]
    problems = [problem for reason in unique for problem in failure.from_json(reason).as_problems()]
    error = errors.RunFailed(
        f"run {run.run_id} failed in {counted(len(unique), 'place')}",
        why="what passed, and depends on nothing that failed, is published",
        hint=f"see each with `lakewright runs show {run.run_id}`",
        problems=problems,
    )
    return failure.to_json(error)


def _texts(facts: Mapping[str, Json], name: str) -> tuple[str, ...]:
    return tuple(cast("Sequence[str]", facts.get(name, ())))
