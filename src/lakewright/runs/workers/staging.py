"""The steps of a plan that stage: everything between the plan and the publish, each done once.

What fails, fails alone: what reads a table that could not be staged is left out.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import cast

from lakewright import errors
from lakewright.plan import codec, steps
from lakewright.runs.records import Ending, Json, StepStatus, Upload
from lakewright.runs.workers.round import Round, Task


class Staging:
    """Stages what one plan says."""

    def __init__(
        self,
        round: Round,  # noqa: A002 - it is the run's round
        do: Callable[[Task], bool],
        in_bronze: Callable[[str], Sequence[Upload]],
        lands: Mapping[str, str],
    ) -> None:
        """`do` has a step done and says whether it succeeded; `in_bronze` gives the uploads that a
        source's table holds; `lands` is the step that landed each upload of the run."""
        self._round = round
        self._do = do
        self._in_bronze = in_bronze
        self._lands = dict(lands)
        """A plan may have an upload read as it was before this run."""

    def stage(self, plan: steps.Plan, bases: Mapping[str, Json]) -> None:
        """Do every step but the publish. What reads a table that could not be staged is left out.

        `bases` are the snapshots that the plan was made for; a step refuses any other.
        """
        missing: set[str] = set()
        for planned in plan.steps:
            if isinstance(planned, steps.Land):
                self._lands[planned.upload_id] = planned.name
                value = {"step": codec.encode(planned)}
                self._do(Task(name=planned.name, operation="land", payload=value))
            elif isinstance(planned, steps.Bronze):
                if not self._bronze(planned, bases):
                    missing |= {planned.table, planned.quarantine}
            elif isinstance(planned, steps.Rollback):
                value = {"step": codec.encode(planned)}
                if not self._do(Task(name=planned.name, operation="rollback", payload=value)):
                    missing.add(planned.table)
            elif isinstance(planned, steps.Compact):
                value = {"step": codec.encode(planned)}
                self._do(Task(name=planned.name, operation="compact", payload=value))
            elif isinstance(planned, steps.HoldBack):
                self._hold_back(planned)
            elif isinstance(planned, steps.CheckModel):
                self._read(
                    planned, "check", {check.to_table for check in planned.checks} & missing, bases
                )
            elif isinstance(planned, steps.BuildModel):
                lacking = missing.intersection(planned.reads)
                if not self._read(planned, "model", lacking, bases):
                    missing.add(planned.table)

    def _bronze(self, planned: steps.Bronze, bases: Mapping[str, Json]) -> bool:
        lands = [self._lands[upload_id] for upload_id in planned.upload_ids]
        for name in lands:
            if not self._round.is_done(name):
                error = self._round[name].error
                self._round.end(planned.name, Ending(status=StepStatus.FAILED, error=error))
                return False
        landed = [self._round[name].result for name in lands]
        # Only where the table is made anew can an upload that fails lose rows that it has.
        loaded = self._in_bronze(planned.source) if planned.is_rebuild else ()
        payload: Mapping[str, Json] = {
            "step": codec.encode(planned),
            "landed": landed,
            "loaded_upload_ids": [each.upload_id for each in loaded],
            "bases": bases,
        }
        return self._do(
            Task(
                name=planned.name,
                operation="bronze",
                payload=payload,
                total=sum(records(each) for each in landed),
                error_of=_error_of_bronze,
            )
        )

    def _hold_back(self, planned: steps.HoldBack) -> None:
        if planned.problems:
            self._round.fail([planned.name], _unfit(planned))
        else:
            self._leave_out(planned.name, planned.behind)

    def _leave_out(self, name: str, lacking: Collection[str]) -> None:
        self._round.skip(name, f"it reads {', '.join(sorted(lacking))}, which failed")

    def _read(
        self,
        planned: steps.BuildModel | steps.CheckModel,
        operation: str,
        lacking: Collection[str],
        bases: Mapping[str, Json],
    ) -> bool:
        """Do a step that reads tables as they would be; those that it lacks could not be staged."""
        if lacking:
            self._leave_out(planned.name, lacking)
            return False
        payload: Mapping[str, Json] = {
            "step": codec.encode(planned),
            "staged": self.staged(),
            "rollbacks": self.rollbacks(),
            "bases": bases,
        }
        return self._do(Task(name=planned.name, operation=operation, payload=payload))

    def staged(self) -> list[Json]:
        """Everything that the round's steps have staged so far, in their order."""
        return self._found("staged", ("bronze:", "model:", "compact:"))

    def rollbacks(self) -> list[Json]:
        """The tables that are to go to another snapshot."""
        return self._found("rollbacks", ("rollback:",))

    def _found(self, what: str, names: tuple[str, ...]) -> list[Json]:
        return [
            found
            for step in self._round
            if step.status is StepStatus.SUCCEEDED and step.name.startswith(names)
            for found in cast("Mapping[str, list[Json]]", step.result)[what]
        ]


def records(landed: Json) -> int:
    """How many records an upload has, of which this is the result of its landing."""
    return cast("Mapping[str, int]", landed)["records"]


def _unfit(planned: steps.HoldBack) -> errors.ModelUnfit:
    return errors.ModelUnfit(
        f"{planned.table} does not fit what it reads",
        why="; ".join(problem.what for problem in planned.problems),
        hint="the table stays as it was",
        problems=planned.problems,
    )


def _error_of_bronze(result: Json) -> Json:
    """The error of a step in which not one upload was fit to be loaded."""
    facts = cast("Mapping[str, list[Mapping[str, Json]]]", result)
    if facts["staged"]:
        return None
    return next((each["error"] for each in facts["uploads"] if each["error"] is not None), None)
