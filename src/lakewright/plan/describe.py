"""A plan in words: what `lakewright plan` prints and what a run's log begins with.

As JSON a plan is `codec.encode(plan)`.
"""

from collections.abc import Iterator
from typing import assert_never

from lakewright.plan import difference, steps
from lakewright.project.model import Write
from lakewright.project.source import said
from lakewright.wording import counted

_UPLOADS_SHOWN_MAX = 3


def lines(plan: steps.Plan) -> tuple[str, ...]:
    """One line for each step in its order, with its reason; then what is skipped and refused."""
    return tuple(_lines(plan))


def _lines(plan: steps.Plan) -> Iterator[str]:
    if not plan.steps:
        yield "nothing to do"
    width = max((len(step.name) for step in plan.steps), default=0)
    for number, step in enumerate(plan.steps, start=1):
        first, *more = _words(step)
        yield f"{number:>3}  {step.name:<{width}}  {first}".rstrip()
        for words in more:
            yield f"{'':>3}  {'':<{width}}  {words}"
    if plan.differences:
        yield "differences from the contract"
        width = max(len(name) for name in plan.differences)
        for name, found in plan.differences.items():
            for place, each in enumerate(found):
                yield f"     {'' if place else name:<{width}}  {difference.words(each)}"
    for title, reasons in (
        ("refused", {name: f"{each.what}: {each.why}" for name, each in plan.refused.items()}),
        ("skipped", plan.skipped),
    ):
        if reasons:
            yield title
            width = max(len(name) for name in reasons)
            for name in sorted(reasons):
                yield f"     {name:<{width}}  {reasons[name]}"


def _words(step: steps.Step) -> list[str]:
    match step:
        case steps.Land():
            return [f"read {step.file_name}, {_format(step)}"]
        case steps.Bronze():
            return list(_bronze(step))
        case steps.Rollback():
            return [f"from snapshot {step.base_snapshot_id} to {step.snapshot_id}"]
        case steps.BuildModel():
            return [f"{_build(step.build)}{_write(step)}", *_checks(step)]
        case steps.HoldBack():
            return list(_held_back(step))
        case steps.CheckModel():
            asked = ", ".join(dict.fromkeys(check.to_table for check in step.checks))
            return [f"check what was asked about {asked}, which is new"]
        case steps.Compact():
            return ["write its small files again as few large ones"]
        case steps.Tidy():
            return ["forget old snapshots, delete files that nobody needs"]
        case steps.Publish():
            return [f"all at once: {', '.join(step.tables)}"]
    assert_never(step)


def _format(step: steps.Land) -> str:
    declared = "format by its content" if step.format is None else f"as {step.format.kind}"
    return f"{declared}, but {' '.join(said(step.override))}" if step.override else declared


def _bronze(step: steps.Bronze) -> Iterator[str]:
    if step.is_rebuild:
        yield f"make anew from {_uploads(step.upload_ids)}: {step.reason}"
    elif step.upload_ids:
        yield f"load {_uploads(step.upload_ids)}"
    elif step.replaced_upload_ids:
        yield f"remove {_uploads(step.replaced_upload_ids)}"
    else:
        yield "follow the contract"
    if step.upload_ids and step.replaced_upload_ids:
        yield f"replacing the rows of {_uploads(step.replaced_upload_ids)}"
    if step.reason and not step.is_rebuild:
        yield f"records that were refused are read again: {step.reason}"
    yield from step.schema_changes


def _uploads(upload_ids: tuple[str, ...]) -> str:
    if len(upload_ids) == 1:
        return f"upload {upload_ids[0]}"
    if len(upload_ids) <= _UPLOADS_SHOWN_MAX:
        return f"uploads {', '.join(upload_ids)}"
    return counted(len(upload_ids), "upload")


def _build(build: steps.Build) -> str:
    match build:
        case steps.Full():
            return f"in full: {build.reason}"
        case steps.RowWise():
            return f"only the rows that are new in {build.driving}"
        case steps.OneInterval(start=start):
            return f"for {start:%Y-%m-%d %H:%M}"
        case steps.AffectedKeys():
            columns = ", ".join(column for _, column in build.keys)
            return f"only the groups of {columns} that change in {build.driving}"
    assert_never(build)


def _write(step: steps.BuildModel) -> str:
    if step.write is Write.MERGE:
        return f"; merged by {', '.join(step.key)}"
    return "; appended" if step.write is Write.APPEND else ""


def _held_back(step: steps.HoldBack) -> Iterator[str]:
    for problem in step.problems:
        yield f"held back, {problem.where}: {problem.what.partition(': ')[2]}"
        if problem.hint:
            yield f"  {problem.hint}"
    if step.behind:
        yield f"held back: it needs {', '.join(step.behind)}"


def _checks(step: steps.BuildModel) -> Iterator[str]:
    if step.checks:
        kinds = dict.fromkeys(check.kind for check in step.checks)
        yield f"then check {', '.join(kinds)}"
