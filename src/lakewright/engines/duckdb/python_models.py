"""A model that is a Python function: run its file's text, hold what it returns to what it declares.

The text is the user's and runs where all that is theirs does, in the child process with its limits:
no network, and the end when it takes too long or too much memory. Each build runs the file anew, so
that nothing stays from one to the next. The function gets the tables that its settings name, and no
others.
"""

import linecache
import traceback
from collections.abc import Mapping, Sequence
from types import CodeType
from typing import TypeAlias

import duckdb
import pyarrow

from lakewright.engines import rows
from lakewright.engines.building import Files
from lakewright.engines.duckdb import reading, text, writing
from lakewright.engines.duckdb.job import Job
from lakewright.errors import Place, RunFailed
from lakewright.plan import steps
from lakewright.project.python_file import FUNCTION
from lakewright.project.python_model import RunsOn
from lakewright.sql import types

_RESULT = "lakewright_result"
_TRACE_LINES_MAX = 20

Result: TypeAlias = pyarrow.Table | pyarrow.RecordBatchReader | duckdb.DuckDBPyRelation


class Inputs:
    """What a Python model may read: the tables that its settings name, and no others."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
        """Read tables that are known on a connection."""
        self._connection = connection
        self._names = tuple(names)

    @property
    def names(self) -> tuple[str, ...]:
        """The tables that may be read."""
        return self._names

    def arrow(self, table: str) -> pyarrow.Table:
        """A whole table in memory, by its `layer.name`."""
        return self.relation(table).to_arrow_table()

    def relation(self, table: str) -> duckdb.DuckDBPyRelation:
        """A table as a DuckDB relation, which is read as far as it is needed."""
        if table not in self._names:
            raise UndeclaredError(
                f"{table!r} is not among the tables that the model declares to read:"
                f" {', '.join(self._names)}"
            )
        return self._connection.query(f"SELECT * FROM {text.table(table)}")


class UndeclaredError(Exception):
    """A Python model asks for a table that its settings do not name."""


def build(job: Job, python: steps.Python) -> Files:
    """Call the function, and write what it returns.

    Raises:
        RunFailed: it cannot be run here, fails, or returns something else than it declares.
    """
    if RunsOn.EMBEDDED not in python.engines:
        raise RunFailed(
            f"the model {job.step.table} runs on {' and '.join(python.engines)} only",
            why="this engine is the embedded one",
            hint="add `embedded` to its `engines`, if it can take Arrow tables",
        )
    with reading.registered(job.connection, job.relations):
        table = _conform(_call(job), job)
        job.connection.register(_RESULT, table)
        try:
            select = writing.typed_sql(f"SELECT * FROM {_RESULT}", job.target.schema)
            added = writing.copy(job.connection, select, job.target, "rows")
        finally:
            job.connection.unregister(_RESULT)
    return Files(added=added, is_replaced=job.target.base is not None)


def _path(step: steps.BuildModel) -> str:
    return f"models/{step.table.replace('.', '/')}.py"


def _call(job: Job) -> pyarrow.Table:
    """What the function returns, read to its end: only then has the user's code been run."""
    path = _path(job.step)
    inputs = Inputs(job.connection, job.step.reads)
    lines = job.step.sql.splitlines(keepends=True)
    linecache.cache[path] = (len(job.step.sql), None, lines, path)
    try:
        found = _run(compile(job.step.sql, path, "exec"), inputs)
        return _read(found, job.step)
    except RunFailed:
        raise
    except BaseException as error:
        # Whatever it is, `sys.exit()` among it: the process that serves others goes on.
        raise _failed(job.step, error) from error
    finally:
        linecache.cache.pop(path, None)


def _run(code: CodeType, inputs: Inputs) -> object:
    namespace: dict[str, object] = {"__name__": "lakewright_model"}
    exec(code, namespace)  # noqa: S102 -- the user's own code is what this is for
    function = namespace[FUNCTION]
    assert callable(function)  # noqa: S101 -- loading has seen that it is a function
    found: object = function(inputs)
    return found


