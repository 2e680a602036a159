"""Carry one claimed run from where it stands to its end.

    land each upload ──▶ plan ──▶ lock tables ──▶ bronze, models ──▶ publish ──▶ finish
                          ▲                                             │
                          └────────── a table has moved: stage again ───┘

The journal is the truth: a step that it calls finished is not done again, whoever did it. What
fails, fails alone: an upload leaves the batch, a model takes only what reads it along, and what
passed is published together. Steps run in a child process; this one touches no user bytes.
"""

import shutil
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import cast

from lakewright import errors
from lakewright.plan import codec, steps
from lakewright.runs import failure, ownership, rules
from lakewright.runs.records import (
    Claim,
    Ending,
    Json,
    Outcome,
    RequestKind,
    Run,
    RunStatus,
    StepStatus,
    Upload,
    UploadStatus,
)
from lakewright.runs.workers import caretaking, fetching, outcomes
from lakewright.runs.workers.round import Cancelled, Hands, Round, Task
from lakewright.runs.workers.staging import Staging, records

PLANS_MAX = 10
"""How often a run is planned anew because a table moved. Whoever moves it must hold no lock of
ours: another program, or a run that planned for the table after we did."""


class _PutBack(Exception):
    """The run is back in the queue: another run holds one of its tables."""


class _PlanAgain(Exception):
    """A table moved after it was planned for, or another version planned."""


