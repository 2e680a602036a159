"""How a model's table is brought up to date: whether at all, in part, or in full, and why.

A part is built only where it provably equals a full build; in doubt the build is full and says so:

    row-wise       the query maps each row of one driving input to result rows by itself, and since
                   the table's cursor that input only gained rows.
    affected keys  the query groups one driving input, and what changed there is known row by row:
                   rows were only added since the cursor, or all changes are this run's own.

Everything else that the query reads (a lookup) must hold exactly the rows that the table consumed.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from lakewright.plan import codec, interval, observed, steps
from lakewright.project.contract import PartitionField
from lakewright.project.model import Model, Write
from lakewright.project.variable import Variable
from lakewright.sql import query, types


class Movement(Enum):
    """What the steps before a model do to one of its inputs, in the same run."""

    NONE = auto()
    APPENDED = auto()
    """It only gains files."""
    CHANGED = auto()
    """It gains and loses rows, and which is known."""
    REPLACED = auto()
    """It is made anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """One input of a model: as it stands, and what this run does to it first."""

    table: observed.Table | None
    """None: the run makes it."""
    movement: Movement


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """All that decides how a model is built."""

    model: Model
    shape: query.Shape
    fingerprint: str
    table: observed.Table | None
    inputs: Mapping[str, Input]
    is_full: bool
    """Whether a person asked for a full build."""
    interval_start: datetime | None = None
    """Of a model that is built by intervals: which; None: the run is for none."""


def decide(situation: Situation) -> steps.Build | None:
    """How to build; None: the table is up to date."""
    table = situation.table
    if situation.model.interval is not None:
        return _one_interval(situation, situation.model.interval)
    if table is None:
        return steps.Full(reason="the table does not exist yet")
    if situation.is_full:
        return steps.Full(reason="a full build was asked for")
    if table.fingerprint != situation.fingerprint:
        what = "a variable, " if situation.model.query.variables else ""
        return steps.Full(
            reason=f"the query, {what}its settings or a type that it reads has changed"
        )
    moved = {name: _moved(name, given, table) for name, given in situation.inputs.items()}
    if not any(moved.values()) and not situation.model.query.parameters:
        return None
    shape = situation.shape
    if isinstance(shape, query.WholeShape):
        return steps.Full(reason=shape.reason)
    for name, how in moved.items():
        if how and name != shape.driving:
            return steps.Full(reason=f"{how}, and the query looks values up there")
    return _partial(situation, table, shape)


def _one_interval(situation: Situation, field: PartitionField) -> steps.Build | None:
    """What is consumed of the inputs says nothing here: it may be for other intervals."""
    start = situation.interval_start
    if start is None:
        return None
    return steps.OneInterval(
        column=field.column,
        start=start,
        end=interval.end_of(field.transform, start),
        is_anew=situation.is_full or situation.table is None,
    )


def movement(build: steps.Build, write: Write) -> Movement:
    """What a build does to the model's own table, for those that read it."""
    if isinstance(build, steps.Full) or (isinstance(build, steps.OneInterval) and build.is_anew):
        return Movement.REPLACED
    if isinstance(build, steps.RowWise) and write is not Write.MERGE:
        return Movement.APPENDED
    return Movement.CHANGED


def fingerprint(
    model: Model,
    resolved: query.Resolved,
    schemas: Mapping[str, types.Schema],
    variables: Mapping[str, Variable],
) -> str:
    """What a table's rows depend on beside its inputs' rows: another one forces a full build.

    The query without its layout, the values of the variables that it reads, the settings that
    change rows or files, the columns that come out,
    and the types of the columns that it reads: an old row may read otherwise under a wider type.
    Which it reads is not known for certain; every column whose name stands in the query counts.
    """
    words = set(re.findall(r"\w+", model.query.text.lower()))
    named = {source for sources in resolved.lineage.values() for source in sources}
    reads = {
        f"{table}.{field.name}": str(field.type)
        for table in model.query.tables
        for field in schemas[table].fields
        if model.function is not None
        or f"{table}.{field.name}" in named
        or set(re.findall(r"\w+", field.name.lower())) <= words
    }
    further: dict[str, object] = {"interval": model.interval} if model.interval else {}
    if model.query.variables:
        further["variables"] = steps.variable_values(model, variables)
    content = codec.to_json(
        {
            **further,
            "query": model.query.fingerprint,
            "write": model.write,
            "key": model.key,
            "latest_by": model.latest_by,
            "partitioning": model.partitioning,
            "columns": [(field.name, str(field.type)) for field in resolved.schema.fields],
            "reads": reads,
        }
    )
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _moved(name: str, given: Input, table: observed.Table) -> str:
    """How an input differs from what the table consumed, in words; empty: it does not."""
    if given.movement is not Movement.NONE:
        return f"{name} changes in this run"
    consumed = table.consumed.get(name)
    if given.table is None or consumed is None:
        return f"{name} was not read before"
    if not given.table.is_at(consumed):
        return f"{name} has changed since it was last read"
    return ""


def _partial(
    situation: Situation,
    table: observed.Table,
    shape: query.RowWiseShape | query.GroupedShape,
) -> steps.Build:
    """A part, if every change of the driving input since the cursor allows it."""
    driving = situation.inputs[shape.driving]
    cursor = table.consumed.get(shape.driving)
    if driving.table is None or cursor is None:
        return steps.Full(reason=f"{shape.driving} was not read before")
    if driving.movement is Movement.REPLACED:
        return steps.Full(reason=f"{shape.driving} is made anew in this run")
    if reason := _break_since(cursor, driving.table):
        return steps.Full(reason=reason)
    if isinstance(shape, query.RowWiseShape):
        if driving.movement is Movement.CHANGED:
            return steps.Full(reason=f"{shape.driving} loses or changes rows in this run")
        return steps.RowWise(driving=shape.driving, since_snapshot_id=cursor)
    if driving.movement is Movement.CHANGED and not driving.table.is_at(cursor):
        return steps.Full(
            reason=f"{shape.driving} changes in this run, and had changed before without being read"
        )
    model = situation.model
    if model.write is Write.MERGE and set(model.key) != {output for output, _ in shape.keys}:
        return steps.Full(reason="the key is not what the query groups by, so groups may compete")
    return steps.AffectedKeys(driving=shape.driving, since_snapshot_id=cursor, keys=shape.keys)


def _break_since(cursor: int, table: observed.Table) -> str:
    """Why the snapshots since the cursor do not just add rows; empty: they do."""
    for snapshot in table.ancestors:
        if snapshot.snapshot_id == cursor:
            return ""
        if not snapshot.is_append:
            return f"{table.name} lost or changed rows in snapshot {snapshot.snapshot_id}"
    return f"snapshot {cursor} of {table.name}, up to which it was read, expired or was rolled back"
