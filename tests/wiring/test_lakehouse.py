"""A connected project sees edited files, starts no child for nothing and leaves nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lakewright import errors, wiring
from lakewright.runs.records import RunStatus


def test_what_killed_receptions_have_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "lakewright.yaml").write_text("name: shop\n", "utf-8")
    part = tmp_path / ".lakewright" / "raw" / ".receiving" / "x.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half a file")
    with wiring.open_lakehouse(tmp_path) as house:
        assert not house.raw.exists("orders", "0" * 64)
    assert not part.exists()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[wiring.Lakehouse]:
    (tmp_path / "lakewright.yaml").write_text("name: shop\n", "utf-8")
    with wiring.open_lakehouse(tmp_path) as opened:
        yield opened


def file_of(house: wiring.Lakehouse, name: str, text: str = "a,b\n1,2\n") -> Path:
    path = house.folder / name
    path.write_text(text, "utf-8")
    return path


def is_child_started(house: wiring.Lakehouse) -> bool:
    return "launcher" in vars(house)


def test_files_that_arrive_belong_to_the_sources_as_they_are_now(house: wiring.Lakehouse) -> None:
    source = house.folder / "sources" / "sales.yaml"
    source.parent.mkdir()
    for number, (pattern, expected) in enumerate(
        [("orders*.csv", "sales"), ("x.csv", "orders"), ("orders_*.csv", "sales")]
    ):
        source.write_text(f"match: {pattern!r}\n", "utf-8")
        arrived = file_of(house, f"orders_{number}.csv", f"a\n{number}\n")
        accepted = house.accept(arrived, None, is_again=False)
        assert accepted.upload.source == expected
    source.unlink()
    arrived = file_of(house, "orders_9.csv", "a\n9\n")
    assert house.accept(arrived, None, is_again=False).upload.source == "orders"


def test_a_child_is_started_before_a_file_that_is_to_be_loaded(house: wiring.Lakehouse) -> None:
    house.accept(file_of(house, "orders.csv"), None, is_again=False)
    assert is_child_started(house)


def test_no_child_is_started_for_a_file_that_is_not_there_or_none(house: wiring.Lakehouse) -> None:
    with pytest.raises(errors.NotFound):
        house.accept(house.folder / "absent.csv", None, is_again=False)
    with pytest.raises(errors.UsageError):
        house.accept(house.folder, None, is_again=False)
    assert not is_child_started(house)


def test_no_child_is_started_for_bytes_that_were_delivered_before(tmp_path: Path) -> None:
    (tmp_path / "lakewright.yaml").write_text("name: shop\n", "utf-8")
    for is_again, expected in ((False, True), (False, False), (True, True)):
        with wiring.open_lakehouse(tmp_path) as house:
            house.accept(file_of(house, "orders.csv"), None, is_again=is_again)
            assert is_child_started(house) == expected


def project_with_journal(folder: Path, url: str) -> Path:
    text = f"name: shop\nenvironments: {{local: {{journal: '{url}'}}}}\n"
    (folder / "lakewright.yaml").write_text(text, "utf-8")
    return folder


def test_a_journal_may_lie_in_a_database_that_several_share(
    tmp_path: Path, postgres_url: str
) -> None:
    project_with_journal(tmp_path, postgres_url)
    with wiring.open_lakehouse(tmp_path) as house, wiring.open_lakehouse(tmp_path) as other:
        accepted = house.accept(file_of(house, "orders.csv"), None, is_again=False)
        (run,) = other.work([accepted.run_id])
        assert run.status is RunStatus.SUCCEEDED
        assert [upload.rows for upload in house.journal.reading.uploads()] == [1]
        assert not (house.storage / "journal.sqlite").exists()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://lake:hush@db/lake", "PGPASSWORD"),
        ("postgresql://lake@db/lake?password=hush", "PGPASSWORD"),
        ("mysql://lake:hush@db/lake", "postgresql://USER@HOST/DATABASE"),
    ],
)
def test_a_password_in_the_project_is_refused_and_not_repeated(
    tmp_path: Path, url: str, words: str
) -> None:
    with pytest.raises(errors.ProjectInvalid) as refused:
        wiring.open_lakehouse(project_with_journal(tmp_path, url))
    assert words in refused.value.hint
    assert "hush" not in str(refused.value)
