"""What `--format` takes and refuses, and what becomes of the rest of a format."""

import pytest

from lakewright import errors
from lakewright.project import format_override
from lakewright.project.source import (
    Compression,
    Csv,
    Dialect,
    Excel,
    FixedField,
    FixedWidth,
    Format,
    FormatOverride,
    Json,
    JsonMode,
    Parquet,
)

SEMICOLON = Csv(dialect=Dialect(delimiter=";", has_header=False, encoding="windows-1252"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], None),
        (["auto"], {}),
        (["delimiter=;"], {"delimiter": ";"}),
        (["delimiter=="], {"delimiter": "="}),
        (["delimiter=\t", "quote="], {"delimiter": "\\t", "quote": ""}),
        (["type=json", "mode=lines"], {"type": "json", "mode": "lines"}),
        (["widths=[3, 5]"], {"widths": "[3, 5]"}),
    ],
)
def test_each_word_says_one_key(words: list[str], said: FormatOverride | None) -> None:
    assert format_override.parse(words) == said


@pytest.mark.parametrize(
    ("words", "what", "why", "hint"),
    [
        (["delimeter=;"], "unknown key `delimeter`", "`delimiter`, `quote`", "mean `delimiter`?"),
        (["colour=red"], "unknown key `colour`", "a format takes", ""),
        (["header=maybe"], "`header` cannot be `maybe`", "`true` or `false`", ""),
        (["decimal_separator=;"], "`decimal_separator` cannot be `;`", "`.` and `,`", ""),
        (["encoding=klingon"], "`encoding` is wrong", "usual ones are utf-8", ""),
        (["skip_lines=-1"], "`skip_lines` cannot be `-1`", "at least 0", ""),
        (["type=cvs"], "`type` cannot be `cvs`", "`csv`, `json`", "mean `csv`?"),
        (["mode=linse"], "`mode` cannot be `linse`", "`lines`", "mean `lines`?"),
        (["type=json", "delimiter=;"], "unknown key `delimiter`", "`json`", "type=csv"),
        (["sheet=2", "quote='"], "`sheet` and `quote` do not go", "`sheet` is one of `excel`", ""),
        (["delimiter=;", "quote=;"], "do not go together", "cannot be the delimiter", ""),
        (["widths=[3, x]"], "item 2 of `widths` cannot be `x`", "whole number", ""),
        (["widths=[3, {]"], "not YAML", "", ""),
        (["csv"], "csv is no KEY=VALUE", "", "--format type=csv"),
        (["auto", "header=true"], "auto is no KEY=VALUE", "", "stands alone"),
        (["header=true", "header=false"], "`header` twice", "", "keep one"),
    ],
)
def test_what_is_wrong_is_told_in_the_words_of_a_sources_file(
    words: list[str], what: str, why: str, hint: str
) -> None:
    with pytest.raises(errors.UsageError) as refused:
        format_override.parse(words)
    told = refused.value
    assert what in told.what
    assert told.what.startswith("--format")
    assert why in told.why
    assert hint in told.hint


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(errors.UsageError) as refused:
        format_override.parse(["header=maybe", "encoding=klingon"])
    assert [problem.code for problem in refused.value.problems] == ["usage", "usage"]


@pytest.mark.parametrize(
    ("source", "said", "settled"),
    [
        (SEMICOLON, {}, SEMICOLON),
        (None, {}, None),
        (None, {"delimiter": "\\t"}, Csv(dialect=Dialect(delimiter="\t"))),
        (None, {"type": "parquet"}, Parquet()),
        (None, {"mode": "lines"}, Json(mode=JsonMode.LINES)),
        (None, {"header": "false"}, None),
        (
            SEMICOLON,
            {"delimiter": "|"},
            Csv(dialect=Dialect(delimiter="|", has_header=False, encoding="windows-1252")),
        ),
        (
            SEMICOLON,
            {"type": "csv", "header": "true"},
            Csv(dialect=Dialect(delimiter=";", has_header=True, encoding="windows-1252")),
        ),
        (SEMICOLON, {"type": "excel", "sheet": "2"}, Excel(sheet="2")),
        (
            Csv(dialect=Dialect(header_rows=1, is_trimmed=True), compression=Compression.GZIP),
            {"members": "[a*.csv, b.csv]"},
            Csv(
                dialect=Dialect(header_rows=1, is_trimmed=True),
                compression=Compression.GZIP,
                members=("a*.csv", "b.csv"),
            ),
        ),
        (
            FixedWidth(fields=(FixedField(start=0, width=3),), encoding="latin-1"),
            {"fields": "[{name: a, width: 2}, {name: b, start: 4, width: 1}]"},
            FixedWidth(
                fields=(
                    FixedField(start=0, width=2, name="a"),
                    FixedField(start=3, width=1, name="b"),
                ),
                has_header=False,
                encoding="latin-1",
            ),
        ),
    ],
)
def test_what_is_not_said_comes_from_the_source(
    source: Format | None, said: FormatOverride, settled: Format | None
) -> None:
    assert format_override.settled(source, said) == settled


@pytest.mark.parametrize(
    ("source", "said", "what", "hint"),
    [
        (Json(), {"delimiter": ";"}, "unknown key `delimiter`", "--format type=csv"),
        (SEMICOLON, {"quote": ";"}, "do not go together", ""),
    ],
)
def test_what_does_not_go_with_the_source_is_refused(
    source: Format, said: FormatOverride, what: str, hint: str
) -> None:
    with pytest.raises(errors.UsageError, match=what) as refused:
        format_override.settled(source, said)
    assert hint in refused.value.hint


def test_what_every_reading_of_a_file_would_share_is_known_before_it_is_looked_at() -> None:
    said = {"compression": "gzip", "members": "*.csv"}
    assert format_override.settled(None, said) is None
    packed = format_override.envelope(None, said)
    assert (packed.compression, packed.members) == (Compression.GZIP, ("*.csv",))
    assert format_override.over(Json(), said).members == ("*.csv",)


@pytest.mark.parametrize("key", ["header", "skip_lines", "encoding", "comment"])
def test_a_key_that_leaves_the_format_open_is_one_of_delimited_text(key: str) -> None:
    """So `envelope` can always tell how a file is packed."""
    said = {key: {"header": "true", "skip_lines": "1", "encoding": "utf-8"}.get(key, "#")}
    assert format_override.settled(None, said) is None
    assert isinstance(format_override.envelope(None, said), Csv)
