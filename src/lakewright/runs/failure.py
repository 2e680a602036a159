"""An error as JSON and back: how it crosses from a child process and how the journal keeps it."""

import traceback
from collections.abc import Mapping
from typing import cast

from lakewright import errors
from lakewright.plan import codec
from lakewright.runs.records import Json

_TRACE_LINES_MAX = 12
"""Enough to find the line at fault; a journal is no place for whole tracebacks."""


def to_json(error: errors.LakewrightError) -> Json:
    """Everything that the error says."""
    return {
        "code": error.code,
        "what": error.what,
        "where": codec.encode(error.where),
        "why": error.why,
        "hint": error.hint,
        "problems": [codec.encode(problem) for problem in error.problems],
    }


def from_json(value: Json) -> errors.LakewrightError:
    """The error that `to_json` wrote; of the root class if its code is not known any more."""
    facts = cast("Mapping[str, Json]", value)
    where = facts.get("where")
    problems = cast("list[Json]", facts.get("problems") or [])
    return errors.of_code(str(facts["code"]))(
        str(facts["what"]),
        where=None if where is None else codec.decode(errors.Place, where),
        why=str(facts.get("why") or ""),
        hint=str(facts.get("hint") or ""),
        problems=[codec.decode(errors.Problem, problem) for problem in problems],
    )


def is_conflict(value: Json) -> bool:
    """Whether this error, or none, says that a table had moved: only another plan can help then."""
    return isinstance(value, Mapping) and value.get("code") == errors.CommitConflict.code


def is_release(value: Json) -> bool:
    """Whether this is `rules.released`: the owner let go of the run while it did the step."""
    return isinstance(value, Mapping) and value.get("code") == errors.StepInterrupted.code


def of_exception(error: Exception, doing: str) -> errors.LakewrightError:
    """The error to report for whatever was raised; what we did not foresee is a mistake of ours."""
    if isinstance(error, errors.LakewrightError):
        return error
    if isinstance(error, MemoryError):
        return errors.RunFailed(
            f"{doing} ran out of memory",
            why="the system gave the child process no more",
            hint="lower `memory_limit` of the environment, or free memory",
        )
    if isinstance(error, OSError):
        return errors.RunFailed(
            f"{doing} could not read or write a file",
            why=str(error),
            hint="check the disk's room and the folder's permissions, then retry the run",
        )
    trace = "".join(traceback.format_exception(error)).splitlines()
    return errors.InternalError(
        f"{doing} met a mistake in Lakewright: {type(error).__name__}: {error}",
        why="\n".join(trace[-_TRACE_LINES_MAX:]),
        hint="please report it; the raw files are safe",
    )
