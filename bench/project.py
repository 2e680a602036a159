"""What loading and typing a project of many models costs: cold, from the cache, after one edit.

    python -m bench.project [--models 1000] [--rounds 3] [--profile]

The models are what people write: settings with checks, casts and cases over bronze, joins and
windows over silver, groups over all of it. What is told is processor time, of a whole process but
for the edit.
"""

import argparse
import cProfile
import json
import pstats
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench import measuring
from bench.projects import OUT
from lakewright.project import load
from lakewright.wiring.projects import Projects

SOURCES = 40
COLUMNS = 20


def files(models: int) -> dict[str, str]:
    """A project of so many models, text by path."""
    found = {"lakewright.yaml": "name: large\n"}
    found |= {f"sources/source_{number}.yaml": _source() for number in range(SOURCES)}
    first, second = models * 3 // 10, models * 6 // 10
    for number in range(models):
        if number < first:
            found[f"models/silver/clean_{number}.sql"] = _clean(number)
        elif number < second:
            found[f"models/silver/joined_{number}.sql"] = _joined(number, first)
        else:
            found[f"models/gold/metrics_{number}.sql"] = _metrics(number, first, second)
    return found


def _source() -> str:
    columns = [
        "  - {name: id, type: bigint, required: true}",
        "  - {name: other_id, type: bigint}",
        "  - {name: at, type: timestamp_ntz}",
        "  - {name: status, type: string}",
        '  - {name: price, type: "decimal(12,2)"}',
        *(f"  - {{name: value_{number}, type: {'int' if number % 2 else 'string'}}}"
          for number in range(COLUMNS)),
    ]  # fmt: skip
    return "format: csv\ncolumns:\n" + "\n".join(columns) + "\n"


def _clean(number: int) -> str:
    casts = ",\n".join(_cleaned(place) for place in range(COLUMNS))
    return f"""/*
description: One row for each record of source {number % SOURCES}, cleaned.
write: merge
key: id
latest_by: at
checks:
  - not_null: [id, at]
  - unique: id
  - accepted_values: {{column: status, values: [new, paid, returned]}}
  - expression: amount >= 0
columns:
  id: Its number.
  amount: What was paid.
*/
SELECT
  id,
  other_id,
  at,
  CAST(at AS DATE) AS day,
  lower(trim(status)) AS status,
  CAST(price * coalesce(value_1, 1) AS DECIMAL(18, 2)) AS amount,
  CASE WHEN value_3 > {number} THEN 'large' WHEN value_3 IS NULL THEN NULL ELSE 'small' END AS size,
{casts}
FROM bronze.source_{number % SOURCES}
WHERE id IS NOT NULL AND status <> 'void {number}'
"""


def _cleaned(place: int) -> str:
    if place % 2:
        return f"  coalesce(value_{place}, 0) AS value_{place}"
    return f"  upper(substring(value_{place}, 1, {place + 3})) AS value_{place}"


def _joined(number: int, first: int) -> str:
    left, right = number % first, (number * 7 + 1) % first
    return f"""/*
description: Records of {left} beside those of {right}.
checks:
  - not_null: id
  - range: {{column: amount, min: 0, max: 1000000}}
*/
WITH latest AS (
  SELECT *, row_number() OVER (PARTITION BY other_id ORDER BY at DESC, id) AS place
  FROM silver.clean_{right}
),
chosen AS (SELECT other_id, amount, size, value_1, value_2 FROM latest WHERE place = 1)
SELECT
  l.id,
  l.other_id,
  l.day,
  l.status,
  l.size,
  l.amount,
  r.amount AS other_amount,
  coalesce(r.size, 'none') AS other_size,
  l.value_1 + coalesce(r.value_1, {number}) AS value_1,
  concat(l.value_2, '-', r.value_2) AS value_2,
  sum(l.amount) OVER (PARTITION BY l.status ORDER BY l.day, l.id) AS running
FROM silver.clean_{left} AS l
LEFT JOIN chosen AS r ON r.other_id = l.other_id
WHERE l.day >= DATE '2020-01-01'
"""


def _metrics(number: int, first: int, second: int) -> str:
    one = first + number % (second - first)
    other = first + (number * 3 + 1) % (second - first)
    return f"""/*
description: One row for each day and status.
checks:
  - unique: [day, status]
  - row_count: {{min: 1}}
*/
WITH both AS (
  SELECT day, status, amount, value_1 FROM silver.joined_{one}
  UNION ALL
  SELECT day, status, other_amount AS amount, value_1 FROM silver.joined_{other}
)
SELECT
  day,
  status,
  count(*) AS records,
  count(DISTINCT value_1) AS kinds,
  sum(CASE WHEN status = 'returned' THEN 0 ELSE amount END) AS revenue,
  max(amount) AS largest,
  round(100.0 * sum(CASE WHEN amount > {number} THEN 1 ELSE 0 END) / count(*), 1) AS share
FROM both
WHERE day IS NOT NULL
GROUP BY day, status
HAVING count(*) > 0
"""


def _in_new_process(folder: Path) -> float:
    """Processor seconds of a process that loads the project, its imports among them."""
    command = [sys.executable, "-m", "bench.project", "--load", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def _after_an_edit(folder: Path, name: str) -> float:
    """Processor seconds of loading the project again in one process, after one file was edited."""
    projects = Projects(folder, folder / ".lakewright")
    projects.load({})
    path = folder / name
    path.write_text(path.read_text("utf-8").replace("'void", "'gone"), "utf-8")
    return measuring.call(lambda: projects.load({})).cpu_seconds


def run(models: int, rounds: int) -> dict[str, float]:
    """The median of each measure, in processor seconds."""
    folder = OUT / "project-large"
    found: dict[str, list[float]] = {"cold": [], "cache": [], "edit": []}
    for number in range(rounds):
        shutil.rmtree(folder, ignore_errors=True)
        for path, text in files(models).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, "utf-8")
        found["cold"].append(_in_new_process(folder))
        found["cache"].append(_in_new_process(folder))
        found["edit"].append(_after_an_edit(folder, f"models/silver/clean_{number}.sql"))
    shutil.rmtree(folder)
    return {name: statistics.median(each) for name, each in found.items()}


def main() -> None:
    """Measure and tell."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--models", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--profile", action="store_true", help="where the time goes")
    options.add_argument("--load", type=Path, help="only load this project, and say what it took")
    given = options.parse_args()
    if given.load:
        Projects(given.load, given.load / ".lakewright").load({})
        print(time.process_time())
    elif given.profile:
        with cProfile.Profile() as profile:
            load.load(files(given.models))
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)
    else:
        print(json.dumps(run(given.models, given.rounds)))


if __name__ == "__main__":
    main()
