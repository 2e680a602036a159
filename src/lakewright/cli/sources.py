"""`lakewright sources`: the kinds of file that may arrive, and what a file looks like."""

import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

from cyclopts import Parameter

from lakewright import errors, wiring
from lakewright.cli import format_option, output, progress, show
from lakewright.cli.app import FLAG, Common
from lakewright.cli.format_option import FormatWords
from lakewright.runs import accept, records
from lakewright.wording import count, counted

if TYPE_CHECKING:
    from lakewright.plan import observed
    from lakewright.project.contract import Contract


def pause(name: str, /, *, reason: str = "", common: Common = Common()) -> None:
    """Let what is delivered to a source wait: files are accepted, and loaded once it is resumed.

    A run that goes on comes to its end.

    Parameters
    ----------
    name
        The source, declared or not.
    reason
        Why, for whoever wonders.
    """
    with wiring.open_lakehouse(common.project) as house:
        house.journal.control.pause(name, reason, datetime.now(UTC))
        pause = house.journal.control.pauses()[name]
    if common.json:
        output.print_json(show.value_json(pause))
        return
    output.print_line(f"{name} is paused: what is delivered to it waits")
    output.print_note(f"to let it go on: lakewright sources resume {name}")


def resume(name: str, /, *, common: Common = Common()) -> int:
    """Let a paused source go on, and load what has waited.

    Parameters
    ----------
    name
        The source.
    """
    with wiring.open_lakehouse(common.project) as house:
        was_paused = house.journal.control.resume(name)
        waiting = [run.run_id for run in house.unfinished_runs() if run.request.source == name]
        if not common.json:
            output.print_line(f"{name} goes on" if was_paused else f"{name} was not paused")
        return progress.carry_out(house, waiting, as_json=common.json)


def list_(*, common: Common = Common()) -> None:
    """List the sources: declared in the project, or inferred from files that arrived."""
    with wiring.open_lakehouse(common.project) as house:
        project = house.project()
        tables = house.lake.observe()
        paused = house.journal.control.pauses()
    inferred = {
        name.partition(".")[2]
        for name in tables
        if name.startswith("bronze.") and name.partition(".")[2] not in project.sources
    }
    rows: list[dict[str, output.Json]] = [
        {
            "source": source.name,
            "match": list(source.match),
            "columns": _columns(tables.get(source.bronze), source.contract),
            "declared_in": source.file,
            "rows": tables[source.bronze].rows if source.bronze in tables else 0,
            "paused": source.name in paused,
        }
        for source in project.sources.values()
    ]
    rows += [
        {
            "source": name,
            "match": [],
            "columns": _columns(tables[f"bronze.{name}"], None),
            "declared_in": None,
            "rows": tables[f"bronze.{name}"].rows,
            "paused": name in paused,
        }
        for name in sorted(inferred)
    ]
    if common.json:
        output.print_json(rows)
        return
    output.print_table(
        ["source", "match", "columns", "declared in", "rows", ""],
        [
            (
                row["source"],
                ", ".join(cast("list[str]", row["match"])),
                row["columns"] if row["columns"] is not None else "to be inferred",
                row["declared_in"] or "inferred",
                show.number(cast("int", row["rows"])),
                "paused" if row["paused"] else "",
            )
            for row in rows
        ],
        right=["rows"],
        spare=["match", "columns"],
        styles={"paused": "yellow"},
    )


def _columns(table: "observed.Table | None", contract: "Contract | None") -> int | None:
    """How many columns of a file the table has; if there is none yet, those that are declared."""
    from lakewright.project.contract import METADATA_COLUMNS

    if table is not None:
        return len(set(table.schema.names) - set(METADATA_COLUMNS.names))
    return len(contract.columns) if contract else None


def infer(
    file: Path,
    /,
    *,
    name: str | None = None,
    format: FormatWords = (),  # noqa: A002 - it is the option's name
    save: Annotated[bool, FLAG] = False,
    common: Common = Common(),
) -> None:
    """Show how a file is written, and the source that it suggests. Nothing is loaded.

    Parameters
    ----------
    file
        A file such as will arrive.
    name
        What to call the source. By default the file's name decides.
    save
        Write the source to sources/NAME.yaml: from then on it is the contract.
    """
    from lakewright.ingest import receiving
    from lakewright.project import naming

    receiving.check_regular(file)
    source = naming.source_name_for(file.name) if name is None else name
    receiving.check_name(source)
    look = format_option.parse(format) or {}
    with wiring.open_reader() as reader:
        asked = {"path": str(file.absolute()), "source": source}
        answer = reader.ask("preview", {**asked, "format": look})
        found = cast("Mapping[str, output.Json]", answer)
    saved = _save(common, source, str(found["source"])) if save else None
    if common.json:
        output.print_json({**found, "name": source, "saved": str(saved) if saved else None})
        return
    _print_preview(file, found)
    if saved:
        output.print_line()
        output.print_line(f"saved as {saved}", style="green")
    else:
        output.print_note("")
        output.print_note(
            f"keep it with `lakewright sources infer {shlex.quote(str(file))} --save`"
        )


