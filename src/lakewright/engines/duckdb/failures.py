"""DuckDB's errors as ours: what the rows, the disk or the limits forbid, and nothing else.

An error that only a mistake in our own SQL can cause is not translated: it is a bug and should look
like one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from lakewright.errors import RunFailed
from lakewright.sql import texts_read

_UNCOMPUTABLE = (
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.InvalidInputException,
)


@contextmanager
def of(what: str) -> Iterator[None]:
    """Name what was being done (`the model silver.orders`) when DuckDB failed at it.

    Raises:
        RunFailed: a value cannot be computed, the engine's memory is full, or a file cannot be
            read or written.
    """
    try:
        yield
    except _UNCOMPUTABLE as error:
        raise uncomputable(what, str(error)) from error
    except duckdb.OutOfMemoryException as error:
        raise RunFailed(
            f"{what} needs more memory than the engine may use",
            why=_reason(str(error)),
            hint="raise memory_limit of the environment, or free space for its work folder",
        ) from error
    except duckdb.IOException as error:
        raise RunFailed(
            f"{what} cannot read or write a file",
            why=_reason(str(error)),
            hint="look whether the disk is full and whether the project's storage is complete",
        ) from error


def uncomputable(what: str, message: str) -> RunFailed:
    """The error for a row that cannot be computed, from DuckDB's message."""
    return RunFailed(
        f"{what} cannot compute a row",
        why=texts_read.malformed(message) or _reason(message),
        hint="filter such rows out, or let them give null: try_cast(...), nullif(divisor, 0)",
    )


def _reason(message: str) -> str:
    """The message's first line, without DuckDB's name for the kind of error."""
    line = message.partition("\n")[0]
    return line.partition(" Error: ")[2] or line
