import subprocess
import sys

import pytest

from lakewright.errors import NotFound, ProjectInvalid
from lakewright.project import project_file
from lakewright.project.environment import CatalogServer, Environment


def test_an_environment_can_be_read_without_the_rest_of_the_project() -> None:
    text = "name: x\nenvironments: {dev: {storage: /data}}\n"
    assert project_file.environment(text, "local") == Environment()
    assert project_file.environment(text, "dev") == Environment(name="dev", storage="/data")
    with pytest.raises(NotFound, match="no environment `dve`"):
        project_file.environment(text, "dve")
    with pytest.raises(ProjectInvalid, match="1 mistake in 1 file"):
        project_file.environment("nam: x\n", "local")


def test_reading_an_environment_does_not_load_what_reads_sql() -> None:
    code = "import sys, lakewright.project.project_file; print('sqlglot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_an_environment_names_the_server_of_its_catalog() -> None:
    text = "name: x\nenvironments: {dev: {catalog: %s}}\n"
    told = "{kind: rest, uri: 'https://c.example.org', warehouse: w, namespace: team.shop}"
    assert project_file.environment(text % told, "dev").catalog == CatalogServer(
        uri="https://c.example.org", warehouse="w", namespace=("team", "shop")
    )
    assert project_file.environment(text % "{kind: sqlite}", "dev").catalog is None


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("{kind: rest}", "needs the `uri`"),
        ("{kind: sqlite, uri: 'http://x'}", "takes no uri"),
        ("{kind: rest, uri: 'ftp://x'}", "no URL of a server"),
    ],
)
def test_a_catalog_that_makes_no_sense_is_a_mistake(told: str, message: str) -> None:
    text = f"name: x\nenvironments: {{dev: {{catalog: {told}}}}}\n"
    with pytest.raises(ProjectInvalid) as found:
        project_file.environment(text, "dev")
    shown = " ".join(f"{one.what} {one.why} {one.hint}" for one in found.value.problems)
    assert message in shown
