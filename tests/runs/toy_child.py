"""A child process with a small lake of its own: tables are lists of lines in one JSON file.

What a delivered file does is its text: `bad` cannot be read, `refused` breaks the contract,
`over` is over its limit, `counted` tells how far it is, `crash` kills the process, `crash once`
only the first time. Every operation writes a line to `effects.log`, so that a test can count what
was done how often.
"""

import fcntl
import json
import os
import signal
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import cast

from lakewright import errors
from lakewright.plan import codec, steps
from lakewright.project.contract import Contract
from lakewright.project.model import Write
from lakewright.project.source import BadRecordLimits
from lakewright.runs import failure
from lakewright.runs.children import child
from lakewright.runs.records import Json
from lakewright.sql import types

ROOT = Path(os.environ["TOY_ROOT"])
Facts = Mapping[str, Json]


def lake() -> dict[str, dict[str, list[str]]]:
    path = ROOT / "lake.json"
    found: dict[str, dict[str, list[str]]] = (
        json.loads(path.read_text("utf-8")) if path.exists() else {}
    )
    return found


def note(operation: str, facts: Facts, subject: str) -> None:
    with (ROOT / "effects.log").open("a", encoding="utf-8") as log:
        log.write(f"{operation} {facts.get('token')} {subject}\n")


def obey(text: str, name: str) -> None:
    """Do what a file's text or a flag of the test asks for."""
    flag = ROOT / f"{name}.flag"
    if text == "crash" or (text == "crash once" and not flag.exists()):
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if text.startswith("crash, times: "):
        crashes = int(flag.read_text("ascii")) if flag.exists() else 0
        if crashes < int(text.partition(": ")[2]):
            flag.write_text(str(crashes + 1), "ascii")
            os.kill(os.getpid(), signal.SIGKILL)
    if text == "slow":
        time.sleep(1.5)
    if text.startswith("wait for both"):
        (ROOT / f"{name}.waiting").touch()
        while len(list(ROOT.glob("*.waiting"))) < 2:
            time.sleep(0.01)
    if text == "hang":
        (ROOT / "hangs").touch()
        time.sleep(600)


def flagged(name: str) -> str:
    path = ROOT / name
    return path.read_text("utf-8") if path.exists() else ""


def landing(payload: Json, report: child.Report) -> Json:
    facts = cast("Facts", payload)
    obey(flagged("landing"), "landing")
    if flagged("landing") == "fail":
        raise errors.ProjectInvalid("the project is broken")
    return {f"land:{each['upload_id']}": each for each in cast("list[Facts]", facts["uploads"])}


def land(payload: Json, report: child.Report) -> Json:
    upload = cast("Mapping[str, Facts]", payload)["step"]
    text = (ROOT / "raw" / str(upload["sha256"])).read_text("utf-8")
    note("land", cast("Facts", payload), text)
    obey(text, str(upload["sha256"]))
    for done in range(8 if text == "counted" else 0):
        time.sleep(0.15)
        report(done)
    if text == "bad":
        raise errors.FileUnreadable(f"{upload['file_name']} cannot be read", why="it is bad")
    suspicions = ["one column where many are due"] if text == "odd" else []
    return {
        "upload_id": upload["upload_id"],
        "text": text,
        "records": len(text.split(",")),
        "suspicions": suspicions,
    }


def plan(payload: Json, report: child.Report) -> Json:
    facts = cast("Facts", payload)
    note("plan", facts, str(facts["source"]))
    if flagged(f"plan {facts['source']}") == "rubbish":
        return {"refused": {}, "bases": {}}
    landed = cast("list[Facts]", facts["landed"])
    refused = {
        str(each["upload_id"]): failure.to_json(errors.ContractBroken("it breaks the contract"))
        for each in landed
        if each["text"] == "refused"
    }
    source = str(facts["source"])
    models = [f"silver.{source}", "gold.all"] if facts["source"] else ["silver.orders"]
    if flagged("no gold"):
        models = models[:1]
    chosen: list[steps.Step] = []
    accepted = [str(each["upload_id"]) for each in landed if each["upload_id"] not in refused]
    if facts["kind"] == "remove":
        accepted = cast("list[str]", facts["upload_ids"])
    if accepted:
        chosen.append(
            steps.Bronze(
                source=source,
                contract=Contract(columns=()),
                upload_ids=() if facts["kind"] == "remove" else tuple(accepted),
                replaced_upload_ids=tuple(accepted),
                limits=BadRecordLimits(),
                loaded_at=datetime.fromisoformat(str(facts["loaded_at"])),
            )
        )
    chosen += [model(f"bronze.{source}", models[0])]
    if len(models) > 1:
        chosen += [model(models[0], models[1])]
    tables = tuple(each.name.partition(":")[2] for each in chosen)
    chosen.append(steps.Publish(tables=tables))
    bases = {name: len(rows) for name, rows in lake().get("tables", {}).items()}
    return {
        "plan": codec.encode(steps.Plan(steps=tuple(chosen), skipped={})),
        "refused": refused,
        "bases": bases,
    }


