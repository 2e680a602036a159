"""What holds for every test: properties are tried without a clock, so a busy machine fails none.

`make test` tries the same examples each time, so that a change is judged by what it changed;
`make fuzz` tries new ones, and more of them.

Golden files lie in `golden/` beside the test that compares with them; `make golden` rewrites them.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests import spark_session
from tests.postgres_server import PostgresServer
from tests.rest_catalog import server
from tests.rest_catalog.server import RestServer

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

settings.register_profile(
    "lakewright",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
settings.register_profile(
    "fuzz", settings.get_profile("lakewright"), derandomize=False, max_examples=2000
)
settings.load_profile("fuzz" if "LAKEWRIGHT_FUZZ" in os.environ else "lakewright")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """PySpark leaves the sockets to be closed for it through which rows come."""
    for item in items:
        if "spark" in item.nodeid:
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with a golden file of this name, or rewrites the file where asked to."""

    def compare(name: str, text: str) -> None:
        path = Path(request.path).parent / "golden" / name
        if os.environ.get("LAKEWRIGHT_GOLDEN") == "write":
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"there is no {path}; `make golden` writes it"
        assert text == path.read_text(encoding="utf-8"), (
            f"{path} differs; `make golden` rewrites it"
        )

    return compare


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server, started when the first test asks for it."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """An empty schema on the tests' PostgreSQL server."""
    return postgres_server.new_schema()


@pytest.fixture(scope="session")
def rest_server() -> Iterator[RestServer]:
    """A REST catalog's server, started when the first test asks for it."""
    server.need()
    with RestServer() as started:
        yield started


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SparkSession]":
    """Apache Spark, started when the first test asks for it."""
    spark_session.need()
    with spark_session.started(tmp_path_factory.mktemp("spark")) as running:
        yield running
