"""The child's side of planning: what is there and what landed, to typed steps."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from lakewright import errors
from lakewright.lake.tables import Lake
from lakewright.plan import codec, observed, planner, steps
from lakewright.plan.landed import Landed
from lakewright.project import variable_file
from lakewright.project.project import Project
from lakewright.runs import failure
from lakewright.runs.children.child import Operation, Report
from lakewright.runs.operations.payloads import decode_all, facts_of
from lakewright.runs.records import Json, RequestKind


class Planning:
    """Plans runs."""

    def __init__(self, project: Project, lake: Lake) -> None:
        self._project = project
        self._lake = lake

    def operations(self) -> Mapping[str, Operation]:
        """Each operation by the name under which a parent asks for it."""
        return {"landing": self.landing, "plan": self.plan}

    def landing(self, payload: Json, report: Report) -> Json:
        """The steps that land some uploads of a source, by name."""
        del report
        facts = facts_of(payload)
        uploads = decode_all(observed.RawUpload, facts["uploads"])
        now = self._observe({}, [])
        plan = planner.plan_landing(self._project, now, str(facts["source"]), uploads)
        return {step.name: codec.encode(step) for step in plan.steps}

    def plan(self, payload: Json, report: Report) -> Json:
        """Decide what follows landing; or name the source of which all uploads must be known."""
        del report
        facts = facts_of(payload)
        now = self._observe(facts["loaded"], facts["listed"])
        try:
            plan = self._plan(RequestKind(str(facts["kind"])), facts, now)
        except planner.UploadsNeeded as needed:
            return {"needed": needed.source}
        refused = {
            upload_id: failure.to_json(errors.of_code(problem.code).of(problem))
            for upload_id, problem in plan.refused.items()
        }
        bases: Mapping[str, Json] = {name: table.snapshot_id for name, table in now.tables.items()}
        return {"plan": codec.encode(plan), "refused": refused, "bases": bases}

    def _observe(self, loaded: Json, listed: Json) -> observed.Observed:
        return observed.Observed(
            tables=self._lake.observe(),
            loaded={
                source: tuple(decode_all(observed.RawUpload, uploads))
                for source, uploads in cast("Mapping[str, Json]", loaded).items()
            },
            listed=tuple(cast("list[str]", listed)),
        )

    def _with_values(self, given: Json) -> Project:
        """The project with what a request says of its variables.

        Raises:
            UsageError: it does not have them so any more.
        """
        texts = cast("Mapping[str, str]", given)
        words = [f"{name}={text}" for name, text in texts.items()]
        known = self._project.variables
        return self._project.with_values("", variable_file.overrides(known, words))

    def _plan(
        self, kind: RequestKind, facts: Mapping[str, Json], now: observed.Observed
    ) -> steps.Plan:
        loaded_at = datetime.fromisoformat(str(facts["loaded_at"]))
        if kind is RequestKind.MODELS:
            request = cast("Mapping[str, Json]", facts["request"])
            models = cast("list[str]", request["models"]) or None
            start = request.get("interval_start")
            return planner.plan_models(
                self._with_values(request.get("variables") or {}),
                now,
                models,
                datetime.fromisoformat(str(request.get("logical_time", facts["loaded_at"]))),
                is_full=bool(request["is_full"]),
                interval_start=None if start is None else datetime.fromisoformat(str(start)),
            )
        if kind is RequestKind.ROLLBACK:
            request = cast("Mapping[str, Json]", facts["request"])
            snapshot_id = cast("int", request["snapshot_id"])
            returned = self._lake.observe_at(str(request["table"]), snapshot_id)
            is_alone = bool(request["is_alone"])
            return planner.plan_rollback(self._project, now, returned, loaded_at, is_alone=is_alone)
        if kind is RequestKind.UPKEEP:
            asked = cast("Mapping[str, list[str]]", facts["request"])["tables"]
            tables = [table for table in asked if table in now.tables]
            small = [table for table in tables if self._lake.compaction(table) is not None]
            return planner.plan_upkeep(tables, small)
        source = str(facts["source"])
        landed = tuple(decode_all(Landed, facts["landed"]))
        if kind is RequestKind.REMOVE:
            gone = cast("list[str]", facts["upload_ids"])
            return planner.plan_removal(self._project, now, source, gone, loaded_at)
        if not landed and kind is not RequestKind.REBUILD:
            # A retry of a run whose uploads are loaded: what reads them is left to do.
            bronze = planner.source_of(self._project, source)
            models = list(self._project.downstream((bronze.bronze, bronze.quarantine)))
            return planner.plan_models(self._project, now, models, loaded_at)
        is_rebuild = kind is RequestKind.REBUILD
        batch = planner.Batch(
            source=source,
            landed=landed,
            rebuild_reason="a rebuild was asked for" if is_rebuild else "",
        )
        plan = planner.plan_uploads(self._project, now, batch, loaded_at)
        if is_rebuild and plan.refused:
            raise errors.ContractBroken(
                f"bronze.{source} cannot be rebuilt",
                why="uploads that it holds break the contract, and their rows would be lost",
                hint="change the contract, or remove these uploads first",
                problems=tuple(plan.refused.values()),
            )
        return plan
