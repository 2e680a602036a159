import subprocess
import sys

import pytest

from lakewright.errors import NotFound, ProjectInvalid
from lakewright.project import project_file
from lakewright.project.environment import Environment


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
