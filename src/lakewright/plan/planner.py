"""From what the user wrote and what is there to typed steps in order.

Nothing here looks at the world: equal arguments give an equal plan, byte for byte. Every model of
the project is either a step or is skipped with its reason. A step's effect on what comes after it
is reasoned about by name ("bronze.orders gains rows in this run"), as nothing is staged yet.

What an upload reaches is built, and what that reads where it is missing or out of date; a bronze
table whose contract was edited since it was loaded is brought in line by any run that reads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lakewright import errors
from lakewright.plan import evolution, incremental, interval, lineage, settings_fit, suspicion
from lakewright.plan.evolution import Evolved
from lakewright.plan.incremental import Input, Movement
from lakewright.plan.landed import Landed
from lakewright.plan.lineage import resolved_of
from lakewright.plan.observed import Observed, RawUpload, Table
from lakewright.plan.steps import (
    Bronze,
    BuildModel,
    CheckModel,
    Compact,
    HoldBack,
    Land,
    Plan,
    Publish,
    Rollback,
    Step,
    Tidy,
    build_model,
)
from lakewright.project.contract import QUARANTINE_SCHEMA, Contract
from lakewright.project.model import Model, Referential, Severity
from lakewright.project.project import Project, unfit, waiting
from lakewright.project.source import Source, Suspects
from lakewright.sql import query


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What is to happen to one source's bronze table."""

    source: str
    landed: tuple[Landed, ...] = ()
    """Uploads to load, in the order of their acceptance."""
    replaced_upload_ids: tuple[str, ...] = ()
    """Uploads whose present rows go; those of them that are in `landed` come anew."""
    rebuild_reason: str = ""
    """Why the table is to be made anew from all raw files, if that was asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wanted:
    """What a plan is to bring up to date beside what its loads reach."""

    models: frozenset[str] | None = None
    """These and no others, but what they need; None: whatever is reached."""
    full: frozenset[str] = frozenset()
    """Models to build in full even where a part would do."""
    intervals: Mapping[str, datetime] = field(default_factory=dict)
    """Of models that are built by intervals, the start of the one to build."""
    returned: Table | None = None
    """A table that goes to another of its snapshots, as it will be."""


class UploadsNeeded(Exception):
    """A plan must read earlier uploads of a source again, and does not know all of them."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.source = source


@dataclass(frozen=True, kw_only=True, slots=True)
class _Load:
    """The steps that bring one source's bronze table to where it should be."""

    source: Source
    lands: tuple[Land, ...]
    step: Bronze | None
    evolved: Evolved
    refused: Mapping[str, errors.Problem]
    """Uploads that are not loaded, each with the reason."""
    movement: Movement


def plan_landing(
    project: Project, observed: Observed, source: str, uploads: Sequence[RawUpload]
) -> Plan:
    """The steps that must be done before the rest can be planned: read each file once."""
    declared = source_of(project, source)
    contract = evolution.evolve(declared, _present(observed, declared), ()).contract
    known = contract if contract.columns else None
    lands = tuple(_land(declared, upload, known) for upload in uploads)
    return Plan(steps=lands, skipped={})


def plan_uploads(project: Project, observed: Observed, batch: Batch, loaded_at: datetime) -> Plan:
    """Load a batch of landed uploads, and bring every model that they reach up to date.

    Raises:
        UploadsNeeded: earlier uploads have to be read again, and not all of them are known.
    """
    source = source_of(project, batch.source)
    load = _load(source, observed, batch, loaded_at)
    return _plan(project, observed, {source.name: load}, _Wanted(), loaded_at)


def plan_removal(
    project: Project, observed: Observed, source: str, upload_ids: Sequence[str],
    loaded_at: datetime,
) -> Plan:  # fmt: skip
    """Take uploads' rows out of bronze and quarantine, and out of every model that they reached.

    Raises:
        UploadsNeeded: see `plan_uploads`.
    """
    batch = Batch(source=source, replaced_upload_ids=tuple(upload_ids))
    return plan_uploads(project, observed, batch, loaded_at)


