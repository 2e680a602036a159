"""`lakewright init`: a new project, empty, from an example, or scaffolded from real files."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeAlias, cast

from cyclopts import Parameter

from lakewright import errors, wiring
from lakewright.cli import examples, output
from lakewright.cli.app import Common

_Files: TypeAlias = Sequence[Path]

_GITIGNORE = "# What Lakewright stores locally: raw files, tables, journal.\n.lakewright/\n"


def init(
    folder: Path | None = None,
    /,
    *,
    name: str | None = None,
    example: str | None = None,
    from_: Annotated[
        _Files, Parameter(name="--from", consume_multiple=True, negative=(), show_default=False)
    ] = (),
    common: Common = Common(),
) -> None:
    """Make a project.

    Parameters
    ----------
    folder
        Where; by default the present folder.
    name
        What to call it; by default as its folder.
    example
        Copy this example project: `shop` or `flights`.
    from_
        Files such as will arrive: a source and first models are written for each.
    """
    _check_is_no_folder(folder, from_)
    target = (folder or common.project or Path()).absolute()
    if example is not None and from_:
        raise errors.UsageError(
            "--example and --from exclude each other", hint="choose one of the two"
        )
    if example is not None:
        examples.copy(example, target)
        written = sorted(path for path in target.rglob("*") if path.is_file())
    else:
        written = _write(target, _files(target, name, from_))
    shown = [path.relative_to(target).as_posix() for path in written]
    if common.json:
        output.print_json({"folder": str(target), "files": shown})
        return
    output.print_line(f"project in {target}")
    for path in shown:
        output.print_line(f"  {path}")
    is_here = target == Path.cwd()
    cd = "" if is_here else f"cd {shlex.quote(str(folder or common.project))} && "
    files = [shlex.quote(os.path.relpath(file, target)) for file in from_]
    output.print_note(f"next: {cd}lakewright upload {' '.join(files) or 'FILE'}")


def _check_is_no_folder(folder: Path | None, samples: Sequence[Path]) -> None:
    """See that the last word after --from is not meant as the folder."""
    if folder is not None or len(samples) < 2 or samples[-1].is_file():
        return
    if samples[-1].is_dir() or not samples[-1].suffix:
        command = ["lakewright", "init", str(samples[-1]), "--from", *map(str, samples[:-1])]
        raise errors.UsageError(
            f"{samples[-1]} is no file",
            why="every word after --from names a file",
            hint=f"put the folder before --from: `{shlex.join(command)}`",
        )


def _files(target: Path, name: str | None, samples: Sequence[Path]) -> dict[str, str]:
    """The text of every file of the new project."""
    from lakewright.project import naming

    called = naming.standardise(name or target.name)
    files = {"lakewright.yaml": f"name: {called}\n", ".gitignore": _GITIGNORE}
    if not samples:
        return files
    with wiring.open_reader() as reader:
        for sample in samples:
            files |= _scaffold(reader, sample)
    return files


def _scaffold(reader: wiring.Reader, sample: Path) -> dict[str, str]:
    """A source as the file suggests it, a silver model of its columns, and a gold model over it."""
    from lakewright.ingest import receiving
    from lakewright.project import naming

    receiving.check_regular(sample)
    source = naming.source_name_for(sample.name)
    payload = {"path": str(sample.absolute()), "source": source}
    found = cast("Mapping[str, output.Json]", reader.ask("preview", payload))
    typed = [_in_sql(name) for name in cast("list[str]", found["typed"])]
    columns = ",\n".join(f"  {name}" for name in typed)
    counts = ",\n".join(
        ["  count(*) AS row_count", *(f"  count({name}) AS {name}_known" for name in typed)]
    )
    silver = (
        f"/*\ndescription: {source}, one row for each record that keeps its contract.\n*/\n"
        f"SELECT\n{columns}\nFROM bronze.{source}\n"
    )
    gold = (
        f"/*\ndescription: How many rows {source} has, and how many of them know each column.\n"
        f"checks:\n  - row_count: {{min: 1}}\n*/\n"
        f"SELECT\n{counts}\nFROM silver.{source}\n"
    )
    return {
        f"sources/{source}.yaml": str(found["source"]),
        f"models/silver/{source}.sql": silver,
        f"models/gold/{source}_completeness.sql": gold,
    }


def _in_sql(name: str) -> str:
    """A column's name as a query writes it: in backticks where it would mean something else."""
    from lakewright.sql import parse

    try:
        parse.parse(f"SELECT {name} FROM bronze.a", errors.Place(file=name))
    except errors.SqlRefused:
        return "`" + name.replace("`", "``") + "`"
    return name


def _write(target: Path, files: Mapping[str, str]) -> list[Path]:
    """Write new files; none of them may be there yet, but for .gitignore."""
    there = [name for name in files if (target / name).exists() and name != ".gitignore"]
    if there:
        raise errors.Conflict(
            f"{target} already holds {', '.join(there)}",
            why="a new project does not overwrite files",
            hint="choose an empty folder, or remove these files first",
        )
    written = []
    for name, text in files.items():
        path = target / name
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
