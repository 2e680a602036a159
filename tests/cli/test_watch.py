import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from rich.console import Console
from rich.live import Live

from lakewright import wiring
from lakewright.cli import watch
from lakewright.runs.journal import Journal
from lakewright.runs.journals import memory
from lakewright.runs.logbook import Entry, Level
from lakewright.runs.watching import Watch
from tests.cli.conftest import Shop
from tests.contracts.conftest import accept, claim


def test_a_run_that_has_ended_is_told_in_lines_and_ends_the_command(shop: Shop) -> None:
    run_id = shop.say("runs", "list", "--json").json[0]["run_id"]  # type: ignore[index,call-overload]
    said = shop.say("runs", "watch", str(run_id))
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert any(line.endswith(f"{run_id} bronze:orders: succeeded") for line in lines)
    assert any(line.startswith(f"run {run_id} succeeded in ") for line in lines)


def test_every_change_is_one_json_object(shop: Shop) -> None:
    run_id = shop.say("runs", "list", "--json").json[0]["run_id"]  # type: ignore[index,call-overload]
    told = shop.say("runs", "watch", str(run_id), "--json").jsons
    assert {each["kind"] for each in told} == {"step", "run"}
    assert {each["run_id"] for each in told} == {run_id}
    assert set(told[0]) == {"kind", "run_id", "step", "status", "error", "done", "total"}
    assert told[-1] == {
        "kind": "run", "run_id": run_id, "for": "upload orders", "status": "succeeded",
        "error": None,
    }  # fmt: skip


def test_where_nothing_goes_on_it_ends_when_it_is_told_to(shop: Shop) -> None:
    said = shop.say("runs", "watch", "--idle-seconds", "0", "--json")
    assert (said.code, said.out) == (0, "")


@pytest.fixture
def journal() -> Iterator[Journal]:
    opened = memory.open_journal()
    yield opened
    opened.close()


def test_a_terminal_shows_what_goes_on_and_how_far_it_is(shop: Shop, journal: Journal) -> None:
    accepted = accept(journal, "abcdefghij", run="r1")
    mine = claim(journal)
    steps = [f"land:{accepted.upload.upload_id}", *(f"model:gold.m{n}" for n in range(30))]
    journal.execution.prepare(mine, steps)
    journal.execution.start(mine, steps[0], datetime.now(UTC))
    journal.logbook.progress(mine, steps[0], 4, None)
    entry = Entry(level=Level.WARNING, message="a\x1b[31mforged", facts={})
    journal.logbook.write(mine, entry, datetime.now(UTC))
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    found = Watch(journal)
    with wiring.open_lakehouse(shop.folder) as house, Live(console=console) as live:
        screen = watch._Screen(house, live)
        screen.tell(found.look(), found)
        console.print(live.get_renderable())
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "r1 upload orders running" in shown
    assert "4 B of 10 B" in shown
    assert "19 steps more" in shown
    assert "0 records" not in shown, "of what has not ended, no outcome is told"
    assert "\x1b" not in shown


def test_json_tells_lines_of_the_log(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    mine = claim(journal)
    entry = Entry(level=Level.ERROR, message="oh", facts={"why": "because"})
    journal.logbook.write(mine, entry, datetime.now(UTC))
    changes = Watch(journal).look()
    told = watch._as_json(changes[-1])
    assert json.dumps(told["facts"]) == '{"why": "because"}'
    assert (told["kind"], told["level"], told["message"]) == ("line", "error", "oh")