def plan_models(
    project: Project, observed: Observed, models: Sequence[str] | None, loaded_at: datetime,
    *, is_full: bool = False, interval_start: datetime | None = None,
) -> Plan:  # fmt: skip
    """Bring models, what depends on them and what they need up to date.

    Args:
        project: what the user wrote.
        observed: what is there.
        models: their tables; None: all of the project, and every bronze table's contract.
        loaded_at: the run's logical time, which models may read.
        is_full: build the named models (None: all) in full even where a part would do.
        interval_start: of models that are built by intervals; None: the last that is over at the
            logical time.

    Raises:
        NotFound: there is no such model.
        UploadsNeeded: see `plan_uploads`.
    """
    for name in models or ():
        project.model(name)
    named = frozenset(project.models if models is None else models)
    intervals = {
        name: interval_start or interval.last_before(model.interval.transform, loaded_at)
        for name, model in project.models.items()
        if name in named and model.interval is not None
    }
    # A full build leaves one interval of a model that has such: only whoever names it means that.
    full = named if is_full else frozenset[str]()
    full -= intervals.keys() if models is None else set()
    wanted = _Wanted(models=named, full=full, intervals=intervals)
    loads: dict[str, _Load] = {}
    if models is None:
        loads = _edited(project, observed, sorted(_loaded_sources(observed)), loaded_at)
    return _plan(project, observed, loads, wanted, loaded_at)


def plan_rollback(
    project: Project, observed: Observed, returned: Table, loaded_at: datetime,
    *, is_alone: bool = False,
) -> Plan:  # fmt: skip
    """Take a table to another of its snapshots, and build all that depends on it from there.

    Args:
        project: what the user wrote.
        observed: what is there.
        returned: the table as it will be.
        loaded_at: the run's logical time, for bronze tables that have to be made anew.
        is_alone: leave what depends on the table as it is.

    Raises:
        UploadsNeeded: see `plan_uploads`.
    """
    graph = lineage.tables_needed(project.models)
    reached = lineage.closure([returned.name], lineage.reverse(graph))
    models = frozenset[str]() if is_alone else frozenset(reached)
    plan = _plan(project, observed, {}, _Wanted(models=models, returned=returned), loaded_at)
    skipped = {name: why for name, why in plan.skipped.items() if name != returned.name}
    if is_alone:
        skipped |= dict.fromkeys(sorted(reached), "it is to stay as it is")
    return replace(plan, skipped=skipped)


def plan_upkeep(tables: Sequence[str], compacted: Sequence[str]) -> Plan:
    """Tidy tables, after those of them that are worth it were compacted."""
    first = [Compact(table=table) for table in compacted]
    publish = [Publish(tables=tuple(compacted))] if compacted else []
    return Plan(steps=(*first, *publish, *(Tidy(table=table) for table in tables)), skipped={})


def source_of(project: Project, name: str) -> Source:
    """The source; one that nobody declared has an inferred contract."""
    return project.sources.get(name) or Source(name=name)


def _present(observed: Observed, source: Source) -> Contract | None:
    table = observed.tables.get(source.bronze)
    return table.contract if table else None


def _loaded_sources(observed: Observed) -> set[str]:
    return {name.partition(".")[2] for name in observed.tables if name.startswith("bronze.")}


def _land(source: Source, upload: RawUpload, contract: Contract | None) -> Land:
    return Land(
        upload_id=upload.upload_id,
        source=source.name,
        file_name=upload.file_name,
        sha256=upload.sha256,
        format=source.format,
        override=upload.format,
        contract=contract,
    )


