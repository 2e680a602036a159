"""Spark's errors as ours: what the rows, the disk or the limits forbid, and nothing else.

An error that only a mistake in our own code can cause is not translated: it is a bug and should
look like one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from lakewright.errors import RunFailed

_DATA = "22"
"""The class of SQLSTATE codes for values that cannot be computed; from the SQL standard."""
_CAUSES_MAX = 20


@contextmanager
def of(what: str) -> Iterator[None]:
    """Name what was being done (`the model silver.orders`) when Spark failed at it.

    Raises:
        RunFailed: a value cannot be computed, the memory is full, or a file cannot be read or
            written.
    """
    try:
        yield
    except PySparkException as error:
        if not (error.getSqlState() or "").startswith(_DATA):
            raise
        raise _uncomputable(what, str(error)) from error
    except Py4JJavaError as error:
        ours = _of_java(what, error)
        if ours is error:
            raise
        raise ours from error


def _of_java(what: str, error: Py4JJavaError) -> BaseException:
    own: BaseException = error
    cause = error.java_exception
    for _ in range(_CAUSES_MAX):
        if cause is None:
            break
        kind, message = cause.getClass().getName(), str(cause.getMessage())
        if hasattr(cause, "getSqlState") and "SQLSTATE: " + _DATA in message:
            return _uncomputable(what, message)
        if kind == "java.lang.OutOfMemoryError":
            return RunFailed(
                f"{what} needs more memory than Spark may use",
                why=_line(message),
                hint="raise memory_limit of the environment",
            )
        if kind.startswith(("java.io.", "java.nio.")):
            return RunFailed(
                f"{what} cannot read or write a file",
                why=_line(message),
                hint="look whether the disk is full and whether the project's storage is complete",
            )
        cause = cause.getCause()
    return own


def _uncomputable(what: str, message: str) -> RunFailed:
    return RunFailed(
        f"{what} cannot compute a row",
        why=_line(message),
        hint="filter such rows out, or let them give null: try_cast(...), nullif(divisor, 0)",
    )


def _line(message: str) -> str:
    """What happened, without Spark's advice, its code and the place in the query."""
    line = message.partition("\n")[0].partition(" SQLSTATE:")[0]
    return line.partition("] ")[2] or line
