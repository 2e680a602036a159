"""Models: a table made from others, and checked as it would be before anything is published."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from lakewright import errors
from lakewright.engines.engine import CheckResult, Engine, ModelInput
from lakewright.lake.staged import FileSet
from lakewright.lake.tables import Lake
from lakewright.plan import codec, steps
from lakewright.project.model import Referential, Severity
from lakewright.runs.children.child import Operation, Report
from lakewright.runs.operations import examples, overlay
from lakewright.runs.operations.payloads import facts_of
from lakewright.runs.operations.tables import Tables, target_of, unlink
from lakewright.runs.records import Json
from lakewright.sql import types
from lakewright.wording import counted


class Models:
    """Builds and checks the tables of models."""

    def __init__(self, lake: Lake, engine: Engine) -> None:
        self._lake = lake
        self._engine = engine

    def operations(self) -> Mapping[str, Operation]:
        """Each operation by the name under which a parent asks for it."""
        return {"model": self.model, "check": self.check}

    def model(self, payload: Json, report: Report) -> Json:
        """Stage a model's table and try its checks on the table as it would be.

        Raises:
            CheckFailed: an error-level check does not hold.
        """
        del report
        facts = facts_of(payload)
        step = codec.decode(steps.BuildModel, facts["step"])
        tables = Tables(self._lake, facts)
        target = target_of(self._lake, facts, step.table, step.schema, step.partitioning)
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
            unlink((*staged.added, *staged.rewritten))
            raise _check_failed(step, broken)
        return {
            "staged": [codec.encode(staged)],
            "checks": [codec.encode(each) for each in results],
        }

    def check(self, payload: Json, report: Report) -> Json:
        """Try checks of a table that stays as it is; none of them can fail the run."""
        del report
        facts = facts_of(payload)
        step = codec.decode(steps.CheckModel, facts["step"])
        tables = Tables(self._lake, facts)
        results = self._check(step, tables.file_set(step.table), tables)
        return {"checks": [codec.encode(each) for each in results]}

    def _input(self, step: steps.BuildModel, name: str, tables: Tables) -> ModelInput:
        table = tables.file_set(name)
        if isinstance(step.build, steps.Full | steps.OneInterval) or step.build.driving != name:
            return ModelInput(table=table)
        return ModelInput(table=table, change=tables.change(name, step.build.since_snapshot_id))

    def _check(
        self, step: steps.BuildModel | steps.CheckModel, table: FileSet, tables: Tables
    ) -> tuple[CheckResult, ...]:
        if not step.checks:
            return ()
        return self._engine.check(step.checks, table, _asked(step, table, tables))


def _asked(
    step: steps.BuildModel | steps.CheckModel, table: FileSet, tables: Tables
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
