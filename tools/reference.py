"""Writes the reference pages in docs/reference from the code that they describe.

    python tools/reference.py           write every page
    python tools/reference.py --check   exit 1 if a committed page differs

One function makes one page; `PAGES` names them.
"""

import ast
import dataclasses
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lakewright import errors, settings
from lakewright.cli import app
from lakewright.ingest.packing import Limits
from lakewright.ingest.zip_file import READ_BYTES_MAX
from lakewright.project import (
    document,
    documents,
    environment_documents,
    json_schema,
    mistake,
    partitioning,
    python_documents,
    reading,
    schedule_documents,
    unit_test_documents,
    variable_documents,
)
from lakewright.sql import types

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # So that a script finds its neighbour as the tests do.

from tools import reference_metrics, reference_sql  # noqa: E402

NOTE = "<!-- Written by tools/reference.py: change the code, then run `python {script}`. -->"

Json = json_schema.Json


def project_files() -> str:
    """docs/reference/project-files.md: every key of every project file."""
    parts = [
        "# Project files",
        NOTE.format(script="tools/reference.py"),
        _PROJECT_INTRODUCTION,
        "## lakewright.yaml",
        _PROJECT_EXAMPLE,
        _keys(documents.ProjectDocument),
        "### variables",
        _VARIABLES,
        _keys(variable_documents.VariableDocument),
        "### environments",
        _prose(environment_documents.EnvironmentDocument),
        _keys(environment_documents.EnvironmentDocument),
        "### `catalog`",
        _prose(environment_documents.CatalogDocument),
        _keys(environment_documents.CatalogDocument),
        "## sources/&lt;name&gt;.yaml",
        _SOURCE_EXAMPLE,
        _keys(documents.SourceDocument),
        "### columns",
        _keys(documents.ColumnDocument),
        f"Types: {_words(types.names())}.",
        "### format",
        _FORMAT,
    ]
    for look in reading.documents_in(documents.FormatDocument):
        parts += [f"#### {look.noun.removeprefix('the format ')}", _prose(look), _keys(look)]
        if look is documents.FixedWidthDocument:
            parts += ["Each item of `fields`:", _keys(documents.FixedFieldDocument)]
    parts += ["#### Archives", _ARCHIVES]
    parts += [
        "### partitioning",
        _PARTITIONING,
        _transforms(),
        "### evolution",
        _prose(documents.EvolutionDocument),
        _keys(documents.EvolutionDocument),
        "### bad_records",
        _prose(documents.BadRecordsDocument),
        _keys(documents.BadRecordsDocument),
        "## models/&lt;layer&gt;/&lt;name&gt;.sql",
        _MODEL_EXAMPLE,
        _keys(documents.ModelDocument),
        "### checks",
        _CHECKS,
    ]
    for name, field in documents.CheckDocument.model_fields.items():
        (kind,) = reading.documents_in(field.annotation)
        parts += [f"#### {name}", _prose(kind), _keys(kind)]
    parts += _other_files()
    parts += ["## Mistakes", _MISTAKES, _mistakes()]
    return "\n\n".join(parts) + "\n"


def _other_files() -> list[str]:
    """The sections of Python models, schedules and tests."""
    return [
        "## models/&lt;layer&gt;/&lt;name&gt;.py",
        _PYTHON_EXAMPLE,
        _keys(python_documents.PythonModelDocument),
        "Each item of `columns`:",
        _keys(python_documents.OutputColumnDocument),
        "## schedules/&lt;name&gt;.yaml",
        _SCHEDULE_EXAMPLE,
        _keys(schedule_documents.ScheduleDocument),
        "### fetch",
        _prose(schedule_documents.FetchDocument),
        _keys(schedule_documents.FetchDocument),
        "## tests/&lt;name&gt;.yaml",
        _TEST_EXAMPLE,
        _keys(unit_test_documents.UnitTestsDocument),
        "### tests",
        _keys(unit_test_documents.UnitTestDocument),
        "### expect",
        _prose(unit_test_documents.ExpectDocument),
        _keys(unit_test_documents.ExpectDocument),
    ]


