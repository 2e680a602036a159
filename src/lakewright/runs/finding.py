"""Find what a person means: an upload or a run by the start of its id, or the newest run."""

from collections.abc import Sequence
from pathlib import Path

from lakewright import errors
from lakewright.runs import rules
from lakewright.runs.journal import Reading
from lakewright.runs.records import Run, Upload

_NEWEST_SEEN_MAX = 20
"""Runs among which there is one that is no upkeep."""


def find_upload(reading: Reading, prefix: str) -> Upload:
    """The upload whose id starts with these letters.

    Raises:
        NotFound: there is none, or more than one.
    """
    uploads = reading.uploads()
    found = [upload for upload in uploads if upload.upload_id.startswith(prefix)]
    if not found:
        _check_is_no_file_name(prefix, uploads)
    _check_one("upload", prefix, [upload.upload_id for upload in found])
    return found[0]


def find_run(reading: Reading, prefix: str) -> Run:
    """The run whose id starts with these letters.

    Raises:
        NotFound: there is none, or more than one.
    """
    found = [run for run in reading.runs() if run.run_id.startswith(prefix)]
    _check_one("run", prefix, [run.run_id for run in found])
    return found[0]


def newest_run(reading: Reading) -> Run:
    """The run that was asked for last, upkeep aside.

    Raises:
        NotFound: nothing has run yet.
    """
    runs = reading.runs(limit=_NEWEST_SEEN_MAX)
    if not runs:
        raise errors.NotFound("nothing has run yet", hint="try `lakewright upload FILE`")
    return next((run for run in runs if not rules.is_upkeep(run)), runs[0])


def _check_one(noun: str, prefix: str, found: Sequence[str]) -> None:
    if len(found) == 1:
        return
    many = f"{len(found)} {noun}s start with it: {', '.join(found[:5])}" if found else "none has it"
    raise errors.NotFound(
        f"{prefix!r} is not the id of one {noun}",
        why=many,
        hint=f"`lakewright {noun}s list` shows them",
    )


def _check_is_no_file_name(prefix: str, uploads: Sequence[Upload]) -> None:
    named = [upload.upload_id for upload in uploads if upload.file_name == Path(prefix).name]
    if named:
        raise errors.NotFound(
            f"{prefix!r} is the name of a file, not the id of an upload",
            why="files of one name may be uploaded more than once",
            hint=f"name it by its id: {' or '.join(named[:3])}",
        )
