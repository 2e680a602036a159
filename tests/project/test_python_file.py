from collections.abc import Mapping

import pytest

from lakewright.errors import ProjectInvalid
from lakewright.project import load
from lakewright.project.model import NotNull
from lakewright.project.project import Project
from lakewright.sql import types
from tests.project.conftest import SOUND, CheckRefusal

SETTINGS = "reads: bronze.orders\ncolumns: [{name: id, type: bigint, description: Who.}]\n"
BODY = "\nraise SystemExit('nobody runs this')\n\n\ndef model(inputs):\n    return inputs\n"
SOUND_MODEL = f'"""\n{SETTINGS}"""\n{BODY}'
PATH = "models/silver/scored.py"


def project_of(text: str, more: Mapping[str, str] | None = None) -> Project:
    return load.load({**SOUND, **(more or {}), PATH: text})


def test_a_python_model_is_what_it_declares_and_is_not_run() -> None:
    project = project_of(
        f'"""\n{SETTINGS}checks:\n  - not_null: id\nengines: [embedded, spark]\n"""\n{BODY}',
        {"models/gold/ids.sql": "SELECT id FROM silver.scored\n"},
    )
    model = project.models["silver.scored"]
    assert model.query.tables == ("bronze.orders",)
    assert model.checks == (NotNull(columns=("id",)),)
    assert model.column_descriptions == (("id", "Who."),)
    assert model.function is not None
    assert model.function.engines == ("embedded", "spark")
    (column,) = project.resolved["gold.ids"].schema.fields
    assert (column.name, column.type) == ("id", types.BIGINT)
    assert tuple(project.models) == ("silver.scored", "gold.ids")


def test_settings_may_stand_in_a_leading_comment() -> None:
    lines = "".join(f"# {line}\n" for line in SETTINGS.splitlines())
    assert project_of(lines + BODY).models["silver.scored"].query.tables == ("bronze.orders",)


def test_only_what_the_code_does_makes_it_another_model() -> None:
    def fingerprint(text: str) -> str:
        return project_of(text).models["silver.scored"].query.fingerprint

    same = SOUND_MODEL.replace("def model", "# Why.\ndef   model").replace("Who.", "What.")
    assert fingerprint(same) == fingerprint(SOUND_MODEL)
    assert fingerprint(SOUND_MODEL.replace("return inputs", "return 1")) != fingerprint(SOUND_MODEL)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (SOUND_MODEL.replace("bronze.orders", "«bronze.order»"), "unknown-table", "bronze.orders"),
        (SOUND_MODEL.replace("bronze.orders", "«gold.orders»"), "layer-rule", "cannot read"),
        (SOUND_MODEL.replace("bigint", "«bigit»"), "bad-type", "bigint"),
        (SOUND_MODEL.replace("bigint", "«unknown»"), "bad-type", "has a type"),
        (SOUND_MODEL.replace("name: id", "name: «Id»"), "bad-name", "`id`"),
        (SOUND_MODEL.replace("reads:", "«wants»: x\nreads:"), "unknown-key", "wants"),
        (SOUND_MODEL.replace("return", "«r»eturn return"), "python-syntax", "invalid syntax"),
        (SOUND_MODEL.replace("def model(inputs)", "«def model»(a, b)"), "python-function", "one"),
        (SOUND_MODEL.replace('"""\n\n', 'checks: [{not_null: «ida»}]\n"""\n\n'), "unknown-column",
         "`id`"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_python_model_is_told_with_its_place(
    check_refusal: CheckRefusal, text: str, code: str, words: str
) -> None:
    if code == "python-syntax":
        text = text.replace("«r»eturn return", "return «r»eturn")
    check_refusal({PATH: text}, code, words)


def test_a_file_without_the_function_and_a_second_file_for_a_table_are_told() -> None:
    files = {
        **SOUND,
        PATH: SOUND_MODEL.replace("def model", "def other"),
        "models/silver/twice.py": SOUND_MODEL,
        "models/silver/twice.sql": "SELECT order_id FROM bronze.orders\n",
    }
    with pytest.raises(ProjectInvalid) as refused:
        load.load(files)
    told = {str(each.where): each.what for each in refused.value.problems}
    assert told["models/silver/scored.py"] == "there is no function `model`"
    assert "is made by models/silver/twice.py already" in told["models/silver/twice.sql"]
