"""The typed steps of a plan. A step's name is its idempotency key within its run.

A plan is a value: what should happen, in order, with nothing left to decide while it happens.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, TypeAlias

from lakewright.errors import Problem
from lakewright.plan.difference import Difference
from lakewright.project import cell
from lakewright.project.contract import Contract, PartitionField
from lakewright.project.model import Check, Model, Referential, Write
from lakewright.project.python_model import RunsOn
from lakewright.project.source import BadRecordLimits, Format, FormatOverride, Suspects
from lakewright.project.variable import Variable
from lakewright.sql import query, types


@dataclass(frozen=True, kw_only=True, slots=True)
class Land:
    """Read an upload's raw bytes once: decide its format, count its records, cut it into parts."""

    kind: Literal["land"] = "land"
    upload_id: str
    source: str
    file_name: str
    sha256: str
    format: Format | None
    """As the source declares it; None: decide by looking."""
    override: FormatOverride = field(default_factory=dict)
    """What is said of this file's format over that."""
    contract: Contract | None
    """What is known of the columns; None or not adopted: infer every type."""

    @property
    def name(self) -> str:
        """See `land_name`."""
        return land_name(self.upload_id, self.override)


def land_name(upload_id: str, override: FormatOverride) -> str:
    """`land:<upload id>`, and what tells apart the ways in which one run may read the file."""
    if not override:
        return f"land:{upload_id}"
    way = json.dumps(dict(override), sort_keys=True)
    return f"land:{upload_id}.{hashlib.sha256(way.encode()).hexdigest()[:8]}"