class Carrier:
    """Carries out one run."""

    def __init__(self, hands: Hands, claim: Claim) -> None:
        self._hands = hands
        self._claim = claim
        self._run: Run = hands.journal.reading.run(claim.run_id)
        self._round = Round(fetching.hands_for(hands, self._run), claim, self._run)
        self._unread: dict[str, Json] = {}
        """Uploads that could not be read, each with its error."""
        self._refused: Mapping[str, Json] = {}
        """Uploads that the present plan refuses, each with its error."""

    def carry_out(self) -> None:
        """Bring the run to its end, or put it back into the queue if it must wait.

        Raises:
            RunLost: another process has taken the run over.
        """
        self._hands.progress.run_started(self._run)
        self._round.tell_taken_up()
        self._forget_unsynced()
        self._round.work_folder.mkdir(parents=True, exist_ok=True)
        uploads = self._waiting_uploads()
        try:
            published = self._publish_all(uploads)
        except _PutBack:
            return
        except Cancelled:
            self._end_cancelled()
            return
        steps_done = tuple(self._round)
        outcome = outcomes.outcome(
            self._run, steps_done, uploads, {**self._unread, **self._refused}, published
        )
        if not rules.may_continue(steps_done):
            # Before the end, as a retry that follows it may make the folder anew.
            shutil.rmtree(self._round.work_folder, ignore_errors=True)
        self._hands.journal.execution.finish(self._claim, outcome, self._hands.clock())
        self._hands.progress.run_ended(self._hands.journal.reading.run(self._run.run_id))
        caretaking.ask(self._hands, published)

    def _end_cancelled(self) -> None:
        error = failure.to_json(rules.cancelled(self._run.run_id))
        self._round.end_cancelled(error)
        outcome = Outcome(status=RunStatus.FAILED, error=error)
        self._hands.journal.execution.finish(self._claim, outcome, self._hands.clock())
        self._hands.progress.run_ended(self._hands.journal.reading.run(self._run.run_id))

    def _forget_unsynced(self) -> None:
        """Do again what another boot of this machine did, unless it was published.

        Files that steps leave are synced when they are published: after a power failure, the
        journal may remember more than the disk holds.
        """
        is_safe = ownership.is_of_this_boot(self._claim.previous_owner_id)
        names = [step.name for step in self._round]
        if not names or (is_safe and self._round.work_folder.exists()):
            return
        publish = self._round.get(rules.PUBLISH)
        if publish is not None and publish.attempts and self._round.ask("is_published", {}):
            return
        self._round.discard(names)

    def _waiting_uploads(self) -> list[Upload]:
        reading = self._hands.journal.reading
        return [
            reading.upload(part.upload_id)
            for part in reading.run_uploads(self._run.run_id)
            if part.status is UploadStatus.ACCEPTED
        ]

    def _publish_all(self, uploads: Sequence[Upload]) -> Mapping[str, Json]:
        """Do every step; what was published, by table."""
        if self._run.request.kind is RequestKind.FETCH:
            fetching.fetch(self._round, self._hands, self._run)
            return {}
        lands = self._to_land(uploads)
        self._round.prepare([*(rules.land_name(upload) for upload in lands), rules.PLAN])
        self._land_all(lands)
        is_rebuild = self._run.request.kind is RequestKind.REBUILD
        if lands and (len(self._unread) == len(lands) or (is_rebuild and self._unread)):
            self._round.skip(rules.PLAN, "what the run is to load could not be read")
            return {}
        for moved in range(PLANS_MAX):
            # Once is chance; whoever moves a table again and again is given time to end.
            self._hands.back_off(moved - 1 if moved else 0)
            try:
                return self._publish_planned(uploads)
            except _PlanAgain:
                kept = {rules.land_name(upload) for upload in lands}
                self._round.discard([each.name for each in self._round if each.name not in kept])
                self._round.prepare([rules.PLAN])
        error = failure.to_json(_never_at_rest(self._run.run_id))
        self._round.end(rules.PLAN, Ending(status=StepStatus.FAILED, error=error))
        return {}

    def _do(self, task: Task) -> bool:
        """Have a step done; whether it succeeded."""
        step = self._round.do(task)
        if step.status is StepStatus.PENDING:
            raise _PlanAgain
        return step.status is StepStatus.SUCCEEDED

    def _to_land(self, uploads: Sequence[Upload]) -> Sequence[Upload]:
        """The uploads whose files the run reads before it can be planned."""
        request = self._run.request
        if request.kind is RequestKind.REBUILD and request.source is not None:
            return self._in_bronze(request.source)
        if request.kind not in (RequestKind.UPLOAD, RequestKind.REPLAY):
            return ()
        return rules.as_read(uploads, self._hands.journal.reading.run_uploads(self._run.run_id))

    def _land_all(self, uploads: Sequence[Upload]) -> None:
        names = [rules.land_name(upload) for upload in uploads]
        lands: Mapping[str, Json] = {}
        if any(not self._round[name].status.is_finished for name in names):
            facts: Mapping[str, Json] = {
                "source": self._run.request.source,
                "uploads": [codec.encode(rules.raw_upload(upload)) for upload in uploads],
            }
            try:
                lands = cast("Mapping[str, Json]", self._round.ask("landing", facts))
            except errors.LakewrightError as error:
                self._round.fail(names, error)
        for name, upload in zip(names, uploads, strict=True):
            task = Task(
                name=name,
                operation="land",
                payload={"step": lands.get(name)},
                ready=partial(_ready, upload),
            )
            step = self._round.do(task)
            if step.status is not StepStatus.SUCCEEDED:
                self._unread[upload.upload_id] = step.error

    def _publish_planned(self, uploads: Sequence[Upload]) -> Mapping[str, Json]:
        """Plan, stage and publish; what was published, by table.

        Raises:
            _PlanAgain: a table moved meanwhile.
            _PutBack: another run holds a table.
        """
        was_planned = self._round.is_done(rules.PLAN)
        result = self._plan(uploads)
        if result is None:
            return {}
        self._refused = result["refused"]
        try:
            plan = codec.decode(steps.Plan, result["plan"])
        except ValueError:
            if was_planned:  # By another version, whose steps were others.
                raise _PlanAgain from None
            raise
        # Runs that change what one model waits for go one after the other: else each would leave
        # the model to the others.
        if not self._hands.journal.execution.lock(self._claim, [*_tables(plan), *plan.blocked]):
            raise _PutBack
        self._prepare(plan, [rules.land_name(upload) for upload in self._to_land(uploads)])
        published = self._publish(plan, result["bases"], uploads)
        self._tidy(plan)
        return published

    def _prepare(self, plan: steps.Plan, lands: Collection[str]) -> None:
        """Have the plan's steps, and none beside them: another version named some otherwise."""
        names = [planned.name for planned in plan.steps]
        others = {step.name for step in self._round} - {rules.PLAN, *lands, *names}
        if others:
            self._round.discard(sorted(others))
        self._round.prepare(names)

    def _publish(
        self, plan: steps.Plan, bases: Mapping[str, Json], uploads: Sequence[Upload]
    ) -> Mapping[str, Json]:
        """Stage what the plan says and make it visible; what was published, by table."""
        lands = {each.upload_id: rules.land_name(each) for each in self._to_land(uploads)}
        staging = Staging(self._round, self._do, self._in_bronze, lands)
        staging.stage(plan, bases)
        if self._round.get(rules.PUBLISH) is None:
            return {}
        staged, rollbacks = staging.staged(), staging.rollbacks()
        if not staged and not rollbacks:
            self._round.skip(rules.PUBLISH, "nothing was staged")
            return {}
        lacking = sorted({table for tables in plan.blocked.values() for table in tables})
        awaited: Mapping[str, Json] = {table: bases.get(table) for table in lacking}
        payload: Mapping[str, Json] = {
            "staged": staged,
            "rollbacks": rollbacks,
            "awaited": awaited,
        }
        task = Task(name=rules.PUBLISH, operation="publish", payload=payload)
        if not self._do(task):
            return {}
        return cast("Mapping[str, Json]", self._round[rules.PUBLISH].result)

    def _tidy(self, plan: steps.Plan) -> None:
        """What upkeep does after its publish. Another program's commit in between is no matter."""
        for planned in plan.steps:
            if not isinstance(planned, steps.Tidy):
                continue
            kept = caretaking.tokens(self._hands.journal.reading, self._hands.terms.storage)
            payload: Mapping[str, Json] = {"step": codec.encode(planned), "tokens": kept}
            task = Task(name=planned.name, operation="tidy", payload=payload)
            for moved in range(PLANS_MAX):
                self._hands.back_off(moved)
                if self._round.do(task).status.is_finished:
                    break
            self._round.fail([planned.name], _never_at_rest(self._run.run_id))

    def _plan(self, uploads: Sequence[Upload]) -> Mapping[str, Mapping[str, Json]] | None:
        """What the plan's step found; None: it failed.

        It is told of the run's own uploads. One that must read others again says so, and is made
        again with all uploads of that source: few are, and a history may be long.
        """
        request = self._run.request
        is_rebuild = request.kind is RequestKind.REBUILD and request.source is not None
        listed = [str(request.source)] if is_rebuild else []
        while self._do(self._plan_task(uploads, listed)):
            result = cast("Mapping[str, Json]", self._round[rules.PLAN].result)
            if "needed" not in result:
                return cast("Mapping[str, Mapping[str, Json]]", result)
            listed.append(str(result["needed"]))
            self._round.discard([rules.PLAN])
            self._round.prepare([rules.PLAN])
        return None

    def _plan_task(self, uploads: Sequence[Upload], listed: Sequence[str]) -> Task:
        request = self._run.request
        lands = [rules.land_name(upload) for upload in self._to_land(uploads)]
        landed = [self._round[name].result for name in lands if self._round.is_done(name)]
        return Task(
            name=rules.PLAN,
            operation="plan",
            payload={
                "kind": request.kind.value,
                "request": request.payload,
                "source": request.source,
                "upload_ids": [upload.upload_id for upload in uploads],
                "landed": landed,
                "loaded": self._loaded(uploads, listed),
                "listed": list(listed),
                "loaded_at": codec.encode(self._run.queued_at),
            },
        )

    def _loaded(self, uploads: Sequence[Upload], listed: Sequence[str]) -> Json:
        """The uploads that bronze tables hold: all of the listed sources, else the run's own."""
        own = [each for each in uploads if each.status.is_in_bronze and each.source not in listed]
        every = [each for source in listed for each in self._in_bronze(source)]
        return rules.raw_uploads((*own, *every))

    def _in_bronze(self, source: str) -> tuple[Upload, ...]:
        """The uploads that a source's bronze table holds, oldest first."""
        statuses = (UploadStatus.LOADED, UploadStatus.SUSPECT)
        found = self._hands.journal.reading.uploads(source=source, statuses=statuses)
        return found[::-1]


def _never_at_rest(run_id: str) -> errors.Conflict:
    return errors.Conflict(
        f"run {run_id} could not be published",
        why="its tables were changed by others each time that it was staged",
        hint=f"try `lakewright runs retry {run_id}` when they are at rest",
    )


def _tables(plan: steps.Plan) -> list[str]:
    """Every table that a plan changes."""
    tables: list[str] = []
    for step in plan.steps:
        if isinstance(step, steps.Bronze):
            tables += [step.table, step.quarantine]
        elif isinstance(step, steps.BuildModel | steps.Rollback | steps.Tidy):
            tables.append(step.table)
    return tables


def _ready(upload: Upload, landed: Json) -> Mapping[str, Json]:
    """What the event says when an upload has landed."""
    return {
        upload.upload_id: {
            "source": upload.source,
            "sha256": upload.sha256,
            "records": records(landed),
        }
    }
