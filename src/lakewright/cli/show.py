"""How the journal's and the lake's values look in a terminal, the same in every command."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from lakewright import errors
from lakewright.cli import output
from lakewright.plan import codec, difference
from lakewright.project.source import said
from lakewright.runs import account, failure, journal, records, rules
from lakewright.runs.operations import examples, verdict
from lakewright.wording import count, counted

STYLES = {
    "loaded": "green",
    "already_loaded": "green",
    "succeeded": "green",
    "suspect": "yellow",
    "succeeded, suspect": "yellow",
    "running": "cyan",
    "failed": "bold red",
    "cancelled": "yellow",
    "removed": "dim",
    "skipped": "dim",
    "pending": "dim",
    "queued": "dim",
    "accepted": "dim",
    "warning": "yellow",
    "error": "bold red",
}
"""The colour of a status; its word is always there too."""


def number(value: int | None) -> str:
    """A count, or nothing while it is unknown."""
    return "" if value is None else count(value)


def moment(value: datetime | None) -> str:
    """A time to the second, in UTC: as `sql` shows it, and as `--at` takes it."""
    return "" if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(start: datetime | None, end: datetime | None) -> str:
    """How long something took."""
    if start is None or end is None:
        return ""
    return f"{(end - start).total_seconds():.2f} s"


def cpu(step: records.Step, attempts: Iterable[records.Attempt]) -> str:
    """The processor time of a step's last attempt in the child, if it came to its end."""
    own = [attempt for attempt in attempts if attempt.step == step.name]
    spent = own[-1].spent if own else None
    return "" if spent is None else f"{spent.cpu_milliseconds / 1000:.2f} s"


def took(run: records.Run, reading: journal.Reading) -> str:
    """How long a run was worked on. One that was broken off or retried had also waited: then it is
    the time of all attempts at its steps, without those of which nobody knows when they ended."""
    attempts = reading.attempts(run.run_id)
    is_unbroken = len({attempt.fence for attempt in attempts}) <= 1
    if run.finished_at is None or is_unbroken:
        return seconds(run.started_at, run.finished_at)
    worked = sum(
        (attempt.finished_at - attempt.started_at).total_seconds()
        for attempt in attempts
        if attempt.finished_at is not None
        and (attempt.status is not records.StepStatus.PENDING or attempt.error is not None)
    )
    return f"{worked:.2f} s"


def reconciliation(records: int, rows: int, quarantined: int) -> str:
    """The line that accounts for every record of a file."""
    return f"{count(records)} in = {count(rows)} loaded + {count(quarantined)} quarantined"


def value_json(value: object) -> dict[str, output.Json]:
    """One of our values as the JSON object that `--json` prints."""
    encoded = codec.encode(value)
    if not isinstance(encoded, Mapping):
        raise TypeError(f"a {type(value).__name__} is no JSON object")
    return dict(encoded)


def error_of(recorded: records.Json) -> errors.LakewrightError | None:
    """The error that the journal recorded."""
    return None if recorded is None else failure.from_json(recorded)


def error_json(error: errors.LakewrightError) -> output.Json:
    """An error as every command's JSON has it."""
    return {
        "code": error.code,
        "what": error.what,
        "problems": [output.problem_json(problem) for problem in error.as_problems()],
    }


def warning_json(warning: errors.Problem) -> output.Json:
    """A warning as every command's JSON has it."""
    return {"code": warning.code, "what": warning.what, "why": warning.why or None}


def print_recorded_error(recorded: records.Json) -> None:
    """Show an error that the journal recorded, if there is one."""
    error = error_of(recorded)
    if error is not None:
        output.print_error(error, as_json=False)


def first_words(recorded: records.Json) -> str:
    """What a recorded error says first."""
    error = error_of(recorded)
    return "" if error is None else error.what


