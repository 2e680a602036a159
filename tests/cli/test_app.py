import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lakewright import errors
from lakewright.cli import app, output
from tests.cli.conftest import ORDERS, Shop, Type

SENTENCES = [
    (name, *([subname] if subname else []))
    for name, verb in app.COMMANDS.items()
    for subname in ([sub for sub, _ in verb.subcommands] or [""])
]


@pytest.mark.parametrize("words", SENTENCES, ids=" ".join)
def test_every_command_says_what_it_does_and_takes_project_and_json(
    words: tuple[str, ...], lakewright: Type
) -> None:
    said = lakewright(*words, "--help")
    assert said.code == 0
    assert said.out.startswith(f"Usage: lakewright {' '.join(words)}")
    assert "--project" in said.out
    assert "--json" in said.out


def test_no_command_at_all_shows_them_all(lakewright: Type) -> None:
    said = lakewright()
    assert said.code == 0
    assert [name for name in app.COMMANDS if not re.search(rf"│ {name} +\w", said.out)] == []


def test_a_group_alone_says_what_each_of_its_commands_does(lakewright: Type) -> None:
    said = lakewright("runs")
    assert said.code == 0
    assert "Carry a failed run on" in said.out


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["bogus"], "Unknown command"),
        (["upload", "x.csv", "--bogus"], "Unknown option"),
        (["uploads", "show"], "requires an argument"),
        (["uploads", "list", "--limit", "many"], "many"),
        (["schema", "planet"], "planet"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_command_that_makes_no_sense_ends_with_2(
    words: list[str], what: str, lakewright: Type
) -> None:
    said = lakewright(*words)
    assert said.code == 2
    assert said.err.startswith("error[usage]: ")
    assert what in said.err
    assert "hint: `lakewright" in said.err
    assert said.out == ""


def test_an_error_is_json_where_json_was_asked_for(lakewright: Type) -> None:
    said = lakewright("tables", "list", "--json", "--project", "nowhere")
    assert said.code == errors.NotFound.exit_code == 5
    answer = json.loads(said.out)
    assert answer["error"]["code"] == "not-found"
    assert set(answer["error"]["problems"][0]) == {
        "code", "what", "file", "line", "column", "why", "hint", "excerpt",
    }  # fmt: skip
    assert said.err == ""


def test_a_folder_that_is_named_must_be_a_project_itself(shop: Shop, lakewright: Type) -> None:
    below = shop.folder / "models"
    assert lakewright("validate", "--project", str(below)).code == 5


def test_the_project_is_found_from_any_folder_in_it(
    shop: Shop, lakewright: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.folder / "models" / "gold")
    assert lakewright("validate").code == 0


def test_a_mistake_of_ours_ends_with_70_and_shows_no_trace(
    lakewright: Type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def break_(*_: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("lakewright.cli.validate.validate.__code__", break_.__code__)
    said = lakewright("validate")
    assert said.code == output.EXIT_INTERNAL == 70
    assert "Traceback" not in said.err
    assert "error[internal]: Lakewright made a mistake: KeyError: 'surprise'" in said.err
    (kept,) = tmp_path.glob("lakewright-*.txt")
    assert str(kept) in said.err.replace("\n", "")
    assert "Traceback" in kept.read_text("utf-8")


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.EACCES, "allow yourself to write there"),
        (errno.EROFS, "allow yourself to write there"),
        (errno.ENOSPC, "make room on the disk"),
    ],
)
def test_what_the_machine_refuses_is_no_mistake_of_ours(
    number: int, hint: str, lakewright: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "/lake/journal.sqlite")

    monkeypatch.setattr("pathlib.Path.is_file", refuse)
    said = lakewright("validate")
    assert said.code == 1
    assert "error[storage-failed]: /lake/journal.sqlite cannot be read or written" in said.err
    assert f"why: {os.strerror(number)}" in said.err
    assert f"hint: {hint}" in said.err


def test_an_upload_that_is_interrupted_names_the_command_that_finishes_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lakewright"]
    subprocess.run([*command, "init", "shop", "--example", "shop"], cwd=tmp_path, check=True,
                   capture_output=True)  # fmt: skip
    folder = tmp_path / "shop"
    (folder / "orders.csv").write_text(ORDERS, "utf-8")
    process = subprocess.Popen(
        [*command, "upload", "orders.csv"], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    owners = folder / ".lakewright" / "owners"
    for _ in range(1200):
        if owners.exists() and any(owners.iterdir()):  # The upload is accepted; its run begins.
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == output.EXIT_INTERRUPTED == 130
    assert "Traceback" not in told
    resume = told.splitlines()[-1].split()
    assert resume == ["lakewright", "run", "--pending"]
    done = subprocess.run([*command, *resume[1:], "--json"], cwd=folder, text=True,
                          capture_output=True, check=True)  # fmt: skip
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["succeeded"]


def test_a_reader_that_has_seen_enough_ends_a_command_quietly(shop: Shop) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "lakewright", "tables", "list", "--project", str(shop.folder)],
        stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
