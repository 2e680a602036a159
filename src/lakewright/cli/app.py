"""Every command in one place: its name, its function, and what becomes of an error."""

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Group, Parameter

from lakewright import errors, version
from lakewright.cli import output

FLAG = Parameter(negative=(), show_default=False)
"""An option that is there or not."""

_EVERYWHERE = Group("Everywhere", sort_key=100)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Common:
    """What every command takes."""

    project: Annotated[Path | None, Parameter(group=_EVERYWHERE)] = None
    """The project's folder. By default the nearest folder upwards that holds lakewright.yaml."""

    json: Annotated[bool, FLAG, Parameter(group=_EVERYWHERE)] = False
    """Print JSON on stdout instead of text."""


_BEGIN = Group("Begin", sort_key=1)
_LOAD = Group("Load", sort_key=2)
_LOOK = Group("Look", sort_key=3)
_MEND = Group("Mend", sort_key=4)
_ABOUT = Group("About", sort_key=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verb:
    """One command, or several under one name."""

    group: Group
    function: str = ""
    """`module:function` in this folder."""
    help: str = ""
    """What the subcommands have in common."""
    subcommands: tuple[tuple[str, str], ...] = ()
    """Each with its name and its function."""


COMMANDS: dict[str, Verb] = {
    "demo": Verb(group=_BEGIN, function="demo:demo"),
    "init": Verb(group=_BEGIN, function="init:init"),
    "sources": Verb(
        group=_BEGIN,
        help="See the kinds of file that may arrive, and what a file looks like; pause, rebuild.",
        subcommands=(
            ("list", "sources:list_"),
            ("infer", "sources:infer"),
            ("read", "sources:read"),
            ("rebuild", "sources:rebuild"),
            ("pause", "sources:pause"),
            ("resume", "sources:resume"),
        ),
    ),
    "validate": Verb(group=_BEGIN, function="validate:validate"),
    "test": Verb(group=_BEGIN, function="test:unit_tests"),
    "plan": Verb(group=_LOAD, function="plan:plan"),
    "upload": Verb(group=_LOAD, function="upload:upload"),
    "run": Verb(group=_LOAD, function="run:run"),
    "worker": Verb(group=_LOAD, function="worker:worker"),
    "backfill": Verb(group=_LOAD, function="backfill:backfill"),
    "schedules": Verb(
        group=_LOAD,
        help="See what is done by itself at certain times; do it now.",
        subcommands=(("list", "schedules:list_"), ("fire", "schedules:fire")),
    ),
    "sql": Verb(group=_LOOK, function="sql:sql"),
    "tables": Verb(
        group=_LOOK,
        help="See the tables, their columns and history; roll one back; keep them up.",
        subcommands=(
            ("list", "tables:list_"),
            ("show", "tables:show_"),
            ("history", "tables:history"),
            ("rollback", "tables:rollback"),
            ("upkeep", "tables:upkeep"),
        ),
    ),
    "lineage": Verb(group=_LOOK, function="lineage:lineage"),
    "uploads": Verb(
        group=_LOOK,
        help="See what was delivered and what became of it; remove it.",
        subcommands=(
            ("list", "uploads:list_"),
            ("show", "uploads:show_"),
            ("remove", "uploads:remove"),
        ),
    ),
    "runs": Verb(
        group=_MEND,
        help="See what was carried out, step by step; try again, cancel, forget what is old.",
        subcommands=(
            ("list", "runs:list_"),
            ("show", "runs:show_"),
            ("watch", "watch:watch"),
            ("retry", "runs:retry"),
            ("rerun", "runs:rerun"),
            ("cancel", "runs:cancel"),
            ("prune", "runs:prune"),
        ),
    ),
    "events": Verb(
        group=_LOOK,
        help="Tell programs what happened: each event at least once, in order.",
        subcommands=(
            ("list", "events:list_"),
            ("subscribers", "events:subscribers"),
            ("subscribe", "events:subscribe"),
            ("read", "events:read"),
            ("acknowledge", "events:acknowledge"),
            ("unsubscribe", "events:unsubscribe"),
        ),
    ),
    "quarantine": Verb(
        group=_MEND,
        help="See records that broke their contract, and why; read them again.",
        subcommands=(
            ("list", "quarantine:list_"),
            ("show", "quarantine:show_"),
            ("replay", "quarantine:replay"),
        ),
    ),
    "relocate": Verb(group=_MEND, function="relocate:relocate"),
    "schema": Verb(group=_ABOUT, function="schema:schema"),
    "version": Verb(group=_ABOUT, function="version:show"),
}
"""Every command by its name."""


_WAYS_OUT = {
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS),
        "allow yourself to write there, or work in another folder",
    ),
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT), "make room on the disk; what was acknowledged is safe"
    ),
    errno.EIO: "the disk may be failing; what was acknowledged may have to come from a copy",
}
"""What the machine refuses, by the error's number, and what can be done."""


