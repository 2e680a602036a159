"""Carry out a run that fetches: batch after batch, each acknowledged once it is stored.

    fetch:1 ──▶ accept its files ──▶ fetch:2 ──▶ ...      each file is an upload, for another run

A batch that was fetched before a crash is only acknowledged again, and a file that was acknowledged
before is known by its content. So nothing is lost and nothing doubled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from lakewright import errors
from lakewright.runs import accept, failure, rules
from lakewright.runs.journal import Reading
from lakewright.runs.records import Delivery, Json, RequestKind, Run
from lakewright.runs.timetable import Sighting
from lakewright.runs.workers.round import Hands, Round, Task


def hands_for(hands: Hands, run: Run) -> Hands:
    """What a run is carried out with: one that fetches has a child that may use the network."""
    if run.request.kind is not RequestKind.FETCH or hands.fetcher is None:
        return hands
    return replace(hands, launcher=hands.fetcher)


def fetch(round: Round, hands: Hands, run: Run) -> None:  # noqa: A002 - it is the run's round
    """Upload what is new at the run's place."""
    source = str(run.request.source)
    facts = cast("Mapping[str, Json]", run.request.payload)
    after: str | None = ""
    number = 1
    try:
        while after is not None:
            name = f"fetch:{number}"
            round.prepare([name])
            payload: Mapping[str, Json] = {
                "source": source,
                "location": facts["location"],
                "marks": hands.journal.timetable.marks(source),
                "after": after,
            }
            task = Task(name=name, operation="fetch", payload=payload, error_of=_error_of)
            result = round.do(task).result
            if result is None:
                return
            batch = cast("Mapping[str, Json]", result)
            _accept(hands, run, cast("Sequence[Mapping[str, Json]]", batch["files"]))
            after, number = cast("str | None", batch["after"]), number + 1
    finally:
        # It is needed again at the next tick at the earliest.
        hands_for(hands, run).launcher.end()


def load_runs(reading: Reading, run_id: str) -> tuple[str, ...]:
    """The runs that are to load what a run has fetched, and have not ended."""
    run = reading.run(run_id)
    if run.request.kind is not RequestKind.FETCH:
        return ()
    found = [
        str(file["sha256"])
        for step in reading.steps(run_id)
        if step.result is not None
        for file in cast("Mapping[str, Sequence[Mapping[str, Json]]]", step.result)["files"]
    ]
    ids = [rules.upload_id(str(run.request.source), sha256) for sha256 in found]
    runs = dict.fromkeys(reading.upload(upload_id).run_id for upload_id in ids)
    return tuple(each for each in runs if not reading.run(each).status.is_finished)


def _accept(hands: Hands, run: Run, files: Sequence[Mapping[str, Json]]) -> None:
    source = str(run.request.source)
    facts = cast("Mapping[str, Json]", run.request.payload)
    for file in files:
        delivery = Delivery(
            source=source,
            sha256=str(file["sha256"]),
            file_name=str(file["file_name"]),
            size_bytes=cast("int", file["size_bytes"]),
            delivered_by=f"schedule {facts['schedule']}",
        )
        accept.accept(hands.journal, delivery, hands.clock())
    sightings = [
        Sighting(name=str(file["name"]), mark=str(file["mark"]), sha256=str(file["sha256"]))
        for file in files
        if file["mark"]
    ]
    if sightings:
        hands.journal.timetable.sight(source, sightings)


def _error_of(result: Json) -> Json:
    """Why a batch has failed in part."""
    unreadable = cast("Mapping[str, Sequence[str]]", result)["unreadable"]
    if not unreadable:
        return None
    error = errors.StorageFailed(
        f"{len(unreadable)} of the files there cannot be read",
        why="; ".join(unreadable[:5]),
        hint="allow the worker's user to read them; the other files are uploaded all the same",
    )
    return failure.to_json(error)
