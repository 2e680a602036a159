import io

import pytest
from rich.console import Console
from rich.progress import Progress

from lakewright import errors, wiring
from lakewright.cli import output, progress
from lakewright.runs import failure, finding
from lakewright.runs.records import Run, StepStatus
from tests.cli.conftest import Shop


def newest_run(house: wiring.Lakehouse) -> Run:
    return finding.newest_run(house.journal.reading)


def test_bytes_then_records_are_told_with_what_is_under_way(shop: Shop) -> None:
    screen = Progress(
        *Progress.get_default_columns()[:1],
        progress.Amount(),
        console=Console(file=io.StringIO(), width=100),
    )
    with wiring.open_lakehouse(shop.folder) as house:
        upload = house.journal.reading.uploads(source="orders")[0]
        run = newest_run(house)
        bars = progress.Bars(screen, house)

        def told() -> str:
            (task,) = screen.tasks
            return f"{task.description}: {progress.Amount().render(task)}".split(",  ")[0]

        bars.receiving("orders.csv", 2000)
        bars.received(1500)
        assert told() == "receive orders.csv: 1.5 kB of 2.0 kB"
        bars.step_started(run, f"land:{upload.upload_id}", None)
        assert told() == "read orders.csv: "
        bars.step_progressed(run, "land", upload.size_bytes // 2)
        half, whole = (output.size(count) for count in (upload.size_bytes // 2, upload.size_bytes))
        assert told() == f"read orders.csv: {half} of {whole}"
        bars.step_started(run, "bronze:orders", 4000)
        bars.step_progressed(run, "bronze:orders", 1000)
        assert told() == "load bronze.orders: 1,000 of 4,000 records"
        bars.step_started(run, "model:silver.orders", None)
        assert told() == "build silver.orders: "
        bars.clear()
        assert screen.tasks == []


def test_what_is_broken_off_is_finished_by_the_command_that_is_named(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wiring.open_lakehouse(shop.folder) as house:
        with pytest.raises(output.Interrupted) as told, progress.resumable(house):
            raise KeyboardInterrupt
        assert told.value.resume == f"lakewright run --pending --project {shop.folder}"
        monkeypatch.chdir(shop.folder / "models")
        with pytest.raises(output.Interrupted) as told, progress.resumable(house):
            raise KeyboardInterrupt
        assert told.value.resume == "lakewright run --pending"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            errors.CommitConflict("the table gold.a has moved"),
            "the table gold.a has moved: the run is planned again",
        ),
        (errors.StepCrashed("the child died"), "publish was interrupted and is tried again"),
    ],
)
def test_a_table_that_moved_is_told_from_an_interruption(
    shop: Shop, capsys: pytest.CaptureFixture[str], error: errors.LakewrightError, words: str
) -> None:
    with wiring.open_lakehouse(shop.folder) as house, progress.bars(house) as bars:
        bars.step_ended(
            newest_run(house),
            "publish",
            StepStatus.PENDING,
            failure.to_json(error),
        )
    assert words in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("width", [60, 80, 120])
def test_progress_stays_on_one_line_of_the_terminal(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    with wiring.open_lakehouse(shop.folder) as house, progress.bars(house) as bars:
        bars.step_started(
            newest_run(house),
            "model:gold.delay_by_carrier_and_month",
            100_000_000,
        )
        for done in (30_000_000, 60_000_000):
            bars.step_progressed(newest_run(house), "model", done)
        screen = Console(file=io.StringIO(), width=width)
        screen.print(bars.shown())
    (line,) = str(screen.file.getvalue()).splitlines()  # type: ignore[attr-defined]
    assert "60,000,000 of 100,000,000 records" in line
