"""`lakewright upload`: deliver files and load them, from raw to gold."""

import shlex
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Annotated, TypeGuard

from cyclopts import Parameter

from lakewright import errors, wiring
from lakewright.cli import format_option, output, progress, show
from lakewright.cli.app import FLAG, Common
from lakewright.cli.format_option import FormatWords
from lakewright.runs import account, records, rules
from lakewright.wording import count, counted

_FILES_IN_FULL_MAX = 10
"""So many files are told of one by one; more of them make a table."""

_BATCH_MAX = 1_000
"""Of so many uploads of a source it is asked whether all came in this run: its first."""

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


_NOTHING_TOLD = account.Account()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """What became of one file of the command."""

    file: Path
    upload: records.Upload | None = None
    run: records.Run | None = None
    is_known: bool = False
    """Whether the same bytes were loaded before."""
    is_kept: bool = False
    """Whether the file failed, but rows of an earlier load of it stay."""
    error: errors.LakewrightError | None = None
    """Why the file could not be received, or what its load failed with."""
    warnings: tuple[errors.Problem, ...] = ()
    """What the checks of its run found that does not keep a table from being published."""
    kept: tuple[str, ...] = ()
    """The tables that its run was to change and did not."""
    is_stopped: bool = False
    """Whether it was loaded, but a model failed on it."""
    notes: tuple[str, ...] = ()
    """What may be a slip of the person: a new source, bytes that another source holds."""
    told: account.Account = _NOTHING_TOLD
    """What its run told of the file beyond the counts."""

    @property
    def status(self) -> str:
        if self.upload is None:
            return str(records.UploadStatus.FAILED)
        return str(records.Answer.ALREADY_LOADED if self.is_known else self.upload.status)

    @property
    def words(self) -> str:
        """The status as people read it."""
        return self.status.replace("_", " ")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Manner:
    """How all files of the command are delivered."""

    source: str | None = None
    """The source that they belong to. By default each file's name decides."""

    format: FormatWords = ()

    again: Annotated[bool, FLAG] = False
    """Load a file even if its bytes are loaded, replacing its rows."""

    priority: records.Priority = records.Priority.NORMAL
    """Which of the runs that wait for a worker goes first."""


def upload(
    files: Sequence[Path],
    /,
    *,
    manner: Manner = Manner(),
    strict: Annotated[bool, FLAG] = False,
    wait: Annotated[bool, Parameter(negative="--no-wait", show_default=False)] = True,
    common: Common = Common(),
) -> int:
    """Deliver files and load them: raw, bronze and quarantine, then what is made from them.

    The same bytes are loaded once. Everything delivered is kept; a file that fails says why.

    What --format says is kept with the upload: whenever its file is read again, by --again, a
    retry, a replay or a rebuild, it is read in this way. `--again --format auto` ends that.

    Parameters
    ----------
    files
        The files to deliver.
    strict
        Exit with 3 if a record went to quarantine or a file is suspect.
    wait
        With --no-wait, come back once the files are accepted: a worker, or the next command that
        works, loads them.
    """
    if not files:
        raise errors.UsageError("no file was named", hint="lakewright upload FILE...")
    look = format_option.parse(manner.format)
    with wiring.open_lakehouse(common.project) as house:
        with progress.bars(house) as bars:
            taken = _deliver_all(files, partial(_deliver, house, manner, look, bars))
            waiting = [each.run_id for each in taken if _is_waiting(each)]
            with progress.resumable(house), wiring.lineage_after(house):
                progress.work(house, list(dict.fromkeys(waiting)) if wait else [], bars)
        told = _Told(house)
        outcomes = [_outcome(told, file, each) for file, each in zip(files, taken, strict=True)]
        if common.json:
            for outcome in outcomes:
                output.print_json(_json(outcome))
        else:
            _print(outcomes)
        wiring.tend(house)
    return _exit_code(outcomes, is_strict=strict)


_Taken = records.Accepted | errors.LakewrightError


def _deliver_all(files: Sequence[Path], deliver: Callable[[Path], _Taken]) -> list[_Taken]:
    """Receive every file; after Ctrl-C in here, the same command takes those that are left."""
    try:
        return [deliver(file) for file in files]
    except KeyboardInterrupt:
        raise output.Interrupted(shlex.join(["lakewright", *sys.argv[1:]])) from None


