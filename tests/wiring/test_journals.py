"""The journal that is opened belongs to the tables beside it."""

from pathlib import Path

import pytest

from lakewright import errors, wiring
from lakewright.runs import finding
from lakewright.runs.records import RunStatus


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_journal_that_has_forgotten_how_its_tables_were_made_is_refused(
    tmp_path: Path, is_gone: bool
) -> None:
    (tmp_path / "lakewright.yaml").write_text("name: shop\n", "utf-8")
    file = tmp_path / "orders.csv"
    file.write_text("a,b\n1,2\n", "utf-8")
    with wiring.open_lakehouse(tmp_path) as house:
        house.work([house.accept(file, None, is_again=False).run_id])
        path = house.storage / "journal.sqlite"
    copy = path.read_bytes()
    if is_gone:
        path.unlink()
    else:
        path.write_bytes(b"")
    for _ in range(2):  # Looking at it makes a journal of it, and that one knows no more.
        with wiring.open_lakehouse(tmp_path) as house, pytest.raises(errors.StorageFailed) as told:
            finding.newest_run(house.journal.reading)
        assert "runs have made 2 tables" in told.value.why
        assert "put back a copy of the journal" in told.value.hint
    path.write_bytes(copy)
    with wiring.open_lakehouse(tmp_path) as house:
        assert finding.newest_run(house.journal.reading).status is RunStatus.SUCCEEDED
