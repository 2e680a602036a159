"""Whether a model's settings, and its table as it stands, fit what its query returns now. Pure."""

from collections.abc import Iterator
from dataclasses import replace

from lakewright import errors
from lakewright.plan import steps
from lakewright.plan.observed import Table
from lakewright.project.mistake import listing
from lakewright.project.model import Expression, Model
from lakewright.sql import types
from lakewright.sql.condition import resolve_condition


def unfit(model: Model, schema: types.Schema) -> Iterator[errors.Problem]:
    """How the settings do not fit the query's columns. Where these were known, loading has told."""
    where = errors.Place(file=model.where.file)
    names = [each for each in model.columns_named if schema.get(each) is None]
    if names:
        yield errors.Problem(
            code=errors.ModelUnfit.code,
            what=f"its settings name {listing(names)}, which its query does not return",
            where=where,
            hint=f"it returns {listing(field.name for field in schema.fields)}",
        )
    for check in model.checks:
        if isinstance(check, Expression):
            try:
                resolve_condition(check.sql, where, schema)
            except errors.SqlRefused as refused:
                for each in refused.as_problems():
                    yield replace(each, what=f"in a check of it, {each.what}", where=where)


def other_columns(
    build: steps.Build, table: Table | None, coming: types.Schema
) -> errors.Problem | None:
    """Why one interval cannot take its place among the others, if it cannot."""
    if table is None or not isinstance(build, steps.OneInterval) or build.is_anew:
        return None
    there, new = (
        {field.name: str(field.type) for field in schema.fields if field.type != types.UNKNOWN}
        for schema in (table.schema, coming)
    )
    if there == new:
        return None
    names = sorted(set(there.items()) ^ set(new.items()))
    return errors.Problem(
        code=errors.ModelUnfit.code,
        what=f"the table {table.name} has other columns than one interval would have now",
        why=f"they differ in {listing(dict.fromkeys(name for name, _ in names))}",
        hint=f"`lakewright run {table.name} --full` makes the table anew with one interval;"
        f" `lakewright backfill {table.name} --from DATE --to DATE --again` fills the others",
    )
