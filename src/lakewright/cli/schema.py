"""`lakewright schema`: JSON Schemas of the project's files, for editors."""

from typing import Annotated, Literal

from cyclopts import Parameter

from lakewright.cli import output
from lakewright.cli.app import Common


def schema(
    document: Annotated[
        Literal["project", "source", "model", "python", "schedule", "test"] | None,
        Parameter(show=True),
    ] = None,
    /,
    *,
    common: Common = Common(),
) -> None:
    """Print the JSON Schema (draft 2020-12) of one kind of project file, or of all.

    Editors check and complete files by it; docs/guides/editors.md says how.

    Parameters
    ----------
    document
        `project` for lakewright.yaml, `source` for sources/*.yaml, `model` for the settings
        block of models/*/*.sql, `python` for that of models/*/*.py, `schedule` for
        schedules/*.yaml, `test` for tests/*.yaml.
    """
    from lakewright.project import json_schema

    del common  # The answer is JSON in any case, and the same for every project.
    schemas = json_schema.schemas()
    output.print_json(schemas if document is None else schemas[document])
