"""The one place that starts Spark: ANSI rules, UTC, nothing fetched, Iceberg's writer at hand.

On one machine the process that calls this has the driver and all executors in a Java process of its
own, which ends with it. On a cluster the process was started by `spark-submit`, which says where
the work is done, with how much memory and which jars; the rules of the language are the same.
"""

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession

from lakewright.errors import LakewrightError

LANGUAGE = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "false",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    # Columns of Parquet files are found by their field ids, whatever they were called.
    "spark.sql.parquet.fieldId.read.enabled": "true",
    "spark.sql.parquet.fieldId.read.ignoreMissing": "true",
    # A folder called `a=7` on the way to a file says nothing about the column `a`.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.catalogImplementation": "in-memory",
}
"""What every row depends on."""

_JAVA = "-Duser.timezone=UTC -Duser.language=en -Duser.country=US"


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What Spark may use of this machine."""

    threads: int
    memory_limit_bytes: int
    """Of the Java process's heap."""
    temp_folder: str
    """Where it spills; made if it does not exist."""
    jars: Sequence[str]
    """Iceberg's jar for Spark, and whatever else must be there."""


@contextmanager
def session(machine: Machine | None) -> Iterator[SparkSession]:
    """A Spark of this process, for a while; None: of the cluster that started this process.

    Raises:
        LakewrightError: there is no Java, or no such jar.
    """
    builder = SparkSession.builder.appName("lakewright")
    for name, value in (LANGUAGE | (_local(machine) if machine is not None else {})).items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    # It would write every error that is raised here to the terminal too, rows included.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
    try:
        yield spark
    finally:
        spark.stop()
        _end_java(spark)


def _local(machine: Machine) -> dict[str, str]:
    _check(machine)
    temp_folder = Path(machine.temp_folder)
    temp_folder.mkdir(parents=True, exist_ok=True)
    return {
        "spark.master": f"local[{machine.threads}]",
        "spark.driver.memory": f"{machine.memory_limit_bytes // 2**20}m",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraJavaOptions": _JAVA,
        "spark.jars": ",".join(machine.jars),
        "spark.local.dir": str(temp_folder),
        "spark.sql.warehouse.dir": str(temp_folder / "warehouse"),
        "spark.sql.shuffle.partitions": str(max(2, 2 * machine.threads)),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }


def _check(machine: Machine) -> None:
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise LakewrightError(
            "Spark cannot be started",
            why="there is no Java on this machine: looked for `java` in PATH, and for JAVA_HOME",
            hint="install Java 17 or later",
        )
    for jar in machine.jars:
        if not Path(jar).is_file():
            raise LakewrightError(
                "Spark cannot be started",
                why=f"there is no {jar}",
                hint="`make spark` fetches what Spark needs",
            )


def _end_java(spark: SparkSession) -> None:
    """PySpark leaves its Java process running until this process ends."""
    gateway = spark.sparkContext._gateway  # noqa: SLF001 -- PySpark has no public way
    gateway.shutdown()
    java = getattr(gateway, "proc", None)
    if java is not None:
        java.stdin.close()
        java.wait()
    context = type(spark.sparkContext)
    context._gateway = context._jvm = None  # noqa: SLF001 -- or the next start would use it
