import shlex
from pathlib import Path

from tests.cli.conftest import Type


def test_the_shop_demo_ends_with_commands_that_work(lakewright: Type, tmp_path: Path) -> None:
    said = lakewright("demo", "shop", "--rows", "1000")
    assert said.code == 0, said.err
    assert "customers.csv: loaded (source customers)\n  100 in = 100 loaded" in said.out
    assert "1,000 in = 999 loaded + 1 quarantined" in said.out
    after = said.out.partition("What to type next\n")[2].splitlines()
    commands = [shlex.split(line) for line in after if line.split()[0] == "lakewright"]
    assert [words[1] for words in commands] == ["sql", "tables", "lineage", "quarantine", "upload"]
    for words in commands[:-1]:
        assert lakewright(*words[1:], "--project", "demo/shop").code == 0
    again = lakewright("demo", "shop", "--rows", "1000")
    assert again.out == said.out, "it starts afresh, and says the same each time"


def test_a_folder_that_no_demo_made_is_left_alone(lakewright: Type, tmp_path: Path) -> None:
    lakewright("init", "lake")
    assert lakewright("demo", "shop", "--into", "lake").code == 6
    own = tmp_path / "full" / "notes.txt"
    own.parent.mkdir()
    own.write_text("mine")
    for options in ((), ("--overwrite",)):
        said = lakewright("demo", "shop", "--into", "full", *options)
        assert said.code == 6
        assert "full is not empty, and no demo made it" in said.err
    assert [path.name for path in own.parent.iterdir()] == ["notes.txt"]
    assert lakewright("demo", "shop", "--into", "full/notes.txt").code == 6


def test_nothing_is_deleted_before_a_demo_can_be_made(lakewright: Type, tmp_path: Path) -> None:
    assert lakewright("demo", "--rows", "50", "--into", "lake").code == 0
    before = sorted((tmp_path / "lake").rglob("*"))
    assert lakewright("demo", "shop", "--rows", "0", "--into", "lake").code == 2
    assert sorted((tmp_path / "lake").rglob("*")) == before


def test_what_a_person_did_in_a_demo_is_never_deleted_unasked(
    lakewright: Type, tmp_path: Path
) -> None:
    again = ("demo", "--rows", "50", "--into", "lake")
    lake = tmp_path / "lake"
    assert lakewright(*again).code == 0
    extra = tmp_path / "customers_2.csv"
    extra.write_text("customer_id,name,email,country,signed_up_at\n999,A,a@b.c,DE,2025-01-01\n")
    assert lakewright("upload", str(extra), "--project", "lake").code == 0
    uploaded = lakewright(*again)
    assert uploaded.code == 6
    assert "customers_2.csv was uploaded to it" in uploaded.err
    edited, removed = lake / "models/silver/orders.sql", lake / "README.md"
    edited.write_text(edited.read_text() + "-- mine\n")
    removed.unlink()
    (lake / "notes.txt").write_text("mine")
    (lake / "link").symlink_to(tmp_path)
    said = lakewright(*again)
    assert said.code == 6
    for difference in (
        "customers_2.csv was uploaded to it",
        "models/silver/orders.sql was changed",
        "README.md was removed",
        "notes.txt is not the demo's",
        "link is not the demo's",
        "--overwrite",
    ):
        assert difference in said.err
    assert edited.read_text().endswith("-- mine\n")
    assert lakewright(*again, "--overwrite").code == 0
    assert (lake / "notes.txt").read_text() == "mine"
    assert not edited.read_text().endswith("-- mine\n")
    assert extra.exists()
    assert len(lakewright("uploads", "list", "--project", "lake", "--json").json) == 2  # type: ignore[arg-type]


def test_a_record_that_was_tampered_with_deletes_nothing(lakewright: Type, tmp_path: Path) -> None:
    assert lakewright("demo", "--rows", "50", "--into", "lake").code == 0
    own = tmp_path / "own.txt"
    own.write_text("mine")
    record = tmp_path / "lake" / ".demo"
    record.write_text('{"files": {"../own.txt": "00"}}')
    assert lakewright("demo", "--rows", "50", "--into", "lake").code == 6
    record.write_text("")
    said = lakewright("demo", "--rows", "50", "--into", "lake", "--overwrite")
    assert (said.code, own.read_text()) == (6, "mine")
    assert "nobody knows which files" in said.err