def _load(source: Source, observed: Observed, batch: Batch, loaded_at: datetime) -> _Load:
    """Decide the contract, which uploads take part, and whether the table is made anew."""
    loaded = observed.loaded.get(source.name, ())
    present = _present(observed, source)
    landed_ids = {landed.upload_id for landed in batch.landed}
    if batch.rebuild_reason:
        _need_all(observed, source)
    is_from_scratch = bool(batch.rebuild_reason) and landed_ids >= {
        upload.upload_id for upload in loaded
    }
    suspect = {} if batch.rebuild_reason else _refused_suspects(source, batch.landed)
    arrived = [landed for landed in batch.landed if landed.upload_id not in suspect]
    evolved = evolution.evolve(source, None if is_from_scratch else present, arrived)
    refused = {**suspect, **evolved.refused}
    going = (set(batch.replaced_upload_ids) - set(refused)) | set(evolved.accepted)
    if is_from_scratch:
        going |= set(refused)
    reasons = ([batch.rebuild_reason] if batch.rebuild_reason else []) + [*evolved.rebuild_reasons]
    is_loosened = bool(evolved.loosened) and _refused_records(observed, source) > 0
    if reasons or is_loosened:
        _need_all(observed, source)
    is_rebuild = bool(reasons) and bool(loaded or evolved.accepted)
    kept = [upload for upload in loaded if upload.upload_id not in going]
    again = kept if is_rebuild else [each for each in kept if is_loosened and each.quarantined]
    going |= {upload.upload_id for upload in again}
    replaced = tuple(upload.upload_id for upload in loaded if upload.upload_id in going)
    lands = tuple(_land(source, upload, evolved.contract) for upload in again)
    why = reasons if is_rebuild else evolved.loosened if again else ()
    step = Bronze(
        source=source.name,
        contract=evolved.contract,
        upload_ids=(*(land.upload_id for land in lands), *evolved.accepted),
        replaced_upload_ids=() if is_rebuild else replaced,
        is_rebuild=is_rebuild,
        reason="; ".join(why),
        schema_changes=evolved.changes,
        limits=source.limits,
        suspects=source.suspects,
        loaded_at=loaded_at,
    )
    is_needed = step.upload_ids or replaced or is_rebuild or evolved.changes
    if is_rebuild or source.bronze not in observed.tables:
        movement = Movement.REPLACED
    else:
        movement = Movement.CHANGED if replaced else Movement.APPENDED
    return _Load(
        source=source,
        lands=lands,
        step=step if is_needed else None,
        evolved=evolved,
        refused=refused,
        movement=movement if is_needed else Movement.NONE,
    )


def _need_all(observed: Observed, source: Source) -> None:
    if not observed.is_listed(source.name):
        raise UploadsNeeded(source.name)


def _refused_records(observed: Observed, source: Source) -> int:
    table = observed.tables.get(source.quarantine)
    return table.rows if table else 0


def _refused_suspects(source: Source, landed: Sequence[Landed]) -> dict[str, errors.Problem]:
    """The files that may have been misread, if the source refuses such."""
    if source.suspects is Suspects.LOAD:
        return {}
    return {
        each.upload_id: suspicion.refusal(source.name, each.file_name, each.suspicions)
        for each in landed
        if each.suspicions
    }


def _edited(
    project: Project, observed: Observed, sources: Sequence[str], loaded_at: datetime
) -> dict[str, _Load]:
    """The loads of those bronze tables whose contract was edited since they were loaded."""
    loads = {
        name: _load(source_of(project, name), observed, Batch(source=name), loaded_at)
        for name in sources
        if f"bronze.{name}" in observed.tables
    }
    return {name: load for name, load in loads.items() if load.step}


