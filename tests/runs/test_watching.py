"""What somebody who watches runs is told of them."""

from collections.abc import Sequence

from lakewright.runs.journal import Journal
from lakewright.runs.journals import memory
from lakewright.runs.logbook import Entry, Level
from lakewright.runs.records import Ending, Outcome, RunStatus, StepStatus
from lakewright.runs.watching import Change, Watch
from tests.contracts.conftest import LATER, NOW, accept, claim, load


def words(changes: Sequence[Change]) -> list[str]:
    return [
        f"{change.run.run_id} {change.step or 'run'} {change.status} {change.done}/{change.total}"
        if change.line is None
        else f"{change.run.run_id} {change.line.level}: {change.line.message}"
        for change in changes
    ]


def landing(journal: Journal, content: str) -> str:
    accepted = accept(journal, content, run=f"run-{content}")
    return f"land:{accepted.upload.upload_id}"


def test_a_run_is_told_from_its_queueing_to_its_end() -> None:
    journal = memory.open_journal()
    step = landing(journal, "abcde")
    watch = Watch(journal)
    assert words(watch.look()) == ["run-abcde run queued None/None"]
    mine = claim(journal)
    journal.execution.prepare(mine, [step])
    journal.execution.start(mine, step, NOW)
    assert words(watch.look()) == [
        "run-abcde run running None/None",
        f"run-abcde {step} running None/5",
    ]
    journal.logbook.progress(mine, step, 3, None)
    assert words(watch.look()) == [f"run-abcde {step} running 3/5"]
    (sight,) = watch.sights()
    assert [(each.done, each.total) for each in sight.steps] == [(3, 5)]
    journal.logbook.write(mine, Entry(level=Level.WARNING, message="oh", facts={}), NOW)
    assert words(watch.look()) == ["run-abcde warning: oh"]
    journal.execution.end(mine, step, Ending(status=StepStatus.SUCCEEDED), NOW)
    journal.execution.finish(mine, Outcome(status=RunStatus.SUCCEEDED), LATER)
    assert words(watch.look()) == [
        f"run-abcde {step} succeeded None/None",
        "run-abcde run succeeded None/None",
    ]
    assert watch.look() == ()
    assert watch.sights() == ()
    assert not watch.is_over()


def test_a_step_begins_once_though_its_total_is_heard_of_later() -> None:
    journal = memory.open_journal()
    accept(journal, "a", run="r1")
    mine = claim(journal)
    journal.execution.prepare(mine, ["bronze:orders"])
    watch = Watch(journal, ["r1"])
    for attempt in range(2):
        journal.execution.start(mine, "bronze:orders", NOW)
        assert words(watch.look())[-1] == "r1 bronze:orders running None/None"
        journal.logbook.progress(mine, "bronze:orders", 5, 20)
        assert words(watch.look()) == ["r1 bronze:orders running 5/20"]
        journal.execution.end(mine, "bronze:orders", Ending(status=StepStatus.PENDING), NOW)
        assert words(watch.look()) == ["r1 bronze:orders pending None/None"], attempt


def test_a_run_that_came_and_went_between_two_looks_is_told() -> None:
    journal = memory.open_journal()
    load(journal, "before", run="r0")
    watch = Watch(journal)
    load(journal, "a", run="r1")
    assert words(watch.look()) == ["r1 run succeeded None/None"]
    assert watch.look() == ()


def test_a_run_that_was_asked_for_is_watched_to_its_end_and_alone() -> None:
    journal = memory.open_journal()
    accept(journal, "a", run="r1")
    watch = Watch(journal, ["r1"])
    accept(journal, "b", run="r2", source="other")
    assert words(watch.look()) == ["r1 run queued None/None"]
    assert not watch.is_over()
    journal.execution.finish(claim(journal), Outcome(status=RunStatus.FAILED), LATER)
    (change,) = watch.look()
    assert (change.status, watch.is_over()) == ("failed", True)


def test_a_run_that_has_ended_is_told_with_all_its_steps() -> None:
    journal = memory.open_journal()
    accept(journal, "a", run="r1")
    mine = claim(journal)
    journal.execution.prepare(mine, ["plan"])
    journal.execution.start(mine, "plan", NOW)
    journal.execution.end(mine, "plan", Ending(status=StepStatus.FAILED), NOW)
    journal.execution.finish(mine, Outcome(status=RunStatus.FAILED), LATER)
    watch = Watch(journal, ["r1"])
    assert words(watch.look()) == ["r1 plan failed None/None", "r1 run failed None/None"]
    assert watch.is_over()