_PROJECT_INTRODUCTION = """\
A project is a folder with a file `lakewright.yaml`. Beside it, `sources/<name>.yaml` declares the
kinds of files that may arrive, and `models/silver/<name>.sql` and `models/gold/<name>.sql` the
tables that are made from them; `schedules/<name>.yaml` says what is done at which times, and
`tests/<name>.yaml` holds unit tests of models. A table is named by its file:
`models/gold/daily_revenue.sql` makes `gold.daily_revenue`.

The files are YAML 1.2 in the plain form that people write: keys, lists and texts. Anchors, tags
and several documents in one file are refused. A text needs quotes only where YAML would read it as
something else; `no`, `1.10` and `2024-01-31` stay what they are. `lakewright validate` tells every
mistake in a project at once, and `lakewright schema` prints JSON Schemas for editors."""

_PROJECT_EXAMPLE = """\
```yaml
name: shop
description: Orders and customers of a small shop.
environments:
  local:
    storage: .lakewright
    threads: 2
    memory_limit: 2GB
```"""

_SOURCE_EXAMPLE = """\
The file's stem is the source's name: `sources/orders.yaml` declares `orders`, whose records go to
`bronze.orders` and, where they break the contract, to `quarantine.orders`.

```yaml
description: Orders as the shop exports them.
match: "orders*.csv"
format: {type: csv, delimiter: ";", decimal_separator: ","}
null_words: ["", NA]
columns:
  - {name: order_id, type: bigint, required: true, source_name: "Order ID"}
  - {name: ordered_at, type: timestamp_ntz, format: "dd.MM.yyyy HH:mm"}
  - {name: price, type: "decimal(12,2)", description: In euros.}
key: order_id
partitioning: [month(ordered_at), "bucket(16, order_id)"]
evolution: {new_columns: evolve, missing_columns: freeze}
bad_records: {share_max: 0.01, count_max: 100}
```"""

_MODEL_EXAMPLE = """\
One SELECT in portable SQL. Its settings are YAML in the file's first comment, `/* ... */` or lines
that begin with `--`; other comments go below. A silver model reads bronze, quarantine and silver
tables, a gold model gold ones too.

```sql
/*
description: One row for each order, in its newest version.
write: merge
key: order_id
latest_by: updated_at
checks:
  - not_null: [order_id, customer_id]
  - accepted_values: {column: status, values: [new, paid], severity: warn}
  - expression: "quantity * unit_price >= 0"
columns:
  order_id: The order's number.
*/
SELECT order_id, customer_id, updated_at, status, quantity, unit_price FROM bronze.orders
```"""

_SCHEDULE_EXAMPLE = """\
Something that `lakewright worker` does by itself; the [guide](../guides/schedules.md) tells what
happens around daylight saving time, and to ticks that nobody was there for.

```yaml
description: The gold tables, before the office opens.
cron: "15 6 * * *"
time_zone: Europe/Berlin
missed: latest
jitter: 5m
run: [gold.daily_revenue]
```

```yaml
description: What the shop puts into its bucket.
cron: "*/10 * * * *"
fetch: {source: orders, from: "s3://shop-exports/orders/*.csv"}
```"""

_VARIABLES = """\
Each by its name. A model reads it as `:name`: a value beside the query and never a part of its
text, so `WHERE amount >= :minimum_amount` means the same whatever it holds. When its value has
changed, the models that read it are built in full. `lakewright run --var NAME=VALUE` sets it for
one run; the next run without it builds those models back.

```yaml
variables:
  minimum_amount: {type: "decimal(12,2)", value: 10.00, environments: {dev: 0}}
```"""

