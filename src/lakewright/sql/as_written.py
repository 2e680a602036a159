"""A query for Spark: as its author wrote it, for portable SQL is Spark's.

Two things change: its tables are called otherwise, as Spark knows what is read under names of one
part; and a project's variable is cast to its type, as a value that is given to Spark has Spark's.

Refuses a name that would mean one of two tables then.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from lakewright.errors import Place
from lakewright.sql import dialect, parameters, types
from lakewright.sql.refusals import Refusals, Refused


@dataclass(frozen=True, kw_only=True, slots=True)
class _Edit:
    """Characters of the text that become others."""

    start: int
    end: int
    """The last character's place."""
    text: str


def view(table: str) -> str:
    """What a table, `layer.name`, is called in the text, in backticks."""
    return _quoted(table)


def text(query: str, variables: Mapping[str, types.Type]) -> str:
    """A portable query as Spark takes it; `variables` are the types of those that it may read.

    Raises:
        SqlRefused: tables of one name and different layers are told apart by nothing.
    """
    refusals = Refusals(text=query, where=Place(file="query"))
    edits = [
        _Edit(start=start, end=end, text=f"CAST(:{name} AS {variables[name]})")
        for name, start, end in parameters.places(query)
        if name in variables
    ]
    for tree in dialect.statements(query):
        if tree is not None:
            edits += _edits(tree, refusals)
    refusals.check()
    result = query
    for edit in sorted(edits, key=lambda one: one.start, reverse=True):
        result = result[: edit.start] + edit.text + result[edit.end + 1 :]
    return result


def _edits(tree: exp.Expr, refusals: Refusals) -> Iterator[_Edit]:
    aliases = _aliases(tree)
    for table in tree.find_all(exp.Table):
        if table.db:
            name = _name(table.db, table.name)
            alias = "" if table.alias else f" AS {aliases[_key(name)]}"
            database = table.args["db"]
            yield _over(database, table.this, view(name) + alias)
    shared = {name.partition(".")[2] for name, alias in aliases.items() if alias == _quoted(name)}
    for column in tree.find_all(exp.Column):
        parts = column.parts
        if len(parts) > 2 and _key(_name(parts[0].name, parts[1].name)) in aliases:
            alias = aliases[_key(_name(parts[0].name, parts[1].name))]
            yield _over(parts[0], parts[1], alias)
        elif len(parts) == 2 and parts[0].name.lower() in shared:
            refusals.add_refused(
                Refused(
                    column,
                    f"{parts[0].name!r} may be one of two tables",
                    why="tables of different layers have this name in the query",
                    hint="give each a name of its own with AS",
                )
            )


def _aliases(tree: exp.Expr) -> Mapping[str, str]:
    """What each table that is named without an alias is called in its query, in backticks."""
    plain: dict[str, set[str]] = {}
    for table in tree.find_all(exp.Table):
        if table.db and not table.alias:
            plain.setdefault(table.name.lower(), set()).add(_name(table.db, table.name))
    return {
        _key(name): _quoted(name.partition(".")[2] if len(names) == 1 else _key(name))
        for names in plain.values()
        for name in names
    }


def _over(first: exp.Expr, last: exp.Expr, new: str) -> _Edit:
    return _Edit(start=int(first.meta["start"]), end=int(last.meta["end"]), text=new)


def _name(layer: str, table: str) -> str:
    return f"{layer.lower()}.{table}"


def _key(name: str) -> str:
    return name.lower()


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