def _save(common: Common, source: str, text: str) -> Path:
    folder = (
        wiring.named_folder(common.project) if common.project else wiring.find_folder(Path.cwd())
    )
    path = folder / "sources" / f"{source}.yaml"
    path.parent.mkdir(exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise errors.Conflict(
            f"{path} is already there",
            why="a contract that somebody saved is not overwritten",
            hint="remove the file first, or choose another name with --name",
        ) from None
    return path


def _print_preview(file: Path, found: Mapping[str, output.Json]) -> None:
    records = cast("int", found["records"])
    output.print_line(f"{file.name}: {counted(records, 'record')}", style="bold")
    for line in cast("list[str]", found["evidence"]):
        output.print_line(f"  {line}", style="dim")
    output.print_line(f"  confidence {cast('float', found['confidence']):.2f} of 1", style="dim")
    for line in cast("list[str]", found["suspicions"]):
        output.print_line(f"  suspect: {line}", style="yellow")
    output.print_line()
    sample = cast("list[tuple[int, list[str | None], str | None]]", found["sample"])
    output.print_table(
        cast("list[str]", found["names"]),
        [
            fields if problem is None else [problem, *[""] * (len(fields) - 1)]
            for _, fields, problem in sample
        ],
    )
    output.print_line()
    output.print_line("the source that it suggests", style="bold")
    for line in output.printable_lines(str(found["source"]).rstrip()):
        output.print_line(line)


def read(
    file: Path,
    /,
    *,
    format: FormatWords = (),  # noqa: A002 - it is the option's name
    output_file: Annotated[Path | None, Parameter(name="--output")] = None,
    strict: Annotated[bool, FLAG] = False,
    common: Common = Common(),
) -> int:
    """Write a file's header and records as CSV, as zero configuration reads them. Loads nothing.

    Records that loading would put into quarantine are written as far as they can be read: missing
    fields are empty, surplus fields stand behind the last column. Left out are lines that are no
    records of the table: footers, the header once more, another table.

    Parameters
    ----------
    file
        Any file.
    output_file
        Where to; by default to stdout.
    strict
        Exit with 3 if a record was mended or left out, or the file is suspect.
    """
    from lakewright.ingest import receiving

    receiving.check_regular(file)
    # `--format csv` says what is written, which is CSV in any case.
    look = format_option.parse([word for word in format if word != "csv"]) or {}
    text = None
    with tempfile.TemporaryDirectory() as folder, wiring.open_reader() as reader:
        part = Path(folder) / "records.csv"
        asked = {"path": str(file.absolute()), "output": str(part)}
        answer = reader.ask("read", {**asked, "format": look})
        facts = cast("Mapping[str, output.Json]", answer)
        if output_file is not None:
            shutil.copyfile(part, output_file)
        elif common.json:
            text = part.read_bytes().decode("utf-8")
        else:
            _print_text(part)
    if common.json:
        output.print_json(
            {**facts, "output": str(output_file) if output_file else None, "csv": text}
        )
    suspicions = cast("Sequence[str]", facts["suspicions"])
    records, mended, refused = (cast("int", facts[key]) for key in ("records", "mended", "refused"))
    for suspicion in suspicions:
        output.print_note(f"suspect: {suspicion}", style="yellow")
    if mended or refused:
        output.print_note(
            f"of {counted(records, 'record')} loading would refuse {count(mended + refused)}:"
            f" {count(mended)} written as far as they can be read, {count(refused)} left out",
            style="yellow",
        )
    return output.EXIT_QUARANTINED if strict and (mended or refused or suspicions) else 0


def rebuild(source: str, /, *, common: Common = Common()) -> int:
    """Make a source's bronze table anew from its raw files, under the contract as it is now.

    What is made from it follows in the same run, and everything is published at once. A column that
    the contract no longer has is dropped.

    Parameters
    ----------
    source
        The source's name.
    """
    with wiring.open_lakehouse(common.project) as house:
        statuses = [status for status in records.UploadStatus if status.is_in_bronze]
        if not house.journal.reading.uploads(source=source, statuses=statuses, limit=1):
            raise errors.NotFound(
                f"there is no source {source} that holds a loaded file",
                why="a table is rebuilt from the raw files that it holds",
                hint="`lakewright sources list` shows the sources",
            )
        run = accept.request_rebuild(house.journal, source, datetime.now(UTC))
        return progress.carry_out(house, [run.run_id], as_json=common.json)


def _print_text(path: Path) -> None:
    """Copy a file to stdout: byte for byte, unless a person looks at it on a terminal."""
    with path.open("rb") as stream:
        if sys.stdout.isatty():
            for line in stream:
                output.print_line(line.decode().rstrip("\r\n"))
        else:
            shutil.copyfileobj(stream, sys.stdout.buffer)
            sys.stdout.buffer.flush()