def _deliver(
    house: wiring.Lakehouse,
    manner: Manner,
    look: records.FormatOverride | None,
    bars: progress.Bars,
    file: Path,
) -> _Taken:
    bars.receiving(file.name, file.stat().st_size if file.is_file() else 0)
    try:
        return house.accept(
            file,
            manner.source,
            is_again=manner.again,
            look=look,
            priority=manner.priority,
            report=bars.received,
        )
    except errors.ProjectInvalid:
        raise
    except errors.LakewrightError as error:
        return error
    finally:
        bars.clear()


def _is_waiting(taken: _Taken) -> TypeGuard[records.Accepted]:
    if isinstance(taken, errors.LakewrightError):
        return False
    return taken.answer is not records.Answer.ALREADY_LOADED


class _Told:
    """What the journal tells of uploads. What many of them have in common is read once."""

    def __init__(self, house: wiring.Lakehouse) -> None:
        reading = house.journal.reading
        self.house = house
        self.run = cache(reading.run)
        self.steps = cache(reading.steps)
        self.failed = cache(self._failed)
        self.is_first_undeclared = cache(self._is_first_undeclared)

    @cached_property
    def declared(self) -> Collection[str]:
        """The sources that files of the project declare."""
        return self.house.project().sources

    def _failed(self, run_id: str) -> Collection[str]:
        """The uploads that failed in a run."""
        parts = self.house.journal.reading.run_uploads(run_id)
        return {each.upload_id for each in parts if each.status is records.UploadStatus.FAILED}

    def _is_first_undeclared(self, source: str, run_id: str) -> bool:
        """Whether a run is the first of a source that nothing declares."""
        uploads = self.house.journal.reading.uploads(source=source, limit=_BATCH_MAX)
        return {each.run_id for each in uploads} <= {run_id} and source not in self.declared


def _outcome(told: _Told, file: Path, taken: _Taken) -> _Outcome:
    if isinstance(taken, errors.LakewrightError):
        return _Outcome(file=file, error=taken)
    found = told.house.journal.reading.upload(taken.upload.upload_id)
    run = told.run(taken.run_id)
    if taken.answer is records.Answer.ALREADY_LOADED:
        return _Outcome(file=file, upload=found, run=run, is_known=True)
    steps = told.steps(run.run_id)
    return _Outcome(
        file=file,
        upload=found,
        run=run,
        is_kept=found.upload_id in told.failed(run.run_id) and found.status.is_in_bronze,
        error=show.error_of(found.error) or show.error_of(run.error),
        warnings=tuple(show.warnings(steps)),
        notes=tuple(_notes(told, found)),
        kept=tuple(progress.kept_tables(steps)),
        is_stopped=found.status.is_in_bronze and progress.has_failed_model(steps),
        told=account.of_upload(steps, found.upload_id),
    )


def _notes(told: _Told, upload: records.Upload) -> Iterator[str]:
    """Say so where a source is used for the first time and is not declared, and where another
    source has loaded the same bytes."""
    house, name = told.house, upload.source
    reading = house.journal.reading
    if upload.status is records.UploadStatus.ACCEPTED:
        pause = house.journal.control.pauses().get(name)
        yield (
            "it waits for a worker, or for `lakewright run --pending`"
            if pause is None
            else f"{name} is paused{f' ({pause.reason})' if pause.reason else ''}: it waits for"
            f" `lakewright sources resume {name}`"
        )
    if told.is_first_undeclared(name, upload.run_id):
        near = get_close_matches(name, told.declared, n=1)
        meant = f" (did you mean {near[0]}? then give --source {near[0]})" if near else ""
        yield f"new source {name}: inferred, as nothing declared matches{meant}"
    for table in house.lake.tables():
        layer, _, other = table.partition(".")
        if layer == "bronze" and other != name and house.raw.exists(other, upload.sha256):
            same = reading.upload(rules.upload_id(other, upload.sha256))
            if same.status.is_in_bronze:
                yield f"the same bytes are loaded in the source {other} too, as {same.file_name}"


def _json(outcome: _Outcome) -> output.Json:
    found, run = outcome.upload, outcome.run
    facts: dict[str, output.Json] = {"file": str(outcome.file), "status": outcome.status}
    for name, field in _UPLOAD_FIELDS.items():
        facts[name] = getattr(found, field) if found else None
    facts["format"] = dict(found.format) if found else None
    facts["run_id"] = run.run_id if run else None
    facts["suspicions"] = list(found.suspicions) if found else []
    facts |= show.account_json(outcome.told)
    facts["tables"] = show.published(run) if run else {}
    facts["warnings"] = [show.warning_json(warning) for warning in outcome.warnings]
    facts["error"] = show.error_json(outcome.error) if outcome.error else None
    return facts


