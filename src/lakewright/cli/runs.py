"""`lakewright runs`: what was carried out, step by step; try it again, or end it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from lakewright import errors, wiring, wording
from lakewright.cli import output, progress, show
from lakewright.cli.app import Common
from lakewright.runs import accept, finding, logbook, outbox, records


def list_(*, limit: int = 30, common: Common = Common()) -> None:
    """List runs, newest first.

    Parameters
    ----------
    limit
        How many.
    """
    with wiring.open_lakehouse(common.project) as house:
        runs = house.journal.reading.runs(limit=limit)
        statuses = [show.run_status(run, house.journal.reading.run_uploads(run.run_id))
                    for run in runs]  # fmt: skip
        took = [show.took(run, house.journal.reading) for run in runs]
    if common.json:
        output.print_json([show.value_json(run) for run in runs])
        return
    if not runs:
        output.print_note("nothing has run yet; try `lakewright upload FILE`")
        return
    output.print_table(
        ["run", "status", "for", "queued", "took", "error"],
        [
            (
                run.run_id,
                status,
                show.purpose(run.request),
                show.moment(run.queued_at),
                seconds,
                show.first_words(run.error),
            )
            for run, status, seconds in zip(runs, statuses, took, strict=True)
        ],
        right=["took"],
        spare=["took", "queued"],
        sparse=["error"],
        styles=show.STYLES,
    )


def show_(run_id: str | None = None, /, *, common: Common = Common()) -> None:
    """Show one run: its uploads, its steps with times and reasons, what warned and what failed.

    Parameters
    ----------
    run_id
        As `lakewright runs list` prints it; its first letters are enough. By default the newest.
    """
    with wiring.open_lakehouse(common.project) as house:
        run = (
            finding.find_run(house.journal.reading, run_id)
            if run_id is not None
            else finding.newest_run(house.journal.reading)
        )
        steps = house.journal.reading.steps(run.run_id)
        attempts = house.journal.reading.attempts(run.run_id)
        parts = house.journal.reading.run_uploads(run.run_id)
        uploads = [house.journal.reading.upload(part.upload_id) for part in parts]
        lines = house.journal.logbook.lines(run.run_id)
        took = show.took(run, house.journal.reading)
    warnings = show.warnings(steps)
    if common.json:
        output.print_json(
            show.value_json(run)
            | {
                "uploads": [show.value_json(upload) for upload in uploads],
                "steps": [show.value_json(step) for step in steps],
                "attempts": [show.value_json(attempt) for attempt in attempts],
                "warnings": [show.warning_json(warning) for warning in warnings],
                "log": [show.value_json(line) for line in lines],
            }
        )
        return
    output.print_fields(
        [
            ("run", run.run_id),
            ("status", show.run_status(run, parts)),
            ("for", show.purpose(run.request)),
            ("queued", show.moment(run.queued_at)),
            ("took", took or "not finished"),
        ],
        styles=show.STYLES,
    )
    _print_uploads(uploads)
    _print_steps(steps, attempts)
    _print_log(lines)
    for warning in warnings:
        output.print_warning(warning.what, warning.why)
    shown = [step.error for step in steps if step.status is records.StepStatus.FAILED]
    for error in shown:
        show.print_recorded_error(error)
    if run.error is not None and run.error not in shown and not shown:
        show.print_recorded_error(run.error)


def _print_uploads(uploads: Sequence[records.Upload]) -> None:
    if not uploads:
        return
    output.print_line()
    output.print_table(
        ["upload", "file", "status", "records"],
        [
            (upload.upload_id, upload.file_name, upload.status, show.counts(upload))
            for upload in uploads
        ],
        styles=show.STYLES,
    )
    show.print_suspicions(uploads)


def _print_steps(steps: Sequence[records.Step], attempts: Sequence[records.Attempt]) -> None:
    output.print_line()
    output.print_table(
        ["step", "status", "attempts", "took", "cpu", "result"],
        [
            (
                step.name,
                step.status,
                step.attempts,
                show.seconds(step.started_at, step.finished_at),
                show.cpu(step, attempts),
                show.step_result(step),
            )
            for step in steps
        ],
        right=["attempts", "took", "cpu"],
        spare=["cpu", "attempts", "took"],
        styles=show.STYLES,
    )


def _print_log(lines: Sequence[logbook.Line]) -> None:
    """What was out of the ordinary; nothing, where all went well."""
    if not lines:
        return
    output.print_line()
    output.print_table(
        ["at", "level", "log"],
        [(show.moment(line.at), line.level, line.message) for line in lines],
        styles=show.STYLES,
    )


def retry(run_id: str, /, *, common: Common = Common()) -> int:
    """Carry a failed run on from the step that failed; what succeeded is not done again.

    Parameters
    ----------
    run_id
        As `lakewright runs list` prints it; its first letters are enough.
    """
    with wiring.open_lakehouse(common.project) as house:
        run = finding.find_run(house.journal.reading, run_id)
        queued = house.journal.acceptance.retry(run.run_id, datetime.now(UTC))
        return progress.carry_out(house, [queued.run_id], as_json=common.json)


def rerun(run_id: str, /, *, common: Common = Common()) -> int:
    """Do once more what a run was for, as a new run: files are read again, their rows replaced.

    Parameters
    ----------
    run_id
        As `lakewright runs list` prints it; its first letters are enough.
    """
    with wiring.open_lakehouse(common.project) as house:
        run = finding.find_run(house.journal.reading, run_id)
        asked = accept.request_again(house.journal, run, datetime.now(UTC))
        return progress.carry_out(house, [each.run_id for each in asked], as_json=common.json)


def cancel(run_id: str, /, *, common: Common = Common()) -> int:
    """End a run that waits or goes on; nothing of it is published, and a retry takes it up again.

    Parameters
    ----------
    run_id
        As `lakewright runs list` prints it; its first letters are enough.
    """
    with wiring.open_lakehouse(common.project) as house:
        run = wiring.cancel(house, finding.find_run(house.journal.reading, run_id).run_id)
    is_cancelled = show.is_cancelled(run)
    if common.json:
        output.print_json(show.value_json(run))
    elif is_cancelled:
        output.print_line(f"run {run.run_id} is cancelled", style=show.STYLES["cancelled"])
        output.print_note(f"to take it up again: lakewright runs retry {run.run_id}")
    else:
        output.print_line(f"run {run.run_id} {run.status} before it could be cancelled")
    return 0 if is_cancelled else errors.Conflict.exit_code


def prune(*, days: int = 90, keep: int = 1000, common: Common = Common()) -> None:
    """Delete the steps of old runs, and old events that every subscriber has acknowledged.

    Uploads stay, and so do the runs that loaded them: the same bytes are known for good.

    Parameters
    ----------
    days
        How old a run or an event must be.
    keep
        How many of the newest runs, and of the newest events, are kept however old they are.
    """
    age_seconds = days * 24 * 3600.0
    retention = outbox.Retention(
        run_age_seconds=age_seconds, runs_min=keep, event_age_seconds=age_seconds, events_min=keep
    )
    with wiring.open_lakehouse(common.project) as house:
        pruned = house.journal.outbox.prune(retention, datetime.now(UTC))
    if common.json:
        output.print_json(show.value_json(pruned))
        return
    runs, events = wording.counted(pruned.runs, "run"), wording.counted(pruned.events, "event")
    output.print_line(f"deleted the steps of {runs}, and {events}")
