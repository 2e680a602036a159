"""The settings of a Python model as its author writes them; editors show the docstrings."""

from typing import Annotated, ClassVar

from annotated_types import Len
from pydantic import Field

from lakewright.project.document import Document, Names, NonEmpty, Short, as_list
from lakewright.project.documents import CheckDocument, Partitions
from lakewright.project.python_model import RunsOn


class OutputColumnDocument(Document):
    """One column that the function returns."""

    noun: ClassVar[str] = "a column"

    name: NonEmpty
    """The name: lower-case words joined by underscores."""
    type: Annotated[NonEmpty, Field(examples=["bigint", "decimal(12,2)", "timestamp"])]
    """The type, in the words of Spark SQL."""
    description: str = ""
    """What the column means."""


class PythonModelDocument(Document):
    """The settings of a Python model: the docstring, or the leading comment, of a file
    `models/<layer>/<name>.py`."""

    noun: ClassVar[str] = "a Python model"

    description: str = ""
    """What the table holds; best begun with what one row is."""
    reads: Names
    """The tables that the function reads, each as `layer.name`; it can read no others."""
    columns: Annotated[tuple[OutputColumnDocument, ...], Len(min_length=1)]
    """The columns that the function returns, with their types. What it returns is held to them."""
    engines: Annotated[
        tuple[RunsOn, ...],
        Len(min_length=1),
        Short(as_list, {"type": "string", "enum": [each.value for each in RunsOn]}),
    ] = (RunsOn.EMBEDDED,)
    """Where the function can be run: `embedded` (Arrow tables and DuckDB relations), `spark` (data
    frames) or both."""
    partitioning: Partitions | None = None
    """How the table is cut, as for a model in SQL."""
    checks: tuple[CheckDocument, ...] = ()
    """What the table must meet before it is published, as for a model in SQL."""
