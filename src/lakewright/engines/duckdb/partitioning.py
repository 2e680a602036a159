"""Iceberg's partition transforms, as SQL.

Source of every rule: the Iceberg table specification, "Partition Transforms" and, for buckets,
"Appendix B: 32-bit Hash Requirements".
"""

from collections.abc import Sequence

import duckdb
from duckdb import func

from lakewright.engines.duckdb import murmur, text
from lakewright.errors import UsageError
from lakewright.project.contract import PartitionField, Transform
from lakewright.sql import types

_TRUNCATED_TO = {Transform.YEAR: 4, Transform.MONTH: 7, Transform.DAY: 10, Transform.HOUR: 13}
"""How much of the text `2024-03-31-17` each transform of a time keeps."""

_INTEGERS = (types.INT, types.BIGINT)
_TIMES = (types.DATE, types.TIMESTAMP, types.TIMESTAMP_NTZ)


def value_sql(field: PartitionField, kind: types.Type) -> str:
    """An expression that differs between two rows exactly if their partitions do.

    Raises:
        UsageError: the transform does not fit the column's type.
    """
    column = text.name(field.column)
    if field.transform is Transform.IDENTITY:
        return column
    if field.transform in _TRUNCATED_TO and kind in _TIMES:
        return f"date_trunc('{field.transform}', {column})"
    if field.transform is Transform.BUCKET:
        return _bucket(column, field, kind)
    if field.transform is Transform.TRUNCATE:
        return _truncate(column, field, kind)
    raise _does_not_fit(field, kind)


def text_sql(field: PartitionField, kind: types.Type) -> str:
    """An expression for the partition value's text, as `lake.staged.DataFile` defines it."""
    value = value_sql(field, kind)
    if field.transform in _TRUNCATED_TO:
        length = _TRUNCATED_TO[field.transform]
        return f"left(strftime({value}::TIMESTAMP, '%Y-%m-%d-%H'), {length})"
    if field.transform is Transform.BUCKET:
        return f"({value})::VARCHAR"
    if field.transform is Transform.TRUNCATE and isinstance(kind, types.Decimal):
        return _decimal_text(value, kind.scale)
    if kind == types.BINARY:
        return f"base64({value})"
    if kind in (types.TIMESTAMP, types.TIMESTAMP_NTZ):
        zone = "+00:00" if kind == types.TIMESTAMP else ""
        return f"strftime({value}::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%f{zone}')"
    return f"({value})::VARCHAR"


def prepare(
    connection: duckdb.DuckDBPyConnection, fields: Sequence[PartitionField], schema: types.Schema
) -> None:
    """Give the connection the functions that these transforms call."""
    for field in fields:
        column = schema.get(field.column)
        if field.transform is Transform.BUCKET and column is not None:
            _create_hash(connection, column.type)


def _bucket(column: str, field: PartitionField, kind: types.Type) -> str:
    if kind in _INTEGERS:
        argument = f"{column}::BIGINT"
    elif kind == types.DATE:
        argument = f"({column} - DATE '1970-01-01')::BIGINT"
    elif kind in _TIMES:
        argument = f"epoch_us({column})"
    elif kind in (types.STRING, types.BINARY):
        argument = column
    elif isinstance(kind, types.Decimal):
        argument = f"{column}::DECIMAL(38,{kind.scale})"
    else:
        raise _does_not_fit(field, kind)
    return f"({_hash_name(kind)}({argument}) & 2147483647) % {_width(field)}"


def _truncate(column: str, field: PartitionField, kind: types.Type) -> str:
    width = _width(field)
    if kind in _INTEGERS:
        return _floor(f"{column}::HUGEINT", width)
    if isinstance(kind, types.Decimal):
        return _floor(f"replace({column}::VARCHAR, '.', '')::HUGEINT", width)
    if kind == types.STRING:
        return f"left({column}, {width})"
    if kind == types.BINARY:
        return f"unhex(left(hex({column}), {2 * width}))"
    raise _does_not_fit(field, kind)


def _floor(value: str, width: int) -> str:
    return f"({value} - ((({value} % {width}) + {width}) % {width}))"


def _decimal_text(unscaled: str, scale: int) -> str:
    if scale == 0:
        return f"({unscaled})::VARCHAR"
    digits = f"abs({unscaled})::VARCHAR"
    padded = f"lpad({digits}, greatest(length({digits}), {scale + 1})::INTEGER, '0')"
    sign = f"CASE WHEN {unscaled} < 0 THEN '-' ELSE '' END"
    return f"{sign} || {padded}[:-{scale + 1}] || '.' || right({padded}, {scale})"


def _width(field: PartitionField) -> int:
    if field.width is None:
        raise UsageError(
            f"the transform {field.transform} of the column {field.column} has no width",
            hint=f"write {field.transform}(16, {field.column})",
        )
    return field.width


def _does_not_fit(field: PartitionField, kind: types.Type) -> UsageError:
    return UsageError(
        f"a table cannot be partitioned by {field.transform} of {field.column}",
        why=f"the column's type is {kind}",
        hint="year, month, day and hour take dates and timestamps; bucket and truncate take whole"
        " numbers, decimals, strings and binary, bucket also dates and timestamps",
    )


def _hash_name(kind: types.Type) -> str:
    if isinstance(kind, types.Decimal):
        return f"iceberg_hash_decimal_{kind.scale}"
    if kind in (types.STRING, types.BINARY):
        return f"iceberg_hash_{kind}"
    return "iceberg_hash_long"


def _create_hash(connection: duckdb.DuckDBPyConnection, kind: types.Type) -> None:
    function = _hash_name(kind)
    known = "SELECT 1 FROM duckdb_functions() WHERE function_name = ?"
    if connection.execute(known, [function]).fetchone() is not None:
        return
    argument = "BIGINT"
    if isinstance(kind, types.Decimal):
        argument = f"DECIMAL(38,{kind.scale})"
    elif kind in (types.STRING, types.BINARY):
        argument = text.type_name(kind)
    connection.create_function(
        function,
        murmur.hash_column,
        [duckdb.sqltype(argument)],
        duckdb.sqltype("INTEGER"),
        type=func.PythonUDFType.ARROW,
    )
