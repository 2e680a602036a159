from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakewright.errors import LakewrightError
from tests import spark_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_spark_computes_in_utc_and_by_ansi_rules(spark: "SparkSession") -> None:
    answer = spark.sql(
        "SELECT CAST(timestamp'2024-03-31 01:30:00' AS STRING), try_divide(1, 0), 7 / 2"
    ).collect()
    assert tuple(answer[0]) == ("2024-03-31 01:30:00", None, 3.5)
    with pytest.raises(Exception, match="DIVIDE_BY_ZERO"):
        spark.sql("SELECT 1 / 0").collect()


def test_spark_leaves_nothing_where_the_process_stands(spark: "SparkSession") -> None:
    assert not Path("metastore_db").exists()
    warehouse = spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:")
    assert Path(warehouse).parent == Path(spark.conf.get("spark.local.dir"))


def test_a_jar_that_is_not_there_is_named(tmp_path: Path) -> None:
    spark_session.need()
    from lakewright.engines.spark import session

    absent = str(tmp_path / "iceberg.jar")
    machine = session.Machine(
        threads=1, memory_limit_bytes=2**29, temp_folder=str(tmp_path), jars=[absent]
    )
    with pytest.raises(LakewrightError) as caught, session.session(machine):
        pass
    assert absent in caught.value.why
    assert "make spark" in caught.value.hint