_PYTHON_EXAMPLE = """\
A function where a SELECT will not do, as an escape: `model(inputs)` returns the table. Its settings
are YAML in the file's docstring, or in `#` lines at its start. Loading a project never runs it, so
they declare what it reads and returns; the [guide](../guides/models-and-checks.md) tells more.

```python
\"\"\"
description: One row for each customer, with the longest time between two orders.
reads: silver.orders
columns:
  - {name: customer_id, type: bigint}
  - {name: longest_pause_days, type: int, description: Null for a single order.}
checks:
  - unique: customer_id
\"\"\"


def model(inputs):
    orders = inputs.relation("silver.orders")
    ...
```

| `inputs` | gives |
| --- | --- |
| `inputs.arrow("silver.orders")` | the table as an Arrow table |
| `inputs.relation("silver.orders")` | the table as a DuckDB relation |
| `inputs.names` | the tables that may be read |

It returns an Arrow table, a `RecordBatchReader` or a DuckDB relation, with exactly the declared
columns in any order. It runs in a process without a network; pandas cannot be imported there."""

_TEST_EXAMPLE = """\
Unit tests of one model, which `lakewright test` runs; the [guide](../guides/testing-models.md)
shows how. A value is written as its column's type wants it: `2026-01-31`, `2026-01-31T08:30:00`
(with `Z` or another zone for a `timestamp`, else it is in UTC), `true`, `[a, b]` for an array,
`{key: value}` for a map or struct, base64 for bytes; `~` and `null` are null, `"null"` is a text.
What is no value of its column's type is a mistake in the file.

```yaml
model: silver.orders
tests:
  newest_version_of_an_order_wins:
    given:
      bronze.orders:
        - {order_id: 1, updated_at: 2026-01-31T08:00:00, status: new}
        - {order_id: 1, updated_at: 2026-01-31T09:00:00, status: paid}
    expect:
      - {order_id: 1, status: paid}
  unknown_status_is_not_published:
    given:
      bronze.orders: [{order_id: 1, status: lost}]
    expect: {failed_checks: [accepted_values(status)]}
```"""

_FORMAT = """\
One word (`csv`, `json`, `parquet`, `excel`, `fixed_width`), or a mapping with `type` and the keys
below."""

_ARCHIVES = f"""\
A ZIP file or tar archive, packed as a whole with gzip or zstd or not, is one upload; it is known by
its bytes. The files in it are read one after the other as if they had come so: each is held to the
contract, their columns are matched by name, and if one of them cannot be read or is refused,
nothing of the archive is loaded. A row's `_source_file` is `archive.zip/file.csv`, and records are
numbered on from file to file. However many small files there are, the table gets few data files.

All files are of one format: an archive of CSV and JSON is refused, with the formats named, as
nobody can say which of them are meant; `members: "*.csv"` says it. Within its format each file may
be written in its own way: delimited files in several dialects, workbooks with several sheets,
Parquet files with several schemas. A column's type is what the values of all files fit, by the
source's evolution policy.

Hidden files (`__MACOSX`, names that begin with a dot), marks of programs (`_SUCCESS`, `Thumbs.db`)
and documents about the data (`README`, `LICENSE`, `*.md`) are left out, which the upload's evidence
says. Links, devices and empty files are left out too, and make the upload suspect. Refused as a
whole: a path that is absolute or holds `..`, a file that is encrypted, two files of one name, files
with different endings unless `members` says which are meant, damage anywhere.

- At most {Limits().members_max:,} files: each takes some milliseconds, however small it is.
- At most {Limits().nesting_max} archives in one another: archives of archives are usual, more
  levels are made to do harm.
- A list of members of {READ_BYTES_MAX // 2**20} MiB: it is read at once, before anything else.
- What all files together unpack to, beside the delivered file, is limited by the
  [settings](settings.md) `LAKEWRIGHT_UNPACKED_SIZE_MAX_BYTES` and
  `LAKEWRIGHT_UNPACKED_RATIO_MAX`."""

_PARTITIONING = """\
A text or a list of texts. Each cuts the table by one column, as it is or by a transform of the
Iceberg specification."""

_CHECKS = """\
A list; each item has one key, the check's name, with a mapping of the keys below. The shorter
`not_null: [a, b]`, `unique: order_id` and `expression: "amount >= 0"` are understood too."""

_MISTAKES = """\
Every mistake is shown with its code, file, line and column, the reason and the way out. Mistakes
in a SELECT have the code `sql-refused`."""


