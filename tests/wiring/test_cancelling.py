import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from lakewright import wiring
from lakewright.runs import accept
from lakewright.runs.records import Outcome, RunStatus


def now() -> datetime:
    return datetime.now(UTC)


def test_a_cancel_waits_for_the_runs_owner_and_carries_nothing_else_out(tmp_path: Path) -> None:
    (tmp_path / "lakewright.yaml").write_text("name: shop\n", "utf-8")
    with wiring.open_lakehouse(tmp_path) as house, house.journal.owners.hold() as owner:
        journal = house.journal
        run_id = accept.request_models(journal, ["gold.a"], now()).run_id
        other = accept.request_models(journal, ["gold.b"], now()).run_id
        claim = journal.execution.claim(owner.owner_id, lambda _: True, now())
        assert claim is not None
        assert claim.run_id == run_id

        def obey() -> None:
            while not journal.control.is_cancelled(claim):
                time.sleep(0.01)
            time.sleep(0.2)
            journal.execution.finish(claim, Outcome(status=RunStatus.FAILED), now())

        obeying = threading.Thread(target=obey)
        obeying.start()
        run = wiring.cancel(house, run_id)
        obeying.join()
        assert run.status is RunStatus.FAILED
        assert journal.reading.run(other).status is RunStatus.QUEUED
