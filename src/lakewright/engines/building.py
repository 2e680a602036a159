"""What every engine's ways to build a model share: what is to be built, and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lakewright.engines.engine import Change, ModelInput
from lakewright.engines.versions import Versions
from lakewright.lake.staged import DataFile, FileSet, Staged, Target
from lakewright.plan import steps


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """What a build does to its table's files; the fields are those of `Staged`."""

    added: tuple[DataFile, ...] = ()
    rewritten: tuple[DataFile, ...] = ()
    removed: tuple[str, ...] = ()
    is_replaced: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """One build of one model; an engine's own adds where it takes place."""

    step: steps.BuildModel
    query: str
    """As the engine takes it."""
    inputs: Mapping[str, ModelInput]
    target: Target

    @property
    def base(self) -> FileSet:
        """The table as it stands, with the columns that it will have; no files if it is new."""
        if self.target.base is not None:
            return replace(
                self.target.base, schema=self.target.schema, field_ids=self.target.field_ids
            )
        return FileSet(
            table=self.target.table,
            snapshot_id=None,
            schema=self.target.schema,
            field_ids=self.target.field_ids,
            files=(),
        )

    @property
    def versions(self) -> Versions:
        """What a merge keeps. Columns that have only ever been empty are not in the table."""
        columns = self.target.schema.names
        return Versions(
            table=self.step.table,
            columns=columns,
            key=self.step.key,
            latest_by=tuple(column for column in self.step.latest_by if column in columns),
        )

    def change(self, driving: str) -> Change:
        """What changed in the driving input, with the columns that it has now.

        Raises:
            ValueError: the caller has not said it.
        """
        given = self.inputs[driving]
        if given.change is None:
            raise ValueError(f"{self.step.name}: what changed in {driving} is not given")
        return Change(
            added=replace(given.table, files=given.change.added.files),
            removed=replace(given.table, files=given.change.removed.files),
            rewritten=replace(given.table, files=given.change.rewritten.files),
        )


def staged(step: steps.BuildModel, target: Target, files: Files) -> Staged:
    """The table as a build leaves it. `Staged.consumed` is left to who knows the snapshots."""
    return Staged(
        table=step.table,
        step=step.name,
        base_snapshot_id=target.base.snapshot_id if target.base is not None else None,
        schema=target.schema,
        partitioning=target.partitioning,
        added=files.added,
        rewritten=files.rewritten,
        removed=files.removed,
        is_replaced=files.is_replaced,
        consumed={},
        properties=_properties(step),
        table_properties={},
        description=step.description,
        column_descriptions={
            field.name: field.description for field in step.schema.fields if field.description
        },
    )


def _properties(step: steps.BuildModel) -> dict[str, str]:
    reason = step.build.reason if isinstance(step.build, steps.Full) else ""
    properties = {"query_fingerprint": step.fingerprint, "build": step.build.kind, "reason": reason}
    return {name: value for name, value in properties.items() if value}
