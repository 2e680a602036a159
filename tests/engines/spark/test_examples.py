"""Every model of an example, built on Spark from the tables that its inputs are."""

from pathlib import Path
from typing import TYPE_CHECKING

from lakewright.engines import difference
from lakewright.ingest import sample
from lakewright.lake.tables import Lake
from lakewright.plan import steps
from lakewright.sql import types
from tests.system.conftest import of_example

if TYPE_CHECKING:
    from tests.engines.spark.conftest import Pair


def test_the_shops_tables_are_those_of_the_embedded_engine(pair: "Pair", tmp_path: Path) -> None:
    house = of_example("shop", tmp_path / "project")
    delivery = sample.write_shop(tmp_path / "delivery", rows=2_000)
    house.upload(delivery.customers, delivery.orders)
    project = house.warm.project()
    lake = Lake(house.storage)
    for name, resolved in project.resolved.items():
        why = steps.Full(reason="both engines build it")
        model = project.models[name]
        step = steps.build_model(model, resolved, "", why, project.variables)
        made, _ = pair.on_spark(step, *(lake.file_set(table) for table in step.reads))
        own = [field for field in step.schema.fields if not field.name.startswith("_")]
        expected = pair.rows(lake.file_set(name))
        found = difference.difference(types.Schema(tuple(own)), expected, pair.rows(made))
        assert expected, name
        assert found.is_empty, (name, found.missing[:3], found.surplus[:3], found.differing[:3])
    lake.close()
    house.close()
