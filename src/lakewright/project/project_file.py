"""The file `lakewright.yaml`: what the project is called, and its environments.

It is read alone where no more is needed, without what reading SQL takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lakewright.project import declared, documents, reading, variable_file, yaml
from lakewright.project.environment import Environment
from lakewright.project.file import Mistakes, TextFile, invalid
from lakewright.project.files import PROJECT_FILE
from lakewright.project.project import Project
from lakewright.project.variable import Variable


@dataclass(kw_only=True)
class ProjectFile:
    """What the file declares. With mistakes, parts that they are about may be missing."""

    mistakes: Mistakes
    document: documents.ProjectDocument | None
    variables: Mapping[str, Variable] = field(default_factory=dict)
    """Those that are sound, by name."""

    @property
    def environments(self) -> Mapping[str, Environment]:
        """By name; `local` is always among them."""
        return declared.environments(self.document) if self.document else {}


def read(text: str) -> ProjectFile:
    """Read the file's text."""
    mistakes = Mistakes(file=TextFile.read(PROJECT_FILE, text))
    parsed = yaml.parse(mistakes)
    document = reading.read(documents.ProjectDocument, parsed, mistakes) if parsed else None
    found = ProjectFile(mistakes=mistakes, document=document)
    if document is not None and parsed is not None:
        found.variables = variable_file.read(
            document.variables, parsed, found.environments, mistakes
        )
    return found


def environment(text: str, name: str) -> Environment:
    """One environment that the file's text declares.

    Raises:
        ProjectInvalid: the file holds mistakes; every one is in its `problems`.
        NotFound: it declares no such environment; the hint names the nearest.
    """
    found = read(text)
    if not found.mistakes.is_empty:
        raise invalid(found.mistakes.problems)
    return Project(name="", environments=found.environments).environment(name)
