"""`lakewright upload`: deliver files and load them, from raw to gold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeGuard

from cyclopts import Parameter

from lakewright import errors, wiring
from lakewright.cli import output, progress, show
from lakewright.cli.app import Common
from lakewright.runs import journal

_UPLOAD_FIELDS = {
    "upload_id": "upload_id",
    "sha256": "sha256",
    "source": "source",
    "records_in": "records",
    "rows_loaded": "rows",
    "records_quarantined": "quarantined",
    "snapshot_id": "snapshot_id",
}
"""What `--json` calls an upload's facts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """What became of one file of the command."""

    file: Path
    upload: journal.Upload | None = None
    run: journal.Run | None = None
    is_known: bool = False
    """Whether the same bytes were loaded before."""
    error: errors.LakewrightError | None = None
    """Why the file was not taken, or what its load failed with."""

    @property
    def status(self) -> str:
        if self.upload is None:
            return str(journal.UploadStatus.FAILED)
        return str(journal.Answer.ALREADY_LOADED if self.is_known else self.upload.status)


def upload(
    files: Annotated[Sequence[Path], Parameter(negative=())],
    *,
    source: str | None = None,
    again: Annotated[bool, Parameter(negative=())] = False,
    strict: Annotated[bool, Parameter(negative=())] = False,
    common: Common = Common(),
) -> int:
    """Deliver files and load them: raw, bronze and quarantine, then what is made from them.

    The same bytes are loaded once. Everything delivered is kept; a file that fails says why.

    Parameters
    ----------
    files
        The files to deliver.
    source
        The source that they belong to. By default each file's name decides.
    again
        Load a file even if its bytes are loaded, replacing its rows.
    strict
        Exit with 3 if a record went to quarantine or a file is suspect.
    """
    if not files:
        raise errors.UsageError("no file was named", hint="lakewright upload FILE...")
    with wiring.open_lakehouse(common.project) as house:
        house.launcher.start()
        with progress.bars() as bars:
            taken = [_deliver(house, file, source, bars, again=again) for file in files]
            waiting = [each.run_id for each in taken if _is_waiting(each)]
            house.work(list(dict.fromkeys(waiting)), bars)
        outcomes = [_outcome(house, file, each) for file, each in zip(files, taken, strict=True)]
    if common.json:
        for outcome in outcomes:
            output.print_json(_json(outcome))
    else:
        _print(outcomes)
    return _exit_code(outcomes, is_strict=strict)


def _deliver(
    house: wiring.Lakehouse, file: Path, source: str | None, bars: progress.Bars, *, again: bool
) -> journal.Accepted | errors.LakewrightError:
    bars.receiving(file.name, file.stat().st_size if file.is_file() else 0)
    try:
        return house.accept(file, source, is_again=again, report=bars.received)
    except errors.ProjectInvalid:
        raise
    except errors.LakewrightError as error:
        return error
    finally:
        bars.clear()


def _is_waiting(taken: journal.Accepted | errors.LakewrightError) -> TypeGuard[journal.Accepted]:
    if isinstance(taken, errors.LakewrightError):
        return False
    return taken.answer is not journal.Answer.ALREADY_LOADED


def _outcome(
    house: wiring.Lakehouse, file: Path, taken: journal.Accepted | errors.LakewrightError
) -> _Outcome:
    if isinstance(taken, errors.LakewrightError):
        return _Outcome(file=file, error=taken)
    found = house.journal.reading.upload(taken.upload.upload_id)
    run = house.journal.reading.run(taken.run_id)
    is_known = taken.answer is journal.Answer.ALREADY_LOADED
    error = show.error_of(found.error) or (None if is_known else show.error_of(run.error))
    return _Outcome(file=file, upload=found, run=run, is_known=is_known, error=error)


def _json(outcome: _Outcome) -> output.Json:
    found, run = outcome.upload, outcome.run
    facts: dict[str, output.Json] = {"file": str(outcome.file), "status": outcome.status}
    for name, field in _UPLOAD_FIELDS.items():
        facts[name] = getattr(found, field) if found else None
    facts["run_id"] = run.run_id if run else None
    facts["suspicions"] = list(found.suspicions) if found else []
    facts["tables"] = show.published(run) if run else {}
    facts["error"] = show.error_json(outcome.error) if outcome.error else None
    return facts


def _print(outcomes: Sequence[_Outcome]) -> None:
    for outcome in outcomes:
        found = outcome.upload
        if found is None:
            continue
        words = outcome.status.replace("_", " ")
        if outcome.is_known:
            words += f", snapshot {found.snapshot_id}"
        output.print_line(
            f"{outcome.file.name}: {words} (source {found.source})",
            style=show.STYLES.get(outcome.status, ""),
        )
        if show.counts(found):
            output.print_line(f"  {show.counts(found)}")
        for suspicion in found.suspicions:
            output.print_line(f"  suspect: {suspicion}", style="yellow")
    shown: set[str] = set()
    for outcome in outcomes:
        if outcome.error is not None and str(outcome.error) not in shown:
            shown.add(str(outcome.error))
            output.print_error(outcome.error, as_json=False)


def _exit_code(outcomes: Sequence[_Outcome], *, is_strict: bool) -> int:
    refused = [each.error for each in outcomes if each.upload is None and each.error]
    if refused:
        return refused[0].exit_code
    failed = (str(journal.UploadStatus.FAILED), str(journal.UploadStatus.REMOVED))
    if any(each.error is not None or each.status in failed for each in outcomes):
        return errors.RunFailed.exit_code
    if is_strict and any(_is_dubious(each.upload) for each in outcomes if each.upload):
        return output.EXIT_QUARANTINED
    return 0


def _is_dubious(upload: journal.Upload) -> bool:
    return bool(upload.quarantined) or upload.status is journal.UploadStatus.SUSPECT