def _keys(kind: type[document.Document]) -> str:
    """A table of a document's keys."""
    schema = _mapping(json_schema.schema(kind))
    properties = _mapping(schema.get("properties"))
    definitions = _mapping(schema.get("$defs", {}))
    required = schema.get("required")
    inherited = [name for base in kind.__bases__ for name in getattr(base, "model_fields", ())]
    rows = []
    for name in sorted(properties, key=lambda name: name in inherited):
        each = _mapping(properties[name])
        is_required = isinstance(required, Sequence) and name in required
        default = "**required**" if is_required else _default(each.get("default"))
        meaning = str(each.get("description", ""))
        rows.append((f"`{name}`", _takes(each, definitions), default, meaning))
    return _table(("key", "takes", "default", "meaning"), rows)


def _mapping(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise TypeError(f"a mapping is expected, not {value!r}")
    return value


def _default(value: Json) -> str:
    if value in (None, "", {}, []) or isinstance(value, (Mapping, list)):
        return ""
    return f"`{'true' if value is True else 'false' if value is False else value}`"


_SIMPLE = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
}


def _takes(schema: Mapping[str, Json], definitions: Mapping[str, Json]) -> str:
    """What a key takes, in words."""
    found = schema
    if "$ref" in schema:
        found = _mapping(definitions[str(schema["$ref"]).rpartition("/")[2]])
    ways = found.get("anyOf", found.get("oneOf"))
    if isinstance(ways, Sequence) and not isinstance(ways, str):
        told = dict.fromkeys(_takes(_mapping(way), definitions) for way in ways)
        return " or ".join(told)
    if "const" in found:
        return f"`{found['const']}`"
    options = found.get("enum")
    if isinstance(options, Sequence):
        return ", ".join(f"`{option}`" for option in options)
    kind = found.get("type")
    if isinstance(kind, Sequence) and not isinstance(kind, str):
        return "text or list of texts" if "array" in kind else "text as written"
    if kind == "array":
        inner = _takes(_mapping(found["items"]), definitions)
        return "list of texts" if inner.startswith("text") else f"list of {inner}"
    if kind == "object":
        return "mapping"
    return _SIMPLE.get(str(kind), "text")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def _prose(kind: type[document.Document]) -> str:
    return inspect.cleandoc(kind.__doc__ or "")