def landed_upload_id(name: str) -> str:
    """The id of the upload that the step of this name lands."""
    return name.partition(":")[2].partition(".")[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bronze:
    """Type the records of landed uploads by the contract; quarantine those that do not fit."""

    kind: Literal["bronze"] = "bronze"
    source: str
    contract: Contract
    """The contract as the files have made it evolve."""
    upload_ids: tuple[str, ...]
    replaced_upload_ids: tuple[str, ...] = ()
    """Uploads whose present rows this step's rows replace."""
    is_rebuild: bool = False
    """Whether the step's uploads become the whole table."""
    reason: str = ""
    """Why it is a rebuild, or why it reads earlier uploads again."""
    schema_changes: tuple[str, ...] = ()
    """What the files changed in the contract, each in words."""
    limits: BadRecordLimits
    suspects: Suspects = Suspects.LOAD
    loaded_at: datetime
    """The run's logical time, with a zone: every row's `_loaded_at`."""

    @property
    def name(self) -> str:
        """`bronze:<source>`."""
        return f"bronze:{self.source}"

    @property
    def table(self) -> str:
        """The table that the step stages, beside its quarantine table."""
        return f"bronze.{self.source}"

    @property
    def quarantine(self) -> str:
        """The table that refused records go to."""
        return f"quarantine.{self.source}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Full:
    """Rebuild the table from all that its inputs hold."""

    kind: Literal["full"] = "full"
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RowWise:
    """Run the query over the rows that were added to the driving input, and nothing else."""

    kind: Literal["row_wise"] = "row_wise"
    driving: str
    since_snapshot_id: int
    """What the table has consumed of the driving input; every later snapshot only added files."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AffectedKeys:
    """Recompute the groups that the rows changed in the driving input belong to."""

    kind: Literal["affected_keys"] = "affected_keys"
    driving: str
    since_snapshot_id: int
    keys: tuple[tuple[str, str], ...]
    """Pairs of an output column and the driving input's column that it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OneInterval:
    """Run the query for one stretch of time, whose rows the result replaces."""

    kind: Literal["interval"] = "interval"
    column: str
    start: datetime
    end: datetime
    """The first moment that is no part of it."""
    is_anew: bool = False
    """Whether the rows of all other intervals go too."""


Build: TypeAlias = Full | RowWise | AffectedKeys | OneInterval


@dataclass(frozen=True, kw_only=True, slots=True)
class VariableValue:
    """One of the project's variables, as it is for one build."""

    name: str
    type: types.Type
    value: str | None
    """As `project.cell` writes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Python:
    """That a model is a function, `model(inputs)`, and not a query."""

    engines: tuple[RunsOn, ...]
    """Where it can be run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildModel:
    """Run a model's query and stage its table."""

    kind: Literal["model"] = "model"
    table: str
    sql: str
    """The SELECT, or a Python file's text, as its author wrote it."""
    schema: types.Schema
    reads: tuple[str, ...]
    build: Build
    write: Write
    key: tuple[str, ...] = ()
    latest_by: tuple[str, ...] = ()
    partitioning: tuple[PartitionField, ...] = ()
    checks: tuple[Check, ...] = ()
    fingerprint: str
    """Of the query and of every setting that changes rows; another one forces a full build."""
    description: str = ""
    logical_time: datetime | None = None
    """When the run is for, where the query reads it."""
    variables: tuple[VariableValue, ...] = ()
    """The project's variables that the query reads."""
    python: Python | None = None
    """What is known of a function whose text stands in `sql`; None: that is a SELECT."""

    @property
    def name(self) -> str:
        """`model:<table>`."""
        return f"model:{self.table}"


def build_model(
    model: Model,
    resolved: query.Resolved,
    fingerprint: str,
    build: Build,
    variables: Mapping[str, Variable],
) -> BuildModel:
    """The step that builds a model so, with what its settings say and variables hold."""
    descriptions = dict(model.column_descriptions)
    schema = types.Schema(
        tuple(
            replace(field, description=descriptions.get(field.name, field.description))
            for field in resolved.schema.fields
        )
    )
    return BuildModel(
        table=model.name,
        sql=model.query.text,
        schema=schema,
        reads=model.query.tables,
        build=build,
        write=model.write,
        key=model.key,
        latest_by=model.latest_by,
        partitioning=model.partitioning,
        checks=model.checks,
        fingerprint=fingerprint,
        description=model.description,
        variables=variable_values(model, variables),
        python=None if model.function is None else Python(engines=model.function.engines),
    )


def variable_values(model: Model, variables: Mapping[str, Variable]) -> tuple[VariableValue, ...]:
    """What the variables are that a model's query reads."""
    return tuple(
        VariableValue(name=name, type=kind, value=cell.shown(variables[name].value))
        for name, kind in model.query.variables
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollback:
    """Take a table to another of its snapshots."""

    kind: Literal["rollback"] = "rollback"
    table: str
    snapshot_id: int
    base_snapshot_id: int
    """Where the table is now."""

    @property
    def name(self) -> str:
        """`rollback:<table>`."""
        return f"rollback:{self.table}"


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldBack:
    """Leave a model that the change reaches as it is, since it cannot be built."""

    kind: Literal["hold_back"] = "hold_back"
    table: str
    problems: tuple[Problem, ...] = ()
    """How the model does not fit the columns of what it reads."""
    behind: tuple[str, ...] = ()
    """Models that it needs and that are held back themselves, if there is nothing else."""

    @property
    def name(self) -> str:
        """`model:<table>`, as if it were built: a step that fails, or that is left out."""
        return f"model:{self.table}"


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckModel:
    """Try checks of a table that stays as it is: those that ask about tables which are new."""

    kind: Literal["check"] = "check"
    table: str
    checks: tuple[Referential, ...]
    """Only such as warn: no other is ever tried before the table that it asks about is there."""

    @property
    def name(self) -> str:
        """`check:<table>`."""
        return f"check:{self.table}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Publish:
    """Make everything that was staged and passed its checks visible, all at once."""

    kind: Literal["publish"] = "publish"
    tables: tuple[str, ...]

    @property
    def name(self) -> str:
        """`publish`."""
        return "publish"


@dataclass(frozen=True, kw_only=True, slots=True)
class Compact:
    """Write the rows of a table's small files again as few large ones."""

    kind: Literal["compact"] = "compact"
    table: str

    @property
    def name(self) -> str:
        """`compact:<table>`."""
        return f"compact:{self.table}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tidy:
    """Forget a table's old snapshots and delete files that nobody needs, after the publish."""

    kind: Literal["tidy"] = "tidy"
    table: str

    @property
    def name(self) -> str:
        """`tidy:<table>`."""
        return f"tidy:{self.table}"


Step: TypeAlias = (
    Land | Bronze | Rollback | BuildModel | HoldBack | CheckModel | Compact | Publish | Tidy
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Steps in the order in which they run. Equal project and state give an equal plan."""

    steps: tuple[Step, ...]
    skipped: Mapping[str, str]
    """Models that the change does not reach or that cannot run, each with the reason."""
    refused: Mapping[str, Problem] = field(default_factory=dict)
    """Uploads that their contract does not allow, each with the differences: they fail, with this
    problem, and the others go on."""
    blocked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Skipped or held back models that the change does reach, each with the tables outside of this
    plan that another run may change meanwhile so that the model could be built after all."""
    differences: Mapping[str, tuple[Difference, ...]] = field(default_factory=dict)
    """How each upload differs from the contract as it found it; one that does not is absent."""