def _plan(
    project: Project, observed: Observed, loads: Mapping[str, _Load], wanted: _Wanted,
    loaded_at: datetime,
) -> Plan:  # fmt: skip
    """The plan for these loads and for the models that are wanted or reached."""
    graph = lineage.tables_needed(project.models)
    returned = wanted.returned
    if returned is not None:
        # It is not made from anything now.
        graph[returned.name] = ()
    built: set[str] = set()
    while True:
        loaded = {
            table
            for load in loads.values()
            if load.step
            for table in (load.source.bronze, load.source.quarantine)
        }
        candidates = _candidates(graph, loaded | built | (wanted.models or set()))
        read = {name.partition(".")[2] for name in candidates - set(project.models)}
        if returned is not None:
            candidates -= {returned.name}
        if returned is not None and returned.name not in project.models:
            read -= {returned.name.partition(".")[2]}
        sources = sorted(read - set(loads))
        edited = _edited(project, observed, sources, loaded_at)
        if edited:
            loads = {**loads, **edited}
            continue
        ordered = [loads[name] for name in sorted(loads)]
        models = _Models(project, observed, wanted, loaded_at)
        for load in ordered:
            models.load(load)
        if returned is not None:
            models.go_back(returned)
        models.build_all(candidates)
        # What had to be built for another model's sake reaches further models in turn; but whoever
        # names models wants no others.
        staged = {step.table for step in models.steps}
        if wanted.models is not None or staged <= built:
            break
        built |= staged
    steps: list[Step] = [land for load in ordered for land in load.lands]
    steps += [load.step for load in ordered if load.step]
    steps += models.returns
    steps += models.steps
    steps += models.held.values()
    steps += models.new_checks()
    tables = [
        table
        for load in ordered
        if load.step
        for table in (load.source.bronze, load.source.quarantine)
    ]
    tables += [step.table for step in models.returns] + [step.table for step in models.steps]
    return Plan(
        steps=(*steps, Publish(tables=tuple(tables))) if tables else tuple(models.held.values()),
        skipped=models.skipped,
        blocked=_blocked(models, graph, tables),
        refused={
            upload_id: problem for load in ordered for upload_id, problem in load.refused.items()
        },
        differences={
            upload_id: found
            for load in ordered
            for upload_id, found in load.evolved.differences.items()
        },
    )


