from pathlib import Path

import pytest

from tests.cli.conftest import Said, say

MODEL = """/*
interval: day(day)
*/
SELECT CAST(sold_at AS DATE) AS day, count(*) AS orders,
  CAST(:logical_time AS TIMESTAMP_NTZ) AS built_for
FROM bronze.orders
WHERE CAST(sold_at AS TIMESTAMP) >= :interval_start AND CAST(sold_at AS TIMESTAMP) < :interval_end
GROUP BY CAST(sold_at AS DATE)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "lake"
    (folder / "models/gold").mkdir(parents=True)
    (folder / "lakewright.yaml").write_text("name: lake\n", "utf-8")
    (folder / "models/gold/daily.sql").write_text(MODEL, "utf-8")
    (folder / "models/gold/total.sql").write_text(
        "SELECT sum(orders) AS orders FROM gold.daily\n", "utf-8"
    )
    (folder / "orders.csv").write_text(
        "id,sold_at\n1,2026-01-01 10:00:00\n2,2026-01-02 11:00:00\n3,2026-01-02 12:00:00\n"
        "4,2026-01-03 00:00:00\n",
        "utf-8",
    )
    return folder


def at(project: Path, *words: str) -> Said:
    return say(*words, "--project", str(project))


def fill(project: Path, first: str, last: str, *words: str) -> Said:
    return at(project, "backfill", "gold.daily", "--from", first, "--to", last, *words)


def days(project: Path) -> list[list[object]]:
    said = at(project, "sql", "SELECT * FROM gold.daily ORDER BY day", "--json")
    answer = said.json
    assert isinstance(answer, dict)
    rows: list[list[object]] = answer["rows"]
    return rows


def test_a_backfill_builds_each_interval_once_and_replaces_only_its_rows(project: Path) -> None:
    assert at(project, "upload", str(project / "orders.csv")).code == 0
    runs = fill(project, "2026-01-01", "2026-01-03", "--json").jsons
    assert [run["status"] for run in runs] == ["succeeded"] * 3
    first = days(project)
    assert [row[:2] for row in first] == [["2026-01-01", 1], ["2026-01-02", 2], ["2026-01-03", 1]]
    assert [str(row[2])[:10] for row in first] == ["2026-01-02", "2026-01-03", "2026-01-04"]
    again = fill(project, "2026-01-01", "2026-01-03")
    assert (again.code, again.out) == (0, "")
    assert "0 new runs, 3 done before" in again.err
    (project / "late.csv").write_text("id,sold_at\n5,2026-01-02 10:00:00\n", "utf-8")
    assert at(project, "upload", str(project / "late.csv"), "--source", "orders").code == 0
    assert days(project) == first
    (run,) = fill(project, "2026-01-02", "2026-01-02", "--again", "--json").jsons
    assert run["status"] == "succeeded"
    assert [row[1] for row in days(project)] == [1, 3, 1]
    # A full build of everything leaves the other days; one of the model by name makes it anew.
    assert at(project, "run", "--full").code == 0
    assert [row[1] for row in days(project)] == [1, 3, 1]
    total = at(project, "sql", "SELECT orders FROM gold.total", "--json").json
    assert isinstance(total, dict)
    assert total["rows"] == [[5]]
    assert at(project, "run", "gold.daily", "--full").code == 0
    assert days(project) == []


def test_an_interval_does_not_stand_beside_others_that_have_other_columns(project: Path) -> None:
    assert at(project, "upload", str(project / "orders.csv")).code == 0
    assert fill(project, "2026-01-01", "2026-01-02").code == 0
    text = MODEL.replace("count(*) AS orders", "count(*) AS orders, max(id) AS newest")
    (project / "models/gold/daily.sql").write_text(text, "utf-8")
    said = fill(project, "2026-01-03", "2026-01-03")
    assert said.code == 1
    assert "has other columns than one interval would have now" in said.err
    assert [row[1] for row in days(project)] == [1, 2]
    assert at(project, "run", "gold.daily", "--full").code == 0
    assert fill(project, "2026-01-01", "2026-01-03", "--again").code == 0
    assert [row[2] for row in days(project)] == [1, 3, 4]


def test_an_upload_builds_no_interval_and_says_so(project: Path) -> None:
    assert at(project, "upload", str(project / "orders.csv")).code == 0
    assert at(project, "sql", "SELECT * FROM gold.daily").code == 2
    said = at(project, "plan", str(project / "orders.csv"))
    assert "a schedule, or `lakewright backfill`, builds it interval by interval" in said.out


def test_rows_outside_of_the_interval_are_refused_and_nothing_is_published(project: Path) -> None:
    text = MODEL.replace("CAST(sold_at AS TIMESTAMP) >= :interval_start AND", "")
    text = text.replace("GROUP BY", "AND :interval_start IS NOT NULL GROUP BY")
    (project / "models/gold/daily.sql").write_text(text, "utf-8")
    assert at(project, "upload", str(project / "orders.csv")).code == 0
    said = fill(project, "2026-01-02", "2026-01-02")
    assert said.code == 1
    assert "1 row of gold.daily lie outside of the interval" in said.err
    assert at(project, "sql", "SELECT * FROM gold.daily").code == 2
    # Asking again tries again what failed.
    (project / "models/gold/daily.sql").write_text(MODEL, "utf-8")
    again = fill(project, "2026-01-02", "2026-01-02")
    assert (again.code, "1 tried again" in again.err) == (0, True)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("gold.total", "--from", "2026-01-01", "--to", "2026-01-02"), 2, "not built by intervals"),
        (("gold.dayly", "--from", "2026-01-01", "--to", "2026-01-02"), 5, "gold.daily"),
        (("gold.daily", "--from", "2026-01-02", "--to", "2026-01-01"), 2, "--to is before --from"),
        (("gold.daily", "--from", "soon", "--to", "2026-01-01"), 2, "'soon' is no date"),
        (("gold.daily", "--from", "1900-01-01", "--to", "2026-01-01"), 2, "more than 10,000"),
    ],
)
def test_a_backfill_that_makes_no_sense_is_refused(
    project: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    said = at(project, "backfill", *words)
    assert (said.code, told in said.err) == (code, True), said.err