def _words(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _transforms() -> str:
    written = {"identity": "column", "bucket": "bucket(16, column)",
               "truncate": "truncate(4, column)"}  # fmt: skip
    rows = []
    for transform, kinds in partitioning.TYPES.items():
        names = [str(kind) for kind in kinds]
        if transform in partitioning.OF_DECIMALS:
            names.append("decimal")
        text = written.get(transform.value, f"{transform.value}(column)")
        rows.append((f"`{text}`", _words(names)))
    return _table(("written", "column types"), rows)


def _mistakes() -> str:
    meanings = _member_docstrings(mistake.Mistake)
    return _table(
        ("code", "meaning"),
        [(f"`{each.value}`", meanings[each.name]) for each in mistake.Mistake],
    )


def _member_docstrings(kind: type) -> dict[str, str]:
    """The docstring below each member of an enumeration, or each field of a dataclass."""
    (body,) = ast.parse(inspect.getsource(kind)).body
    if not isinstance(body, ast.ClassDef):
        raise TypeError(f"{kind} is no class")
    found: dict[str, str] = {}
    for member, text in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(member, ast.Assign | ast.AnnAssign)
            and isinstance(name := _target(member), ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            found[name.id] = " ".join(str(text.value.value).split())
    return found


def _target(assigned: ast.Assign | ast.AnnAssign) -> ast.expr:
    return assigned.target if isinstance(assigned, ast.AnnAssign) else assigned.targets[0]


def commands() -> str:
    """docs/reference/cli.md: what every command says of itself."""
    parts = ["# Commands", NOTE.format(script="tools/reference.py"), _COMMANDS]
    for name, verb in app.COMMANDS.items():
        parts += [f"## lakewright {name}", _help(name)]
        for subname, _ in verb.subcommands:
            parts += [f"### lakewright {name} {subname}", _help(name, subname)]
    return "\n\n".join(parts) + "\n"


_COMMANDS = """\
Results go to stdout, progress and problems to stderr. `--project` and `--json` are understood by
every command; [JSON output](json-output.md) has the shapes, [errors](errors.md) the exit codes.
Without a terminal there are no bars and no colours; nothing ever asks a question."""


def _help(*words: str) -> str:
    """A command's help page, 90 letters wide."""
    import io

    from rich.console import Console

    text = io.StringIO()
    line = app.build()
    app.load_subcommands(line, words)
    line.help_print(list(words), console=Console(file=text, width=90, color_system=None))
    lines = (each.rstrip() for each in text.getvalue().strip().splitlines())
    return "```text\n" + "\n".join(lines) + "\n```"


def settings_page() -> str:
    """docs/reference/settings.md: every setting of a process."""
    meanings = _member_docstrings(settings.Settings)
    rows = [
        (
            f"`{settings.PREFIX}{field.name.upper()}`",
            "text" if field.type is str else "whole number",
            f"`{field.default}`",
            meanings[field.name],
        )
        for field in dataclasses.fields(settings.Settings)
    ]
    return "\n\n".join(
        (
            "# Settings",
            NOTE.format(script="tools/reference.py"),
            _SETTINGS,
            _table(("variable", "takes", "default", "meaning"), rows),
            "Besides, `NO_COLOR` turns colours off, and `COLUMNS` says how wide the terminal is.\n",
        )
    )


_SETTINGS = """\
What belongs to a process is an environment variable. What belongs to one project (where its tables
lie, how many threads) stands in its [lakewright.yaml](project-files.md#environments)."""


def errors_page() -> str:
    """docs/reference/errors.md: every kind of error, and every exit code."""
    kinds = errors.kinds()
    rows = [
        (f"`{kind.code}`", str(kind.exit_code), "yes" if kind.is_transient else "", _prose_of(kind))
        for kind in kinds.values()
        if kind is not errors.LakewrightError
    ]
    return "\n\n".join(
        (
            "# Errors and exit codes",
            NOTE.format(script="tools/reference.py"),
            _ERRORS,
            _table(("code", "exit", "tried again", "meaning"), rows),
            "## Exit codes",
            _table(("code", "meaning"), _EXIT_CODES),
            _JSON_ERRORS,
        )
    )


_ERRORS = """\
An error says what failed, where (file, line, column), why, and what to do (`hint`). Its code stands
in brackets: `error[not-found]`. What is tried again is tried by the run itself, a limited number of
times. Mistakes in a project's files have [codes of their own](project-files.md#mistakes)."""

_EXIT_CODES = (
    ("0", "all went well"),
    ("1", "a run failed, or a file could not be loaded"),
    ("2", "the command, the project or a query makes no sense as it is"),
    ("3", "with `--strict`: a record was quarantined, or a file is suspect"),
    ("5", "something that was named does not exist"),
    ("6", "it does not fit the present state, or someone else holds it"),
    ("70", "a mistake of ours: please report it, with the file that the message names"),
    ("130", "interrupted by Ctrl-C; the message names the command that goes on"),
)

_JSON_ERRORS = """\
4 and 7 are kept free for what a server may answer. With `--json`, an error is one object on stdout:
[JSON output](json-output.md#errors).
"""


def _prose_of(kind: type) -> str:
    return " ".join(inspect.cleandoc(kind.__doc__ or "").split())


PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference/project-files.md": project_files,
    "docs/reference/cli.md": commands,
    "docs/reference/settings.md": settings_page,
    "docs/reference/errors.md": errors_page,
    "docs/reference/metrics.md": reference_metrics.page,
    "docs/reference/portable-sql.md": reference_sql.portable_sql,
}


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or compare them."""
    stale = []
    for path, page in PAGES.items():
        text, file = page(), ROOT / path
        if "--check" in arguments:
            if not file.exists() or file.read_text(encoding="utf-8") != text:
                stale.append(path)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{path} differs from the code: run `python tools/reference.py`")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
