"""Every refusal, as a person or a program meets it: its exit code, its reason, and what it leaves.

What could not be loaded is kept as it came, and no table moves.
"""

import base64
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
import zstandard

from lakewright import errors
from lakewright.project import naming
from tests.system.conftest import Answer, House, Json

SOUND = b"id,name\n1,ann\n2,bob\n"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 4
COLUMNS = """
columns:
  - {name: id, type: bigint, required: true}
  - {name: name, type: string}
key: id
"""
SOURCE = f'match: "people*"{COLUMNS}'
NO_LIMIT = SOURCE + "bad_records: {share_max: 1.0}\n"


@dataclass(frozen=True)
class Bad:
    """A file that cannot be loaded as a whole."""

    name: str
    content: bytes
    says: str
    source: str = ""
    """What is added to its source file; empty: it has none."""


UNREADABLE: Mapping[str, Bad] = {
    "empty": Bad("people.csv", b"", "is empty"),
    "only blank lines": Bad("people.csv", b"\n\n\n", "is empty"),
    "zeros": Bad("people.csv", b"\0" * 4096, "binary"),
    "noise": Bad("people.csv", hashlib.shake_256(b"noise").digest(5000), "binary"),
    "a picture": Bad("people.csv", PNG, "PNG"),
    "a PDF": Bad("people.csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"\0" * 99, "PDF"),
    "a truncated gzip file": Bad("people.csv.gz", gzip.compress(SOUND * 999)[:40], "cut short"),
    "a broken gzip file": Bad(
        "people.csv.gz", gzip.compress(SOUND * 999)[:-8] + b"\1" * 8, "gzip"
    ),
    "a truncated zstd file": Bad(
        "people.csv.zst", zstandard.compress(SOUND * 999)[:20], "cut short"
    ),
    "packed binary": Bad("people.csv.gz", gzip.compress(PNG * 9), "PNG"),
    "a truncated Parquet file": Bad("people.parquet", b"PAR1" + b"x" * 99, "Parquet"),
    "broken JSON": Bad("people.json", b'[{"id": 1}, {"id": ', "JSON"),
    "CSV where Parquet is declared": Bad("people.parquet", SOUND, "Parquet", "format: parquet\n"),
    "CSV where JSON is declared": Bad("people.json", SOUND, "JSON", "format: json\n"),
}  # fmt: skip


def outcome(answer: Answer) -> Json:
    [line] = answer.lines
    return line


@pytest.fixture(scope="module")
def unreadable(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, Mapping[str, Json]]:
    """A lake to which every unreadable file came, each for a source of its own."""
    house = House(tmp_path_factory.mktemp("unreadable") / "project")
    house.write({"lakewright.yaml": "name: trial\n"})
    files = []
    for name, bad in UNREADABLE.items():
        source = naming.standardise(name)
        if bad.source:
            house.write({f"sources/{source}.yaml": COLUMNS + bad.source})
        files.append(house.file(bad.name.replace("people", source), bad.content))
    answer = house.do("upload", *files, "--json")
    assert answer.code == 1
    return house, dict(zip(UNREADABLE, answer.lines, strict=True))


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_file_is_a_failed_upload_with_its_reason_and_its_bytes(
    unreadable: tuple[House, Mapping[str, Json]], name: str
) -> None:
    house, outcomes = unreadable
    bad, found = UNREADABLE[name], outcomes[name]
    assert found["status"] == "failed"
    assert found["error"]["code"] == "file-unreadable"
    [problem] = found["error"]["problems"]
    assert bad.says in f"{problem['what']} {problem['why']}"
    assert problem["hint"]
    assert found["tables"] == {}
    assert house.table_names() == []
    raw = house.storage / "raw" / found["source"] / found["sha256"][:2] / found["sha256"]
    assert raw.read_bytes() == bad.content
    [upload] = house.ask("uploads", "list", "--source", found["source"])
    assert (upload["status"], upload["upload_id"]) == ("failed", found["upload_id"])


def test_a_sound_file_beside_a_bad_one_is_loaded(house: House) -> None:
    bad, good = house.file("bad.csv", PNG), house.file("good.csv", SOUND)
    answer = house.do("upload", bad, good, "--source", "people", "--json")
    assert answer.code == 1
    assert [each["status"] for each in answer.lines] == ["failed", "loaded"]
    assert house.count("bronze.people") == 2


def test_a_file_that_failed_is_taken_again_when_its_contract_fits(house: House) -> None:
    house.write({"sources/people.yaml": SOURCE + "format: parquet\n"})
    file = house.file("people.csv", SOUND)
    assert house.do("upload", file).code == 1
    house.write({"sources/people.yaml": SOURCE})
    [found] = house.upload(file)
    assert (found["status"], found["rows_loaded"]) == ("loaded", 2)


LIMITS: Mapping[str, tuple[str, bool]] = {
    "share reached": ("share_max: 0.25", True),
    "share exceeded": ("share_max: 0.24", False),
    "count reached": ("share_max: 1.0, count_max: 1", True),
    "count exceeded": ("share_max: 1.0, count_max: 0", False),
}


def test_more_bad_records_than_allowed_fail_the_upload(house: House) -> None:
    files = []
    for name, (limit, _) in LIMITS.items():
        source = naming.standardise(name)
        house.write({f"sources/{source}.yaml": f"{COLUMNS}bad_records: {{{limit}}}\n"})
        files.append(house.file(f"{source}.csv", "id,name\n1,a\nx,b\n3,c\n4,d\n"))
    answer = house.do("upload", *files, "--json")
    assert answer.code == 1
    for (name, (_, is_allowed)), found in zip(LIMITS.items(), answer.lines, strict=True):
        if is_allowed:
            assert (found["status"], found["records_quarantined"]) == ("loaded", 1), name
        else:
            assert found["error"]["code"] == "too-many-bad-records", name
        assert (f"bronze.{found['source']}" in house.table_names()) == is_allowed


def test_strict_exits_with_3_when_records_went_to_quarantine(house: House) -> None:
    house.write({"sources/people.yaml": NO_LIMIT})
    file = house.file("people.csv", "id,name\n1,a\nx,b\n")
    answer = house.do("upload", file, "--strict", "--json")
    assert (answer.code, outcome(answer)["status"]) == (3, "loaded")
    assert house.do("upload", file, "--json").code == 0


def test_strict_exits_with_3_when_a_file_is_suspect(house: House) -> None:
    answer = house.do("upload", house.file("people.csv", "id,name\n"), "--strict", "--json")
    assert (answer.code, outcome(answer)["status"]) == (3, "suspect")


DIFFERENT = {
    "new_columns": "id,name,age\n3,c,9\n",
    "missing_columns": "id\n3\n",
    "reordered_columns": "name,id\nc,3\n",
}
DIFFERENCE = {
    "new_columns": "added",
    "missing_columns": "missing",
    "reordered_columns": "reordered",
}


def test_a_frozen_schema_refuses_a_file_that_differs(house: House) -> None:
    for name in DIFFERENT:
        house.write({f"sources/{name}.yaml": f"{COLUMNS}evolution: {{{name}: freeze}}\n"})
    house.upload(*(house.file(f"{name}_1.csv", SOUND) for name in DIFFERENT))
    before = house.snapshots()
    files = [house.file(f"{name}_2.csv", content) for name, content in DIFFERENT.items()]
    answer = house.do("upload", *files, "--json")
    assert answer.code == 1
    for name, found in zip(DIFFERENT, answer.lines, strict=True):
        assert found["error"]["code"] == "contract-broken"
        assert [each["kind"] for each in found["differences"]] == [DIFFERENCE[name]]
    assert house.snapshots() == before


def test_a_missing_file_exits_with_5_and_the_others_are_loaded(house: House) -> None:
    answer = house.do(
        "upload", house.folder / "absent.csv", house.file("people.csv", SOUND), "--json"
    )
    assert answer.code == 5
    first, second = answer.lines
    assert (first["status"], first["error"]["code"]) == ("failed", "not-found")
    assert first["upload_id"] is None
    assert second["status"] == "loaded"


NOT_FOUND = (
    ("tables", "show", "silver.nothing"),
    ("tables", "history", "silver.nothing"),
    ("uploads", "show", "0123"),
    ("uploads", "remove", "0123"),
    ("runs", "show", "2026"),
    ("run", "silver.nothing"),
    ("quarantine", "show", "nothing"),
    ("quarantine", "replay", "nothing"),
    ("lineage", "silver.nothing"),
    ("sources", "read", "/nowhere/file.csv"),
    ("sources", "infer", "/nowhere/file.csv"),
)


@pytest.mark.parametrize("words", NOT_FOUND, ids=" ".join)
def test_what_is_not_there_exits_with_5(house: House, words: tuple[str, ...]) -> None:
    answer = house.do(*words, "--json")
    assert answer.code == 5, answer.out + answer.err
    assert answer.json["error"]["code"] == "not-found"


USAGE = (
    ("upload",),
    ("upload", "--nonsense", "x"),
    ("upload", "FOLDER"),
    ("upload", "FILE", "--source", "Not A Name"),
    ("nonsense",),
    ("tables", "rollback", "bronze.people", "--to", "yesterday"),
    ("demo", "nothing"),
    ("runs", "list", "--limit", "many"),
)


@pytest.mark.parametrize("words", USAGE, ids=" ".join)
def test_a_command_that_makes_no_sense_exits_with_2(house: House, words: tuple[str, ...]) -> None:
    there = {"FOLDER": house.folder, "FILE": house.file("people.csv", SOUND)}
    answer = house.do(*(there.get(word, word) for word in words))
    assert answer.code == 2, answer.out + answer.err
    assert "error[usage]" in answer.err


def test_a_file_of_two_sources_is_refused_until_one_is_named(house: House) -> None:
    other = SOURCE.replace("people*", "*.csv")
    house.write({"sources/people.yaml": SOURCE, "sources/persons.yaml": other})
    file = house.file("people.csv", SOUND)
    answer = house.do("upload", file)
    assert answer.code == 2
    assert "more than one source" in answer.err
    assert "--source" in answer.err
    [found] = house.upload(file, "--source", "persons")
    assert found["source"] == "persons"


def test_every_mistake_of_a_project_is_told_with_its_place(house: House) -> None:
    house.write({
        "sources/people.yaml": "match: people*\ncolums:\n  - {name: id, type: bigint}\n",
        "models/silver/a.sql": "SELECT nothing FROM bronze.people\n",
        "models/silver/b.sql": "SELECT id\nFROM silver.c\n",
        "models/silver/c.sql": "SELECT id FROM silver.b\n",
    })  # fmt: skip
    for words in (("validate",), ("upload", house.file("people.csv", SOUND)), ("run",)):
        answer = house.do(*words)
        assert answer.code == 2
        assert "sources/people.yaml:2:1" in answer.err
        assert "columns" in answer.err
        assert "models/silver/b.sql" in answer.err
    found = house.do("validate", "--json")
    problems = found.json["error"]["problems"]
    assert len(problems) >= 2
    assert all(each["file"] and each["line"] and each["column"] for each in problems)
    assert house.table_names() == []


CHECKED = {
    "sources/people.yaml": SOURCE,
    "models/silver/sound.sql": "SELECT id FROM bronze.people\n",
    "models/silver/checked.sql": "/*\nchecks:\n  - unique: name\n  - range: {column: id, max: 9}\n"
    "*/\nSELECT id, name FROM bronze.people\n",
    "models/gold/after.sql": "SELECT count(*) AS n FROM silver.checked\n",
}


def test_a_failed_check_keeps_the_model_and_what_reads_it_but_not_bronze(house: House) -> None:
    house.write(CHECKED)
    house.upload(house.file("people_1.csv", SOUND))
    before = house.snapshots()
    answer = house.do("upload", house.file("people_2.csv", "id,name\n10,ann\n"))
    assert answer.code == 1
    assert "check-failed" in answer.err
    assert "name = ann" in answer.err, "it must show which rows"
    assert "id = 10" in answer.err
    after = house.snapshots()
    moved = {name for name in after if after[name] != before[name]}
    assert moved == {"bronze.people", "quarantine.people", "silver.sound"}
    [run, _] = house.ask("runs", "list")
    assert run["status"] == "failed"
    # Better bytes for the same record; then everything is brought up to date.
    uploads = house.ask("uploads", "list")
    assert house.do("uploads", "remove", uploads[0]["upload_id"]).code == 0
    assert house.do("run").code == 0
    assert house.count("silver.checked") == 2


def test_a_check_that_only_warns_is_recorded_and_publishes(house: House) -> None:
    warning = CHECKED["models/silver/checked.sql"].replace(
        "max: 9", "max: 9, severity: warn"
    ).replace("unique: name", "unique: {columns: [name], severity: warn}")  # fmt: skip
    house.write({**CHECKED, "models/silver/checked.sql": warning})
    house.upload(house.file("people.csv", "id,name\n1,ann\n10,ann\n"))
    assert house.count("silver.checked") == 2
    [run] = house.ask("runs", "list")
    shown = house.do("runs", "show", run["run_id"], "--json").out
    assert "id is more than 9" in shown


UPLOAD_KEYS = {
    "file", "upload_id", "sha256", "source", "status", "run_id", "records_in", "rows_loaded",
    "records_quarantined", "tables", "error",
}  # fmt: skip


def test_upload_tells_programs_one_object_for_each_file(house: House) -> None:
    house.write({"sources/people.yaml": NO_LIMIT})
    content = b"id,name\n1,a\nx,b\n"
    file = house.file("people.csv", content)
    [found] = house.upload(file)
    assert set(found) >= UPLOAD_KEYS
    sha256 = hashlib.sha256(content).hexdigest()
    identity = hashlib.sha256(f"people:{sha256}".encode()).hexdigest()[:16]
    assert (found["file"], found["sha256"], found["upload_id"]) == (str(file), sha256, identity)
    assert (found["source"], found["status"], found["error"]) == ("people", "loaded", None)
    counts = (found["records_in"], found["rows_loaded"], found["records_quarantined"])
    assert counts == (2, 1, 1)
    tables = found["tables"]
    assert set(tables) == {"bronze.people", "quarantine.people"}
    [snapshot] = house.snapshots()["bronze.people"]
    assert tables["bronze.people"] == {"rows": 1, "snapshot_id": snapshot}
    [run] = house.ask("runs", "list")
    assert found["run_id"] == run["run_id"]
    [again] = house.upload(file)
    assert (again["status"], again["upload_id"]) == ("already_loaded", identity)
    [failed] = house.do("upload", house.file("people_2.csv", b""), "--json").lines
    assert set(failed) >= UPLOAD_KEYS
    assert (failed["status"], failed["records_in"], failed["tables"]) == ("failed", None, {})


VALUES: Mapping[str, tuple[str, str, Json]] = {
    "boolean": ("true", "boolean", True),
    "a small number": ("CAST(7 AS INT)", "int", 7),
    "the largest exact number": (str(2**53), "bigint", 2**53),
    "a number beyond that": (str(2**53 + 1), "bigint", str(2**53 + 1)),
    "and below": (f"-{2**53 + 1}", "bigint", f"-{2**53 + 1}"),
    "decimal": ("CAST(1.50 AS DECIMAL(9, 2))", "decimal(9,2)", "1.50"),
    "double": ("CAST(0.5 AS DOUBLE)", "double", 0.5),
    "date": ("CAST('2024-02-29' AS DATE)", "date", "2024-02-29"),
    "local time": (
        "CAST('2024-02-29 23:59:59.000007' AS TIMESTAMP_NTZ)", "timestamp_ntz",
        "2024-02-29T23:59:59.000007",
    ),
    "text": ("'a\"b\\\\\n\u00fc'", "string", None),
    "null": ("CAST(NULL AS INT)", "int", None),
}  # fmt: skip


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Json:
    """Every value of `VALUES` as `sql --json` prints it, by its name; asked in one question."""
    house = House(tmp_path_factory.mktemp("sql") / "project")
    house.write({"lakewright.yaml": "name: trial\n"})
    columns = [f"{sql} AS c{place}" for place, (sql, _, _) in enumerate(VALUES.values())]
    found = house.ask("sql", "SELECT " + ", ".join(columns))
    assert set(found) == {"columns", "rows"}
    [row] = found["rows"]
    return dict(zip(VALUES, zip(found["columns"], row, strict=True), strict=True))


@pytest.mark.parametrize("name", [name for name in VALUES if name != "text"])
def test_sql_tells_programs_every_value_exactly(answers: Json, name: str) -> None:
    _, kind, value = VALUES[name]
    column, found = answers[name]
    assert (column["type"], found, type(found)) == (kind, value, type(value))


def test_sql_tells_an_instant_with_its_zone_and_nested_values(house: House) -> None:
    record = (
        '{"at": "2024-02-29T12:00:00Z", "n": {"big": [9007199254740993, 1]}, "bytes": "AP8="}\n'
    )
    house.write({"sources/things.yaml": """
format: json
columns:
  - {name: at, type: timestamp}
  - {name: n, type: "struct<big: array<bigint>>"}
  - {name: bytes, type: binary}
"""})  # fmt: skip
    house.upload(house.file("things.json", record))
    found = house.ask("sql", "SELECT at, n, bytes FROM bronze.things")
    assert [column["name"] for column in found["columns"]] == ["at", "n", "bytes"]
    [[at, nested, content]] = found["rows"]
    assert at in ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00+00:00")
    assert nested == {"big": ["9007199254740993", 1]}
    stored = house.table("bronze.things").column("bytes").to_pylist()
    assert [base64.b64decode(content)] == stored


def test_a_query_outside_portable_sql_exits_with_2(house: House) -> None:
    house.upload(house.file("people.csv", SOUND))
    answer = house.do("sql", "DROP TABLE bronze.people", "--json")
    assert answer.code == 2
    assert answer.json["error"]["code"] == "sql-refused"
    for query in ("SELECT nope FROM bronze.people", "SELEC 1",
                  "SELECT * FROM read_csv('/etc/passwd')", "SELECT 1; SELECT 2"):  # fmt: skip
        with pytest.raises(errors.SqlRefused):
            house.warm.ask("query", {"sql": query})
    assert house.count("bronze.people") == 2


def test_tables_show_tells_programs_what_a_table_is(house: House) -> None:
    house.upload(house.file("people.csv", SOUND))
    found = house.ask("tables", "show", "bronze.people")
    names = [each["name"] for each in found["schema"]["fields"]]
    assert names == ["id", "name", "_upload_id", "_source_file", "_record", "_loaded_at"]
    assert (found["rows"], found["files"], found["snapshots"]) == (2, 1, 1)
    files = list((house.storage / "warehouse/bronze/people/data").rglob("*.parquet"))
    assert found["size_bytes"] == sum(file.stat().st_size for file in files)
    [location] = (house.storage / "warehouse/bronze/people/metadata").glob("*.metadata.json")
    assert found["metadata_location"] == str(location)


RUDE = (
    "\u202e evil.csv", "we'ird \"name\"; $(touch x).csv", "new\nline.csv", "<script>.csv",
    "a%20b.csv", "-rf.csv", "\x1b[31mred.csv",
)  # fmt: skip


def test_rude_names_and_values_are_data_and_nothing_else(house: House) -> None:
    heading = (
        '"a""b","x; DROP TABLE y","<b>","$(rm -rf /)","l1\nl2","","a.b","_upload_id","ID","id"'
    )
    value = "'; DROP TABLE x; --"
    record = f'1,{value},<b>x</b>,`id`,"l1\nl2",\x1b[31mred,,\u202eevil,3,4'
    files = [house.file(name, f"{heading}\n{record}\n{number},,,,,,,,,\n")
             for number, name in enumerate(RUDE)]  # fmt: skip
    uploads = house.upload("--source", "rude", *files)
    assert [each["rows_loaded"] for each in uploads] == [2] * len(RUDE)
    table = house.table("bronze.rude")
    assert sorted(set(table.column("_source_file").to_pylist())) == sorted(RUDE)
    assert table.column("x_drop_table_y").to_pylist().count(value) == len(RUDE)
    shown = house.do("sql", "SELECT * FROM bronze.rude").out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    for words in (("uploads", "list"), ("quarantine", "list"), ("tables", "show", "bronze.rude")):
        answer = house.do(*words)
        assert answer.code == 0
        assert "\x1b" not in answer.out + answer.err
        assert "\u202e" not in answer.out + answer.err


def test_a_field_of_fifty_megabytes_is_loaded_whole(house: House) -> None:
    [found] = house.upload(house.file("big.csv", f"id,text\n1,{'x' * 50_000_000}\n2,b\n"))
    assert found["rows_loaded"] == 2
    text = house.table("bronze.big").column("text").to_pylist()
    assert sorted(len(each) for each in text) == [1, 50_000_000]
