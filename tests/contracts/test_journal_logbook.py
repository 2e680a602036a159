"""What every journal promises to those who watch runs."""

import json
from collections.abc import Mapping
from datetime import timedelta

from lakewright.runs import logbook
from lakewright.runs.journal import Journal
from lakewright.runs.logbook import Entry, Level
from lakewright.runs.outbox import Retention
from lakewright.runs.records import Claim, Ending, Json, Outcome, RunStatus, Spent, StepStatus
from tests.contracts.conftest import LATER, NOW, accept, claim, nobody_lives


def begin(journal: Journal, step: str = "land") -> Claim:
    accept(journal, "a", run="r1")
    mine = claim(journal)
    journal.execution.prepare(mine, [step])
    journal.execution.start(mine, step, NOW)
    return mine


def entry(message: str, facts: Mapping[str, Json] | None = None) -> Entry:
    return Entry(level=Level.WARNING, message=message, facts=facts or {})


def units(journal: Journal) -> tuple[int | None, int | None]:
    (step,) = journal.reading.steps("r1")
    return step.done, step.total


def test_a_running_step_says_how_far_it_is(journal: Journal) -> None:
    mine = begin(journal)
    assert units(journal) == (None, None)
    journal.logbook.progress(mine, "land", 10, None)
    assert units(journal) == (10, None)
    journal.logbook.progress(mine, "land", 20, 100)
    assert units(journal) == (20, 100)


def test_what_was_done_stays_after_the_end_and_goes_with_a_new_attempt(journal: Journal) -> None:
    mine = begin(journal)
    journal.logbook.progress(mine, "land", 20, 100)
    journal.execution.end(mine, "land", Ending(status=StepStatus.PENDING), NOW)
    assert units(journal) == (20, 100)
    journal.logbook.progress(mine, "land", 30, 100)
    assert units(journal) == (20, 100)
    journal.execution.start(mine, "land", NOW)
    assert units(journal) == (None, None)


def test_a_line_may_repeat_any_character_that_a_file_had(journal: Journal) -> None:
    mine = begin(journal)
    journal.logbook.write(mine, entry("'a\0b' is no number", {"value": "a\0b"}), NOW)
    (line,) = journal.logbook.lines("r1")
    assert line.message == "'a\N{REPLACEMENT CHARACTER}b' is no number"
    assert line.facts == {"value": "a\0b"}


def test_a_lost_owner_tells_nothing(journal: Journal) -> None:
    mine = begin(journal)
    survivor = journal.execution.claim("o2", nobody_lives, LATER)
    assert survivor is not None
    journal.execution.start(survivor, "land", LATER)
    journal.logbook.progress(mine, "land", 20, 100)
    journal.logbook.write(mine, entry("too late"), LATER)
    assert units(journal) == (None, None)
    assert journal.logbook.lines("r1") == ()


def test_lines_are_told_in_order_and_from_where_one_was(journal: Journal) -> None:
    mine = begin(journal)
    facts: Mapping[str, Json] = {"step": "land", "attempt": 1, "why": "signal SIGKILL ended it"}
    for message in ("one", "two", "three"):
        journal.logbook.write(mine, entry(message, facts), NOW)
    lines = journal.logbook.lines("r1")
    assert [line.message for line in lines] == ["one", "two", "three"]
    assert (lines[0].at, lines[0].level, lines[0].facts) == (NOW, Level.WARNING, facts)
    assert journal.logbook.lines("r1", after=lines[1].sequence) == lines[2:]
    assert journal.logbook.lines("r9") == ()


def test_a_log_keeps_its_newest_lines(journal: Journal) -> None:
    mine = begin(journal)
    for number in range(logbook.LINES_MAX + 3):
        journal.logbook.write(mine, entry(str(number)), NOW)
    lines = journal.logbook.lines("r1")
    assert len(lines) == logbook.LINES_MAX
    assert [lines[0].message, lines[-1].message] == ["3", str(logbook.LINES_MAX + 2)]


def test_a_line_is_cut_to_its_limits(journal: Journal) -> None:
    mine = begin(journal)
    journal.logbook.write(mine, entry("é" * 10_000, {"why": "é" * 100_000}), NOW)
    (line,) = journal.logbook.lines("r1")
    assert len(line.message) == logbook.MESSAGE_CHARACTERS_MAX
    assert len(json.dumps(line.facts).encode()) <= 3 * logbook.FACTS_BYTES_MAX
    assert str(line.facts["cut"]).startswith('{"why": "éé')


def test_an_attempt_tells_what_it_took_the_child(journal: Journal) -> None:
    mine = begin(journal)
    spent = Spent(milliseconds=1200, cpu_milliseconds=2300)
    journal.execution.end(
        mine, "land", Ending(status=StepStatus.SUCCEEDED, result=1, spent=spent), NOW
    )
    (attempt,) = journal.reading.attempts("r1")
    assert attempt.spent == spent


def test_the_log_goes_with_the_steps_of_an_old_run(journal: Journal) -> None:
    mine = begin(journal)
    journal.logbook.write(mine, entry("one"), NOW)
    everything = Retention(run_age_seconds=0, runs_min=0)
    journal.outbox.prune(everything, LATER)
    assert journal.logbook.lines("r1"), "a run that goes on keeps its log"
    conclude_failed(journal, mine)
    journal.outbox.prune(everything, LATER + timedelta(seconds=1))
    assert journal.logbook.lines("r1") == ()


def conclude_failed(journal: Journal, mine: Claim) -> None:
    journal.execution.finish(mine, Outcome(status=RunStatus.FAILED), NOW)
