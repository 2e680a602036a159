"""Names and values made to deceive are data and nothing else, from the upload to the terminal."""

import csv
import json
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from lakewright.project import load
from tests.cli.conftest import Said, say

TEXTS = (
    "../../etc/passwd",
    "'; DROP TABLE orders; --",
    'say "hi"',
    "$(rm -rf ~) `id`",
    "\x1b[2J\x1b]0;owned\x07",
    "ok\nforged.csv: loaded (source orders)",
    "a\rb",
    "<script>alert(1)</script>",
    "key: [value, {a: &b *c}] # no",
    "\u202egnp.exe",
    "a\u2028b\u0085c\u009b2J",
    "%s%n {0} {x}",
    " lead",
    "é" * 110,
    "x" * 251,
)
FILE_NAMES = tuple(
    f"{text.replace('/', chr(0x2215))}.csv" for text in TEXTS if len(os.fsencode(text)) <= 251
)
BROKEN_NAME = os.fsdecode(b"\xff\xfe.csv")
"""A name that is no text at all; where a file system takes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lake:
    """A lake into which files with hostile names, columns and values were loaded."""

    folder: Path
    files: Sequence[Path]
    uploaded: Said

    def say(self, *arguments: str) -> Said:
        return say(*arguments, "--project", str(self.folder))


def _content(number: int) -> str:
    """Hostile columns; a record with hostile values, and one that breaks the contract."""
    stream = StringIO()
    writer = csv.writer(stream)
    writer.writerow([*TEXTS, "id"])
    writer.writerow([*TEXTS, number])
    writer.writerow([*TEXTS, TEXTS[number % len(TEXTS)]])
    return stream.getvalue()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("hostile")
    assert say("init", str(folder / "lake")).code == 0
    (folder / "lake" / "sources").mkdir()
    (folder / "lake" / "sources" / "mess.yaml").write_text(
        "format: {type: csv, delimiter: ',', quote: '\"', header: true}\n"
        "columns: [{name: id, type: int}]\nbad_records: {share_max: 1}\n"
    )
    files = []
    for number, name in enumerate([*FILE_NAMES, BROKEN_NAME]):
        try:
            (folder / name).write_text(_content(number), "utf-8", newline="")
        except OSError:  # A file system that takes only texts.
            assert name == BROKEN_NAME
            continue
        files.append(folder / name)
    uploaded = say(
        "upload", *map(str, files), "--source", "mess", "--project", str(folder / "lake")
    )
    return Lake(folder=folder / "lake", files=files, uploaded=uploaded)


def _check_safe(said: Said) -> None:
    """Whatever was said, nothing but our own line ends speaks to the terminal."""
    for text in (said.out, said.err):
        wild = {
            character
            for character in text
            if character != "\n"
            and (
                unicodedata.category(character)[0] == "C"
                or unicodedata.category(character) in ("Zl", "Zp")
            )
        }
        assert not wild, (wild, text)
    assert not any(line.startswith("forged.csv") for line in (said.out + said.err).split("\n"))


def test_hostile_files_are_loaded_and_every_record_is_accounted_for(lake: Lake) -> None:
    assert lake.uploaded.code == 0, lake.uploaded.err
    count = len(lake.files)
    assert f"{count} files: {2 * count} in = {count} loaded + {count} quarantined" in (
        lake.uploaded.out
    )
    assert sorted(path.name for path in lake.folder.iterdir()) == [
        ".gitignore", ".lakewright", "lakewright.yaml", "sources",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        "uploads list", "runs list", "runs show", "quarantine list", "quarantine show mess",
        "tables list", "tables show bronze.mess", "sources list", "lineage",
    ],
)  # fmt: skip
def test_no_command_lets_them_speak_to_the_terminal(lake: Lake, words: str) -> None:
    said = lake.say(*words.split())
    assert said.code == 0
    assert said.out
    _check_safe(said)
    _check_safe(lake.uploaded)


def test_json_is_exact_and_on_one_line(lake: Lake) -> None:
    listed = lake.say("uploads", "list", "--json")
    _check_safe(listed)
    (line,) = listed.out.splitlines()
    names = {upload["file_name"] for upload in json.loads(line)}
    assert names >= set(FILE_NAMES)
    assert len(names) == len(lake.files)


def test_quarantine_keeps_and_tells_the_exact_text(lake: Lake) -> None:
    records = lake.say("quarantine", "show", "mess", "--limit", "100", "--json").json
    assert isinstance(records, list)
    by_file = {record["_source_file"]: record for record in records}
    for number, name in enumerate(FILE_NAMES):
        (reason,) = by_file[name]["reasons"]
        assert reason["value"] == TEXTS[number % len(TEXTS)]
        (fields,) = csv.reader(StringIO(by_file[name]["raw"], newline=""))
        assert fields == [*TEXTS, reason["value"]]


def _row_of_texts(lake: Lake) -> str:
    """A query for one row that holds every hostile value, under hostile names."""
    described = lake.say("tables", "show", "bronze.mess", "--json").json
    assert isinstance(described, dict)
    columns = [field["name"] for field in described["schema"]["fields"]][1 : len(TEXTS) + 1]
    listed = ", ".join(f"`{name}`" for name in columns)
    more = "id, CAST(NULL AS STRING) AS nothing, '' AS empty"
    return f"SELECT {listed}, {more} FROM bronze.mess WHERE id = 0"


def test_sql_answers_exact_values_and_prints_harmless_ones(lake: Lake) -> None:
    answer = lake.say("sql", _row_of_texts(lake), "--json").json
    assert isinstance(answer, dict)
    assert answer["rows"] == [[*TEXTS, 0, None, ""]]
    shown = lake.say("sql", _row_of_texts(lake))
    _check_safe(shown)
    assert "\\x1b[2J" in shown.out


def test_exported_files_are_well_formed_and_exact(lake: Lake, tmp_path: Path) -> None:
    query = _row_of_texts(lake)
    name = "y" * 251
    for ending in (".csv", ".jsonl"):
        target = tmp_path / f"{name[: 255 - len(ending)]}{ending}"
        said = lake.say("sql", query, "--output", str(target))
        assert said.code == 0, said.err
        assert said.out.startswith("1 row written to")
    with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        header, row = csv.reader(file)
    assert len(header) == len(TEXTS) + 3
    assert row == [*TEXTS, "0", "", ""]
    assert (tmp_path / f"{name}.csv").read_bytes().endswith(b',0,,""\r\n')
    (line,) = (tmp_path / f"{name[:249]}.jsonl").read_text("utf-8").removesuffix("\n").split("\n")
    assert list(json.loads(line).values()) == [*TEXTS, 0, None, ""]


def test_an_inferred_source_is_valid_yaml_that_says_every_header_exactly(
    lake: Lake, tmp_path: Path
) -> None:
    # Reading a file without any setting is another promise: here the header's texts are plain.
    headers = [text for text in TEXTS if text.isprintable() and text.strip() == text]
    file = tmp_path / FILE_NAMES[5]
    stream = StringIO()
    csv.writer(stream).writerows([headers, ["1"] * len(headers), ["2"] * len(headers)])
    file.write_text(stream.getvalue(), "utf-8", newline="")
    assert say("init", str(tmp_path / "own")).code == 0
    said = say(
        "sources", "infer", str(file), "--name", "own", "--save",
        "--project", str(tmp_path / "own"),
    )  # fmt: skip
    assert said.code == 0, said.err
    _check_safe(said)
    text = (tmp_path / "own" / "sources" / "own.yaml").read_text("utf-8")
    project = load.load({"lakewright.yaml": "name: own\n", "sources/own.yaml": text})
    source = project.sources["own"]
    assert source.contract is not None
    assert [column.header for column in source.contract.columns] == headers
    assert source.is_match(file.name)


def test_a_source_is_never_written_outside_the_projects_folder(lake: Lake, tmp_path: Path) -> None:
    file = tmp_path / "plain.csv"
    file.write_text("a,b\n1,2\n")
    before = sorted(lake.folder.rglob("*"))
    for name in ("../../x", "/tmp/x", "a/b", "a\nb", "Orders", ""):
        said = lake.say("sources", "infer", str(file), "--name", name, "--save")
        assert said.code == 2, (name, said)
        _check_safe(said)
    assert sorted(lake.folder.rglob("*")) == before


def test_a_usage_error_does_not_repeat_escapes(lake: Lake) -> None:
    for words in (["sql", "SELECT '\x1b[2J\u202e"], ["uploads", "show", "\x1b[2J"], ["\x1b[2J"]):
        said = lake.say(*words)
        assert said.code in (2, 5)
        _check_safe(said)
