from pathlib import Path

import pytest

from lakewright.errors import LakewrightError
from lakewright.lake import metadata, unlisted
from lakewright.lake.staged import Target
from lakewright.project.contract import PartitionField, Transform
from lakewright.sql import types


def target(folder: Path, kind: str) -> Target:
    return Target(
        table="silver.t",
        schema=types.Schema(
            (
                types.Field(name="id", type=types.BIGINT, is_required=True),
                types.Field(name="a", type=types.parse(kind)),
            )
        ),
        field_ids={"id": 7, "a": 3, "a.element": 12, "a.element.x": 9},
        partitioning=(PartitionField(column="id", transform=Transform.BUCKET, width=4),),
        folder=str(folder),
        file_prefix="step",
        base=None,
    )


def test_its_columns_have_the_ids_of_the_table_that_it_is_for(tmp_path: Path) -> None:
    folder = tmp_path / "draft"
    unlisted.make(folder, target(tmp_path, "array<struct<x:int>>"))
    document = metadata.read(str(folder / "metadata" / "v1.metadata.json"))
    first, second = metadata.schema(document)["fields"]
    assert (first["id"], second["id"], document["last-column-id"]) == (7, 3, 12)
    assert not first["required"]
    assert second["type"] == {
        "type": "list",
        "element-id": 12,
        "element": {
            "type": "struct",
            "fields": [{"id": 9, "name": "x", "required": False, "type": "int"}],
        },
        "element-required": False,
    }
    assert metadata.spec(document)["fields"][0]["source-id"] == 7


def test_a_table_that_nobody_wrote_to_gives_no_files_and_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "draft"
    unlisted.make(folder, target(tmp_path, "array<struct<x:int>>"))
    assert unlisted.take(folder, tmp_path / "step-rows") == ()
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_its_files_would_change_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LakewrightError, match="Iceberg's own writer") as caught:
        unlisted.make(tmp_path / "draft", target(tmp_path, "array<struct<`x-y`:int>>"))
    assert "'x-y'" in caught.value.why