def _blocked(
    models: "_Models", graph: Mapping[str, tuple[str, ...]], made: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Of the models that could not be built, those that what the plan makes would reach."""
    reached = lineage.closure(made, lineage.reverse(graph))
    outside = {
        name: tuple(table for table in lacking if table not in made)
        for name, lacking in models.lacking.items()
        if name in reached
    }
    return {name: tables for name, tables in outside.items() if tables}


def _candidates(graph: Mapping[str, tuple[str, ...]], changed: set[str]) -> set[str]:
    """What a change of these tables reaches, and all that this is made from."""
    reached = lineage.closure(changed, lineage.reverse(graph)) | changed
    return reached | lineage.closure(reached & set(graph), graph)


class _Models:
    """Goes through the models in build order, knowing what the run does to what they read."""

    def __init__(
        self, project: Project, observed: Observed, wanted: _Wanted, logical_time: datetime
    ) -> None:
        self.steps: list[BuildModel] = []
        self.returns: list[Rollback] = []
        self.held: dict[str, HoldBack] = {}
        self.skipped: dict[str, str] = {}
        self.lacking: dict[str, tuple[str, ...]] = {}
        """Models that cannot be built, each with the tables that it may be for."""
        self._project = project
        self._observed = observed
        self._wanted = wanted
        self._logical_time = logical_time
        self._inputs = {
            name: Input(table=table, movement=Movement.NONE)
            for name, table in observed.tables.items()
        }
        self._schemas = {
            name: table.schema
            for name, table in observed.tables.items()
            if name not in project.models
        }

    def load(self, load: _Load) -> None:
        """Take account of what a load does to bronze and its quarantine."""
        if load.step is None:
            return
        self._schemas[load.source.bronze] = load.evolved.contract.schema()
        self._schemas[load.source.quarantine] = QUARANTINE_SCHEMA
        for table in (load.source.bronze, load.source.quarantine):
            self._inputs[table] = Input(
                table=self._observed.tables.get(table), movement=load.movement
            )

    def go_back(self, table: Table) -> None:
        """Take account of a table that goes to another snapshot, unless it is there already."""
        present = self._observed.tables[table.name]
        is_there = present.snapshot_id == table.snapshot_id
        movement = Movement.NONE if is_there else Movement.REPLACED
        self._schemas[table.name] = table.schema
        self._inputs[table.name] = Input(table=table, movement=movement)
        if not is_there:
            step = Rollback(
                table=table.name,
                snapshot_id=table.snapshot_id,
                base_snapshot_id=present.snapshot_id,
            )
            self.returns.append(step)

    def build_all(self, candidates: set[str]) -> None:
        """Go through the project's models: add a step, or the reason why there is none."""
        for name in lineage.build_order(self._project.models):
            if name in candidates:
                self.build(name)
            else:
                self.skipped[name] = "nothing that it reads changes"

    def build(self, name: str) -> None:
        """Add the step that brings a model up to date, or the reason why there is none."""
        model = self._project.models[name]
        if lacking := self._missing(model):
            if behind := tuple(table for table in lacking if table in self.held):
                self._hold_back(HoldBack(table=name, behind=behind), lacking)
                return
            how = "which it reads"
            if lacking[0] not in model.query.tables:
                how = "which a check of it asks about"
            self.skipped[name] = self._why_missing(lacking[0], how)
            self.lacking[name] = lacking
            return
        resolved = self._fitted(model)
        if resolved is None:
            return
        self._schemas[name] = resolved.schema
        table = self._observed.tables.get(name)
        fingerprint = incremental.fingerprint(
            model, resolved, self._schemas, self._project.variables
        )
        situation = incremental.Situation(
            model=model,
            shape=resolved.shape,
            fingerprint=fingerprint,
            table=table,
            inputs={read: self._inputs[read] for read in model.query.tables},
            is_full=name in self._wanted.full,
            interval_start=self._wanted.intervals.get(name),
        )
        build = incremental.decide(situation)
        if build is None:
            by_itself = "a schedule, or `lakewright backfill`, builds it interval by interval"
            self.skipped[name] = "up to date" if model.interval is None else by_itself
            return
        other = settings_fit.other_columns(build, table, resolved.schema)
        if other is not None:
            self._hold_back(HoldBack(table=name, problems=(other,)), model.query.tables)
            return
        step = build_model(model, resolved, fingerprint, build, self._project.variables)
        if model.query.parameters:
            step = replace(step, logical_time=self._logical_time)
        self.steps.append(step)
        movement = incremental.movement(build, model.write)
        self._inputs[name] = Input(table=table, movement=movement)

    def _fitted(self, model: Model) -> query.Resolved | None:
        """The model's query over what it reads; None: it is held back, as it does not fit."""
        try:
            resolved = resolved_of(model, self._schemas)
        except errors.SqlRefused as refused:
            found = refused.as_problems()
        else:
            found = tuple(settings_fit.unfit(model, resolved.schema))
            if not found:
                return resolved
        held = HoldBack(table=model.name, problems=unfit(model.name, found))
        self._hold_back(held, model.query.tables)
        return None

    def _hold_back(self, step: HoldBack, lacking: tuple[str, ...]) -> None:
        self.held[step.table] = step
        self.lacking[step.table] = lacking

    def new_checks(self) -> list[CheckModel]:
        """The checks that could only warn of a table which was not there, and now comes, for
        those tables that are not built and so not checked in this run."""
        built = {step.table for step in self.steps}
        found: list[CheckModel] = []
        for name, model in self._project.models.items():
            table = self._observed.tables.get(name)
            if table is None or name in built:
                continue
            checks = tuple(
                check
                for check in model.checks
                if isinstance(check, Referential)
                and check.severity is Severity.WARN
                and self._comes(check.to_table, check.to_column)
                and table.schema.get(check.column) is not None
            )
            if checks:
                found.append(CheckModel(table=name, checks=checks))
        return found

    def _comes(self, table: str, column: str) -> bool:
        """Whether the run makes a table that was not there, with this column."""
        is_new = table in self._inputs and table not in self._observed.tables
        schema = self._schemas.get(table)
        return is_new and schema is not None and schema.get(column) is not None

    def _missing(self, model: Model) -> tuple[str, ...]:
        """The tables without which the model cannot be built; those that it reads come first."""
        reads = [read for read in model.query.tables
                 if read not in self._schemas or read not in self._inputs]  # fmt: skip
        asked = [each for each in lineage.tables_asked(model) if each not in self._inputs]
        return tuple(dict.fromkeys([*reads, *asked]))

    def _why_missing(self, table: str, how: str) -> str:
        if table in self.skipped:
            return f"{table}, {how}, is not built: {self.skipped[table]}"
        layer, _, source = table.partition(".")
        if layer in ("bronze", "quarantine"):
            return waiting(source, is_declared=source in self._project.sources)
        return f"{table}, {how}, does not exist yet"
