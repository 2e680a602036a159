from pathlib import Path

import pytest

from lakewright import settings, wiring
from lakewright.runs.progress import Silent


@pytest.mark.parametrize(
    ("days", "names"),
    [(90, {"schedules", "pruning"}), (0, {"schedules"})],
)
def test_a_worker_deletes_what_is_old_unless_it_is_told_to_keep_all(
    tmp_path: Path, days: int, names: set[str]
) -> None:
    (tmp_path / "lakewright.yaml").write_text("name: shop\n", "utf-8")
    configured = settings.Settings(runs_kept_days=days)
    worker = wiring.open_resident(tmp_path, Silent(), configured)
    assert set(worker._open_clocks) == names
    for open_clock in worker._open_clocks.values():
        with open_clock() as clock:
            clock.look()