def purpose(request: records.Request) -> str:
    """What a run is for, in a few words."""
    payload = request.payload if isinstance(request.payload, Mapping) else {}
    models = payload.get("models")
    named = [str(each) for each in models] if isinstance(models, list | tuple) else []
    named += [str(payload["table"])] if "table" in payload else []
    if request.kind is records.RequestKind.UPKEEP:
        named += [counted(len(request.tables), "table")]
    parts = [str(request.kind), request.source or "", ", ".join(named)]
    parts += [f"(schedule {payload['schedule']})"] if "schedule" in payload else []
    if len(request.upload_ids) > 1:
        parts.append(f"({counted(len(request.upload_ids), 'upload')})")
    return " ".join(part for part in parts if part)


def published(run: records.Run) -> dict[str, Mapping[str, output.Json]]:
    """The tables that a finished run published, each with its `rows` and `snapshot_id`."""
    result = run.result if isinstance(run.result, Mapping) else {}
    tables = result.get("tables")
    if not isinstance(tables, Mapping):
        return {}
    return {name: facts for name, facts in tables.items() if isinstance(facts, Mapping)}


def counts(upload: records.Upload) -> str:
    """The reconciliation of an upload, as far as its counts are known."""
    if upload.records is None or upload.rows is None or upload.quarantined is None:
        return ""
    return reconciliation(upload.records, upload.rows, upload.quarantined)


def run_status(run: records.Run, uploads: Iterable[records.RunUpload]) -> str:
    """A run's status: one that loaded a file that may have been misread is no plain success."""
    is_suspect = any(upload.status is records.UploadStatus.SUSPECT for upload in uploads)
    if is_suspect and run.status is records.RunStatus.SUCCEEDED:
        return f"{run.status}, {records.UploadStatus.SUSPECT}"
    return "cancelled" if is_cancelled(run) else str(run.status)


def is_cancelled(run: records.Run) -> bool:
    """Whether somebody ended the run."""
    error = run.error if isinstance(run.error, Mapping) else {}
    return run.status is records.RunStatus.FAILED and error.get("code") == errors.RunCancelled.code


def print_suspicions(uploads: Iterable[records.Upload]) -> None:
    """Why files may have been misread, a reason on each line."""
    for upload in uploads:
        for suspicion in upload.suspicions:
            output.print_line(f"  suspect: {upload.file_name}: {suspicion}", style="yellow")


def print_account(told: account.Account) -> None:
    """How a file differs from its contract, a difference on each line."""
    for each in told.differences:
        output.print_line(f"  {difference.words(each)}")


def account_json(told: account.Account) -> dict[str, output.Json]:
    """The account of an upload as every command's JSON has it."""
    return {
        "differences": [value_json(each) for each in told.differences],
        "reasons": [value_json(each) for each in told.reasons],
    }


def layer_order(table: str) -> tuple[int, str]:
    """Sorts tables as rows flow: bronze, quarantine, silver, gold."""
    layers = ("bronze", "quarantine", "silver", "gold")
    layer = table.partition(".")[0]
    return (layers.index(layer) if layer in layers else len(layers), table)


def upload_lines(upload: records.Upload, told: account.Account) -> list[tuple[str, str]]:
    """One upload as names and values."""
    lines = [
        ("upload", upload.upload_id),
        ("file", upload.file_name),
        ("source", upload.source),
        ("status", str(upload.status)),
        ("size", output.size(upload.size_bytes)),
        ("sha256", upload.sha256),
        ("accepted", f"{moment(upload.accepted_at)} by {upload.delivered_by or 'unknown'}"),
        ("run", upload.run_id),
    ]
    lines.extend(("format", word) for word in said(upload.format))
    if counts(upload):
        lines.append(("records", counts(upload)))
    if upload.snapshot_id is not None:
        lines.append(("snapshot", str(upload.snapshot_id)))
    lines.extend(("suspect", each) for each in upload.suspicions)
    lines.extend(("difference", difference.words(each)) for each in told.differences)
    lines.extend(("refused", verdict.told(each)) for each in told.reasons)
    return lines