def _print(outcomes: Sequence[_Outcome]) -> None:
    if len(outcomes) > _FILES_IN_FULL_MAX:
        _print_table(outcomes)
    else:
        for outcome in outcomes:
            _print_in_full(outcome)
    runs = {each.run.run_id: each.run for each in outcomes if each.run and not each.is_known}
    tables: dict[str, Mapping[str, output.Json]] = {}
    for run in runs.values():
        tables |= show.published(run)
    if tables:
        output.print_line("published")
        progress.print_tables(tables)
    progress.print_kept(list(dict.fromkeys(name for each in outcomes for name in each.kept)))
    for warning in dict.fromkeys(each for outcome in outcomes for each in outcome.warnings):
        output.print_warning(warning.what, warning.why)
    for outcome in {str(each.error): each for each in outcomes}.values():
        if outcome.error is not None:
            output.print_error(outcome.error, as_json=False)
    stopped = [each.upload.upload_id for each in outcomes if each.upload and each.is_stopped]
    if stopped:
        progress.print_remedies(stopped)
    for note in dict.fromkeys(note for outcome in outcomes for note in outcome.notes):
        output.print_note(note)
    fresh = [each.upload for each in outcomes if not each.is_known]
    for name in sorted({each.source for each in fresh if _has_quarantined(each)}):
        output.print_note(f"see what was quarantined and why: lakewright quarantine show {name}")


def _print_in_full(outcome: _Outcome) -> None:
    found = outcome.upload
    style = show.STYLES.get(outcome.status, "")
    if found is None:
        output.print_line(f"{outcome.file.name}: {outcome.words}", style=style)
        return
    words = outcome.words
    if outcome.is_known:
        other = "" if found.file_name == outcome.file.name else f" as {found.file_name}"
        words += f"{other}, snapshot {found.snapshot_id}"
    if outcome.is_kept:
        words, style = "failed, so what was loaded of it before stays", show.STYLES["failed"]
    output.print_line(f"{outcome.file.name}: {words} (source {found.source})", style=style)
    if show.counts(found) and not outcome.is_kept:
        output.print_line(f"  {show.counts(found)}")
    show.print_account(outcome.told)
    for suspicion in found.suspicions:
        output.print_line(f"  suspect: {suspicion}", style="yellow")


def _print_table(outcomes: Sequence[_Outcome]) -> None:
    output.print_table(
        ["file", "status", "source", "in", "loaded", "quarantined"],
        [
            (
                outcome.file.name,
                outcome.words,
                outcome.upload.source if outcome.upload else "",
                show.number(outcome.upload.records) if outcome.upload else "",
                show.number(outcome.upload.rows) if outcome.upload else "",
                show.number(outcome.upload.quarantined) if outcome.upload else "",
            )
            for outcome in outcomes
        ],
        right=["in", "loaded", "quarantined"],
        spare=["source"],
        styles=show.STYLES,
    )
    fresh = [each.upload for each in outcomes if each.upload and not each.is_known]
    known = sum(each.is_known for each in outcomes)
    total = show.reconciliation(
        sum(each.records or 0 for each in fresh if each.status.is_in_bronze),
        sum(each.rows or 0 for each in fresh if each.status.is_in_bronze),
        sum(each.quarantined or 0 for each in fresh if each.status.is_in_bronze),
    )
    parts = [counted(len(outcomes), "file")]
    if known:
        parts.append(f"{count(known)} already loaded")
    output.print_line(f"{', '.join(parts)}: {total}", style="bold")


def _exit_code(outcomes: Sequence[_Outcome], *, is_strict: bool) -> int:
    refused = [each.error for each in outcomes if each.upload is None and each.error]
    if refused:
        return refused[0].exit_code
    failed = (str(records.UploadStatus.FAILED), str(records.UploadStatus.REMOVED))
    if any(each.error is not None or each.status in failed for each in outcomes):
        return errors.RunFailed.exit_code
    if is_strict and any(_is_dubious(each.upload) for each in outcomes if each.upload):
        return output.EXIT_QUARANTINED
    return 0


def _has_quarantined(upload: records.Upload | None) -> TypeGuard[records.Upload]:
    return upload is not None and bool(upload.quarantined)


def _is_dubious(upload: records.Upload) -> bool:
    return bool(upload.quarantined) or upload.status is records.UploadStatus.SUSPECT
