"""One row for each key: the newest, by a total order, so that any order of input gives the same."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from lakewright.engines.spark import names
from lakewright.engines.versions import PLACE, Versions
from lakewright.errors import RunFailed

_RANK = "rank of the version"


def newest(rows: DataFrame, versions: Versions, tie_breaker: str = "") -> DataFrame:
    """The newest row of each key.

    Args:
        rows: have the columns of `versions`, and the tie breaker where there is one.
        versions: says what the newest row is.
        tie_breaker: a column; of rows that are equal but for metadata, its smallest value wins.
    """
    kinds = {field.name: field.dataType for field in rows.schema.fields}
    order = [_comparable(versions, name, kinds).desc_nulls_last() for name in versions.by_value]
    order += [names.column(tie_breaker).asc()] if tie_breaker else []
    order += [_comparable(versions, name, kinds).asc_nulls_last() for name in versions.by_origin]
    window = Window.partitionBy(names.columns(versions.key)).orderBy(order or [F.lit(1)])
    ranked = rows.withColumn(_RANK, F.row_number().over(window))
    return ranked.where(names.column(_RANK) == 1).drop(_RANK)


def check_keys(rows: DataFrame, versions: Versions) -> None:
    """Refuse rows without a key: nothing says which row of the table they are.

    Raises:
        RunFailed: a row has no value in a key column.
    """
    versions.check_types()
    counts = rows.select(
        [F.count_if(names.column(name).isNull()).alias(name) for name in versions.key]
    ).collect()[0]
    missing = {name: int(count) for name, count in zip(versions.key, counts, strict=True) if count}
    if not missing:
        return
    places: list[tuple[object, ...]] = []
    if versions.has_places:
        is_null = F.lit(False)  # noqa: FBT003
        for name in missing:
            is_null = is_null | names.column(name).isNull()
        first = rows.where(is_null).select(names.columns(PLACE)).orderBy(names.columns(PLACE))
        places = [tuple(row) for row in first.limit(3).collect()]
    raise versions.without_key(missing, places)


def _comparable(versions: Versions, name: str, kinds: Mapping[str, DataType]) -> Column:
    """The column. What holds others is not ordered by Spark as by other engines.

    Raises:
        RunFailed: the newest version would depend on the engine.
    """
    if isinstance(kinds[name], (ArrayType, MapType, StructType)):
        raise RunFailed(
            f"the model {versions.table} cannot be merged on Spark",
            why=f"its column {name} holds other values, which engines order differently where"
            " versions of a row tie",
            hint="take single values out of it, or write the table whole (write: replace)",
        )
    return names.column(name)
