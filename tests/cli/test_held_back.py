"""A model that does not fit what files brought stops nothing but itself, and everyone says so."""

from pathlib import Path

from tests.cli.conftest import Said, Type

WHAT = "silver.orders cannot be built: there is no column 'order_id'"


class Lake:
    """A project of three models whose sources nobody declares."""

    def __init__(self, folder: Path, say: Type) -> None:
        self._say = say
        self.folder = folder
        assert say("init", str(folder)).code == 0
        self.write("models/silver/orders.sql", "SELECT order_id FROM bronze.orders\n")
        self.write("models/gold/orders.sql", "SELECT order_id FROM silver.orders\n")
        self.write("models/silver/other.sql", "SELECT a FROM bronze.other\n")
        self.write("orders.csv", "id\n1\n2\n")
        self.write("other.csv", "a\n1\n")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def say(self, *arguments: str) -> Said:
        return self._say(*arguments, "--project", str(self.folder))

    def upload(self, name: str) -> Said:
        return self.say("upload", str(self.folder / name))


def test_a_first_file_that_a_model_does_not_fit_stops_that_model_alone(
    lakewright: Type, tmp_path: Path
) -> None:
    lake = Lake(tmp_path / "lake", lakewright)
    loaded = lake.upload("orders.csv")
    assert loaded.code == 1
    assert "orders.csv: loaded" in loaded.out
    assert "not changed: silver.orders, gold.orders" in loaded.out
    assert f"error[model-unfit]: {WHAT}" in loaded.err
    assert "models/silver/orders.sql:1:8" in loaded.err
    assert "mend the model, then `lakewright run`" in loaded.err
    steps = lake.say("runs", "show")
    assert "it reads silver.orders, which failed" in steps.out
    assert lake.upload("other.csv").code == 0
    assert lake.say("run", "silver.other").code == 0
    assert lake.say("run").code == 1


def test_what_is_held_back_is_shown_before_anything_runs(lakewright: Type, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", lakewright)
    ahead = lake.say("plan", str(lake.folder / "orders.csv"))
    assert "held back, models/silver/orders.sql:1:8: there is no column 'order_id'" in ahead.out
    assert "held back: it needs silver.orders" in ahead.out
    lake.upload("orders.csv")
    said = lake.say("validate")
    assert said.code == 0
    assert "what files have brought does not fit 1 model" in " ".join(said.out.split())
    assert f"warning: {WHAT}" in " ".join(said.err.split())
    told = lake.say("validate", "--json").json
    assert isinstance(told, dict)
    unfit, pending = told["unfit"], told["pending"]
    assert isinstance(unfit, dict)
    assert isinstance(pending, dict)
    assert (list(unfit), sorted(pending)) == (
        ["silver.orders"], ["gold.orders", "silver.orders", "silver.other"],
    )  # fmt: skip


def test_once_the_model_is_mended_the_next_run_builds_it(lakewright: Type, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", lakewright)
    lake.upload("orders.csv")
    lake.write("models/silver/orders.sql", "SELECT id AS order_id FROM bronze.orders\n")
    mended = lake.say("run")
    assert mended.code == 0
    assert "gold.orders    2 rows" in mended.out


def test_once_the_data_is_mended_the_next_upload_builds_what_was_held_back(
    lakewright: Type, tmp_path: Path
) -> None:
    lake = Lake(tmp_path / "lake", lakewright)
    lake.upload("orders.csv")
    lake.write("orders2.csv", "id,order_id\n3,30\n")
    mended = lake.say("upload", str(lake.folder / "orders2.csv"), "--source", "orders")
    assert mended.code == 0
    assert "gold.orders        3 rows" in mended.out
