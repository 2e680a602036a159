from pathlib import Path
from typing import TYPE_CHECKING

from lakewright.engines.engine import ModelInput
from lakewright.lake.rest_catalog import RestCatalog
from lakewright.lake.rest_transport import HttpTransport
from lakewright.plan import steps
from lakewright.project.model import Write
from lakewright.sql import types
from tests.lake.conftest import NOW, Workshop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.rest_catalog.server import RestServer

COLUMNS = types.Schema(
    (
        types.Field(name="order_id", type=types.BIGINT),
        types.Field(name="amount", type=types.Decimal(9, 2)),
    )
)


def test_what_spark_staged_is_published_once_and_read_through_the_server(
    spark: "SparkSession", rest_server: "RestServer", tmp_path: Path
) -> None:
    from lakewright.engines.spark.engine import SparkEngine

    namespace = rest_server.new_namespace()
    url = rest_server.url
    catalog = RestCatalog(HttpTransport(url), url, namespace=[namespace])
    workshop = Workshop(tmp_path / "lake", catalog)
    rows = [{"order_id": 1, "amount": 5}, {"order_id": 1, "amount": 6}]
    workshop.append("bronze.orders", COLUMNS, rows, "run1")
    step = steps.BuildModel(
        table="silver.orders",
        sql="SELECT * FROM bronze.orders",
        schema=COLUMNS,
        reads=("bronze.orders",),
        build=steps.Full(reason="new"),
        write=Write.MERGE,
        key=("order_id",),
        latest_by=("amount",),
        fingerprint="f1",
    )
    target = workshop.lake.target(step.table, step.schema, (), "run1", step.name)
    inputs = {"bronze.orders": ModelInput(table=workshop.lake.file_set("bronze.orders"))}
    staged = SparkEngine(spark, lambda: NOW).model(step, inputs, target)
    assert "silver.orders" not in workshop.lake.tables()
    published = [workshop.publish(staged, run="run1")[0] for _ in range(2)]
    assert [one.is_repeat for one in published] == [False, True]
    for name, value in {"": "org.apache.iceberg.spark.SparkCatalog", ".type": "rest",
                        ".uri": url, ".cache-enabled": "false"}.items():  # fmt: skip
        spark.conf.set(f"spark.sql.catalog.served{name}", value)
    read = spark.sql(f"SELECT order_id, amount FROM served.{namespace}.silver.orders").collect()
    assert [(row[0], int(row[1])) for row in read] == [(1, 6)]
    catalog.close()
