import shlex
from pathlib import Path

from tests.cli.conftest import Type


def test_the_shop_demo_ends_with_commands_that_work(lakewright: Type, tmp_path: Path) -> None:
    said = lakewright("demo", "shop", "--rows", "1000")
    assert said.code == 0, said.err
    assert "customers.csv: loaded (source customers)\n  100 in = 100 loaded" in said.out
    assert "1,000 in = 999 loaded + 1 quarantined" in said.out
    after = said.out.partition("What to type next\n")[2].splitlines()
    commands = [shlex.split(line) for line in after if line.split()[0] == "lakewright"]
    assert [words[1] for words in commands] == ["sql", "tables", "lineage", "quarantine", "upload"]
    for words in commands[:-1]:
        assert lakewright(*words[1:], "--project", "demo/shop").code == 0
    again = lakewright("demo", "shop", "--rows", "1000")
    assert again.out == said.out, "it starts afresh, and says the same each time"


def test_a_project_that_no_demo_made_is_left_alone(lakewright: Type) -> None:
    lakewright("init", "lake")
    assert lakewright("demo", "shop", "--into", "lake").code == 6
    assert lakewright("demo", "shop", "--rows", "0").code == 2
