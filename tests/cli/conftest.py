"""One shop, loaded once, that tests look at; and a way to type commands in this process."""

import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import TypeAlias

import pytest

from lakewright.cli import app
from lakewright.cli.output import Json

CUSTOMERS = """\
customer_id,name,email,country,signed_up_at
1,Ada Berg,ada@example.com,DE,2024-11-02
2,Tony Silva,tony@example.com,br,2025-01-01
"""
ORDERS = """\
order_id,customer_id,ordered_at,updated_at,status,quantity,unit_price,note
100,1,2025-01-02 09:15:00,2025-01-02 09:15:00,new,2,19.90,
101,2,2025-01-02 10:00:00,2025-01-02 10:00:00,paid,1,250.00,"gift, please wrap"
102,1,2025-01-03 08:30:00,2025-01-03 08:30:00,new,many,5.00,
103,9,2025-01-03 08:30:00,2025-01-03 08:30:00,new,1,5.00,
"""
RETURN = """\
order_id,customer_id,ordered_at,updated_at,status,quantity,unit_price,note
101,2,2025-01-02 10:00:00,2025-01-04 16:00:00,returned,1,250.00,
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Json:
        """Its answer, which has to be one JSON value on one line."""
        (line,) = self.out.splitlines()
        value: Json = json.loads(line)
        return value

    @property
    def jsons(self) -> list[dict[str, Json]]:
        """Its answers, one on each line."""
        return [json.loads(line) for line in self.out.splitlines()]


Type: TypeAlias = Callable[..., Said]


def say(*arguments: str) -> Said:
    written, err = BytesIO(), StringIO()
    out = TextIOWrapper(written, "utf-8", newline="", write_through=True)  # It has a `buffer` too.
    with redirect_stdout(out), redirect_stderr(err):
        code = app.run(arguments)
    return Said(code=code, out=written.getvalue().decode(), err=err.getvalue())


@pytest.fixture(autouse=True)
def _away_from_any_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test stands in an empty folder; what a command says does not depend on the terminal."""
    for name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def lakewright() -> Type:
    """Type a command."""
    return say


@dataclass(frozen=True, kw_only=True, slots=True)
class Shop:
    """A loaded example project."""

    folder: Path
    uploaded: Said

    def say(self, *arguments: str) -> Said:
        """Type a command in the project."""
        return say(*arguments, "--project", str(self.folder))

    def file(self, name: str, text: str) -> str:
        """A file to deliver."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        return str(path)

    def ask(self, query: str) -> Sequence[Sequence[Json]]:
        """The rows that a query answers."""
        answer = self.say("sql", query, "--json").json
        assert isinstance(answer, dict)
        rows = answer["rows"]
        assert isinstance(rows, list)
        return rows


def open_shop(folder: Path) -> Shop:
    assert say("init", str(folder), "--example", "shop").code == 0
    names = {"customers.csv": CUSTOMERS, "orders.csv": ORDERS}
    for name, text in names.items():
        (folder / name).write_text(text, "utf-8")
    files = [str(folder / name) for name in names]
    return Shop(folder=folder, uploaded=say("upload", *files, "--project", str(folder)))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with two deliveries. Whoever has it looks, and changes nothing."""
    return open_shop(tmp_path_factory.mktemp("cli") / "shop")


@pytest.fixture
def own_shop(shop: Shop, tmp_path: Path) -> Shop:
    """A copy of the shop, to change."""
    folder = tmp_path / "shop"
    shutil.copytree(shop.folder, folder)
    assert say("relocate", "--project", str(folder)).code == 0
    return Shop(folder=folder, uploaded=shop.uploaded)
