"""Names as Spark's SQL has them, and columns by them."""

from collections.abc import Iterable

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812 -- the name that everybody knows it by


def quoted(name: str) -> str:
    """One name in backticks, whatever it holds."""
    return "`" + name.replace("`", "``") + "`"


def column(name: str) -> Column:
    """The column of that very name."""
    return F.col(quoted(name))


def columns(names: Iterable[str]) -> list[Column]:
    """The columns of these names."""
    return [column(name) for name in names]
