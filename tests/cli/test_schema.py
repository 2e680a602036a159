from tests.cli.conftest import Type


def test_schemas_are_json_for_one_kind_of_file_or_for_all(lakewright: Type) -> None:
    every = lakewright("schema").json
    assert isinstance(every, dict)
    assert set(every) == {"project", "source", "model", "python", "schedule", "test"}
    assert lakewright("schema", "source").json == every["source"]