def cell(value: output.Json) -> str:
    """One value of a query's answer."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def is_number(type_text: str) -> bool:
    """Whether a column of this type is aligned to the right."""
    return type_text.startswith(("int", "bigint", "float", "double", "decimal"))


def step_result(step: records.Step) -> str:
    """The outcome of a step in a few words."""
    error = error_of(step.error)
    if error is not None:
        is_left_out = step.status is records.StepStatus.SKIPPED
        return error.why if is_left_out and error.why else error.what
    if step.result is None:
        return ""
    kind = step.name.partition(":")[0]
    facts = step.result if isinstance(step.result, Mapping) else {}
    if kind == "land":
        return f"{_count(facts.get('records'))} records"
    if kind == "bronze":
        uploads = _mappings(facts.get("uploads"))
        rows = sum(_whole(each.get("rows")) for each in uploads)
        quarantined = sum(_whole(each.get("quarantined")) for each in uploads)
        return f"{count(rows)} loaded + {count(quarantined)} quarantined"
    if kind == "model":
        return _model_result(facts)
    if kind == "fetch":
        new = len(_mappings(facts.get("files")))
        return f"{counted(new, 'new file')} of {count(_whole(facts.get('seen')))} there"
    if kind == "compact":
        before, after = _count(facts.get("files_before")), _count(facts.get("files_after"))
        return f"{before} files become {after}"
    if kind == "tidy":
        return _tidied(facts)
    return counted(len(facts), "table") if kind == "publish" else ""


def _tidied(facts: Mapping[str, records.Json]) -> str:
    """What was forgotten of a table, and deleted."""
    snapshots, files = _whole(facts.get("snapshots")), _whole(facts.get("files"))
    size = output.size(_whole(facts.get("size_bytes")))
    return f"{counted(snapshots, 'snapshot')} forgotten, {counted(files, 'file')} deleted ({size})"


def _model_result(facts: Mapping[str, records.Json]) -> str:
    """How a model was built and why so, and how many of its checks do not hold."""
    (staged,) = _mappings(facts.get("staged"))[:1] or [{}]
    properties = staged.get("properties")
    told = properties if isinstance(properties, Mapping) else {}
    build = str(told.get("build", "")).replace("_", " ")
    text = f"{build}: {told['reason']}" if told.get("reason") else build
    checks = _mappings(facts.get("checks"))
    broken = sum(not each.get("is_passed") for each in checks)
    if checks:
        tried = counted(len(checks), "check")
        text += f"; {broken} of {tried} warn" if broken else f"; {tried}"
    return text


def skipped(steps: Iterable[records.Step]) -> dict[str, str]:
    """The models that a run's plan left out, each with the reason."""
    for step in steps:
        if step.name == rules.PLAN and isinstance(step.result, Mapping):
            plan = step.result.get("plan")
            left_out = plan.get("skipped") if isinstance(plan, Mapping) else None
            if isinstance(left_out, Mapping):
                return {name: str(reason) for name, reason in sorted(left_out.items())}
    return {}


def warnings(steps: Iterable[records.Step]) -> list[errors.Problem]:
    """The checks of `severity: warn` that did not hold, in the order of the steps."""
    return [
        errors.Problem(
            code="check-warned",
            what=f"{step.name.partition(':')[2]}: the check {_kind(each)} does not hold",
            why="\n".join([str(each.get("message")), *_rows(each)]),
        )
        for step in steps
        if isinstance(step.result, Mapping) and step.name.startswith(("model:", "check:"))
        for each in _mappings(step.result.get("checks"))
        if not each.get("is_passed")
    ]


def _kind(result: Mapping[str, records.Json]) -> str:
    check = result.get("check")
    return str(check.get("kind")) if isinstance(check, Mapping) else ""


def _rows(result: Mapping[str, records.Json]) -> list[str]:
    check = result.get("check")
    facts = check if isinstance(check, Mapping) else {}
    return examples.rows(facts, _mappings(result.get("samples")))


def _mappings(value: records.Json) -> list[Mapping[str, records.Json]]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return []
    return [each for each in value if isinstance(each, Mapping)]


def _whole(value: records.Json) -> int:
    return value if isinstance(value, int) else 0


def _count(value: records.Json) -> str:
    return count(_whole(value))
