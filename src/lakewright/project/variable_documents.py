"""A project's variables as their author writes them. The docstrings are what editors show."""

from typing import Annotated, ClassVar

from pydantic import Field

from lakewright.project.document import Document, NonEmpty, Word


class VariableDocument(Document):
    """A typed value that models read as `:name`."""

    noun: ClassVar[str] = "a variable"

    type: Annotated[NonEmpty, Field(examples=["decimal(12,2)", "date", "string"])]
    """Its type, in the words of Spark SQL; none that has others in it."""
    value: Word
    """Its value, written as in a unit test."""
    environments: dict[str, Word] = Field(default_factory=dict)
    """Its value in environments where that is another one, by the environment's name."""
    description: str = ""
    """What it means."""
