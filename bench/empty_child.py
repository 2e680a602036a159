"""A child process whose steps do nothing: what is left is what carrying out a run costs by itself.

Every plan has three models, so that a run is five steps: the plan, the models, and the publish.
"""

import os
from collections.abc import Mapping
from typing import cast

from lakewright.plan import codec, steps
from lakewright.project.model import Write
from lakewright.runs.children import child
from lakewright.runs.records import Json
from lakewright.sql import types

MODELS = ("gold.first", "gold.second", "gold.third")


def _plan(payload: Json, report: child.Report) -> Json:
    del payload, report
    models = [
        steps.BuildModel(
            table=table,
            sql="",
            schema=types.Schema(()),
            reads=(),
            write=Write.REPLACE,
            build=steps.Full(reason="always"),
            fingerprint="",
        )
        for table in MODELS
    ]
    plan = steps.Plan(steps=(*models, steps.Publish(tables=MODELS)), skipped={})
    return {"plan": codec.encode(plan), "refused": {}, "bases": {}}


def _model(payload: Json, report: child.Report) -> Json:
    del report
    step = cast("Mapping[str, Mapping[str, Json]]", payload)["step"]
    return {"staged": [{"table": step["table"]}], "checks": []}


def _publish(payload: Json, report: child.Report) -> Json:
    del payload, report
    return {table: {"snapshot_id": os.getpid(), "rows": 0} for table in MODELS}


def _is_published(payload: Json, report: child.Report) -> Json:
    del payload, report
    return False


if __name__ == "__main__":
    child.serve(
        lambda: {
            "plan": _plan,
            "model": _model,
            "publish": _publish,
            "is_published": _is_published,
        }
    )