def model(reads: str, table: str) -> steps.BuildModel:
    return steps.BuildModel(
        table=table, sql="", schema=types.Schema(()), reads=(reads,), write=Write.REPLACE,
        build=steps.Full(reason="always"), fingerprint="",
    )  # fmt: skip


def bronze(payload: Json, report: child.Report) -> Json:
    facts = cast("Facts", payload)
    step = cast("Facts", facts["step"])
    landed = cast("list[Facts]", facts["landed"])
    note("bronze", facts, str(step["source"]))
    obey(flagged("bronze"), "bronze")
    over = failure.to_json(errors.TooManyBadRecords("too many", hint="mend it"))
    uploads = [
        {
            "upload_id": each["upload_id"],
            "records": each["records"],
            "rows": 0 if each["text"] == "over" else each["records"],
            "quarantined": each["records"] if each["text"] == "over" else 0,
            "suspicions": [],
            "error": over if each["text"] == "over" else None,
        }
        for each in landed
    ]
    added = [f"{each['upload_id']}={each['text']}" for each in landed if each["text"] != "over"]
    table = f"bronze.{step['source']}"
    gone = cast("list[str]", step["replaced_upload_ids"])
    staged = [{"table": table, "step": f"bronze:{step['source']}", "added": added, "gone": gone}]
    is_staged = bool(added) or not landed
    return {"staged": cast("Json", staged if is_staged else []), "uploads": cast("Json", uploads)}


def build(payload: Json, report: child.Report) -> Json:
    facts = cast("Facts", payload)
    table = str(cast("Facts", facts["step"])["table"])
    note("model", facts, table)
    obey(flagged(table), table)
    if flagged(table) == "fail":
        raise errors.CheckFailed(f"{table} does not meet its checks", why="2 rows are null")
    staged: Json = [{"table": table, "step": f"model:{table}", "added": [], "gone": []}]
    return {"staged": staged, "checks": []}


def is_published(payload: Json, report: child.Report) -> Json:
    return cast("Facts", payload)["token"] in lake().get("tokens", {})


def publish(payload: Json, report: child.Report) -> Json:
    facts = cast("Facts", payload)
    token = str(facts["token"])
    note("publish", facts, "")
    moves = ROOT / "moves"
    if moves.exists():
        left = int(moves.read_text("ascii")) - 1
        moves.write_text(str(left), "ascii") if left else moves.unlink()
        raise errors.CommitConflict("a table has moved")
    obey(flagged("publish"), "before publish")
    if flagged("publish") == "disk full":
        raise OSError(28, "No space left on device")
    with (ROOT / "lake.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = lake() or {"tables": {}, "tokens": {}}
        done = state["tokens"].setdefault(token, [])
        for one in cast("list[Facts]", facts["staged"]):
            if one["step"] in done:
                continue
            done.append(str(one["step"]))
            rows = state["tables"].setdefault(str(one["table"]), [])
            gone = tuple(f"{each}=" for each in cast("list[str]", one["gone"]))
            rows[:] = [row for row in rows if not row.startswith(gone)]
            rows += cast("list[str]", one["added"])
        temporary = ROOT / "lake.json.new"
        temporary.write_text(json.dumps(state), "utf-8")
        temporary.rename(ROOT / "lake.json")
    obey(flagged("published"), "after publish")
    return {
        str(one["table"]): {"snapshot_id": 7, "rows": len(state["tables"][str(one["table"])])}
        for one in cast("list[Facts]", facts["staged"])
    }


def load() -> Mapping[str, child.Operation]:
    return {
        "landing": landing, "land": land, "plan": plan, "bronze": bronze, "model": build,
        "publish": publish, "is_published": is_published,
    }  # fmt: skip


if __name__ == "__main__":
    child.serve(load)
