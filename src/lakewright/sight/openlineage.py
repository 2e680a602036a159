"""A finished run as OpenLineage events: what it read, what it made, column by column. Pure.

A run is one job execution: `START` and then `COMPLETE` or `FAIL`. Equal runs give equal events, so
one that is sent twice is known by its run's id, its type and its time.

Source: OpenLineage 2-0-2 (`spec/OpenLineage.json`), and the facets' own schemas, named below.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from lakewright.plan.lineage import Lineage
from lakewright.runs.records import Json, Run, RunStatus, Upload
from lakewright.sql import types
from lakewright.version import VERSION

SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
PRODUCER = f"urn:lakewright:{VERSION}"

_FACETS = "https://openlineage.io/spec/facets"

_RUNS = uuid.UUID("5b6ffb94-3f4c-5d0e-9d2b-9a9b6d9c1f57")
"""The namespace of our runs' ids: each id is made from the run's, so that it is always the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """One round of a run that has ended."""

    run: Run
    round: int
    status: RunStatus
    started_at: datetime
    ended_at: datetime
    uploads: tuple[Upload, ...]
    """Those that it put into bronze."""
    tables: Mapping[str, Json]
    """What it published: for each table, `snapshot_id` and `rows`."""
    message: str = ""
    """Why it failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What is known of the tables."""

    namespace: str
    """Of jobs and tables alike."""
    schemas: Mapping[str, types.Schema]
    lineage: Lineage


def namespace(project: str, environment: str) -> str:
    """Of the jobs and tables of a project in one environment."""
    return f"lakewright://{project}/{environment}"


def events(story: Story, around: Surroundings) -> tuple[Mapping[str, Json], Mapping[str, Json]]:
    """The event of the run's start, and the event of its end."""
    is_good = story.status is RunStatus.SUCCEEDED
    start = _event(story, around, "START", story.started_at)
    end = _event(story, around, "COMPLETE" if is_good else "FAIL", story.ended_at)
    outputs: list[Json] = [_output(table, story, around) for table in sorted(story.tables)]
    return start, {**end, "inputs": _inputs(story, around), "outputs": outputs}


def started(run: Run, around: Surroundings, started_at: datetime) -> Mapping[str, Json]:
    """The event of the start of a run that goes on."""
    story = Story(
        run=run,
        round=run.round,
        status=run.status,
        started_at=started_at,
        ended_at=started_at,
        uploads=(),
        tables={},
    )
    return _event(story, around, "START", started_at)


def _event(story: Story, around: Surroundings, kind: str, at: datetime) -> dict[str, Json]:
    token = f"{story.run.run_id}.{story.round}"
    facets: dict[str, Json] = {
        "processing_engine": _facet(
            "1-1-1/ProcessingEngineRunFacet", name="lakewright", version=VERSION
        )
    }
    if kind == "FAIL":
        facets["errorMessage"] = _facet(
            "1-0-1/ErrorMessageRunFacet", message=story.message, programmingLanguage="SQL"
        )
    job = _facet(
        "2-0-4/JobTypeJobFacet", processingType="BATCH", integration="LAKEWRIGHT", jobType="RUN"
    )
    return {
        "eventType": kind,
        "eventTime": at.isoformat(),
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
        "run": {"runId": str(uuid.uuid5(_RUNS, f"{around.namespace} {token}")), "facets": facets},
        "job": {
            "namespace": around.namespace,
            "name": _job(story.run),
            "facets": {"jobType": job},
        },
        "inputs": [],
        "outputs": [],
    }


def _job(run: Run) -> str:
    """What runs again and again: the kind of run and what it is about."""
    payload = run.request.payload if isinstance(run.request.payload, Mapping) else {}
    models = cast("Sequence[str]", payload.get("models") or ())
    about = run.request.source or payload.get("table") or (models[0] if len(models) == 1 else "")
    return f"{run.request.kind}.{about}" if about else str(run.request.kind)


def _facet(schema: str, **facts: Json) -> dict[str, Json]:
    path, _, name = schema.partition("/")
    url = f"{_FACETS}/{path}/{name}.json#/$defs/{name}"
    return {"_producer": PRODUCER, "_schemaURL": url, **facts}


def _inputs(story: Story, around: Surroundings) -> list[Json]:
    """The files that were loaded, by source, and the tables that were read and not made."""
    read = {
        source
        for table in story.tables
        for source in around.lineage.tables.get(table, ())
        if source not in story.tables
    }
    files: dict[str, list[Upload]] = {}
    for upload in story.uploads:
        files.setdefault(upload.source, []).append(upload)
    found: list[Json] = [
        {
            **_dataset(f"raw.{source}", around),
            "inputFacets": {
                "inputStatistics": _facet(
                    "1-0-0/InputStatisticsInputDatasetFacet",
                    rowCount=sum(upload.records or 0 for upload in uploads),
                    size=sum(upload.size_bytes for upload in uploads),
                    fileCount=len(uploads),
                )
            },
        }
        for source, uploads in sorted(files.items())
    ]
    return found + [_dataset(table, around) for table in sorted(read)]


def _dataset(name: str, around: Surroundings) -> dict[str, Json]:
    facets: dict[str, Json] = {}
    if name in around.schemas:
        facets["schema"] = _schema(around.schemas[name])
    return {"namespace": around.namespace, "name": name, "facets": facets}


def _schema(schema: types.Schema) -> Json:
    fields: list[Json] = [
        {"name": column.name, "type": str(column.type), "ordinal_position": place}
        for place, column in enumerate(schema.fields, start=1)
    ]
    return _facet("1-2-0/SchemaDatasetFacet", fields=fields)


def _output(table: str, story: Story, around: Surroundings) -> Json:
    facts = cast("Mapping[str, Json]", story.tables[table])
    found = _dataset(table, around)
    facets: dict[str, Json] = {
        **cast("Mapping[str, Json]", found["facets"]),
        "version": _facet(
            "1-0-1/DatasetVersionDatasetFacet", datasetVersion=str(facts["snapshot_id"])
        ),
    }
    columns = _columns(table, around)
    if columns:
        facets["columnLineage"] = _facet("1-2-0/ColumnLineageDatasetFacet", fields=columns)
    statistics = _facet("1-0-2/OutputStatisticsOutputDatasetFacet", rowCount=facts["rows"])
    return {**found, "facets": facets, "outputFacets": {"outputStatistics": statistics}}


def _columns(table: str, around: Surroundings) -> dict[str, Json]:
    """Of every column of the table that comes from others, those that it comes from."""
    found: dict[str, Json] = {}
    for name, sources in around.lineage.columns.items():
        of, _, column = name.rpartition(".")
        if of == table and sources:
            found[column] = {"inputFields": list(_fields(sources, around.namespace))}
    return found


def _fields(columns: Iterable[str], namespace: str) -> Iterable[Json]:
    for name in columns:
        table, _, column = name.rpartition(".")
        yield {"namespace": namespace, "name": table, "field": column}
