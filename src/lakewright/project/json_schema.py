"""JSON Schemas (draft 2020-12) of the files that people write; editors complete by them."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

from lakewright.project import (
    document,
    documents,
    python_documents,
    schedule_documents,
    unit_test_documents,
)

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None

DRAFT = "https://json-schema.org/draft/2020-12/schema"
DOCUMENTS: Mapping[str, type[document.Document]] = {
    "project": documents.ProjectDocument,
    "source": documents.SourceDocument,
    "model": documents.ModelDocument,
    "python": python_documents.PythonModelDocument,
    "schedule": schedule_documents.ScheduleDocument,
    "test": unit_test_documents.UnitTestsDocument,
}
"""Each kind of file: `lakewright.yaml`, `sources/*.yaml`, the settings block of a model in SQL
and of one in Python, `schedules/*.yaml` and `tests/*.yaml`."""


def schemas() -> dict[str, Json]:
    """The schema of each kind of file, by the names in `DOCUMENTS`."""
    return {name: schema(kind) for name, kind in DOCUMENTS.items()}


def schema(kind: type[document.Document]) -> Json:
    """The schema of one document."""
    plain = cast("Json", kind.model_json_schema())
    tidied = _tidy(plain)
    assert isinstance(tidied, Mapping)  # noqa: S101 -- told to the type checker
    return {"$schema": DRAFT, "title": f"Lakewright: {kind.noun}", **tidied}


def _tidy(value: Json, *, is_names: bool = False) -> Json:
    """Without what pydantic adds for Python's sake: generated titles, and null where a key is left
    out rather than written as null. `is_names`: the keys are names of the user's, not keywords.
    """
    if isinstance(value, str) or not isinstance(value, (Mapping, Sequence)):
        return value
    if not isinstance(value, Mapping):
        return [_tidy(each) for each in value]
    found = {
        key: _tidy(each, is_names=key in ("properties", "$defs") and not is_names)
        for key, each in value.items()
        if is_names or not (key == "title" or (key == "default" and each is None))
    }
    ways = found.get("anyOf")
    if not is_names and isinstance(ways, Sequence) and {"type": "null"} in ways:
        left = [each for each in ways if each != {"type": "null"}]
        del found["anyOf"]
        only = left[0]
        extra = only if len(left) == 1 and isinstance(only, Mapping) else {"anyOf": left}
        found = {**extra, **found}
    if isinstance(found.get("description"), str) and not is_names:
        found["description"] = str(found["description"]).replace("\n", " ")
    return found
