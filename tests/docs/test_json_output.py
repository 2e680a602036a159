import re
from pathlib import Path

from lakewright.cli import app

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "json-output.md").read_text()


def test_the_json_of_every_command_is_described() -> None:
    described = re.findall(r"^## lakewright (\w+)$", PAGE, re.MULTILINE)
    assert sorted(described) == sorted(app.COMMANDS)


def test_the_json_of_every_subcommand_is_described() -> None:
    found = re.findall(r"^## lakewright (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    sections = dict(found)
    missing = [
        f"{name} {subname}"
        for name, verb in app.COMMANDS.items()
        for subname, _ in verb.subcommands
        if f"`{subname}`:" not in sections[name]
    ]
    assert missing == []
