"""A real Spark for the tests, in this process and a Java process beside it.

`make spark` fetches it where there are Java and Maven.
"""

import importlib.util
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JARS = Path(__file__).parents[1] / ".venv" / "spark-jars"


def need() -> None:
    """Skip the test, and say why, where Spark cannot run."""
    has_spark = importlib.util.find_spec("pyspark") is not None and JARS.is_dir()
    if not has_spark or shutil.which("java") is None:
        pytest.skip("NO SPARK: install Java 17 and Maven, then run `make spark`")


def started(temp_folder: Path) -> "AbstractContextManager[SparkSession]":
    """A small Spark."""
    from lakewright.engines.spark import session

    machine = session.Machine(
        threads=2,
        memory_limit_bytes=768 * 2**20,
        temp_folder=str(temp_folder),
        jars=sorted(map(str, JARS.glob("*.jar"))),
    )
    return session.session(machine)