def build() -> App:
    """The command line as Cyclopts knows it; a command's module is imported when it is needed."""
    app = App(
        name="lakewright",
        help="A folder of plain files in Git becomes a governed data lakehouse.",
        version=version.VERSION,
        help_format="plaintext",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    app["--help"].group = app["--version"].group = _ABOUT
    for place, (name, verb) in enumerate(COMMANDS.items()):
        if verb.function:
            target = f"lakewright.cli.{verb.function}"
            app.command(target, name=name, group=verb.group, sort_key=place)
            continue
        group = App(name=name, help=verb.help, group=verb.group, sort_key=place)
        for subplace, (subname, function) in enumerate(verb.subcommands):
            group.command(f"lakewright.cli.{function}", name=subname, sort_key=subplace)
        app.command(group)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    as_json = "--json" in arguments
    app = build()
    if not arguments or "--help" in arguments or "-h" in arguments or arguments[-1] in COMMANDS:
        load_subcommands(app, arguments)
    try:
        code = app(list(arguments))
    except CycloptsError as error:
        output.print_error(_usage(error), as_json=as_json)
        return errors.UsageError.exit_code
    except errors.LakewrightError as error:
        output.print_error(error, as_json=as_json)
        return error.exit_code
    except output.Interrupted as interrupted:
        output.print_note("interrupted; nothing that was acknowledged is lost. To go on, type:")
        output.print_note(f"  {interrupted.resume}", style="bold")
        return output.EXIT_INTERRUPTED
    except KeyboardInterrupt:
        output.print_note("interrupted")
        return output.EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; what is still to be flushed goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last door: nobody is to see a raw traceback
        told = _refused_by_machine(error) or _mistake_of_ours(error)
        output.print_error(told, as_json=as_json)
        return told.exit_code
    return code if isinstance(code, int) else 0


def load_subcommands(app: App, arguments: Sequence[str]) -> None:
    """Import the commands that a help page lists: only their docstrings say what they do."""
    for word in arguments:
        if word in app and not word.startswith("-"):
            app = app[word]
    for name in app:
        app[name]  # looking a command up is what imports it


def _usage(error: CycloptsError) -> errors.UsageError:
    command = " ".join(error.command_chain or ())
    return errors.UsageError(
        str(error).replace("\n", " "),
        hint=f"`lakewright {command} --help` lists what it takes".replace("  ", " "),
    )


def _refused_by_machine(error: Exception) -> errors.StorageFailed | None:
    """What to say where the machine, not we, is why a file cannot be read or written."""
    hint = _WAYS_OUT.get(error.errno or 0) if isinstance(error, OSError) else None
    if hint is None or not isinstance(error, OSError):
        return None
    name = error.filename2 or error.filename
    return errors.StorageFailed(
        f"{name if isinstance(name, str) else 'a file'} cannot be read or written",
        why=error.strerror or str(error),
        hint=hint,
    )


def _mistake_of_ours(error: Exception) -> errors.InternalError:
    """What to say of an error that nobody foresaw; its trace is kept in a file."""
    try:
        descriptor, path = tempfile.mkstemp(prefix="lakewright-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"lakewright {version.VERSION}, Python {sys.version}\n")
            file.write("".join(traceback.format_exception(error)))
    except OSError as unwritten:
        path = f"the trace (it could not be written: {unwritten.strerror})"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return errors.InternalError(
        f"Lakewright made a mistake: {type(error).__name__}: {error}",
        why=f"at {Path(frame.filename).name}:{frame.lineno}, in {frame.name}",
        hint=f"please report it, with {path}, which holds the whole trace; what was acknowledged"
        " is safe",
    )
