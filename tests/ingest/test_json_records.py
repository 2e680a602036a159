import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.ingest import json_records
from lakewright.project.source import JsonMode

GAPS = st.one_of(
    st.text(st.sampled_from(" \t\r\n"), max_size=3),
    st.builds(lambda blank, count: blank * count, st.sampled_from(" \t"), st.integers(60, 140)),
)
VALUES = st.one_of(
    st.builds(lambda text: json.dumps({"a": [text, " , "]}), st.text(max_size=3)),
    st.sampled_from(["[]", "{}", "[1.10, -0]", '{"x": {"y": [ 1 , 2 ]}}']),
)
BETWEEN = {JsonMode.LINES: "\n", JsonMode.ARRAY: ",", JsonMode.CONCATENATED: ""}


@given(
    texts=st.lists(VALUES, min_size=1, max_size=6),
    gaps=st.lists(GAPS, min_size=14, max_size=14),
    mode=st.sampled_from([*BETWEEN]),
)
def test_records_are_found_whatever_blanks_stand_around_them(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], gaps: list[str], mode: JsonMode
) -> None:
    if mode is JsonMode.LINES:
        gaps = [gap.replace("\n", "") for gap in gaps]
    written = "[" if mode is JsonMode.ARRAY else ""
    places = []
    for number, text in enumerate(texts):
        written += BETWEEN[mode] * (number > 0) + gaps[2 * number]
        places.append(len(written.encode()))
        written += text + gaps[2 * number + 1]
    path = tmp_path_factory.mktemp("json") / "x.json"
    path.write_text(written + ("]" if mode is JsonMode.ARRAY else ""), newline="")
    found = [*json_records.read(path, 0, mode, "x.json")]
    assert [place for records in found for place in records.places] == places
    assert [raw.decode() for records in found for raw in records.raws] == texts
    assert not any(records.problems for records in found)


@pytest.mark.parametrize("mode", [*BETWEEN])
def test_records_are_found_across_blocks_with_many_blanks(tmp_path: Path, mode: JsonMode) -> None:
    text = '{"price": 1.10, "note": "' + "x" * 300 + '"}'
    between = BETWEEN[mode] + " " * 200
    written = between.join([text] * 9000)
    path = tmp_path / "x.json"
    path.write_text(f"[{written}]" if mode is JsonMode.ARRAY else written)
    places = [place for each in json_records.read(path, 0, mode, "x") for place in each.places]
    first = int(mode is JsonMode.ARRAY)
    step = len(text) + len(between)
    assert places == [first + number * step for number in range(9000)]
