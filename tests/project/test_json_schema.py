import json
from collections.abc import Iterator

import pytest

from lakewright.project import document, json_schema, reading


def _documents(kind: type[document.Document]) -> Iterator[type[document.Document]]:
    yield kind
    for field in kind.model_fields.values():
        for inner in reading.documents_in(field.annotation):
            yield from _documents(inner)


ALL = sorted(
    {each for kind in json_schema.DOCUMENTS.values() for each in _documents(kind)},
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", ALL)
def test_every_key_is_described(kind: type[document.Document]) -> None:
    assert kind.__doc__
    assert kind.noun != "this"
    for name, schema in kind.model_json_schema().get("properties", {}).items():
        assert schema.get("description", "").endswith("."), name


@pytest.mark.parametrize("name", json_schema.DOCUMENTS)
def test_a_schema_is_of_the_2020_draft_and_refuses_unknown_keys(name: str) -> None:
    schema = json_schema.schemas()[name]
    assert isinstance(schema, dict)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False
    assert json.loads(json.dumps(schema)) == schema


def test_editors_are_told_short_forms_and_choices() -> None:
    schema = json.loads(json.dumps(json_schema.schemas()))
    source, model = schema["source"]["properties"], schema["model"]["properties"]
    names = ["csv", "json", "parquet", "excel", "fixed_width"]
    assert {"type": "string", "enum": names} in source["format"]["anyOf"]
    assert [way["type"] for way in source["key"]["anyOf"]] == ["string", "array"]
    assert model["write"]["$ref"].rpartition("/")[2] in schema["model"]["$defs"]
    assert schema["project"]["required"] == ["name"]
    check = schema["model"]["$defs"]["CheckDocument"]
    assert (check["minProperties"], check["maxProperties"]) == (1, 1)
