import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def fake_python(folder: Path, body: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("body", "message", "hint"),
    [
        ("exit 1", "Python 3.11 or newer is needed", "make setup PYTHON="),
        ('case "$2" in *venv*) exit 1;; esac', "has no venv module", "apt install python3-venv"),
    ],
)
def test_a_machine_that_lacks_something_is_told_what(
    tmp_path: Path, body: str, message: str, hint: str
) -> None:
    result = run("tools/setup.sh", PYTHON=fake_python(tmp_path, body))
    assert result.returncode == 1
    assert message in result.stderr.splitlines()[0]
    assert hint in result.stderr.splitlines()[1]


def test_help_names_every_target_of_the_makefile() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = next(line for line in text.splitlines() if line.startswith(".PHONY:")).split()[1:]
    listed = [
        line.split()[1] for line in run("make", "--no-print-directory", "help").stdout.splitlines()
    ]
    assert sorted(listed) == sorted(targets)


def test_what_a_machine_runs_for_each_change_is_what_a_person_types() -> None:
    path = ROOT / ".ci" / "run"
    assert os.access(path, os.X_OK)
    assert path.read_text().splitlines()[-1] == "make test"
