"""Every command in one place: its name, its function, and what becomes of an error."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Group, Parameter

from lakewright import errors, version
from lakewright.cli import output

_EVERYWHERE = Group("Everywhere", sort_key=100)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Common:
    """What every command takes."""

    project: Annotated[Path | None, Parameter(group=_EVERYWHERE)] = None
    """The project's folder. By default the nearest folder upwards that holds lakewright.yaml."""

    json: Annotated[bool, Parameter(group=_EVERYWHERE, negative=())] = False
    """Print JSON on stdout instead of text."""


COMMANDS: dict[str, tuple[str, dict[str, str]]] = {
    "init": ("init:init", {}),
    "demo": ("demo:demo", {}),
    "upload": ("upload:upload", {}),
    "uploads": (
        "Uploads: what was delivered and what became of it.",
        {"list": "uploads:list_", "show": "uploads:show_", "remove": "uploads:remove"},
    ),
    "sources": (
        "Sources: the kinds of file that may arrive.",
        {"list": "sources:list_", "infer": "sources:infer", "read": "sources:read"},
    ),
    "plan": ("plan:plan", {}),
    "run": ("run:run", {}),
    "runs": (
        "Runs: what was carried out, step by step.",
        {"list": "runs:list_", "show": "runs:show_", "retry": "runs:retry"},
    ),
    "tables": (
        "Tables: bronze, silver, gold and quarantine.",
        {
            "list": "tables:list_",
            "show": "tables:show_",
            "history": "tables:history",
            "rollback": "tables:rollback",
        },
    ),
    "sql": ("sql:sql", {}),
    "quarantine": (
        "Quarantine: records that broke their contract.",
        {"list": "quarantine:list_", "show": "quarantine:show_", "replay": "quarantine:replay"},
    ),
    "lineage": ("lineage:lineage", {}),
    "validate": ("validate:validate", {}),
    "schema": ("schema:schema", {}),
    "relocate": ("relocate:relocate", {}),
    "version": ("version:show", {}),
}
"""Command to `module:function` in this folder, or to a sentence and its subcommands."""


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
    for name, (target, subcommands) in COMMANDS.items():
        if not subcommands:
            app.command(f"lakewright.cli.{target}", name=name)
            continue
        group = App(name=name, help=target)
        for subname, subtarget in subcommands.items():
            group.command(f"lakewright.cli.{subtarget}", name=subname)
        app.command(group)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    as_json = "--json" in arguments
    app = build()
    if not arguments or "--help" in arguments or "-h" in arguments:
        _load_subcommands(app, arguments)
    try:
        code = app(list(arguments))
    except CycloptsError as error:
        output.print_error(_usage(error), as_json=as_json)
        return errors.UsageError.exit_code
    except errors.LakewrightError as error:
        output.print_error(error, as_json=as_json)
        return error.exit_code
    except KeyboardInterrupt:
        output.print_note("interrupted: nothing that was acknowledged is lost; to go on, type")
        output.print_note("  lakewright run --pending")
        return output.EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return code if isinstance(code, int) else 0


def _load_subcommands(app: App, arguments: Sequence[str]) -> None:
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