def _read(found: object, step: steps.BuildModel) -> pyarrow.Table:
    if isinstance(found, duckdb.DuckDBPyRelation):
        return found.to_arrow_table()
    if isinstance(found, pyarrow.RecordBatchReader):
        return found.read_all()
    if isinstance(found, pyarrow.Table):
        return found
    raise RunFailed(
        f"the model {step.table} returns no table",
        where=Place(file=_path(step)),
        why=f"it returns {type(found).__name__}",
        hint="return an Arrow table, a RecordBatchReader or a DuckDB relation",
    )


def _failed(step: steps.BuildModel, error: BaseException) -> RunFailed:
    """The user's error, with the lines of their file that led to it."""
    path = _path(step)
    frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename == path]
    told = "".join(traceback.format_list(frames)).splitlines()[-_TRACE_LINES_MAX:]
    message = "".join(traceback.format_exception_only(error)).strip()
    is_undeclared = isinstance(error, UndeclaredError)
    return RunFailed(
        f"the model {step.table} failed: {error if is_undeclared else message}",
        where=Place(file=path, line=(frames[-1].lineno or 0) if frames else 0),
        why="\n".join(told),
        hint="add it to `reads` in the model's settings" if is_undeclared else "",
    )


def _conform(table: pyarrow.Table, job: Job) -> pyarrow.Table:
    """The table with the declared columns in their order, with exactly their types."""
    wanted = {field.name: field.type for field in job.step.schema.fields}
    problems = [f"it lacks the column {name}" for name in wanted if name not in table.column_names]
    problems += [
        f"it has a column {name} that is not declared"
        for name in table.column_names
        if name not in wanted
    ]
    if len(set(table.column_names)) < len(table.column_names):
        problems.append("two of its columns have the same name")
    if not problems:
        arrays, problems = _cast(table, wanted)
    if problems:
        raise RunFailed(
            f"the model {job.step.table} returns another table than it declares",
            where=Place(file=_path(job.step)),
            why="; ".join(problems),
            hint="mend the function, or `columns` in its settings",
        )
    return pyarrow.table(dict(zip(wanted, arrays, strict=True)))


def _cast(
    table: pyarrow.Table, wanted: Mapping[str, types.Type]
) -> tuple[list[pyarrow.ChunkedArray], list[str]]:
    arrays: list[pyarrow.ChunkedArray] = []
    problems: list[str] = []
    for name, kind in wanted.items():
        column, target = table.column(name), rows.arrow_type(kind)
        if column.type == target:
            arrays.append(column)
            continue
        if not _is_of_kind(column.type, target):
            problems.append(f"{name} is {column.type}, and {kind} is declared")
            continue
        try:
            arrays.append(column.cast(target, safe=True))
        except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
            problems.append(f"{name} is {column.type}, and does not fit {kind}: {error}")
    return arrays, problems


def _is_of_kind(given: pyarrow.DataType, wanted: pyarrow.DataType) -> bool:
    """Whether one type is another way to write values of the other: no text becomes a number."""
    if pyarrow.types.is_dictionary(given):
        return _is_of_kind(given.value_type, wanted)
    if pyarrow.types.is_null(given):
        return True
    return any(is_one(given) and is_one(wanted) for is_one in _KINDS) or (
        pyarrow.types.is_integer(given) and pyarrow.types.is_decimal(wanted)
    )


def _is_text(kind: pyarrow.DataType) -> bool:
    return bool(
        pyarrow.types.is_string(kind)
        or pyarrow.types.is_large_string(kind)
        or pyarrow.types.is_string_view(kind)
    )


def _is_bytes(kind: pyarrow.DataType) -> bool:
    return bool(
        pyarrow.types.is_binary(kind)
        or pyarrow.types.is_large_binary(kind)
        or pyarrow.types.is_fixed_size_binary(kind)
    )


def _is_instant(kind: pyarrow.DataType) -> bool:
    return bool(pyarrow.types.is_timestamp(kind) and kind.tz is not None)


def _is_wall_clock(kind: pyarrow.DataType) -> bool:
    return bool(pyarrow.types.is_timestamp(kind) and kind.tz is None)


_KINDS = (
    pyarrow.types.is_integer,
    pyarrow.types.is_floating,
    pyarrow.types.is_decimal,
    pyarrow.types.is_date,
    pyarrow.types.is_nested,
    _is_text,
    _is_bytes,
    _is_instant,
    _is_wall_clock,
)
